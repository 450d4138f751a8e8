# SPDX-License-Identifier: GPL-3.0-or-later
"""From the output of a Blender that failed, the sentence that an artist understands, with the way out.

A table: the first row wins that has a line, so what explains more stands above what follows from it. Wordings of
Blender 3.4 to 5.2; `'…'` around names became `"…"` in 4.0. Runs without Blender.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from .reader import MAX_LINE

LAST_LINES = 20_000
"""So many lines from the end are looked at."""

_PATH = r"""['"]?(?P<path>[^'"\n]{1,1100})['"]?"""


@dataclass(frozen=True, slots=True)
class Complaint:
    """A known failure: a short word for programs, a sentence for people; `fatal` when nothing right can come of it."""

    code: str
    sentence: str
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class _Row:
    """`hints`: texts of which the line must hold one (cheap); `pattern` is searched in it, its groups fill `sentence`."""

    code: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    sentence: str
    fatal: bool = True


def _row(code: str, hints: str | tuple[str, ...], pattern: str, sentence: str, fatal: bool = True) -> _Row:
    every = (hints,) if isinstance(hints, str) else hints
    return _Row(code, every, re.compile(pattern, re.ASCII), sentence, fatal)


_ROWS = (
    _row(
        "gpu_out_of_memory",
        ("ut of memory", "OUT_OF_MEMORY", "ut of GPU", "rror_out_of", "ErrorOutOf", "enough memory"),
        r"(?i)(?:CUDA|OptiX|HIP|oneAPI|Metal|GPU|Vulkan|OpenGL|GL_OUT).{0,200}?(?:out[ _]?of.{0,12}memory|not enough memory)"
        r"|(?i:out of memory in (?:CUDA|OptiX|HIP|oneAPI|Metal))|out of GPU (?:and shared host )?memory",
        "The graphics card ran out of memory; use smaller textures or fewer polygons, a smaller picture, or render this job on the CPU.",
    ),
    _row(
        "out_of_memory",
        ("Malloc returns null", "Calloc returns null", "std::bad_alloc", "ut of memory", "annot allocate memory", "MemoryError"),
        r"(?i)(?:[MC]alloc(?:_array)? returns null|std::bad_alloc|out of memory|cannot allocate memory|^MemoryError)",
        "Blender ran out of memory; render fewer frames at once, use smaller textures or less geometry, or a machine with more memory.",
    ),
    _row(
        "disk_full",
        ("No space left", "isk quota exceeded", "ot enough space"),
        r"No space left on device|[Dd]isk quota exceeded|[Nn]ot enough space",
        "The disk that the pictures go to is full; make room on it, or set another output folder, and render the missing frames again.",
    ),
    _row(
        "not_writable",
        "cannot save:",
        r"\((?:Permission denied|Read-only file system|Access is denied)\) cannot save: " + _PATH,
        "{path} cannot be written: permission denied; make the folder writable, or set another output folder.",
    ),
    _row(
        "cannot_save",
        "cannot save:",
        r"Render error \((?P<why>[^)]{1,200})\) cannot save: " + _PATH,
        "{path} could not be saved ({why}); check that its folder can be created, and that the format can hold this picture.",
    ),
    _row(
        "cannot_save",
        "create directory for file",
        r"Couldn't create directory for file (?P<path>.{1,1100}?): (?P<why>.{1,200})$",
        "The folder of {path} could not be created ({why}); set another output folder.",
    ),
    _row(
        "file_missing",
        "Cannot read file",
        r"Cannot read file ['\"](?P<path>[^'\"]{1,1100})['\"]: No such file or directory",
        "The file {path} does not exist; check the path, and whether its drive is connected.",
    ),
    _row(
        "cannot_read",
        "Cannot read file",
        r"Cannot read file ['\"](?P<path>[^'\"]{1,1100})['\"](?:: (?P<why>.{1,200}))?",
        "The file {path} cannot be read ({why}); check its permissions and its drive.",
    ),
    _row(
        "not_a_blend",
        "File format is not supported",
        r"File format is not supported in file " + _PATH,
        "{path} is no Blender file, or was saved by a newer Blender in a form that this one cannot read.",
    ),
    _row(
        "damaged_blend",
        "ailed to read blend file",
        r"Failed to read blend file ['\"](?P<path>[^'\"]{1,1100})['\"](?:: (?P<why>.{1,200}))?",
        "{path} is damaged or not whole ({why}); copy it again, or open Blender's backup of it (.blend1).",
    ),
    _row(
        "no_camera",
        "no camera",
        r"Cannot render, no camera",
        "The scene has no camera; add one and make it the active camera, or name a camera in the job.",
    ),
    _row(
        "unknown_scene",
        "Can't find scene",
        r"Can't find scene: ['\"](?P<name>[^'\"]{1,300})['\"]",
        "There is no scene named {name} in the file; check the name in the job.",
    ),
    _row(
        "unknown_engine",
        "ngine not found",
        r"engine not found ['\"](?P<name>[^'\"]{1,300})['\"]",
        "This Blender has no render engine {name}; choose another engine, or enable the add-on that brings it.",
    ),
    _row(
        "unknown_engine",
        "not found in (",
        r"enum ['\"](?P<name>[^'\"]{1,300})['\"] not found in \([^)]{0,2000}(?:CYCLES|BLENDER_WORKBENCH)",
        "This Blender has no render engine {name}; choose another engine, or enable the add-on that brings it.",
    ),
    _row(
        "no_denoiser",
        ("OpenImageDenoise", "device available to denoise"),
        r"Build without OpenImageDenoise|No device available to denoise on",
        "This Blender has no OpenImageDenoise: it cannot denoise; switch denoising off in the scene's render settings, or use a Blender from blender.org.",
    ),
    _row(
        "no_gpu",
        ("Cycles device", "GPU found", "compatible GPU", "devices found"),
        r"Found no Cycles device of the specified type|[Nn]o (?:compatible )?GPU(?:s)?(?: devices?)? found|[Nn]o compatible GPUs? ",
        "No graphics card that Cycles can use was found; install its driver, enable it in Blender's preferences (System), or render on the CPU.",
    ),
    _row(
        "gpu_failed",
        (" error", "in CUDA queue", "in HIP queue"),
        r"(?:CUDA|OptiX|HIP|oneAPI|Metal) (?:error|kernel compilation failed)|in (?:CUDA|HIP) queue",
        "The graphics card failed while rendering; update its driver, or render this job on the CPU.",
    ),
    _row(
        "no_display",
        ("EGL", "GHOST", "OpenGL", "GPU backend"),
        r"(?i)(?:GPU backend|GHOST|OpenGL).{0,200}?(?:could not|couldn't|unable to|failed to|not supported).{0,200}",
        "Blender found no OpenGL to draw with, which EEVEE and Workbench need; install the graphics driver (or Mesa with EGL), or render with Cycles.",
    ),
    _row(
        "no_codec",
        ("initialize streams", "video codec", "open codec"),
        r"Could not initialize streams|[Cc]ouldn't (?:open|initialize).{0,40}codec",
        "The movie could not be begun: this Blender lacks the container, video codec or audio codec that the scene asks for; choose others.",
    ),
    _row(
        "script_missing",
        "could not be opened",
        r"Python file ['\"](?P<path>[^'\"]{1,1100})['\"] could not be opened",
        "The Python file {path} could not be opened; check its path.",
    ),
    _row(
        "not_permitted",
        ("Permission denied", "Read-only file system", "Access is denied"),
        r"Permission denied|Read-only file system|Access is denied",
        "A file could not be read or written: permission denied; check who owns the output folder and the files of the scene.",
    ),
)
_CRASH = _row(
    "crashed",
    ("crash.txt", "Segmentation fault", "EXCEPTION_", "SIGSEGV", "Aborted"),
    r"Writing: (?P<path>.{1,1100}crash\.txt)|Segmentation fault|EXCEPTION_ACCESS_VIOLATION|SIGSEGV|^Aborted",
    "Blender crashed{at}; try the frame again, another Blender version, or with fewer add-ons.",
)
_AFTER_TRACEBACK = (
    _row(
        "missing_libraries",
        "are missing",
        r"(?P<count>\d{1,9}) libraries and (?P<blocks>\d{1,9}) linked data-blocks are missing",
        "{count} linked file(s) with {blocks} data-blocks are missing and were left out of the picture; "
        "put them back, or correct their paths in the file (File > External Data).",
        fatal=False,
    ),
    _row(
        "missing_libraries",
        "nable to open",
        r"Warning: Unable to open " + _PATH,
        "The linked file {path} cannot be opened and was left out of the picture; put it back, or correct its path in the file (File > External Data).",
        fatal=False,
    ),
)
_ERROR_LINE = re.compile(r"^(?:[\d:.]{8,16} {1,8}\S{1,64} {1,32}\| ERROR |Error: )(?P<text>.{1,500})", re.ASCII)
_TRACEBACK = "Traceback (most recent call last):"
_EXCEPTION = re.compile(r"^(?P<text>[A-Za-z_][\w.]{0,200}(?:: .{1,500})?)$", re.ASCII)


def diagnose(lines: Iterable[str]) -> str | None:
    """Say in a sentence why a Blender failed, from what it printed; None when nothing known is found."""
    complaint = find_complaint(lines)
    return complaint.sentence if complaint else None


def find_complaint(lines: Iterable[str]) -> Complaint | None:
    """Find the failure that explains the most in a session's output (stdout and stderr, in any order)."""
    kept = [line.rstrip("\r\n")[:MAX_LINE] for line in deque(lines, maxlen=LAST_LINES)]
    kept = [line for line in kept if not line.startswith(("Fra:", "@renderplus:"))]
    for row in _ROWS:
        if found := _search(row, kept):
            return found
    return _crash(kept) or _traceback(kept) or _any_of(_AFTER_TRACEBACK, kept) or _plain_error(kept)


