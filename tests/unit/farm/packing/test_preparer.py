# SPDX-License-Identifier: GPL-3.0-or-later
"""A preparer answers with a package or with a sentence, whatever happens; only a Blender that cannot be asked is tried again."""

from __future__ import annotations

import contextlib
import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batchserver.farm.packing import preparer as preparer_module
from batchserver.farm.packing.archives import ArchiveCache
from batchserver.farm.packing.asking import Refusal
from batchserver.farm.packing.preparer import ScenePreparer
from batchserver.farm.packing.tracing import CannotPack, Item, Plan
from batchserver.farm.seams import Package, Unfit
from batchserver.model.errors import BlenderProblem
from batchserver.model.frames import FrameList
from batchserver.model.recipe import Job
from batchserver.model.records import BatchRecord, InputStamp, JobRecord, Times
from batchserver.model.status import BatchStatus, JobStatus

FACTS: dict[str, Any] = {
    "faults": [], "cannot": [], "engine": "CYCLES", "refused": "", "size": [64, 36], "suffix": ".png", "word": "PNG", "movie": False, "denoiser": True,
    "names": {"folder": "/out", "before": "pic_", "digits": 4, "after": ".png"},
}  # fmt: skip


class Asker:
    """Blender's part."""

    def __init__(self, blend: Path) -> None:
        self.blend = blend
        self.stopped = False
        self.problem: Exception | None = None
        self.asked: list[list[dict[str, Any]]] = []
        self.touched = 0

    def survey(self, program: Any, blend: str, jobs: list[dict[str, Any]]) -> dict[str, Any]:
        self.asked.append(jobs)
        if self.problem:
            raise self.problem
        facts = self.blend.stat()
        return {"size": facts.st_size, "mtime_ns": facts.st_mtime_ns + self.touched, "missing": ["gone.png"], "files": [], "jobs": [FACTS for _ in jobs]}

    def rest(self) -> None: ...
    def stop(self) -> None:
        self.stopped = True


class World:
    """A preparer with a tracer that finds what `places` says."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.blend = folder / "a.blend"
        self.blend.write_bytes(b"BLENDER")
        self.asker = Asker(self.blend)
        self.places = {"a.blend": self.blend}
        self.trouble: Exception | None = None
        self.traces = 0
        self.cache = ArchiveCache(folder / "cache", clock=lambda: 0.0)
        monkeypatch.setattr(preparer_module, "traced", self._traced)
        self.preparer = ScenePreparer(self.cache, self.asker, program_of=lambda _: "5.2", job_facts=lambda _, job: {"scripts": True, "overrides": []})  # type: ignore[arg-type]

    @contextlib.contextmanager
    def _traced(self, *_: object) -> Iterator[Plan]:
        self.traces += 1
        if self.trouble:
            raise self.trouble
        yield Plan("a.blend", tuple(Item(place, path) for place, path in self.places.items()), ("lost.png",))

    def prepare(self, stamp: InputStamp | None = None, batch: int = 1) -> Package | Unfit:
        job = Job(index=0, id=1, name="job", enabled=True, blend=self.blend, output="/out/pic_", frames=FrameList.of([1]))
        times = Times()
        return self.preparer.prepare(
            BatchRecord(batch, "batch", BatchStatus.RUNNING, 0.0, True, False, True, "", "{}", 0.0, times, ()),
            JobRecord(1, batch, job, JobStatus.QUEUED, times, (), stamp=stamp),
        )


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def test_a_package_has_the_scene_with_our_scripts_and_says_what_is_missing(world: World) -> None:
    made = world.prepare()
    assert isinstance(made, Package)
    assert (made.blend, made.width, made.height, made.suffix, made.word, made.engine) == ("a.blend", 64, 36, ".png", "PNG", "CYCLES")
    assert made.notes == ('Not packed for the farm, because there is no such file: "gone.png", "lost.png".',)
    with zipfile.ZipFile(made.scene.path) as archive:
        assert {"a.blend", "renderplus/", "renderplus/farm_frame.py"} <= set(archive.namelist())
    assert world.asker.asked == [[{"scripts": True, "overrides": []}, {"scripts": False, "overrides": []}]]


def test_a_batch_traces_its_file_once_and_another_content_is_another_archive(world: World) -> None:
    one, again = world.prepare(), world.prepare()
    assert world.traces == 1
    other_batch = world.prepare(batch=2)
    assert world.traces == 2
    world.blend.write_bytes(b"BLENDER, saved again")
    other = world.prepare()
    assert isinstance(one, Package)
    assert isinstance(again, Package)
    assert isinstance(other_batch, Package)
    assert isinstance(other, Package)
    assert one.scene == again.scene == other_batch.scene
    assert other.scene.md5 != one.scene.md5


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (Refusal("No such file."), "No such file."),
        (CannotPack("It cannot be packed."), "It cannot be packed."),
        (OSError(28, "No space left on device"), "No space left"),
    ],
    ids=["blender refuses", "the tracer cannot", "the disk is full"],
)
def test_what_cannot_be_had_is_a_sentence(world: World, problem: Exception, words: str) -> None:
    if isinstance(problem, Refusal):
        world.asker.problem = problem
    else:
        world.trouble = problem
    made = world.prepare()
    assert isinstance(made, Unfit)
    assert words in made.sentence


def test_a_blender_that_cannot_be_asked_is_another_matter(world: World) -> None:
    world.asker.problem = BlenderProblem("it does not start")
    with pytest.raises(BlenderProblem, match="it does not start"):
        world.prepare()


def test_a_scene_with_files_where_our_scripts_belong_stays_here(world: World) -> None:
    world.places["renderplus/farm_frame.py"] = world.blend
    made = world.prepare()
    assert isinstance(made, Unfit)
    assert "renderplus/farm_frame.py" in made.sentence


def test_a_file_that_was_saved_after_start_stays_here_and_one_that_was_touched_does_not(world: World) -> None:
    raw = world.blend.read_bytes()
    sha256 = hashlib.sha256(raw).hexdigest()
    assert isinstance(world.prepare(InputStamp(len(raw), 1, sha256)), Package)
    world.blend.write_bytes(b"RENDERB")
    for stamp in (InputStamp(len(raw), 1, sha256), InputStamp(3, 1, sha256)):
        made = world.prepare(stamp, batch=stamp.size)
        assert isinstance(made, Unfit)
        assert "saved again" in made.sentence


def test_a_file_that_changes_while_it_is_packed_is_not_packed(world: World) -> None:
    world.asker.touched = 5
    made = world.prepare()
    assert isinstance(made, Unfit)
    assert "changed while it was packed" in made.sentence


def test_a_server_that_ends_makes_no_package(world: World) -> None:
    world.preparer.close()
    with pytest.raises(BlenderProblem, match="the server ends"):
        world.prepare()
    assert not list(world.blend.parent.glob("cache/*"))


def test_a_released_package_may_go_and_the_same_one_is_made_again(world: World) -> None:
    made = world.prepare()
    assert isinstance(made, Package)
    world.preparer.release(made)
    made.scene.path.unlink()
    again = world.prepare()
    assert isinstance(again, Package)
    assert again.scene == made.scene
