# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures of real Blenders are explained to an artist. Runs without Blender."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchserver.engines import PythonErrors, absent_engine, diagnose, diagnose_death
from batchserver.model.codes import CODES

SAMPLES = Path(__file__).parents[2] / "samples" / "stdout"

# What a failing sample is about: the code, and words that its sentence holds. None: nothing was printed that tells.
FAILURES: dict[str, tuple[str, str] | None] = {
    "disk_full": None,
    "garbage_blend": ("not_a_blend", "/scratch/fail/garbage.blend"),
    "missing_blend": ("file_missing", "/scratch/scenes/nope.blend"),
    "missing_lib": ("missing_library", "12 data-blocks"),
    "missing_script": ("python_error", "nofile.py"),
    "no_camera": ("no_camera", "no camera"),
    "no_camera_anim": ("no_camera", "no camera"),
    "out_not_a_dir": ("output", "/scratch/fail/afile/a_0001.png"),
    "out_proc": ("output", "/proc/nope/a_0001.png"),
    "py_error": ("python_error", "ValueError: boom"),
    "py_error_exitcode": ("python_error", "ValueError: boom"),
    "py_sysexit3": None,
    "truncated_blend": ("damaged_blend", "/scratch/fail/trunc.blend"),
    "unknown_engine": ("unknown_engine", "NO_SUCH_ENGINE"),
    "unknown_scene": ("python_error", "NoScene"),
}
OF_ONE_VERSION: dict[str, tuple[str, str]] = {
    "34_fail_disk_full": ("disk_full", "disk"),
    "34_fail_missing_script": ("file_missing", "/scratch/fail/nofile.py"),
    "34_fail_unknown_scene": ("unknown_scene", "NoScene"),
    "34_CYCLES_denoise_adaptive": ("no_denoiser", "denois"),
    "52_binary_log_WORKBENCH_skip_movie_errors": ("output", "/proc/nope/wb_0003.png"),
}
FAILED = sorted(path.stem for path in SAMPLES.glob("*_fail_*.txt")) + [name for name in OF_ONE_VERSION if "_fail_" not in name]


@pytest.mark.parametrize("name", FAILED)
def test_a_recorded_failure_is_explained(name: str) -> None:
    expected = OF_ONE_VERSION.get(name) or FAILURES[name.split("_fail_")[1]]
    found = diagnose((SAMPLES / f"{name}.txt").read_text(encoding="utf-8").splitlines())
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert (found.code, expected[1] in found.sentence) == (expected[0], True)
        assert found.way_out


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
        ("Error: Cannot read file '/p/a.blend': Permission denied", "not_readable"),
        ("/p/a.png: Permission denied", "not_writable"),
        ("libGL error: failed to open /dev/dri/card0: Permission denied\nError: The moon is full", "render_error"),
        ("libpng error: Write Error\n/p/a.png: No space left on device", "disk_full"),
        ("Error: Could not initialize streams, probably unsupported codec combination", "no_codec"),
        ("00:00.5  image            | ERROR Couldn't create directory for file /p/a b.png: File exists", "output"),
        ("00:00.891  reports          | ERROR Cannot render, no camera", "no_camera"),
        ("00:00.891  reports          | ERROR The moon is full", "render_error"),
        ("Error: The moon is full", "render_error"),
    ],
)
def test_a_known_line_is_explained(line: str, code: str) -> None:
    found = diagnose(["Blender 4.5.1", *line.splitlines(), "Blender quit"])
    assert found is not None
    assert found.code == code
    assert found.code in CODES
    assert "{" not in found.sentence


@pytest.mark.parametrize(
    ("code", "full", "lines", "expected", "words"),
    [
        (-9, True, [], "out_of_memory", "memory was full"),
        (137, True, [], "out_of_memory", "memory was full"),
        (-9, False, [], "killed", "SIGKILL"),
        (-15, True, [], "killed", "signal 15"),
        (-11, False, [], "crashed", "SIGSEGV"),
        (139, False, [], "crashed", "SIGSEGV"),
        (-6, False, ["Malloc returns null: len=7"], "out_of_memory", "memory"),
        (0xC0000005, False, [], "crashed", "crashed"),
        (11, False, ["Error   : EXCEPTION_ACCESS_VIOLATION"], "crashed", "crashed"),
        (0, False, [], "ended", "exit code 0"),
        (7, False, ["Traceback (most recent call last):", "SystemError: no"], "python_error", "SystemError"),
        (300, False, [], "ended", "exit code 300"),
    ],
)
def test_a_death_is_explained_by_exit_code_memory_and_last_lines(code: int, full: bool, lines: list[str], expected: str, words: str) -> None:
    found = diagnose_death(lines, code, memory_was_full=full)
    assert found.code == expected
    assert words in found.sentence
    assert found.way_out


def test_windows_tells_the_place_of_a_crash() -> None:
    report = "Error   : EXCEPTION_ACCESS_VIOLATION\nAddress : 0x00007FF7A1B2C3D4\nModule  : nvoglv64.dll\n"
    assert "at 0x00007FF7A1B2C3D4 in nvoglv64.dll" in diagnose_death([], 0xC0000005, report=report).sentence


def test_each_python_error_is_told_once_and_five_at_most() -> None:
    errors = PythonErrors()
    head = "Traceback (most recent call last):"
    lines = [line for number in (1, 1, 2, 3, 4, 5, 6, 7) for line in (head, f"ValueError: {number}")]
    told = [found.sentence for line in lines if (found := errors.hear(line))]
    assert told == [f"A Python script failed: ValueError: {number}." for number in range(1, 6)]


def test_the_cause_goes_before_what_follows_from_it() -> None:
    lines = ["Traceback (most recent call last):", "RuntimeError: Error: Cannot render, no camera", "Writing: /tmp/x.crash.txt", "Malloc returns null: len=1"]
    found = diagnose(lines)
    assert found is not None
    assert found.code == "out_of_memory"


def test_the_last_tracebacks_last_line_counts() -> None:
    head = "Traceback (most recent call last):"
    lines = [head, '  File "a.py", line 1, in <module>', "ValueError: first", head, '  File "b.py", line 1, in f', "my.Oops: second", "Blender quit"]
    assert "my.Oops: second" in str(diagnose(lines))


def test_a_lone_traceback_head_is_no_surprise() -> None:
    assert diagnose(["Traceback (most recent call last):"]) is not None


@given(st.lists(st.text(max_size=200)))
def test_no_output_makes_it_fail(lines: list[str]) -> None:
    diagnose(lines)
    diagnose_death(lines, 1, report="\n".join(lines))
    errors = PythonErrors()
    for line in lines:
        errors.hear(line)


@pytest.mark.parametrize(
    "text",
    [
        "CUDA ",
        "GHOST ",
        "Cannot read file '",
        "enum 'x' not found in (",
        "Couldn't create directory for file ",
        "(Permission denied) cannot save: ",
        "Engine 'x' not available for scene '",
        "Error in PyDriver: failed ",
        'For target: (type=x, name="y", property=',
        '  File "/addons/',
    ],
)
def test_hostile_output_takes_no_long_time(text: str) -> None:
    line = (text + " out of mem OpenGL are missing " + text * 1000)[:4000]
    began = time.perf_counter()
    diagnose([line] * 20)
    diagnose_death([line] * 20, 1, report="\n".join([line] * 20))
    errors = PythonErrors()
    for each in ["Traceback (most recent call last):", line] * 20:
        errors.hear(each)
        absent_engine(each)
    assert time.perf_counter() - began < 5.0
