# SPDX-License-Identifier: GPL-3.0-or-later
"""A feed is RSS 2.0, says what happened and nothing else, and counts only what is still to do. Runs without Blender."""

from __future__ import annotations

import time
from dataclasses import replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import feedparser
import pytest
from unit.dispatch.house import House, make_job
from unit.reactions.batch_facts import batch_facts, failed_job, job_facts

from batchserver.model.records import Times
from batchserver.model.status import BatchStatus, JobStatus
from batchserver.reactions.feed_style import MARK
from batchserver.reactions.feed_text import feed_text, item_id
from batchserver.reactions.feed_words import percent, progress_line
from batchserver.reactions.gathering import Gathering

HERE = Path("/films/feed.rss")
NOW = 2000.0
OPEN = [job_facts(0), job_facts(1, "Next", JobStatus.RUNNING, times=Times(1500.0), done=4), job_facts(2, "Last", JobStatus.QUEUED, times=Times(), done=0)]
OTHERS = [
    failed_job(3), job_facts(4, "Off", JobStatus.DISABLED, times=Times(), total=0, done=0),
    job_facts(5, "Gone", JobStatus.CANCELLED, times=Times(1100.0, 1200.0), done=3),
]  # fmt: skip
RUNNING = batch_facts(*OPEN, *OTHERS, status=BatchStatus.RUNNING, times=Times(1000.0), server="http://127.0.0.1:7777", created=900.5, remaining_seconds=720.0)


def parsed(batch: Any, pictures: dict[int, str] | None = None) -> tuple[Any, Any]:
    """Read a feed as feedparser and as an XML reader do."""
    text = feed_text(batch, HERE, NOW, pictures or {}, time.gmtime)
    found = feedparser.parse(text)
    assert not found.bozo, found.get("bozo_exception")
    assert found.version == "rss20"
    return found, ElementTree.fromstring(text)


def test_there_is_an_item_for_each_job_with_its_state_and_settings() -> None:
    job = replace(OPEN[0].job, scene="Kitchen", camera="Wide", engine="CYCLES", size=(1920, 1080), percentage=50, cycles_samples=128, format="PNG")
    found, _ = parsed(batch_facts(replace(OPEN[0], job=job), *OPEN[1:], *OTHERS))
    assert [item.tags[0].term for item in found.entries] == ["FINISHED", "RUNNING", "QUEUED", "FAILED", "DISABLED", "CANCELLED"]
    assert "scene Kitchen, camera Wide, frames 1-10, CYCLES, 1920 x 1080 at 50 %, 128 samples, PNG" in found.entries[0].summary
    assert found.entries[1].title == "Next: running, 4 of 10 frames"
    assert "Blender ran out of memory. Use smaller textures." in found.entries[3].summary


def test_it_keeps_the_rules_of_rss() -> None:
    _, root = parsed(RUNNING, {0: "feed.rss.pictures/7-0.png"})
    assert (root.tag, root.attrib["version"]) == ("rss", "2.0")
    (channel,) = root
    for holder in (channel, *channel.iter("item")):
        plain = [child.tag for child in holder if not child.tag.startswith("{") and child.tag not in ("item", "category")]
        assert len(plain) == len(set(plain)), plain
        assert {"title", "link", "description"} <= set(plain)
        assert urlsplit(holder.findtext("link") or "").scheme in ("http", "file")
        assert set(plain) <= {"title", "link", "description", "language", "lastBuildDate", "ttl", "generator", "pubDate", "guid", "enclosure"}
    ids = list(channel.iter("guid"))
    assert len({guid.text for guid in ids}) == 6
    assert {guid.attrib["isPermaLink"] for guid in ids} == {"false"}
    assert parsedate_to_datetime(channel.findtext("lastBuildDate") or "").timestamp() == NOW


