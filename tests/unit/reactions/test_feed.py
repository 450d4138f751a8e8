# SPDX-License-Identifier: GPL-3.0-or-later
"""Feeds are written soon, not often, and once more at the end; they take the place of feeds only. Runs without Blender."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import feedparser
import pytest
from unit.dispatch.house import png
from unit.reactions.batch_facts import FINISHED, batch_facts, job_facts

from batchserver.cli.data_folder import DataFolder
from batchserver.cli.wiring import BatchServer, Settings
from batchserver.model.events import Event, EventKind
from batchserver.model.status import BatchStatus
from batchserver.reactions.facts import BatchFacts, ReactionProblem
from batchserver.reactions.feed import Feeds
from batchserver.reactions.feed_pictures import FeedPictures
from batchserver.reactions.feed_style import MARK
from batchserver.recipe import load_recipe

DONE = Event(EventKind.FRAME_DONE, 1500.0, 7, 0, 3)


@dataclass
class Desk:
    """Feeds of batch 7, whose facts a test changes."""

    path: Path
    trusted: bool = True
    said: list[str] = field(default_factory=list)
    gathered: int = 0
    every: float = 0.0

    def __post_init__(self) -> None:
        self.status = BatchStatus.RUNNING
        self.feeds = Feeds(self.gather, lambda _, sentence: self.said.append(sentence), lambda batch: batch == 7, every=self.every)

    def gather(self, number: int) -> BatchFacts | None:
        self.gathered += 1
        return self.facts() if number == 7 else None

    def facts(self) -> BatchFacts:
        return batch_facts(job_facts(0), status=self.status, trusted=self.trusted, reactions={"rss": {"enabled": True, "path": str(self.path)}})

    def problem(self) -> str:
        with pytest.raises(ReactionProblem) as raised:
            self.feeds.react(FINISHED, self.facts())
        return str(raised.value)


def soon(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_an_event_is_soon_in_the_feed_and_the_end_at_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "deep" / "feed.rss")
    desk.feeds.start()
    desk.feeds(DONE)
    soon(desk.path.exists)
    assert b"shot.blend: rendering" in desk.path.read_bytes()
    desk.status = BatchStatus.FINISHED
    assert desk.feeds.wants(FINISHED, desk.facts())
    desk.feeds.react(FINISHED, desk.facts())
    assert b"shot.blend: finished" in desk.path.read_bytes()
    desk.feeds.close()
    assert [path.name for path in desk.path.parent.iterdir()] == ["feed.rss"]
    assert not desk.said


def test_many_events_are_one_write_and_what_came_late_is_written_too(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "feed.rss", every=0.3)
    desk.feeds.start()
    desk.feeds(DONE)
    soon(lambda: desk.gathered == 1)
    for _ in range(500):
        desk.feeds(DONE)
    time.sleep(0.1)
    assert desk.gathered == 1
    soon(lambda: desk.gathered == 2)
    time.sleep(0.4)
    assert desk.gathered == 2
    desk.feeds.close()


def test_closing_writes_what_is_due(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "feed.rss", every=3600.0)
    desk.feeds.start()
    desk.feeds(DONE)
    soon(desk.path.exists)
    desk.status = BatchStatus.CANCELLED
    desk.feeds(DONE)
    desk.feeds.close()
    assert b"shot.blend: cancelled" in desk.path.read_bytes()
    desk.feeds(DONE)
    desk.feeds.close()


def test_a_batch_without_a_feed_is_not_read(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "feed.rss")
    desk.feeds.start()
    desk.feeds(replace(DONE, batch=8))
    desk.feeds(Event(EventKind.POWER_COUNTDOWN, 1.0, 7))
    desk.feeds.close()
    assert desk.gathered == 0
    assert not desk.feeds.wants(FINISHED, batch_facts(reactions={"rss": {"enabled": False, "path": "/x"}}))
    assert not desk.feeds.wants(FINISHED, batch_facts(reactions={"rss": None}))


def test_what_is_no_feed_is_never_written_over(tmp_path: Path) -> None:
    precious = tmp_path / "notes.rss"
    precious.write_text("<rss>my own</rss>")
    assert "a file is there that is no feed of Render+" in Desk(precious).problem()
    assert precious.read_text() == "<rss>my own</rss>"
    link = tmp_path / "link.rss"
    link.symlink_to(precious)
    assert "no feed of Render+" in Desk(link).problem()
    assert precious.read_text() == "<rss>my own</rss>"
    assert "it is a folder" in Desk(tmp_path).problem()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.rss")
        assert "is no plain file" in Desk(tmp_path / "pipe.rss").problem()


def test_a_link_to_a_feed_is_followed(tmp_path: Path) -> None:
    real, link = tmp_path / "real.rss", tmp_path / "link.rss"
    link.symlink_to(real)
    for _ in range(2):
        desk = Desk(link)
        desk.feeds.react(FINISHED, desk.facts())
    assert link.is_symlink()
    assert MARK in real.read_bytes()


def test_a_path_that_cannot_be_written_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    desk = Desk(tmp_path / "file" / "feed.rss")
    desk.feeds.start()
    for wanted in (1, 2, 3):
        desk.feeds(DONE)
        soon(lambda wanted=wanted: desk.gathered >= wanted)  # type: ignore[misc]
    soon(lambda: bool(desk.said))
    desk.feeds.react(FINISHED, desk.facts())
    desk.feeds.close()
    assert len(desk.said) == 1
    assert desk.said[0].startswith(f"The feed {desk.path} could not be written: ")
    assert desk.said[0].endswith("; name another file in settings.rss.path")


@pytest.mark.parametrize(("path", "sentence"), [("", "The feed has no file"), ("feed.rss", "its path is not a full one")])
def test_a_path_that_says_too_little_is_named(path: str, sentence: str) -> None:
    feeds = Feeds(lambda _: batch_facts(reactions={"rss": {"enabled": True, "path": path}}), lambda *_: None, lambda _: True)
    with pytest.raises(ReactionProblem, match=sentence):
        feeds.react(FINISHED, batch_facts())


def test_a_stranger_names_no_file_that_a_shell_would_read(tmp_path: Path) -> None:
    assert "without the owner's token" in Desk(tmp_path / ".profile", trusted=False).problem()
    for name in ("feed.rss", "feed.XML"):
        desk = Desk(tmp_path / name, trusted=False)
        desk.feeds.react(FINISHED, desk.facts())
        assert desk.path.exists()
    (tmp_path / "link.rss").symlink_to(tmp_path / ".profile")
    assert "without the owner's token" in Desk(tmp_path / "link.rss", trusted=False).problem()
    assert not (tmp_path / ".profile").exists()


def test_what_a_killed_server_left_half_written_goes(tmp_path: Path) -> None:
    old, young, other = (tmp_path / name for name in (".feed.rss.1-a.renderplus-new", ".feed.rss.2-b.renderplus-new", ".other.rss.1-a.renderplus-new"))
    for path in (old, young, other):
        path.write_text("half")
    for path in (old, other):
        os.utime(path, (1.0, 1.0))
    desk = Desk(tmp_path / "feed.rss")
    desk.feeds.react(FINISHED, desk.facts())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([young.name, other.name, "feed.rss"])


def test_an_event_under_the_dispatchers_lock_never_waits_for_a_write(tmp_path: Path) -> None:
    lock, writing = threading.RLock(), threading.Event()

    def gather(number: int) -> BatchFacts:
        writing.set()
        with lock:
            return batch_facts(reactions={"rss": {"enabled": True, "path": str(tmp_path / "feed.rss")}})

    def wanted(number: int) -> bool:
        with lock:
            return True

    feeds = Feeds(gather, lambda *_: None, wanted, every=0.0)
    feeds.start()
    with lock:
        feeds(DONE)
        assert writing.wait(5)
        feeds(DONE)
    feeds.close()
    assert (tmp_path / "feed.rss").exists()


# --- pictures beside it ---------------------------------------------------------------------------------


def test_small_pictures_stand_beside_the_feed_and_those_of_earlier_batches_go(tmp_path: Path) -> None:
    small, large, odd = tmp_path / "out" / "a b.png", tmp_path / "out" / "l.webp", tmp_path / "out" / "c.exr"
    small.parent.mkdir()
    small.write_bytes(png())
    large.write_bytes(b"RIFF")
    odd.write_bytes(b"v/1\x01")
    beside = tmp_path / "feed.rss.pictures"
    beside.mkdir()
    for name in ("3-0.png", "7-9.png", "mine.png"):
        (beside / name).write_bytes(b"old")
    newest = (small, large, odd, beside / "no.png")
    batch = batch_facts(*(job_facts(index, pictures=(path,)) for index, path in enumerate(newest)))
    pictures = FeedPictures(tmp_path / "feed.rss")
    assert pictures(batch) == {0: "feed.rss.pictures/7-0.png", 1: "out/l.webp"}
    assert (beside / "7-0.png").read_bytes() == small.read_bytes()
    assert sorted(path.name for path in beside.iterdir()) == ["7-0.png", "7-9.png", "mine.png"]
    before = (beside / "7-0.png").stat().st_ino
    assert pictures(batch)[0] == "feed.rss.pictures/7-0.png"
    assert (beside / "7-0.png").stat().st_ino == before  # not written again
    small.write_bytes(png(grey=9))
    pictures(batch)
    assert (beside / "7-0.png").read_bytes() == png(grey=9)


# --- in a whole server ------------------------------------------------------------------------------------


def test_a_server_that_starts_again_writes_the_feed_anew_and_a_cancel_ends_it(tmp_path: Path) -> None:
    (tmp_path / "a.blend").write_bytes(b"BLENDER")
    feed = tmp_path / "feed.rss"
    asked = {
        "version": 2.2, "settings": {"rss": {"enabled": True, "path": str(feed)}, "statistics": {"json": True}},
        "jobs": [{"blend_file": str(tmp_path / "a.blend"), "output": str(tmp_path / "out" / "shot_")}],
    }  # fmt: skip

    def start() -> BatchServer:
        server = BatchServer(Settings(DataFolder(tmp_path / "data"), 0, {}, blender="no-such-blender"))
        server.take_over()
        server.reacting.start()
        return server

    server = start()
    server.service.submit(load_recipe(json.dumps(asked), here=None), trusted=True)
    server.service.start()
    soon(feed.exists)
    ids = [entry.id for entry in feedparser.parse(feed.read_bytes()).entries]
    server.close()
    feed.unlink()
    server = start()
    soon(feed.exists)
    assert [entry.id for entry in feedparser.parse(feed.read_bytes()).entries] == ids
    server.service.cancel()
    assert server.reacting.hook_room.settle(10)
    assert server.reacting.room.settle(10)
    assert b"a.blend: cancelled" in feed.read_bytes()
    (statistics,) = (tmp_path / "out").glob("a-statistics-*.json")
    assert json.loads(statistics.read_text("utf-8"))["batch"]["status"] == "CANCELLED"
    assert json.loads(server.service.snapshot().body)["messages"] == []
    server.close()
