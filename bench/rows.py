# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the bench: lists of shots, each with the scenes that it needs. Runs without Blender."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Shot:
    """One job: some frames of a file, with a camera of it or its own ("")."""

    blend: str
    first: int
    last: int
    camera: str = ""
    output: str = ""

    def chunks(self, length: int) -> list[Shot]:
        """Cut it into pieces of so many frames."""
        return [replace(self, first=start, last=min(start + length - 1, self.last)) for start in range(self.first, self.last + 1, length)]

    def written(self, folder: Path) -> Shot:
        """Give it a place for its pictures."""
        name = f"{Path(self.blend).stem}-{self.camera.replace(' ', '-')}-{self.first}_"
        return replace(self, output=str(folder / name))

    def told(self) -> dict[str, Any]:
        """Tell it as JSON for a script."""
        return asdict(self)

    def job(self) -> dict[str, Any]:
        """Tell it as a job of a recipe."""
        job: dict[str, Any] = {"name": Path(self.output).name, "blend_file": self.blend, "output": self.output, "format": "PNG"}
        if self.camera:
            job["camera"] = self.camera
        if self.first == self.last:
            return job | {"frame_still": self.first}
        return job | {"animated": True, "frame_start": self.first, "frame_end": self.last}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: its title, the scenes that it needs, and its shots in a folder of scenes."""

    title: str
    scenes: tuple[str, ...]
    shots: Callable[[Path], list[Shot]]


def _stills(scene: str, count: int) -> Callable[[Path], list[Shot]]:
    return lambda folder: [Shot(str(folder / f"{scene}.blend"), frame, frame) for frame in range(1, count + 1)]


def _cameras(folder: Path) -> list[Shot]:
    return [Shot(str(folder / "heavy.blend"), 1, 1, f"Camera {number}") for number in range(20)]


def _many(folder: Path) -> list[Shot]:
    return [Shot(str(folder / f"many{number}.blend"), 1, 1) for number in range(20)]


def _frames(scene: str, count: int) -> Callable[[Path], list[Shot]]:
    return lambda folder: [Shot(str(folder / f"{scene}.blend"), 1, count)]


def _mixed(folder: Path) -> list[Shot]:
    """40 jobs of every kind, in an order that does not help."""
    kinds = [_stills("cycles", 10)(folder), _stills("workbench", 10)(folder), _cameras(folder)[:8], _many(folder)[:10], _frames("cycles", 20)(folder)]
    last = [Shot(str(folder / "workbench.blend"), 101, 120)]
    queues = [*kinds, last]
    found: list[Shot] = []
    while any(queues):
        found += [queue.pop(0) for queue in queues if queue]
    return found


ROWS: dict[str, Row] = {
    "stills": Row("20 light stills of one file, Cycles", ("cycles",), _stills("cycles", 20)),
    "files": Row("20 light stills of 20 files, Cycles", ("many",), _many),
    "workbench": Row("20 light stills, Workbench", ("workbench",), _stills("workbench", 20)),
    "eevee": Row("6 light stills, EEVEE", ("eevee",), _stills("eevee", 6)),
    "heavy_cameras": Row("20 cameras of a heavy still scene, Cycles", ("heavy",), _cameras),
    "heavy_moving": Row("6 stills of a heavy scene with moving objects, Cycles", ("moving",), _stills("moving", 6)),
    "heavy_frames": Row("30 frames of a heavy still scene, Cycles", ("heavy",), _frames("heavy", 30)),
    "frames": Row("200 light frames, Cycles", ("cycles",), _frames("cycles", 200)),
    "mixed": Row("a mixed batch of 40 jobs", ("cycles", "workbench", "heavy", "many"), _mixed),
}
