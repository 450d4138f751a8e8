# SPDX-License-Identifier: GPL-3.0-or-later
"""Each failure that was recorded from a real Blender comes out with its code, a sentence that names the thing, and a way out. Runs without Blender."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from unit.workers.recorded import SAMPLES, Heard, play

from batchserver.model.codes import CODES

# How the order ends, the code, and words that the sentence holds.
FAILURES: dict[str, tuple[str, str, str]] = {
    "no_camera": ("fail_job", "no_camera", "camera"),
    "unknown_scene": ("fail_job", "unknown_scene", '"Shot 02"'),
    "unknown_camera": ("fail_job", "unknown_camera", '"Cam.002"'),
    "unknown_engine": ("fail_job", "unknown_engine", '"LUXCORE"'),
    "absent_engine": ("fail_job", "unknown_engine", '"TOON_ENGINE"'),
    "no_denoiser": ("fail_job", "no_denoiser", "denoise"),
    "crash_segfault": ("died", "crashed", "SIGSEGV"),
    "crash_fluid": ("died", "crashed", "SIGABRT"),
    "killed": ("died", "killed", "SIGKILL"),
    "memory_geometry": ("died", "out_of_memory", "memory"),
    "memory_picture": ("reject", "out_of_memory", "memory"),
    "memory_of_the_group": ("died", "out_of_memory", "memory"),
    "read_only": ("fail_job", "not_writable", "/shots/output"),
    "permission_denied": ("fail_job", "not_writable", "/shots/output"),
    "folder_is_a_file": ("fail_job", "output", "/shots/output"),
    "blend_missing": ("fail_job", "file_missing", "/shots/shot.blend"),
    "blend_forbidden": ("fail_job", "not_readable", "/shots/shot.blend"),
    "blend_garbage": ("fail_job", "not_a_blend", "/shots/shot.blend"),
    "blend_truncated": ("fail_job", "damaged_blend", "/shots/shot.blend"),
    "blend_empty": ("fail_job", "not_a_blend", "/shots/shot.blend"),
    "blend_newer": ("fail_job", "newer_blend", "/shots/shot.blend"),
    "no_codec": ("fail_job", "no_codec", "codec"),
    "no_graphics": ("died", "no_graphics", "draw"),
}
# Rendered all the same: the code of the note, and its words.
NOTES: dict[str, tuple[str, str]] = {
    "missing_texture_cycles": ("missing_file", "wood.png"),
    "missing_texture_workbench": ("missing_file", "wood.png"),
    "missing_library": ("missing_library", "props.blend"),
    "no_gpu_cuda": ("no_gpu", '"CUDA"'),
    "no_gpu_scene": ("no_gpu", "GPU"),
    "addon_does_not_start": ("addon_error", "No module named 'sun_tables'"),
    "addon_fails_in_register": ("addon_error", '"sun_sky"'),
    "addon_fails_while_rendering": ("addon_error", '"sun_sky"'),
    "script_of_the_file": ("python_error", '"setup.py" in shot.blend'),
    "handler_of_the_file": ("python_error", '"turntable.py" in shot.blend'),
    "driver_of_the_file": ("driver_error", '"swing(frame) * 2" on location of the object "Cube"'),
    "scripts_refused": ("scripts_refused", "turntable.py"),
}
DIFFERS: dict[str, tuple[str, str, str]] = {
    "3.4/disk_full": ("reject", "disk_full", "full"),
}
# Blender says nothing of it: the server's own look at the file finds it (tests/unit/dispatch, tests/end_to_end).
SILENT = {"disk_full", "disk_full_exr"}
RENDERED_FROM_5_0 = {"no_denoiser": ("not_denoised", "denoise")}

EVERY = sorted(SAMPLES.glob("*/*.txt"))


def named(sample: Path) -> str:
    return f"{sample.parent.name}/{sample.stem}"


@pytest.mark.parametrize("sample", EVERY, ids=named)
def test_a_recorded_failure_has_code_sentence_and_way_out(sample: Path, tmp_path: Path) -> None:
    heard = play(sample, tmp_path, memory_was_full=sample.stem == "memory_of_the_group")
    late = RENDERED_FROM_5_0.get(sample.stem) if sample.parent.name in ("5.2",) else None
    if (note := late or NOTES.get(sample.stem)) is not None:
        assert heard.verb == "", heard.why
        assert note[0] in heard.codes
        assert any(note[1] in each.sentence for each in heard.notes if each.code == note[0]), heard.notes
        assert CODES[note[0]].note
    elif named(sample) in DIFFERS or sample.stem not in SILENT:
        _is_failed_as(heard, *DIFFERS.get(named(sample), FAILURES.get(sample.stem, ("", "", ""))))
    else:
        assert heard == Heard()


def _is_failed_as(heard: Heard, verb: str, code: str, words: str) -> None:
    assert heard.why is not None
    assert (heard.verb, heard.why.code) == (verb, code), heard.why
    assert words in heard.why.sentence
    assert heard.why.way_out
    assert heard.fresh == (code == "out_of_memory" and verb == "reject"), "a session that lives on without memory is not used again"


def test_every_failure_was_recorded_from_each_dialect() -> None:
    """Cases that one Blender cannot have are named: 5.2 has nothing newer here, 4.3 alone aborts at fluids."""
    by_version = {name: {sample.stem for sample in EVERY if sample.parent.name == name} for name in ("3.4", "4.3", "5.2")}
    every = set(FAILURES) | set(NOTES) | SILENT
    assert every - by_version["4.3"] == set()
    assert every - by_version["5.2"] == {"crash_fluid", "blend_newer"}


def test_a_crash_report_tells_the_place(tmp_path: Path) -> None:
    sentences = [heard.why.sentence for sample in EVERY if sample.stem == "crash_segfault" and (heard := play(sample, tmp_path)).why]
    assert any(re.search(r" at 0x[0-9a-f]+ in \S+ \(SIGSEGV\)", sentence) for sentence in sentences), sentences


def test_samples_name_no_place_of_the_machine_that_made_them() -> None:
    for sample in EVERY:
        text = sample.read_text("utf-8")
        assert not re.search(r"/tmp/record|/root|/work|/home/(?!artist)", text), sample
