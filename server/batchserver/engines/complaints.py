# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blenders print when they fail, and what it means: a row for each complaint, by the codes of `model/codes.py`.

The first row wins that has a line, so what explains more stands above what follows from it. Recorded from 3.4, 4.3, 5.2 and the wheels
(tests/samples); what could not be recorded here (GPUs, Windows) is worded after Blender's source. `'…'` around names became `"…"` in 4.0; the
log prefix of 5.0 and later (`00:00.891  reports          | ERROR `) is no part of a pattern. Runs without Blender.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PATH = r"""['"]?(?P<path>[^'"\n]{1,1100})['"]?"""


@dataclass(frozen=True, slots=True)
class Row:
    """`hints`: texts of which the line must hold one (cheap); `pattern` is searched in it, its groups fill `sentence`."""

    code: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    sentence: str


def _row(code: str, hints: str | tuple[str, ...], pattern: str, sentence: str) -> Row:
    every = (hints,) if isinstance(hints, str) else hints
    return Row(code, every, re.compile(pattern, re.ASCII), sentence)


FAILURES = (
    # to 5.2: `Out of memory in CUDA queue enqueue (…)`; oneAPI: `… out of GPU and shared host memory`
    _row(
        "gpu_out_of_memory",
        ("ut of memory", "OUT_OF_MEMORY", "ut of GPU", "rror_out_of", "ErrorOutOf", "enough memory"),
        r"(?i)(?:CUDA|OptiX|HIP|oneAPI|Metal|GPU|Vulkan|OpenGL|GL_OUT).{0,200}?(?:out[ _]?of.{0,12}memory|not enough memory)"
        r"|(?i:out of memory in (?:CUDA|OptiX|HIP|oneAPI|Metal))|out of GPU (?:and shared host )?memory",
        "The graphics card ran out of memory.",
    ),
    _row(
        "out_of_memory",
        ("alloc returns null", "std::bad_alloc", "ut of memory", "annot allocate memory", "MemoryError"),
        r"(?i)(?:[MC]alloc(?:_array)? returns null|std::bad_alloc|out of memory|cannot allocate memory|^MemoryError)",
        "Blender ran out of memory.",
    ),
    # to 4.2 `OpenGL`, later `GPU`: the picture is larger than what it is drawn into may be
    _row(
        "gpu_out_of_memory",
        "ailed to allocate",
        r"Failed to allocate (?:GPU|OpenGL) buffers",
        "There is not enough graphics memory to draw a picture of this size.",
    ),
    _row(
        "disk_full",
        ("No space left", "isk quota exceeded", "ot enough space"),
        r"No space left on device|[Dd]isk quota exceeded|[Nn]ot enough space",
        "The disk that the pictures go to is full.",
    ),
    _row(
        "not_writable",
        "cannot save:",
        r"\((?P<why>Permission denied|Read-only file system|Access is denied)\) cannot save: " + _PATH,
        "{path} cannot be written: {why}.",
    ),
    _row("output", "cannot save:", r"Render error \((?P<why>[^)]{1,200})\) cannot save: " + _PATH, "{path} could not be saved: {why}."),
    _row(
        "output",
        "create directory for file",
        r"Couldn't create directory for file (?P<path>.{1,1100}?): (?P<why>.{1,200})$",
        "The folder of {path} could not be created: {why}.",
    ),
    _row(
        "file_missing", "Cannot read file", r"Cannot read file ['\"](?P<path>[^'\"]{1,1100})['\"]: No such file or directory", "The file {path} does not exist."
    ),
    _row(
        "not_readable",
        "Cannot read file",
        r"Cannot read file ['\"](?P<path>[^'\"]{1,1100})['\"](?:: (?P<why>.{1,200}))?",
        "The file {path} cannot be read: {why}.",
    ),
    _row("not_a_blend", "File format is not supported", r"File format is not supported in file " + _PATH, "{path} is no Blender file."),
    _row(
        "damaged_blend",
        "ailed to read blend file",
        r"Failed to read blend file ['\"](?P<path>[^'\"]{1,1100})['\"](?:: (?P<why>.{1,200}))?",
        "{path} is damaged or not whole: {why}.",
    ),
    _row("no_camera", "no camera", r"Cannot render, no camera", "The scene has no camera."),
    _row("unknown_scene", "Can't find scene", r"Can't find scene: ['\"](?P<name>[^'\"]{1,300})['\"]", "There is no scene named {name} in the file."),
    _row("unknown_engine", "ngine not found", r"engine not found ['\"](?P<name>[^'\"]{1,300})['\"]", "This Blender has no render engine {name}."),
    _row(
        "unknown_engine",
        "not found in (",
        r"enum ['\"](?P<name>[^'\"]{1,300})['\"] not found in \([^)]{0,2000}(?:CYCLES|BLENDER_WORKBENCH)",
        "This Blender has no render engine {name}.",
    ),
    _row(
        "no_denoiser",
        ("OpenImageDenoise", "device available to denoise"),
        r"Build without OpenImageDenoise|has no OpenImageDenoise|No device available to denoise on",
        "This Blender was built without OpenImageDenoise, and the scene denoises its renders.",
    ),
    _row(
        "no_gpu",
        ("Cycles device", "GPU found", "compatible GPU", "devices found"),
        r"Found no Cycles device of the specified type|[Nn]o (?:compatible )?GPU(?:s)?(?: devices?)? found|[Nn]o compatible GPUs? ",
        "No graphics card that Cycles can use was found.",
    ),
    _row(
        "gpu_failed",
        (" error", "in CUDA queue", "in HIP queue"),
        r"(?:CUDA|OptiX|HIP|oneAPI|Metal) (?:error|kernel compilation failed)|in (?:CUDA|HIP) queue",
        "The graphics card failed while rendering.",
    ),
    # 3.4: epoxy's assertion, then an abort; 4.3 and later: GHOST, or the GPU back end
    _row(
        "no_graphics",
        ("EGL", "GHOST", "OpenGL", "GPU backend", "GPU context"),
        r"(?i)(?:GPU backend|GHOST|OpenGL|GPU context).{0,200}?(?:could not|couldn't|unable to|failed to|not supported).{0,200}"
        r"|Couldn't find current GLX or EGL context|No OpenGL vendor detected",
        "Blender found nothing to draw with, which EEVEE and Workbench need.",
    ),
    _row(
        "no_codec",
        ("initialize streams", "video codec", "open codec"),
        r"Could not initialize streams|[Cc]ouldn't (?:open|initialize).{0,40}codec",
        "The movie could not be begun: this Blender does not have its codec, or its container does not take it.",
    ),
    _row(
        "file_missing",
        "could not be opened",
        r"Python file ['\"](?P<path>[^'\"]{1,1100})['\"] could not be opened",
        "The Python file {path} could not be opened.",
    ),
    _row(
        "not_writable",
        ("Permission denied", "Read-only file system", "Access is denied"),
        r"^(?!.{0,400}(?:/dev/|libGL|MESA|EGL)).{0,2000}(?:Permission denied|Read-only file system|Access is denied)",
        "A file could not be read or written: permission denied.",
    ),
)

