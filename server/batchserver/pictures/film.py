# SPDX-License-Identifier: GPL-3.0-or-later
"""DPX and Cineon, the formats of film scanners: the header's own file size, and the pixels it promises.

Source: SMPTE 268M; Kodak, "Cineon Image File Format". Runs without Blender.
"""

from __future__ import annotations

from .errors import Damaged
from .size import Size, checked_size
from .window import Window

DPX_SIGNATURES = (b"SDPX", b"XPDS")
CINEON_SIGNATURES = (b"\x80\x2a\x5f\xd7", b"\xd7\x5f\x2a\x80")
_UNKNOWN = 0xFFFFFFFF
# Components of a pixel by the DPX descriptor: single ones 1, RGB 3, RGBA and ABGR 4; others are not computed.
_COMPONENTS = {**dict.fromkeys(range(0, 10), 1), 50: 3, 51: 4, 52: 4}
_WORD = 32


def look_dpx(window: Window) -> Size:
    """Give the size of a DPX that is whole; raises `Damaged`."""
    order = ">" if window.read(0, 4) == b"SDPX" else "<"
    start, size_of_file = window.number(order + "I", 4), window.number(order + "I", 16)
    _elements, width, height = window.unpack(order + "HII", 770)
    size = checked_size(width, height)
    descriptor, bits = window.number("B", 800), window.number("B", 803)
    packing, encoding = window.unpack(order + "HH", 804)
    first = window.number(order + "I", 808)
    start = first if first not in (0, _UNKNOWN) else start
    least = 0 if encoding else _rows(size, _COMPONENTS.get(descriptor, 0), bits, packing)
    return _checked(window, size, start, least, size_of_file)


def look_cineon(window: Window) -> Size:
    """Give the size of a Cineon that is whole; raises `Damaged`."""
    order = ">" if window.read(0, 4) == CINEON_SIGNATURES[0] else "<"
    start, size_of_file = window.number(order + "I", 4), window.number(order + "I", 20)
    elements, bits = window.number("B", 193), window.number("B", 198)
    size = checked_size(*window.unpack(order + "II", 200))
    return _checked(window, size, start, _rows(size, min(elements, 8), bits, 1), size_of_file)


def _rows(size: Size, components: int, bits: int, packing: int) -> int:
    """Count the bytes of the picture: ten and twelve bits are filled up to words of 32 or 16 bits unless packed."""
    width, height = size
    values = width * components
    if packing and bits == 10:
        words = -(-values // 3)
    elif packing and bits == 12:
        words = -(-values // 2)
    else:
        words = -(-values * bits // _WORD)
    return words * 4 * height


def _checked(window: Window, size: Size, start: int, least: int, size_of_file: int) -> Size:
    if start in (0, _UNKNOWN):
        raise Damaged("is damaged: its header does not say where the picture is")
    window.need(start, least, "its picture")
    if size_of_file not in (0, _UNKNOWN):
        window.need(0, size_of_file, "it")
    elif not least:
        window.need(start, 1, "its picture")
    return size