def _any_of(rows: tuple[_Row, ...], lines: list[str]) -> Complaint | None:
    return next((found for row in rows if (found := _search(row, lines))), None)


def _search(row: _Row, lines: list[str]) -> Complaint | None:
    for line in lines:
        if any(hint in line for hint in row.hints) and (match := row.pattern.search(line)):
            words = {key: value if value is not None else "no reason given" for key, value in match.groupdict().items()}
            return Complaint(row.code, row.sentence.format_map(words), row.fatal)
    return None


def _crash(lines: list[str]) -> Complaint | None:
    for line in lines:
        if any(hint in line for hint in _CRASH.hints) and (match := _CRASH.pattern.search(line)):
            at = f" (its report: {match['path']})" if match["path"] else ""
            return Complaint(_CRASH.code, _CRASH.sentence.format(at=at))
    return None


def _traceback(lines: list[str]) -> Complaint | None:
    """Take the last line of the last traceback: the exception, which is not indented."""
    starts = [number for number, line in enumerate(lines) if line.endswith(_TRACEBACK)]
    if not starts:
        return None
    for line in islice(lines, starts[-1] + 1, None):
        match = _EXCEPTION.match(line)
        if match:
            return Complaint("python_error", f"A Python script failed: {match['text']}; see the log for the lines above it.")
    return Complaint("python_error", "A Python script failed; see the log.")


def _plain_error(lines: list[str]) -> Complaint | None:
    for line in lines:
        if match := _ERROR_LINE.match(line):
            return Complaint("error", f"Blender says: {match['text'].strip()}")
    return None
