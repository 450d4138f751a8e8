# SPDX-License-Identifier: GPL-3.0-or-later
"""What checks ask of files, disks and other Blenders: read from the first bytes, and answered in a thread. Without Blender, and with real ones."""

from __future__ import annotations

import gzip
import importlib.util
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest
from addon.inside import run

from blenders import ROOT, RealBlender


def alone(name: str) -> ModuleType:
    """Load a module of the checks that needs neither Blender nor its neighbours."""
    spec = importlib.util.spec_from_file_location(f"renderplus_checks_{name}", Path(ROOT, "batch", "checks", f"{name}.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


blend_header = alone("blend_header")
facts = alone("facts")
on_disk = alone("on_disk")
OLD, NEW = b"BLENDER-v402RENDH", b"BLENDER17-01v0500REND"


@pytest.mark.parametrize(
    ("head", "version", "form"),
    [
        (OLD, (4, 2), 0),
        (b"BLENDER_v279REND", (2, 79), 0),
        (NEW, (5, 0), 1),
        (gzip.compress(OLD * 100, mtime=0), (4, 2), 0),
        (b"\x28\xb5\x2f\xfd\x60\xd4\x03\x7d\x03\x00\xf4\x04" + OLD, (4, 2), 0),  # zstd with raw literals
    ],
)
def test_the_version_of_a_blend_is_read_from_its_first_bytes(head: bytes, version: tuple[int, int], form: int) -> None:
    assert blend_header.read_header(head) == blend_header.Header("", version, form)


@pytest.mark.parametrize(
    ("head", "fault"), [(b"", "NO_BLEND"), (b"PNG", "NO_BLEND"), (b"\x1f\x8bgarbage", "NO_BLEND"), (b"BLENDER?", ""), (b"\x28\xb5\x2f\xfd?", "")]
)
def test_what_cannot_be_read_is_no_version(head: bytes, fault: str) -> None:
    assert blend_header.read_header(head) == blend_header.Header(fault)


def test_a_file_that_a_real_blender_saved_tells_its_version(real_blender: RealBlender, tmp_path: Path) -> None:
    real_blender.run(
        f"""
import os, sys
import bpy
for compress in (False, True):
    bpy.ops.wm.save_as_mainfile(filepath=os.path.join({str(tmp_path)!r}, f"{{compress}}.blend"), compress=compress)
os._exit(0)
"""
    )
    plain = blend_header.HeaderOf(str(tmp_path / "False.blend")).answer()
    compressed = blend_header.HeaderOf(str(tmp_path / "True.blend")).answer()
    assert plain == blend_header.Header("", real_blender.version[:2], 1 if real_blender.version >= (5, 0, 0) else 0)
    assert compressed.fault == ""
    assert compressed.version in (None, real_blender.version[:2])


def test_files_and_folders_are_told_as_they_are(tmp_path: Path) -> None:
    for name in ("tile.1002.png", "step_[1]_0007.png", "a.png"):
        (tmp_path / name).touch()
    there = {
        name: on_disk.IsThere(str(tmp_path / name), is_sequence="step" in name).answer() for name in ("tile.<UDIM>.png", "pic.<UDIM>.png", "a.png", "b.png")
    }
    assert there == {"tile.<UDIM>.png": True, "pic.<UDIM>.png": False, "a.png": True, "b.png": False}
    assert on_disk.IsThere(str(tmp_path / "step_[1]_0001.png"), is_sequence=True).answer()
    assert not on_disk.IsThere(str(tmp_path / "step_[1]_0001.png")).answer()
    assert not on_disk.IsThere("a\0b").answer()
    room = on_disk.OutputFolder(str(tmp_path / "new" / "deep")).answer()
    assert room.trouble is on_disk.Trouble.NONE
    assert room.free > 0
    assert on_disk.OutputFolder(str(tmp_path / "a.png" / "deep")).answer() == on_disk.Room(on_disk.Trouble.IN_THE_WAY, str(tmp_path / "a.png"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "step_[1]_0007.png", "tile.1002.png"]
    headers = [blend_header.HeaderOf(str(path)).answer().fault for path in (tmp_path / "no.blend", tmp_path, tmp_path / "a.png", tmp_path / "a.png" / "b")]
    assert headers == ["MISSING", "FOLDER", "NO_BLEND", "MISSING"]


@dataclass(frozen=True)
class Slow:
    """A question whose answer takes until somebody lets it go."""

    name: str
    gate: threading.Event
    rank: int = 0
    is_dear: ClassVar[bool] = True

    def __hash__(self) -> int:
        return hash(self.name)

    def answer(self) -> str:
        """Wait."""
        assert self.gate.wait(20)
        return self.name.upper()


def test_a_check_never_waits_for_an_answer_and_dear_ones_are_kept() -> None:
    gate, dear = threading.Event(), facts.Dear()
    known = facts.Facts(dear)
    late, soon = Slow("late", gate, 2), Slow("soon", gate, 1)
    assert known.get(late) is None
    assert known.get(soon) is None
    assert known.open_questions() == [soon, late]
    inquiry = facts.Inquiry(known, dear)
    assert not inquiry.wait(0.01)
    gate.set()
    assert inquiry.wait(20)
    assert (known.get(late), known.get(soon), known.open_questions()) == ("LATE", "SOON", [])
    assert facts.Facts(dear).get(late) == "LATE"
    dear.forget()
    assert facts.Facts(dear).get(late) is None


def test_an_inquiry_that_is_let_go_asks_no_further() -> None:
    gate, dear = threading.Event(), facts.Dear()
    known = facts.Facts()
    first, second = Slow("first", gate, 1), Slow("second", gate, 2)
    assert known.get(first) is known.get(second) is None
    inquiry = facts.Inquiry(known, dear)
    inquiry.stop()
    gate.set()
    assert inquiry.wait(20)
    assert known.get(second) is None


PROBE = """
import json
from renderplus.batch.checks import probe, programs
from renderplus.batch.checks.renderer import is_this, this_one
other = bpy.app.binary_path or sys.executable
heard = programs.Ask(other, probe.__file__).answer()
here = this_one()
found["heard"] = [list(heard.version), heard.problem, heard.is_this, heard.gpus is not None, sorted(heard.engines & {"CYCLES", "BLENDER_WORKBENCH"})]
found["same"] = [heard.has_denoiser == here.has_denoiser, heard.runs_scripts == here.runs_scripts, heard.gpu_is_enabled == here.gpu_is_enabled]
found["problems"] = [programs.Ask(path, probe.__file__).answer().problem for path in ("/no/blender", "/bin/true")]
found["is this"] = [is_this(other), is_this("/no/blender")]
"""


def test_another_blender_says_what_it_can_do(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = run(addon_blender, tmp_path, PROBE, timeout=90)
    assert found["heard"] == [list(addon_blender.version), "", False, True, ["BLENDER_WORKBENCH", "CYCLES"]]
    assert found["same"] == [True, True, True]
    assert found["problems"][1] == "no Blender"
    assert "No such file" in found["problems"][0]
    assert found["is this"] == [True, False]
