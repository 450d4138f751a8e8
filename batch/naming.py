# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of files: what tokens become, and what Blender makes of an output path.

The rules are those of `BLI_path_frame`, `BLI_path_frame_range` and `BKE_image_path_ext_from_imformat`; tests compare them with
`render.frame_path` of every Blender. They stand here because drawing a panel must not set a scene's path to ask Blender.
Runs without Blender.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

TOKENS = ("job", "index", "scene", "camera", "world", "layer", "engine", "blend", "width", "height", "date")
"""Names that may stand in braces in an output, as in a recipe."""

BLENDERS_TOKENS = MappingProxyType({"blend_name": "blend", "scene_name": "scene", "camera_name": "camera"})
"""Names that Blender 5 has for the same, for paths that come from a scene."""

MOVIES = frozenset({"FFMPEG", "AVI_JPEG", "AVI_RAW"})
"""Formats that make one file of all frames."""

EXTENSIONS = MappingProxyType(
    {
        "PNG": (".png",),
        "JPEG": (".jpg", ".jpeg"),
        "OPEN_EXR": (".exr",),
        "OPEN_EXR_MULTILAYER": (".exr",),
        "TIFF": (".tif", ".tiff"),
        "WEBP": (".webp",),
        "AVIF": (".avif",),
        "BMP": (".bmp",),
        "TARGA": (".tga",),
        "TARGA_RAW": (".tga",),
        "JPEG2000": (".jp2",),
        "HDR": (".hdr",),
        "CINEON": (".cin",),
        "DPX": (".dpx",),
        "IRIS": (".rgb",),
    }
)
"""The first is the one Blender adds; the others it leaves as they stand."""

CONTAINERS = MappingProxyType(
    {
        "MPEG1": (".mpg", ".mpeg"),
        "MPEG2": (".dvd", ".vob", ".mpg", ".mpeg"),
        "MPEG4": (".mp4", ".mpg", ".mpeg"),
        "AVI": (".avi",),
        "QUICKTIME": (".mov",),
        "DV": (".dv",),
        "OGG": (".ogv", ".ogg"),
        "MKV": (".mkv",),
        "FLASH": (".flv",),
        "WEBM": (".webm",),
    }
)
"""Endings of movie containers (`get_file_extensions` in Blender's writeffmpeg.c)."""

_MOVIE_ENDINGS = tuple(dict.fromkeys(ending for endings in CONTAINERS.values() for ending in endings))

_PICTURE_ENDINGS = frozenset(ending for endings in EXTENSIONS.values() for ending in endings) | {".tx", ".j2c", ".pdd", ".psd", ".bw", ".rgba", ".sgi"}
"""Endings that Blender replaces by the format's own (`imb_ext_image`)."""

_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
_UNSAFE = re.compile(r'[<>:"/\\|?*#\x00-\x1f\x7f]')
_DEVICES = re.compile(r"(?:CON|PRN|AUX|NUL|COM[0-9¹²³]|LPT[0-9¹²³])(?:\.|$)", re.IGNORECASE)
_HASHES = re.compile(r"#+")


def safe_name(text: str) -> str:
    """Make a name that is a file name, or a part of one, on Linux, Windows and macOS, and has no frame digits in it."""
    name = _UNSAFE.sub("_", text).rstrip(" .")
    return f"_{name}" if not name or _DEVICES.match(name) else name


def unknown_tokens(output: str, values: Mapping[str, str]) -> list[str]:
    """Name the tokens of an output that do not exist or have no value in `values`."""
    found = (match.group(1) for match in _BRACES.finditer(output))
    return [token for token in found if token is not None and not values.get(BLENDERS_TOKENS.get(token, token))]


def settle_tokens(output: str, values: Mapping[str, str]) -> str:
    """Put the values, made safe, in place of the tokens, and leave what has no value; the result may be expanded again."""

    def replacement(match: re.Match[str]) -> str:
        token = match.group(1)
        value = values.get(BLENDERS_TOKENS.get(token, token)) if token is not None else ""
        return escape_braces(safe_name(value)) if value else match.group()

    return _BRACES.sub(replacement, output)


