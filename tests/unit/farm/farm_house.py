# SPDX-License-Identifier: GPL-3.0-or-later
"""A desk over a real dispatcher and ledger, with a preparer that packs nothing, and machines that deliver small real pictures. Runs without Blender."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

from unit.dispatch.house import House, make_job, png

from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.dispatch.service import RenderService
from batchserver.farm.accounts import add_account
from batchserver.farm.desk import FarmDesk
from batchserver.farm.seams import (
    Account,
    Archive,
    Delivered,
    FrameNames,
    HostFacts,
    Package,
    Platform,
    Speech,
    Standing,
    Task,
    Unfit,
    Verdict,
    Wants,
    Worker,
)
from batchserver.ledger.database import open_database
from batchserver.ledger.far import FarLedger
from batchserver.ledger.ledger import SqliteLedger
from batchserver.model.errors import BlenderProblem
from batchserver.model.records import BatchRecord, JobRecord
from batchserver.recipe import DiskSurvey, rival
from batchserver.web.attempts import Attempts

ALICE = "alice"


class FakePreparer:
    """Packs nothing: the package says what would come back. `unfit` names jobs, by their places, that stay here, with the sentence."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.warmed = 0
        self.released: list[Package] = []
        self.unfit: dict[int, str] = {}
        self.no_blender = False
        self.scene_bytes = 100

    def prepare(self, batch: BatchRecord, job: JobRecord) -> Package | Unfit:
        self.asked.append(job.job.index)
        if self.no_blender:
            raise BlenderProblem("Blender was not found")
        if job.job.index in self.unfit:
            return Unfit(self.unfit[job.job.index])
        output = Path(job.job.output)
        scene = Archive(Path("/nowhere/scene.zip"), "0" * 32, "0" * 64, self.scene_bytes)
        movie = job.job.format == "FFMPEG"
        return Package(
            scene, "scene.blend", b"{}", 4, 2, ".png", "PNG", "CYCLES", "import bpy\n", FrameNames(output.parent, output.name.rstrip("#"), 4, ".png"), movie
        )

    def warm_up(self) -> None:
        self.warmed += 1

    def release(self, package: Package) -> None:
        self.released.append(package)

    def what_is_missing(self, blend: Path) -> list[str]:
        return []

    def rest(self) -> None:
        pass

    def close(self) -> None:
        pass


class NoRenderers:
    """No Blender for clients that bring none."""

    def archive(self, platform: Platform) -> Archive | None:
        return None

    def version(self, platform: Platform) -> str:
        return ""


@dataclass
class FarmHouse(House):
    """A house that other machines may join. Its threads do not run: `settle` does what they would have done by now."""

    preparer: FakePreparer = field(default_factory=FakePreparer)
    secret: str = ""

    def open(self) -> None:
        """Start over the ledger, as a server with `--farm` does."""
        self.ledger = SqliteLedger(open_database(self.folder / "ledger.sqlite", filesystem="ext4"))
        self.dispatcher = Dispatcher(self.ledger, clock=lambda: self.now, announce=self.events.append, bounds=self.bounds, survey=DiskSurvey())
        self.service = RenderService(self.dispatcher, about=dict, instance="test", rival=rival)
        far = FarLedger(self.ledger)
        if not self.secret:
            self.secret = add_account(far, ALICE, ("10.0.0.0/24",), self.now)
        self.attempts = Attempts(lambda: self.now)
        self.desk = FarmDesk(
            self.dispatcher, far, self.preparer, NoRenderers(), attempts=self.attempts, stranger=lambda address: address, logs=self.folder / "log"
        )  # fmt: skip
        self.dispatcher.load()
        self.desk.take_over()

    def settle(self) -> None:
        """Prepare what is to be prepared, and do the keeper's round."""
        while self.desk.preparing.prepare_next():
            pass
        self.desk.preparing.drop_old()
        self.desk.keeper.round(all_of_it=True)

    def run_frames(self, count: int) -> None:
        """Start a batch of one job."""
        self.run(make_job(self.folder, 0, tuple(range(1, count + 1))))
        self.settle()

    def account(self) -> Account:
        """Give the account that may join."""
        found = self.desk.account_at("10.0.0.1")
        assert found is not None
        return found

    def join(self, key: str = "pc", speech: Speech = Speech.SHEEPIT) -> Worker:
        """Let a machine join."""
        return self.desk.join(speech, self.account(), key, HostFacts(name=key))

    def task(self, worker: Worker | None = None, frames: int = 1, patience: float = 1000.0) -> Task:
        """Lease for a machine."""
        found = self.desk.lease((worker or self.join()).id, Wants(frames, patience))
        assert found is not None
        return found

    def send(self, task: Task, frame: int, data: bytes | None = None) -> Delivered:
        """Deliver a picture as a gateway does."""
        number = next(_numbers)
        file = self.desk.incoming(task.id) / f"{number}.part"
        file.write_bytes(png(grey=frame % 255) if data is None else data)
        return self.desk.deliver(task.id, frame, file, seconds=2.0)

    def send_is_over(self, task: Task) -> bool:
        """Tell whether a delivery would change nothing."""
        file = self.folder / "late.part"
        file.write_bytes(png())
        return self.desk.deliver(task.id, task.frames[0], file).verdict is Verdict.NOT_NEEDED

    def standing(self, worker: Worker) -> Standing:
        """Tell how a machine stands."""
        found = self.desk.worker(worker.id)
        assert found is not None
        return found.standing

    def counts_locked(self) -> tuple[int, int, int]:
        """Give the same while the desk's threads run."""
        with self.dispatcher.lock:
            return self.counts()

    def counts(self, job: int = 0) -> tuple[int, int, int]:
        """Give queued, leased and done frames of a job, as the ledger has them."""
        found = self.ledger.counts(self.ledger.jobs(1)[job].id)
        return found.queued, found.leased, found.done


_numbers = itertools.count(1)