def test_only_what_happened_has_a_date() -> None:
    _, root = parsed(RUNNING)
    dates = [item.findtext("pubDate") for item in root.iter("item")]
    told = [parsedate_to_datetime(date).timestamp() if date else None for date in dates]
    assert told == [1100.0, 1500.0, None, 1100.0, None, 1200.0]


def test_an_item_keeps_its_id_while_its_job_goes_on_and_shares_it_with_no_other() -> None:
    later = replace(RUNNING, status=BatchStatus.FINISHED, times=Times(1000.0, 3000.0))
    assert item_id(RUNNING, 1) == item_id(later, 1)
    assert len({item_id(RUNNING, 1), item_id(RUNNING, 2), item_id(replace(RUNNING, created=901.0), 1), item_id(replace(RUNNING, id=8), 1)}) == 4


def test_progress_counts_jobs_that_are_over_as_done_and_switched_off_ones_not_at_all() -> None:
    assert percent(RUNNING) == 100 * (10 + 4 + 0 + 10 + 10) // 50
    assert percent(batch_facts(OPEN[2], times=Times())) == 0
    assert percent(batch_facts(failed_job(0), OTHERS[1])) == 100
    assert progress_line(RUNNING, NOW, time.gmtime) == "21 of 50 frames, 3 of 5 jobs over, about 12 min 00 s left, until 1970-01-01 00:45"
    over = replace(RUNNING, jobs=(OPEN[0], *OTHERS))
    assert "left" not in progress_line(over, NOW, time.gmtime)


def test_the_estimate_is_of_what_is_still_to_do(tmp_path: Path) -> None:
    house = House(tmp_path)
    gather = Gathering(house.dispatcher)
    off = {"enabled": False}
    batch = house.run(*(make_job(tmp_path, index, frames=tuple(range(1, 5)), **(off if index == 1 else {})) for index in range(4)))
    house.render(house.lease(), 1, 2)
    alone = gather(batch.record.id)
    assert alone is not None
    a_frame = 0.75  # 0.5 and 1 second
    assert alone.remaining_seconds == pytest.approx(10 * a_frame)  # two frames of job 0, four of jobs 2 and 3, none of job 1
    house.dispatcher.cancel_job(batch, batch.jobs[2])
    house.now += 1  # guesses are kept for half a second
    left = gather(batch.record.id)
    assert left is not None
    assert left.remaining_seconds == pytest.approx(6 * a_frame)
    house.dispatcher.close()
    house.ledger.close()


def test_names_cannot_break_out_of_it() -> None:
    evil = "</title><script>alert(1)</script>\x00\x1b[2J\ud800&"
    found, root = parsed(batch_facts(job_facts(0, evil, messages=(evil,)), name=evil, messages=(evil,)), {0: 'x"><script>'})
    assert "script" not in {child.tag.rpartition("}")[2] for child in root.iter()}
    assert "<script" not in found.entries[0].summary


def test_a_browser_finds_its_style_and_looks_again_while_it_renders() -> None:
    text = feed_text(RUNNING, HERE, NOW, {0: "feed.rss.pictures/7-0.png"}, time.gmtime)
    assert MARK in text[:200]
    assert b'<?xml-stylesheet href="data:text/css;base64,' in text
    assert b'http-equiv="refresh"' in text
    assert b'src="feed.rss.pictures/7-0.png"' in text
    assert b'http-equiv="refresh"' not in feed_text(batch_facts(), HERE, NOW, {})


def test_the_newest_picture_is_enclosed_while_it_is_there(tmp_path: Path) -> None:
    picture = tmp_path / "a b.png"
    batch = batch_facts(job_facts(0, pictures=(picture,)))
    assert parsed(batch)[1].find(".//enclosure") is None
    picture.write_bytes(b"12345")
    enclosure = parsed(batch)[1].find(".//enclosure")
    assert enclosure is not None
    assert enclosure.attrib == {"url": picture.as_uri(), "length": "5", "type": "image/png"}