def tokens(output: str) -> list[str]:
    """Name the tokens of an output, those of Blender by ours."""
    return [BLENDERS_TOKENS.get(token, token) for match in _BRACES.finditer(output) if (token := match.group(1)) is not None]


def fill_tokens(output: str, texts: Mapping[str, str]) -> str:
    """Put `texts`, which may have tokens themselves, in place of the tokens of their names."""
    return _BRACES.sub(lambda match: texts.get(match.group(1), match.group()) if match.group(1) is not None else match.group(), output)


def plain_braces(output: str) -> str:
    """Make `{{` and `}}` the braces that they stand for."""
    return _BRACES.sub(lambda match: match.group()[0] if match.group(1) is None else match.group(), output)


def escape_braces(path: str) -> str:
    """Write a plain text so that its braces stand for themselves."""
    return path.replace("{", "{{").replace("}", "}}")


@dataclass(frozen=True, slots=True)
class Pattern:
    """The last part of an output: what stands before and after the frame's digits, and how many those are at least."""

    before: str
    after: str
    digits: int

    @classmethod
    def of(cls, last_part: str) -> Pattern:
        """Read the last run of `#`; without one, four digits are appended."""
        found = list(_HASHES.finditer(last_part))
        if not found:
            return cls(last_part, "", 4)
        start, end = found[-1].span()
        return cls(last_part[:start], last_part[end:], end - start)

    def number(self, frame: int) -> str:
        """Write the frame's digits; a minus is no digit: -5 with four digits is `-0005`."""
        return f"{'-' if frame < 0 else ''}{abs(frame):0{self.digits}d}"

    def text(self, frame: int) -> str:
        """Write the name for a frame."""
        return f"{self.before}{self.number(frame)}{self.after}"


def picture_name(last_part: str, frame: int, endings: tuple[str, ...]) -> str:
    """Give the file name of a picture; no endings: the name gets none."""
    return with_ending(Pattern.of(last_part).text(frame), endings)


def with_ending(name: str, endings: tuple[str, ...]) -> str:
    """Put a picture's ending on a name as Blender does: another picture's is replaced, one of its own stays."""
    if not endings or name.lower().endswith(endings):
        return name
    return without_ending(name) + endings[0]


def without_ending(name: str) -> str:
    """Take off a picture's ending, or the dots at the end, which Blender replaces when it puts its own."""
    stem, dot, last = name.rpartition(".")
    return stem if dot and f".{last.lower()}" in _PICTURE_ENDINGS else name.rstrip(".")


def movie_name(last_part: str, span: tuple[int, int], endings: tuple[str, ...]) -> str:
    """Give the file name of a movie of the frames `span`; a name with the container's ending is taken as it stands."""
    if endings and last_part.lower().endswith(endings):
        return last_part
    pattern = Pattern.of(last_part)
    start, end = (max(frame, 0) for frame in span)
    return f"{pattern.before}{pattern.number(start)}-{pattern.number(end)}{pattern.after}{endings[0] if endings else ''}"


def with_view(name: str, suffix: str) -> str:
    """Put a view's suffix, such as `_L`, before the ending (`BLI_path_suffix`)."""
    stem, ending = os.path.splitext(name)
    return f"{stem}{suffix}{ending}"


def distinguish(output: str, addition: str) -> str:
    """Put `addition` into the name of an output, before the frame's digits: `shot_####` becomes `shot_{camera}_####`."""
    split = max(output.rfind("/"), output.rfind(os.sep)) + 1
    folder, last = output[:split], output[split:]
    found = list(_HASHES.finditer(last))
    if found:
        start = found[-1].start()
        stem, rest = last[:start], f"_{last[start:]}"
    elif last.lower().endswith(_MOVIE_ENDINGS):  # a movie whose whole name the artist gave
        stem, ending = os.path.splitext(last)
        rest = ending
    else:
        stem, rest = without_ending(last), "_####"
    stem = stem.rstrip("_")
    return f"{folder}{stem}{'_' if stem else ''}{addition}{rest}"
