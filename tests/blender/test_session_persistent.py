# SPDX-License-Identifier: GPL-3.0-or-later
"""Cycles keeps its data from order to order, and no picture tells: random jobs in one session, bit by bit against cold renders.

RENDERPLUS_LONG_SESSIONS=300 throws so many jobs on each Blender, with a cold process for each; RENDERPLUS_SESSION_SEED another list.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from blender.png_pixels import read_png
from blender.session_driver import Event, Session, files, job, of
from blender.still_scene import COLD, STILL, Asked, random_job

from blenders import RealBlender

LONG = int(os.environ.get("RENDERPLUS_LONG_SESSIONS") or 0)
SEED = int(os.environ.get("RENDERPLUS_SESSION_SEED") or 20261122)
ALWAYS = {"opening": 0.0, "points": 0}
"""Limits under which every file stays open and every still scene keeps its data."""


@pytest.fixture(scope="module")
def keeping(real_blender: RealBlender, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session that keeps whatever it can."""
    with Session(str(real_blender.program), tmp_path_factory.mktemp("keeping"), limits=ALWAYS) as running:
        yield running


@pytest.fixture(scope="module")
def still(real_blender: RealBlender, make_blend: Callable[..., Path]) -> Path:
    """The still scene, built by the Blender under test."""
    return make_blend(real_blender, "still", STILL)


@pytest.mark.slow
def test_no_picture_tells_that_data_was_kept(real_blender: RealBlender, keeping: Session, still: Path, tmp_path: Path) -> None:
    """Random jobs: cameras of every kind, what makes the picture, what makes the scene."""
    dice = random.Random(SEED)
    asked = [random_job(dice) for _ in range(LONG or 10)]
    cold = _cold(real_blender, still, asked, tmp_path)
    kept = 0
    for number, each in enumerate(asked):
        events = keeping.render(job(still, tmp_path / "warm" / f"{number}_", **each.asks), [[each.first, each.last, 1]])
        assert events[-1]["event"] == "done", (SEED, number, each, events[-1])
        kept += of(events, "opened")[-1]["kept"]
        for path in files(events):
            other = cold / Path(path).name
            differing = read_png(path).differing(read_png(other))
            assert differing == 0, f"seed {SEED}, job {number} ({each.name}) after {asked[number - 1].name!r}: {differing} bytes differ"
            assert _stamped(Path(path)) == _stamped(other), (number, each.name)
    assert kept >= len(asked) // 4, f"only {kept} of {len(asked)} jobs went on in the open file: little is proved"


def _cold(blender: RealBlender, blend: Path, asked: list[Asked], folder: Path) -> Path:
    """Render all jobs by plain code: in a process each where there is time, else in a few."""
    listed = [[str(folder / "cold" / f"{number}_"), each.code or "pass", each.first, each.last] for number, each in enumerate(asked)]
    parts = [[one] for one in listed] if LONG else [listed[::2], listed[1::2]]
    with ThreadPoolExecutor(2) as pool:
        for done in pool.map(lambda part: blender.run(COLD, blend, json.dumps(part), MESA_SHADER_CACHE_DISABLE="true"), parts):
            assert not done.returncode, done.stdout + done.stderr
    return folder / "cold"


def _stamped(path: Path) -> list[bytes]:
    """What a picture says of its camera and its scene."""
    return [found for key in (b"Camera", b"Scene", b"Frame") for found in re.findall(b"tEXt" + key + b"\0[^\0]{1,20}", path.read_bytes())]


def opened(events: list[Event]) -> dict[str, Any]:
    """The last `opened` of an order."""
    return of(events, "opened")[-1]


def test_still_scene_goes_on_for_every_plain_camera(keeping: Session, still: Path, tmp_path: Path) -> None:
    """Cameras that a rig can stand for, and what makes the picture only, need no other opening; a camera that is held does."""

    def render(**asks: Any) -> list[Event]:
        events = keeping.render(job(still, tmp_path / "p_", **asks), [[1, 1, 1]])
        assert events[-1]["event"] == "done", events[-1]
        return events

    render(camera="Held")
    assert not opened(render(camera="Plain"))["kept"], "another key"
    for camera in ("Long", "Flat", "Round", "Sharp", "Turned", "Axis", "", "Plain"):
        assert opened(render(camera=camera))["kept"], camera
    assert opened(render(camera="Long", size=[30, 20], cycles={"samples": 9, "device": "DEFAULT"}))["kept"]
    assert not opened(render(camera="Held"))["kept"]
    assert opened(render(camera="Held", percentage=40))["kept"], "the same camera, and another size"
    assert not opened(render(camera="Watching"))["kept"]


def test_more_samples_go_on_and_fewer_do_from_some_blenders_on_not(real_blender: RealBlender, keeping: Session, still: Path, tmp_path: Path) -> None:
    """Cycles from 4.5 on renders something else with fewer samples than its data was used with."""
    kept = []
    for samples in (4, 6, 6, 5, 5):
        events = keeping.render(job(still, tmp_path / "s_", camera="Plain", world="Night", cycles={"samples": samples, "device": "DEFAULT"}), [[1, 1, 1]])
        kept.append(opened(events)["kept"])
    assert kept == [False, True, True, real_blender.version < (4, 4), True]


def test_a_file_that_changes_is_opened_again(keeping: Session, still: Path, tmp_path: Path) -> None:
    """The .blend itself, saved again or only touched."""
    copy = tmp_path / "copy.blend"
    copy.write_bytes(still.read_bytes())
    renders = [keeping.render(job(copy, tmp_path / "a_"), [[1, 1, 1]]) for _ in range(2)]
    assert opened(renders[1])["kept"]
    os.utime(copy, ns=(1, 1))
    assert not opened(keeping.render(job(copy, tmp_path / "a_"), [[1, 1, 1]]))["kept"]


def test_after_a_failure_the_file_is_opened_again(keeping: Session, still: Path, tmp_path: Path) -> None:
    """Nobody knows what an order that failed has left behind."""
    keeping.render(job(still, tmp_path / "b_"), [[1, 1, 1]])
    assert opened(keeping.render(job(still, tmp_path / "b_"), [[1, 1, 1]]))["kept"]
    failed = keeping.render(job(still, tmp_path / "b_", overrides=[{"name": "x", "path": "render.nothing", "data": 1, "library": ""}]), [[1, 1, 1]])
    assert failed[-1]["code"] == "override"
    assert not opened(keeping.render(job(still, tmp_path / "b_"), [[1, 1, 1]]))["kept"]
