# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies by their container: MP4 and QuickTime, AVI, FLV, Ogg, MPEG streams, DV. (Matroska: `matroska`.)

As far as each container allows: a container that states its size, or has an index that is written last, tells a cut
file; an MPEG stream does not. Runs without Blender.
"""

from __future__ import annotations

import struct

from .boxes import boxes
from .errors import Damaged
from .riff import chunks
from .size import Size, checked_size
from .window import Window

_MEDIA_KINDS = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"moof", b"styp"})
_FIXED_POINT = 16
_MPEG_PACK, _MPEG_SEQUENCE = b"\0\0\1\xba", b"\0\0\1\xb3"
_TS_PACKET, _TS_START = 188, b"G"
_DV_START = b"\x1f\x07\0"
_DV_FRAMES = {0: (120_000, (720, 480)), 1: (144_000, (720, 576))}  # by the header's PAL bit
_FLV_VIDEO, _FLV_LAST_LENGTH, _FLV_METADATA = 9, 4, 2048
_OGG_PAGE, _OGG_LAST = b"OggS", 4


def is_media(head: bytes) -> bool:
    """Tell whether a file that starts so is of boxes (MP4, QuickTime, AVIF)."""
    return head[4:8] in _MEDIA_KINDS


def is_avif(head: bytes) -> bool:
    """Tell whether a file of boxes is an AVIF picture."""
    return head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis")


def is_mpeg(head: bytes) -> bool:
    """Tell whether a file that starts so is an MPEG program, elementary or transport stream."""
    return head.startswith((_MPEG_PACK, _MPEG_SEQUENCE)) or (head[:1] == _TS_START == head[_TS_PACKET : _TS_PACKET + 1])


def is_dv(head: bytes) -> bool:
    """Tell whether a file that starts so is a raw DV stream."""
    return head.startswith(_DV_START)


def look_boxes(window: Window) -> Size | None:
    """Check an MP4 or QuickTime movie: every box is whole, media data and the index (moov) are there."""
    size, data = None, False
    index = False
    for kind, at, end in boxes(window, 0, window.size):
        if kind == b"moov":
            index, size = True, _size_of_movie(window, at, end)
        data = data or (kind == b"mdat" and end > at)
    if not index:
        raise Damaged("was not finished: the movie has no index (moov)")
    if not data:
        raise Damaged("is damaged: the movie holds no frames (mdat)")
    return size


def _size_of_movie(window: Window, at: int, end: int) -> Size | None:
    """Find the largest track; sounds have a size of 0."""
    found: Size | None = None
    for kind, start, stop in boxes(window, at, end):
        if kind != b"trak":
            continue
        for inner, place, inner_end in boxes(window, start, stop):
            if inner == b"tkhd" and inner_end - place >= 8:
                width, height = (value >> _FIXED_POINT for value in window.unpack(">II", inner_end - 8))
                if width and height:
                    found = max(found or (0, 0), checked_size(width, height))
    return found


def look_avif(window: Window) -> Size | None:
    """Check an AVIF picture: every box is whole, the description (meta) and the data (mdat) are there."""
    found: dict[bytes, tuple[int, int]] = {}
    for kind, at, end in boxes(window, 0, window.size):
        found[kind] = (at, end)
    if b"meta" not in found or b"mdat" not in found:
        raise Damaged("was not finished: the AVIF holds no picture")
    at, end = found[b"meta"]
    for kind, start, stop in boxes(window, at + 4, end):
        if kind == b"iprp":
            return _size_of_avif(window, start, stop)
    return None


def _size_of_avif(window: Window, at: int, end: int) -> Size | None:
    for kind, start, stop in boxes(window, at, end):
        if kind == b"ipco":
            for inner, place, _inner_end in boxes(window, start, stop):
                if inner == b"ispe":
                    width, height = window.unpack(">II", place + 4)
                    return checked_size(width, height)
    return None


def look_avi(window: Window) -> Size | None:
    """Check an AVI: its own size, also of the further RIFFs of a large one, and a header and frames in the first."""
    at, size, frames = 0, None, False
    while at < window.size:
        if window.some(at, 4) != b"RIFF":
            if any(window.some(at, 64)):
                window.need(at, 12, "the next part of the movie")
                raise Damaged("is damaged: there is something strange after the movie's end")
            break
        end = at + 8 + window.number("<I", at + 4)
        for kind, start, length in chunks(window, at + 12, end):
            name = window.some(start, 4)
            if kind == b"LIST" and name == b"hdrl":
                size = _size_of_avi(window, start + 4)
            frames = frames or (kind == b"LIST" and name == b"movi" and length > 4)
        at = end + end % 2
    if size is None or not frames:
        raise Damaged("was not finished: the AVI has no header or no frames")
    return size


def _size_of_avi(window: Window, at: int) -> Size | None:
    if window.read(at, 4) != b"avih":
        return None
    width, height = window.unpack("<II", at + 8 + 32)
    return checked_size(width, height)


def look_flv(window: Window) -> Size | None:
    """Check an FLV: tags to the end, each followed by its own length, and the file size that ffmpeg writes last."""
    at = window.number(">I", 5) + _FLV_LAST_LENGTH
    video = False
    told = _told_by_flv(window, at)
    if told.get(b"filesize") == 0:
        raise Damaged("was not finished: the movie's size was never written")
    window.need(0, int(told.get(b"filesize", 0)), "it")
    while at < window.size:
        kind = window.number("B", at)
        length = int.from_bytes(window.read(at + 1, 3), "big")
        window.need(at, 11 + length + _FLV_LAST_LENGTH, "its last frame")
        if window.number(">I", at + 11 + length) != 11 + length:
            raise Damaged("is damaged: one of its frames has another length than its mark says")
        video = video or kind == _FLV_VIDEO
        at += 11 + length + _FLV_LAST_LENGTH
    if not video:
        raise Damaged("was not finished: the movie holds no frames")
    sides = int(told.get(b"width", 0)), int(told.get(b"height", 0))
    return checked_size(*sides) if all(sides) else None


def _told_by_flv(window: Window, at: int) -> dict[bytes, float]:
    """Find numbers in the movie's metadata (AMF: the name, a type of 0, eight bytes)."""
    head = window.some(at, _FLV_METADATA)
    told: dict[bytes, float] = {}
    for name in (b"filesize", b"width", b"height"):
        place = head.find(len(name).to_bytes(2, "big") + name + b"\0") + 3 + len(name)
        if place > 2 + len(name) and place + 8 <= len(head):
            value = struct.unpack_from(">d", head, place)[0]
            told[name] = value if 0 <= value < 1 << 62 else -1.0  # also what is no number
    return told


def look_ogg(window: Window) -> Size | None:
    """Check an Ogg: pages to the end, and the last page of every stream has its mark."""
    at = 0
    running: set[int] = set()
    pages = 0
    while at < window.size:
        head = window.read(at, 27)
        if head[:4] != _OGG_PAGE:
            raise Damaged(f"is damaged: there is no Ogg page at byte {at}")
        stream = int.from_bytes(head[14:18], "little")
        length = 27 + head[26] + sum(window.read(at + 27, head[26]))
        window.need(at, length, "its last page")
        (running.discard if head[5] & _OGG_LAST else running.add)(stream)
        pages += 1
        at += length
    if running or not pages:
        raise Damaged("was not finished: the movie's last page has no end mark")
    return None


def look_mpeg(window: Window) -> Size | None:
    """Take an MPEG stream that starts as one: the format has no end that is always written."""
    window.need(0, len(_MPEG_PACK) + 8, "its first pack")
    return None


def look_dv(window: Window) -> Size | None:
    """Check a DV: frames of one length each, all whole."""
    length, size = _DV_FRAMES[window.number("B", 3) >> 7]
    if window.size % length:
        raise Damaged(f"is cut short: {window.size} bytes are there, and its frames have {length} each")
    return size