CRASH = _row(
    "crashed",
    ("crash.txt", "Segmentation fault", "EXCEPTION_", "SIGSEGV", "Aborted"),
    r"Writing: (?:.{1,1100}crash\.txt)|Segmentation fault|EXCEPTION_[A-Z_]{1,40}|SIGSEGV|^Aborted",
    "Blender crashed.",
)
LIBRARIES = (
    _row(
        "missing_library",
        "are missing",
        r"(?P<count>\d{1,9}) libraries and (?P<blocks>\d{1,9}) linked data-blocks are missing",
        "{count} linked files with {blocks} data-blocks are missing and not in the picture.",
    ),
    _row(
        "missing_library",
        "nable to open",
        r"Warning: Unable to open " + _PATH,
        "The linked file {path} cannot be opened; what was linked is not in the picture.",
    ),
)
ABSENT_ENGINE = re.compile(r"Engine '(?P<engine>[^'\n]{1,300})' not available for scene '(?P<scene>[^'\n]{1,300})'")
"""Said while a .blend is opened; Blender then renders with EEVEE, and says nothing more."""
ERROR_LINE = re.compile(r"^(?:[\d:.]{8,16} {1,8}\S{1,64} {1,32}\| ERROR |Error: )(?P<text>.{1,500})", re.ASCII)
"""A report of an error that no row knows; 5.0 and later put time and category before it."""
