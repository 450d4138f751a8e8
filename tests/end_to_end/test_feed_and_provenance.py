# SPDX-License-Identifier: GPL-3.0-or-later
"""A real batch leaves a feed that a real browser shows, its statistics, and a file from which the same pixels come again. Runs without Blender itself."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import feedparser
from blender.png_pixels import read_png
from end_to_end.browsing import FLAGS
from end_to_end.scenes import LIGHT, job, recipe
from end_to_end.server_under_test import server_command, server_environment

from blenders import RealBlender


def serve(folder: Path, *options: str | Path, code: int = 0) -> Any:
    """Run the command line to its end; give the JSON that it printed."""
    done = subprocess.run(
        server_command(*options, "--port", "0", "--print-stats", "--json"),
        env=server_environment(folder), capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_a_batch_leaves_feed_statistics_and_a_way_to_render_it_again(any_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    blend, out, feed = make_blend(any_blender, "light", LIGHT), tmp_path / "out", tmp_path / "web" / "feed.xml"
    gold = job(blend, out / "{index}_{job}_####", name="Gold", frames="1-3", engine="BLENDER_WORKBENCH", percentage=100)
    jobs = job(blend, out / "off_", enabled=False), job(blend, out / "bad_", camera="Nowhere"), gold
    asked = recipe(*jobs, name="films", settings={"rss": {"enabled": True, "path": str(feed)}, "statistics": True, "provenance": True})
    (tmp_path / "recipe.json").write_text(json.dumps({**asked, "blender_bin": str(any_blender.program)}), "utf-8")
    told = serve(tmp_path, "--recipe", tmp_path / "recipe.json", code=3)
    assert told["statistics"]["measured"] == 3
    assert told["statistics"]["per_job"][2]["average_frame"] > 0
    assert told["messages"] == []

    found = feedparser.parse(feed.read_bytes())
    assert not found.bozo
    assert [item.tags[0].term for item in found.entries] == ["DISABLED", "FAILED", "FINISHED"]
    assert "3 of 4 frames, 2 of 2 jobs over" in found.feed.subtitle
    assert 'src="feed.xml.pictures/' in found.entries[2].summary
    assert [path.suffix for path in (tmp_path / "web" / "feed.xml.pictures").iterdir()] == [".png"]

    (table,) = out.glob("films-statistics-*.csv")
    rows = list(csv.DictReader(table.open(encoding="utf-8", newline="")))
    assert [row["frame"] for row in rows if row["kind"] == "frame" and row["state"] == "done"] == ["1", "2", "3"]

    first = out / "2_Gold.renderplus.json"
    made = json.loads(first.read_text("utf-8"))
    assert made["made_with"][0]["blender"].startswith(".".join(map(str, any_blender.version)))
    assert made["made_with"][0]["engine"] == "BLENDER_WORKBENCH"
    again = serve(tmp_path, "--render-again", first)
    assert again["status"] == "FINISHED"
    for frame in (1, 2, 3):
        old, new = read_png(out / f"2_Gold_{frame:04d}.png"), read_png(out / f"2_Gold_v002_{frame:04d}.png")
        assert old.differing(new) == 0
    assert read_png(out / "2_Gold_0001.png").differing(read_png(out / "2_Gold_0003.png")) > 0  # that it moves, so equal says something
    anew = json.loads((out / "2_Gold_v002.renderplus.json").read_text("utf-8"))
    assert (anew["blend"]["sha256"], anew["made_with"][0]["program"]) == (made["blend"]["sha256"], made["made_with"][0]["program"])


def test_a_browser_shows_a_feed_with_its_style_and_pictures(chromium: str, tmp_path: Path) -> None:
    from unit.dispatch.house import png
    from unit.reactions.batch_facts import FINISHED, batch_facts, failed_job, job_facts

    from batchserver.reactions.feed import Feeds

    picture = tmp_path / "out.png"
    picture.write_bytes(png(160, 90, grey=40))
    feed = tmp_path / "feed.rss"
    batch = batch_facts(job_facts(0, pictures=(picture,)), failed_job(1), reactions={"rss": {"enabled": True, "path": str(feed)}})
    Feeds(lambda _: batch, lambda *_: None, lambda _: True).react(FINISHED, batch)
    with tempfile.TemporaryDirectory() as profile:
        look = ("--hide-scrollbars", "--window-size=800,600", f"--screenshot={tmp_path / 'shot.png'}")
        subprocess.run(
            [chromium, *FLAGS, f"--user-data-dir={profile}", *look, feed.as_uri()],
            env={**os.environ, "HOME": profile}, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True,
        )  # fmt: skip
    shot = read_png(tmp_path / "shot.png")
    colours = {shot.data[at : at + 3] for at in range(0, len(shot.data), shot.channels)}
    assert shot.data[:3] == bytes.fromhex("f4f4f6")  # the page's own back, which neither a source view nor a page without style has
    assert bytes((40, 40, 40)) in colours  # the picture
    assert bytes.fromhex("1a7f37") in colours  # what finished
    assert bytes.fromhex("b3261e") in colours  # what failed
