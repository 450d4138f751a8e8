# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender's file format words mean for file names and disk space. Runs without Blender."""

from __future__ import annotations

from types import MappingProxyType

_TABLE = MappingProxyType(
    {
        # word: (extension, typical bytes of a pixel on disk)
        "PNG": (".png", 1.5),
        "JPEG": (".jpg", 0.3),
        "OPEN_EXR": (".exr", 4.0),
        "OPEN_EXR_MULTILAYER": (".exr", 8.0),
        "TIFF": (".tif", 2.0),
        "WEBP": (".webp", 0.3),
        "AVIF": (".avif", 0.2),
        "BMP": (".bmp", 3.0),
        "TARGA": (".tga", 2.0),
        "TARGA_RAW": (".tga", 3.0),
        "JPEG2000": (".jp2", 0.5),
        "HDR": (".hdr", 3.0),
        "CINEON": (".cin", 4.0),
        "DPX": (".dpx", 4.0),
        "IRIS": (".rgb", 3.0),
    }
)
"""Extensions: `render.frame_path` of Blender 3.4.1 and 5.2.2. Sizes: small pictures with little compression count
as what they would be at least, so that a batch that fits is not refused."""

MOVIE_FORMATS = frozenset({"FFMPEG", "AVI_JPEG", "AVI_RAW"})
"""Formats that make one file of all frames."""

_PICTURE_ENDINGS = frozenset({ending for ending, _ in _TABLE.values()} | {".jpeg", ".tiff", ".tx", ".j2c", ".pdd", ".psd", ".bw", ".rgba", ".sgi"})
"""Extensions that Blender replaces by the format's own (`imb_ext_image`)."""

_MOVIE_ENDINGS = (".mp4", ".mkv", ".avi", ".mov", ".mpg", ".mpeg", ".dvd", ".vob", ".ogv", ".ogg", ".flv", ".webm", ".m2v", ".m4v", ".dv")
"""Extensions of movie containers (`get_file_extensions` in Blender's writeffmpeg.c)."""

_LOSSLESS_SEQUENCE = 1.5
"""A movie is rendered to PNG first."""


def extension(file_format: str) -> str:
    """Give the extension of a picture format with its dot; empty for movies and unknown words."""
    return _TABLE[file_format][0] if file_format in _TABLE else ""


def bytes_of_a_pixel(file_format: str) -> float:
    """Give the typical bytes of a pixel on disk; the smallest there is when the format is not known."""
    if file_format in MOVIE_FORMATS:
        return _LOSSLESS_SEQUENCE
    return _TABLE[file_format][1] if file_format in _TABLE else min(size for _, size in _TABLE.values())


def without_extension(name: str) -> str:
    """Take off a picture's extension, or dots at the end, which Blender replaces when it puts its own."""
    stem, dot, last = name.rpartition(".")
    return stem if dot and f".{last.lower()}" in _PICTURE_ENDINGS else name.rstrip(".")


def is_picture_name(name: str) -> bool:
    """Tell whether a name ends as a picture does."""
    return f".{name.rpartition('.')[2].lower()}" in _PICTURE_ENDINGS


def is_movie(file_format: str) -> bool:
    """Tell whether Blender's word is a format that makes one file of all frames."""
    return file_format in MOVIE_FORMATS


def has_movie_extension(name: str) -> bool:
    """Tell whether the name already ends as a movie; Blender then adds no frame range when the container agrees."""
    return name.lower().endswith(_MOVIE_ENDINGS)
