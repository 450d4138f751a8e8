# SPDX-License-Identifier: GPL-3.0-or-later
"""Make assets/sounds: two tones of a bell, upwards when all is well, downwards when something failed.

    python3 tools/make_sounds.py [FOLDER]

Standard library only; the same script gives the same files, byte for byte. Runs without Blender.
"""

from __future__ import annotations

import math
import struct
import sys
import wave
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "assets" / "sounds"
RATE = 16000
LOUDEST = 0.7
"""Of the largest sample: room for players that add something of their own."""

# Where each tone begins (s), its pitch (Hz), its loudness.
FINISHED = ((0.0, 659.26, 0.8), (0.18, 987.77, 1.0))  # E5, B5: a fifth up
FAILED = ((0.0, 587.33, 1.0), (0.22, 440.0, 0.9))  # D5, A4: a fourth down
SECONDS = 1.1
# A bell's partials: multiples of the pitch, how loud, how soon gone (s).
PARTIALS = ((1.0, 1.0, 0.38), (2.0, 0.35, 0.22), (3.01, 0.12, 0.12), (4.2, 0.05, 0.06))
ATTACK = 0.006
FADE = 0.08


def tone(pitch: float, at: float) -> float:
    """Give a bell's sample, `at` seconds after it was struck."""
    if at < 0:
        return 0.0
    strike = min(1.0, at / ATTACK)
    return strike * sum(loud * math.exp(-at / gone) * math.sin(2 * math.pi * pitch * times * at) for times, loud, gone in PARTIALS)


def samples(tones: Sequence[tuple[float, float, float]]) -> list[int]:
    """Give the samples of tones, faded out at the end."""
    times = [number / RATE for number in range(int(SECONDS * RATE))]
    raw = [sum(loud * tone(pitch, at - begins) for begins, pitch, loud in tones) * min(1.0, (SECONDS - at) / FADE) for at in times]
    scale = LOUDEST * 32767 / max(map(abs, raw))
    return [round(value * scale) for value in raw]


def write(path: Path, values: Sequence[int]) -> None:
    """Write 16-bit samples, one channel."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(struct.pack(f"<{len(values)}h", *values))


def main(arguments: Sequence[str]) -> int:
    """Make both files."""
    folder = Path(arguments[0]) if arguments else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, tones in (("finished", FINISHED), ("failed", FAILED)):
        write(folder / f"{name}.wav", samples(tones))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
