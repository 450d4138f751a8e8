# SPDX-License-Identifier: GPL-3.0-or-later
"""A dispatcher over a real ledger, and workers that write small real pictures, for tests. Runs without Blender."""

from __future__ import annotations

import itertools
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from batchserver.dispatch.board import LiveBatch, Progress
from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.dispatch.offers import Bounds, Offer, Plan
from batchserver.dispatch.sealing import HIDDEN_FOLDER, Move, Written
from batchserver.dispatch.service import RenderService
from batchserver.ledger.database import open_database
from batchserver.ledger.ledger import SqliteLedger
from batchserver.model.events import Event
from batchserver.model.frames import FrameList
from batchserver.model.recipe import Job, Recipe
from batchserver.recipe import DiskSurvey, rival


def png(width: int = 4, height: int = 2, grey: int = 0) -> bytes:
    """Make a whole PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes([grey]) * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def make_job(folder: Path, index: int = 0, frames: tuple[int, ...] = (1,), **changes: object) -> Job:
    """Make a job over a .blend that stands in the folder."""
    blend = folder / "scene.blend"
    if not blend.exists():
        blend.write_bytes(b"BLENDER-v404" + bytes(64))
    facts: dict[str, object] = {
        "index": index, "id": index, "name": f"job {index}", "enabled": True, "blend": blend, "output": str(folder / "out" / f"j{index}_"),
        "frames": FrameList.of(frames), "animated": len(frames) > 1,
    }  # fmt: skip
    return Job(**{**facts, **changes})  # type: ignore[arg-type]


def make_recipe(*jobs: Job) -> Recipe:
    """Make a recipe of jobs."""
    return Recipe(str(jobs[0].blend), 2.2, "", jobs, document={"version": 2.2, "jobs": [job.name for job in jobs]})


@dataclass
class House:
    """A dispatcher with all that is around it; `now` is its clock."""

    folder: Path
    bounds: Bounds = field(default_factory=Bounds)
    now: float = 1000.0
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """Start over the ledger, as a server does."""
        self.ledger = SqliteLedger(open_database(self.folder / "ledger.sqlite", filesystem="ext4"))
        self.dispatcher = Dispatcher(self.ledger, clock=lambda: self.now, announce=self.events.append, bounds=self.bounds, survey=DiskSurvey())
        self.service = RenderService(self.dispatcher, about=dict, instance="test", rival=rival)
        self.dispatcher.load()

    def restart(self) -> None:
        """Lose all that is not in the ledger, as `kill -9` does, and start again."""
        self.dispatcher.close()
        self.ledger.close()
        self.open()

    def run(self, *jobs: Job) -> LiveBatch:
        """Submit and start jobs."""
        batch_id = self.service.submit(make_recipe(*jobs), trusted=True)
        self.service.start()
        return self.dispatcher.board.batch(batch_id)

    def lease(self, worker: str = "w") -> Offer:
        """Lease, and plan the attempt's folder as a session does."""
        offer = self.dispatcher.lease(worker)
        assert offer is not None
        self.plan(offer)
        return offer

    def plan(self, offer: Offer) -> None:
        """Say where the offer's attempt writes."""
        self.dispatcher.plan(offer.lease.id, Plan((Move(self.attempt(offer), self.final(offer)),)))

    def final(self, offer: Offer) -> Path:
        """Name the folder where the offer's files belong."""
        return Path(offer.job.record.job.output).parent

    def attempt(self, offer: Offer) -> Path:
        """Name the folder that the offer's attempt writes into."""
        return self.final(offer) / HIDDEN_FOLDER / offer.attempt

    def write(self, offer: Offer, frame: int, data: bytes | None = None) -> Written:
        """Write a frame's picture as a worker does."""
        path = self.attempt(offer) / f"{Path(offer.job.record.job.output).name}{frame:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(grey=frame % 255) if data is None else data)
        return Written((path,), (path,), (4, 2), "PNG", 0.5)

    def render(self, offer: Offer, *frames: int) -> None:
        """Render frames of an offer well, one second each."""
        for frame in frames or tuple(offer.lease.frames):
            self.dispatcher.progress(offer.lease.id, Progress(frame))
            self.now += 1
            assert self.dispatcher.accept(offer.lease.id, frame, self.write(offer, frame))

    def render_all(self, worker: str = "w") -> None:
        """Render all there is."""
        for _ in itertools.repeat(None, 1000):
            offer = self.dispatcher.lease(worker)
            if offer is None:
                return
            self.plan(offer)
            self.render(offer)
            self.dispatcher.release(offer.lease.id)

    def pictures(self) -> list[str]:
        """Name the files under the output folder, the hidden ones too."""
        return sorted(str(path.relative_to(self.folder / "out")) for path in (self.folder / "out").rglob("*") if path.is_file())
