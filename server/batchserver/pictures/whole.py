# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a picture or movie file whole? Its header is read, and its end looked at as the format allows.

Never decodes a picture, never holds a file in memory, takes time that grows no faster than the file.
Runs without Blender.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from . import bmp, exr, film, hdr, iris, jpeg, jpeg2000, matroska, movies, png, tga, tiff, webp
from .errors import Damaged, NotWhole
from .size import Size
from .window import Window

_HEAD = 256


@dataclass(frozen=True, slots=True)
class Picture:
    """A whole file: its format in Blender's word for pictures, the container's for movies; its size in pixels if told.

    A file of no known format (a File Output node may write anything) has the format "".
    """

    format: str
    width: int | None = None
    height: int | None = None


def look_at(path: Path, word: str = "") -> Picture:
    """Look whether a file is whole.

    `word` is the scene's format word (`PNG`, `OPEN_EXR_MULTILAYER`, `FFMPEG`, …) if the file must be of that format;
    when empty, the file's first bytes decide, and its name's ending must not say otherwise. Raises `NotWhole`.
    """
    try:
        with path.open("rb", buffering=0) as raw:
            return _look(raw, path, word.upper())
    except Damaged as problem:
        raise NotWhole(path, str(problem)) from None
    except (FileNotFoundError, NotADirectoryError):
        raise NotWhole(path, "was not written: there is no such file") from None
    except OSError as problem:
        raise NotWhole(path, f"cannot be read: {problem.strerror or problem}") from None
    except (struct.error, ValueError, OverflowError) as problem:
        raise NotWhole(path, f"is damaged: {problem}") from None


def _look(file: BinaryIO, path: Path, word: str) -> Picture:
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise Damaged("is no file")
    if not status.st_size:
        raise Damaged("is empty (0 bytes); the disk may be full")
    window = Window(file, status.st_size)
    head = window.some(0, _HEAD)
    ending = path.suffix.lower()
    kind = _recognise(head, word, ending)
    _compare(kind, word, ending, head)
    if kind is None:
        return Picture("")
    size = kind.look(window)
    return Picture(kind.name, *size) if size else Picture(kind.name)


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    matches: Callable[[bytes], bool]
    look: Callable[[Window], Size | None]


