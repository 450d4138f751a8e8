# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures of real Blenders are explained to an artist. Runs without Blender."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchserver.engines import diagnose, find_complaint

SAMPLES = Path(__file__).parents[2] / "samples" / "stdout"

# What a failing sample is about: the code, and words that its sentence holds. None: nothing was printed that tells.
FAILURES: dict[str, tuple[str, str] | None] = {
    "disk_full": None,
    "garbage_blend": ("not_a_blend", "/scratch/fail/garbage.blend"),
    "missing_blend": ("file_missing", "/scratch/scenes/nope.blend"),
    "missing_lib": ("missing_libraries", "12 data-blocks"),
    "missing_script": ("python_error", "nofile.py"),
    "no_camera": ("no_camera", "no camera"),
    "no_camera_anim": ("no_camera", "no camera"),
    "out_not_a_dir": ("cannot_save", "/scratch/fail/afile/a_0001.png"),
    "out_proc": ("cannot_save", "/proc/nope/a_0001.png"),
    "py_error": ("python_error", "ValueError: boom"),
    "py_error_exitcode": ("python_error", "ValueError: boom"),
    "py_sysexit3": None,
    "truncated_blend": ("damaged_blend", "/scratch/fail/trunc.blend"),
    "unknown_engine": ("unknown_engine", "NO_SUCH_ENGINE"),
    "unknown_scene": ("python_error", "NoScene"),
}
OF_ONE_VERSION: dict[str, tuple[str, str]] = {
    "34_fail_disk_full": ("disk_full", "disk"),
    "34_fail_missing_script": ("script_missing", "/scratch/fail/nofile.py"),
    "34_fail_unknown_scene": ("unknown_scene", "NoScene"),
    "34_CYCLES_denoise_adaptive": ("no_denoiser", "denois"),
    "52_binary_log_WORKBENCH_skip_movie_errors": ("cannot_save", "/proc/nope/wb_0003.png"),
}
FAILED = sorted(path.stem for path in SAMPLES.glob("*_fail_*.txt")) + [name for name in OF_ONE_VERSION if "_fail_" not in name]


@pytest.mark.parametrize("name", FAILED)
def test_a_recorded_failure_is_explained(name: str) -> None:
    expected = OF_ONE_VERSION.get(name) or FAILURES[name.split("_fail_")[1]]
    found = find_complaint((SAMPLES / f"{name}.txt").read_text(encoding="utf-8").splitlines())
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert (found.code, expected[1] in found.sentence) == (expected[0], True)
        assert found.fatal == (found.code != "missing_libraries")


@pytest.mark.parametrize("path", [path for path in SAMPLES.glob("*.txt") if path.stem not in FAILED], ids=lambda path: path.stem)
def test_nothing_is_found_wrong_with_a_good_render(path: Path) -> None:
    assert diagnose(path.read_text(encoding="utf-8").splitlines()) is None


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Error: Out of memory in CUDA queue enqueue (integrator_shade_surface)", "gpu_out_of_memory"),
        ("System is out of GPU and shared host memory", "gpu_out_of_memory"),
        ("CUDA error: Out of memory in cuMemAlloc(&device_pointer, size), line 600", "gpu_out_of_memory"),
        ("00:10.001  cycles           | ERROR hipErrorOutOfMemory: HIP out of memory", "gpu_out_of_memory"),
        ("Malloc returns null: len=4294967296 in imbuf, total 7000000000", "out_of_memory"),
        ("terminate called after throwing an instance of 'std::bad_alloc'", "out_of_memory"),
        ("Error: Out of memory", "out_of_memory"),
        ("Writing: /tmp/scene.crash.txt", "crashed"),
        ("Segmentation fault (core dumped)", "crashed"),
        ("Error: Found no Cycles device of the specified type", "no_gpu"),
        ("Illegal address in CUDA queue copy_from_device (integrator_init)", "gpu_failed"),
        ("Error: Render error (Permission denied) cannot save: '/p/a.png'", "not_writable"),
        ("Error: Cannot read file '/p/a.blend': Permission denied", "cannot_read"),
        ("/p/a.png: Permission denied", "not_permitted"),
        ("libpng error: Write Error\n/p/a.png: No space left on device", "disk_full"),
        ("Error: Could not initialize streams, probably unsupported codec combination", "no_codec"),
        ("00:00.5  image            | ERROR Couldn't create directory for file /p/a b.png: File exists", "cannot_save"),
        ("00:00.891  reports          | ERROR Cannot render, no camera", "no_camera"),
        ("00:00.891  reports          | ERROR The moon is full", "error"),
        ("Error: The moon is full", "error"),
    ],
)
def test_a_known_line_is_explained(line: str, code: str) -> None:
    found = find_complaint(["Blender 4.5.1", *line.splitlines(), "Blender quit"])
    assert found is not None
    assert found.code == code
    assert found.sentence.rstrip(".").count("{") == 0


def test_the_crash_report_is_named() -> None:
    assert "/tmp/scene.crash.txt" in (diagnose(["Writing: /tmp/scene.crash.txt"]) or "")


def test_the_cause_goes_before_what_follows_from_it() -> None:
    lines = ["Traceback (most recent call last):", "RuntimeError: Error: Cannot render, no camera", "Writing: /tmp/x.crash.txt", "Malloc returns null: len=1"]
    found = find_complaint(lines)
    assert found is not None
    assert found.code == "out_of_memory"


def test_the_last_tracebacks_last_line_counts() -> None:
    head = "Traceback (most recent call last):"
    lines = [head, '  File "a.py", line 1, in <module>', "ValueError: first", head, '  File "b.py", line 1, in f', "my.Oops: second", "Blender quit"]
    assert "my.Oops: second" in (diagnose(lines) or "")


def test_a_lone_traceback_head_is_no_surprise() -> None:
    assert diagnose(["Traceback (most recent call last):"]) is not None


@given(st.lists(st.text(max_size=200)))
def test_no_output_makes_it_fail(lines: list[str]) -> None:
    diagnose(lines)


@pytest.mark.parametrize(
    "text", ["CUDA ", "GHOST ", "Cannot read file '", "enum 'x' not found in (", "Couldn't create directory for file ", "(Permission denied) cannot save: "]
)
def test_hostile_output_takes_no_long_time(text: str) -> None:
    line = (text + " out of mem OpenGL are missing " + text * 1000)[:4000]
    began = time.perf_counter()
    diagnose([line] * 20)
    assert time.perf_counter() - began < 5.0
