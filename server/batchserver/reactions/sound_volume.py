# SPDX-License-Identifier: GPL-3.0-or-later
"""A WAV file made quieter, for players that have no volume of their own. Runs without Blender."""

from __future__ import annotations

import array
import sys
import wave
from pathlib import Path

MAX_SECONDS = 60
"""More of a file than this is not read: no more is played."""


def scaled_copy(source: Path, target: Path, volume: float) -> None:
    """Write a WAV file's beginning with its samples times `volume` (0 to 1). Raises `OSError`, `EOFError` and `wave.Error`."""
    with wave.open(str(source), "rb") as file:
        channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
        data = file.readframes(rate * MAX_SECONDS)
    with wave.open(str(target), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(scaled(data, width, volume))


def scaled(data: bytes, width: int, volume: float) -> bytes:
    """Scale samples of 1 (unsigned, as WAV has them), 2, 3 or 4 bytes, little endian. Raises `wave.Error` for another width."""
    if width == 1:
        return bytes(round((value - 128) * volume) + 128 for value in data)
    if width == 3:
        return b"".join(
            round(int.from_bytes(data[at : at + 3], "little", signed=True) * volume).to_bytes(3, "little", signed=True) for at in range(0, len(data) - 2, 3)
        )
    if width not in (2, 4):
        raise wave.Error(f"samples of {width} bytes")
    values = array.array("h" if width == 2 else "i", data[: len(data) - len(data) % width])
    if sys.byteorder == "big":
        values.byteswap()
    values = array.array(values.typecode, (round(value * volume) for value in values))
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()