def _starts(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(signatures)


def _riff(form: bytes) -> Callable[[bytes], bool]:
    return lambda head: head[:4] == b"RIFF" and head[8:12] == form


_KINDS = (
    _Kind("PNG", _starts(png.SIGNATURE), png.look),
    _Kind("JPEG", _starts(jpeg.SIGNATURE), jpeg.look),
    _Kind("OPEN_EXR", _starts(exr.SIGNATURE), exr.look),
    _Kind("TIFF", _starts(*tiff.SIGNATURES), tiff.look),
    _Kind("WEBP", _riff(b"WEBP"), webp.look),
    _Kind("HDR", _starts(*hdr.SIGNATURES), hdr.look),
    _Kind("DPX", _starts(*film.DPX_SIGNATURES), film.look_dpx),
    _Kind("CINEON", _starts(*film.CINEON_SIGNATURES), film.look_cineon),
    _Kind("JPEG2000", _starts(jpeg2000.BOXES_SIGNATURE, jpeg2000.STREAM_SIGNATURE), jpeg2000.look),
    _Kind("AVIF", movies.is_avif, movies.look_avif),
    _Kind("QUICKTIME", lambda head: movies.is_media(head) and head[8:12] == b"qt  ", movies.look_boxes),
    _Kind("MPEG4", movies.is_media, movies.look_boxes),
    _Kind("WEBM", lambda head: head.startswith(matroska.SIGNATURE) and matroska.is_webm(head), matroska.look),
    _Kind("MKV", _starts(matroska.SIGNATURE), matroska.look),
    _Kind("AVI", _riff(b"AVI "), movies.look_avi),
    _Kind("FLASH", _starts(b"FLV\1"), movies.look_flv),
    _Kind("OGG", _starts(b"OggS"), movies.look_ogg),
    _Kind("MPEG", movies.is_mpeg, movies.look_mpeg),
    _Kind("DV", movies.is_dv, movies.look_dv),
    _Kind("IRIS", _starts(iris.SIGNATURE), iris.look),
    _Kind("BMP", _starts(bmp.SIGNATURE), bmp.look),
)
_TARGA = _Kind("TARGA", tga.plausible, tga.look)

_WEAK = frozenset({"BMP", "IRIS", "TARGA", "MPEG", "DV"})  # formats whose first bytes are few
_WORDS_OF_TARGA = ("TARGA", "TARGA_RAW")
_MOVIES = frozenset({"MPEG4", "QUICKTIME", "MKV", "WEBM", "AVI", "FLASH", "OGG", "MPEG", "DV"})
_OF_WORD: dict[str, frozenset[str]] = {
    **{kind.name: frozenset({kind.name}) for kind in _KINDS},
    "OPEN_EXR_MULTILAYER": frozenset({"OPEN_EXR"}),
    "MULTILAYER": frozenset({"OPEN_EXR"}),
    "TARGA": frozenset({"TARGA"}),
    "TARGA_RAW": frozenset({"TARGA"}),
    "AVI_JPEG": frozenset({"AVI"}),
    "AVI_RAW": frozenset({"AVI"}),
    "FFMPEG": _MOVIES,
}
_OF_ENDING: dict[str, frozenset[str]] = {
    ".png": _OF_WORD["PNG"],
    ".exr": _OF_WORD["OPEN_EXR"],
    **dict.fromkeys((".jpg", ".jpeg"), _OF_WORD["JPEG"]),
    **dict.fromkeys((".tif", ".tiff"), _OF_WORD["TIFF"]),
    **dict.fromkeys((".jp2", ".j2c", ".j2k"), _OF_WORD["JPEG2000"]),
    ".bmp": _OF_WORD["BMP"],
    ".tga": _OF_WORD["TARGA"],
    ".hdr": _OF_WORD["HDR"],
    ".webp": _OF_WORD["WEBP"],
    ".avif": _OF_WORD["AVIF"],
    ".dpx": _OF_WORD["DPX"],
    ".cin": _OF_WORD["CINEON"],
    **dict.fromkeys((".rgb", ".rgba", ".sgi", ".bw"), _OF_WORD["IRIS"]),
    **dict.fromkeys((".mp4", ".mov", ".mkv", ".webm", ".avi", ".ogv", ".flv", ".mpg", ".mpeg", ".vob", ".dv", ".m2v", ".ts", ".m4v"), _MOVIES),
}


def _recognise(head: bytes, word: str, ending: str) -> _Kind | None:
    """Find the format from the first bytes; where those say little, the word or the name must not speak for another file.

    Two bytes may begin any text or cache that a File Output node writes, and a TGA has no signature at all.
    """
    found = next((kind for kind in _KINDS if kind.matches(head)), None)
    if found is None and (word in _WORDS_OF_TARGA or ending == ".tga" or tga.plausible(head)):
        found = _TARGA
    if found is not None and found.name in _WEAK and not word and ending and ending not in _OF_ENDING:
        return None
    return found


def _compare(kind: _Kind | None, word: str, ending: str, head: bytes) -> None:
    """Raise `Damaged` when the file must be of a format that it is not."""
    wanted = _OF_WORD.get(word) if word else _OF_ENDING.get(ending)
    if wanted is None or (kind is not None and kind.name in wanted):
        return
    name = word or (next(iter(wanted)) if len(wanted) == 1 else ending)
    if not any(head):
        raise Damaged(f"was not finished: it should be of the format {name}, and begins with nothing but zeros")
    has = f"is of the format {kind.name}" if kind else "does not begin like one"
    raise Damaged(f"should be of the format {name}, and {has}")
