# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a job's pictures go: our tokens expanded, `//` resolved, and the file names that Blender makes of the result.

Naming was observed with `render.frame_path` of Blender 3.4.1 and 5.2.2; it follows `BLI_path_frame` and
`BLI_path_frame_range` (path_utils.cc). Runs without Blender.
"""

from __future__ import annotations

import ntpath
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import PurePath, PureWindowsPath
from types import ModuleType

from batchserver.model.errors import BadInput

from .formats import extension, without_extension
from .wording import closest, shortened

TOKENS = ("job", "index", "scene", "camera", "world", "layer", "engine", "blend", "width", "height", "date")
"""Names that may stand in braces in an output path."""

_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_UNSAFE = re.compile(r'[<>:"/\\|?*#\x00-\x1f\x7f]')
_DEVICES = re.compile(r"(?:CON|PRN|AUX|NUL|COM[0-9¹²³]|LPT[0-9¹²³])(?:\.|$)", re.IGNORECASE)
_HASHES = re.compile(r"#+")


def safe_name(text: str) -> str:
    """Make a name that is a file name, or a part of one, on Linux, Windows and macOS, and has no frame digits in it.

    Windows is the strictest (naming rules of its file API): no `<>:"/\\|?*`, no device names, no dot or space at the end.
    """
    name = _UNSAFE.sub("_", text).rstrip(" .")
    return f"_{name}" if not name or _DEVICES.match(name) else name


def expand_tokens(output: str, values: Mapping[str, str]) -> str:
    """Put the values, made safe, in place of the tokens; `{{` and `}}` become braces.

    Raises `BadInput` for an unknown token, for one whose value is empty, and for a brace that stands alone.
    """

    def replacement(match: re.Match[str]) -> str:
        whole, token = match.group(), match.group(1)
        if whole in ("{{", "}}"):
            return whole[0]
        if token is None:
            raise BadInput(f"a {whole} stands alone; write {whole * 2} for a brace, or one of {_token_list()}")
        if token not in TOKENS:
            raise BadInput(f"{{{shortened(token)}}} is no token{_meant(token)}; there are {_token_list()}, and {{{{ and }}}} for braces")
        if not values[token]:
            raise BadInput(f"{{{token}}} has no value, because {_SOURCES[token]}; fill that in, or take the token out")
        return safe_name(values[token])

    return _BRACES.sub(replacement, output)


_SOURCES = {
    "job": "the job has no name",
    "index": "the job has no place",
    "scene": "the job names no scene (it takes the file's)",
    "camera": "the job names no camera (it takes the scene's)",
    "world": "the job names no world (it takes the scene's)",
    "layer": "the job names no view layer (it takes the file's)",
    "engine": "the job names no engine (it takes the scene's)",
    "blend": "the job has no .blend",
    "width": "the job gives no size (it takes the scene's)",
    "height": "the job gives no size (it takes the scene's)",
    "date": "there is no date",
}


def _token_list() -> str:
    return " ".join(f"{{{token}}}" for token in TOKENS)


def _meant(token: str) -> str:
    meant = closest(token.strip(), TOKENS)
    return f" (did you mean {{{meant}}}?)" if meant else ""


def settle_date(output: str, today: date) -> str:
    """Put the date in place of `{date}` and leave all else, so that the same recipe read tomorrow goes to the same place."""
    return _BRACES.sub(lambda match: today.isoformat() if match.group() == "{date}" else match.group(), output)


def settle_index(output: str, index: int) -> str:
    """Put the job's place in the list in place of `{index}` and leave all else, so that the job writes to the same place from another list."""
    return _BRACES.sub(lambda match: str(index) if match.group() == "{index}" else match.group(), output)


def escape_braces(path: str) -> str:
    """Write a plain path so that `expand_tokens` gives it back."""
    return path.replace("{", "{{").replace("}", "}}")


def flavour_of(path: PurePath) -> ModuleType:
    """Give `ntpath` for a Windows path, else `posixpath`."""
    return ntpath if isinstance(path, PureWindowsPath) else posixpath


def is_absolute(output: str, flavour: ModuleType) -> bool:
    """Tell whether an output, other than one that begins with `//`, needs no folder to start from."""
    return bool(flavour.isabs(output)) and (flavour is posixpath or bool(ntpath.splitdrive(output)[0]))


def resolve_output(output: str, blend: PurePath) -> str:
    """Make an expanded output absolute: `//` is the folder of the .blend; `.` and `..` are folded, as Blender does.

    A `/` at the end stays: it means a folder whose files have only a number for a name.
    """
    flavour = flavour_of(blend)
    if output.startswith("//"):
        output = flavour.join(str(blend.parent), output.lstrip("/"))
    elif flavour is ntpath and not ntpath.splitdrive(output)[0]:
        output = blend.drive + output
    folded = str(flavour.normpath(output))
    last = re.split(r"[/\\]" if flavour is ntpath else "/", output)[-1]
    return flavour.join(folded, "") if last in ("", ".", "..") else folded


@dataclass(frozen=True, slots=True)
class NamePattern:
    """The last part of an output: what stands before and after the frame's digits, and how many those are at least."""

    before: str
    after: str
    digits: int

    @classmethod
    def of(cls, last_part: str) -> NamePattern:
        """Read the last run of `#`; without one, four digits are appended."""
        found = list(_HASHES.finditer(last_part))
        if not found:
            return cls(last_part, "", 4)
        start, end = found[-1].span()
        return cls(last_part[:start], last_part[end:], end - start)

    def text(self, frame: int) -> str:
        """Write the name for a frame; a minus is no digit: -5 with four digits is `-0005`."""
        return f"{self.before}{self.number(frame)}{self.after}"

    def number(self, frame: int) -> str:
        """Write the frame's digits."""
        return f"{'-' if frame < 0 else ''}{abs(frame):0{self.digits}d}"


def split_output(output: str, flavour: ModuleType = posixpath) -> tuple[str, str]:
    """Give the folder and the last part of a resolved output."""
    folder, last = flavour.split(output)
    return folder, last


def main_output_name(last_part: str, frame: int, file_format: str = "") -> str:
    """Give the name of the picture that Blender writes for a frame, from the last part of the output.

    `file_format` is Blender's word; when it is empty or a movie's the name has no extension.
    """
    return with_extension(NamePattern.of(last_part).text(frame), extension(file_format))


def with_extension(name: str, ending: str) -> str:
    """Put a picture's extension on a name as Blender does: another picture's is replaced, the same stays as it is."""
    if not ending:
        return name
    if name.lower().endswith(ending):
        return name
    return without_extension(name) + ending


def movie_output_name(last_part: str, start: int, end: int) -> str:
    """Give the name of a movie from `start` to `end`, without its container's extension, which the recipe does not know."""
    pattern = NamePattern.of(last_part)
    return f"{pattern.before}{pattern.number(start)}-{pattern.number(end)}{pattern.after}"
