# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes packages: asks Blender what a job would write, packs its scene once per content, and says what keeps a job here. Runs without Blender."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchserver.farm.seams import Archive, Package, Unfit
from batchserver.model.errors import BlenderProblem
from batchserver.model.records import BatchRecord, JobRecord

from . import fitness, scripts
from .archives import ArchiveCache, Changed, Entry, Stopped
from .asking import Asker, Refusal
from .tracing import CannotPack, Plan, sentence_about_missing, traced, what_is_missing

RECIPE = "1"
"""Part of every archive's key: a change of how archives are made gives new ones."""

HASHES_KEPT = 20_000
SCENES_KEPT = 200


@dataclass(frozen=True, slots=True)
class _Scene:
    """A .blend of a batch that was packed: its archive's key and the .blend's place in it, and what was missing."""

    key: str
    blend: str
    missing: tuple[str, ...]
    folders: tuple[str, ...]


class ScenePreparer:
    """Makes packages for the desk.

    `program_of` names the Blender that renders a batch, `usual_program` the one that most do;
    `job_facts` writes a job as a session understands it (`workers/orders.py`).
    """

    def __init__(
        self, cache: ArchiveCache, asker: Asker, *, program_of: Callable[[BatchRecord], Any], job_facts: Callable[[BatchRecord, JobRecord], Mapping[str, Any]],
        usual_program: Callable[[], Any] | None = None,
    ) -> None:  # fmt: skip
        self._usual_program = usual_program
        self._cache = cache
        self._asker = asker
        self._program_of = program_of
        self._job_facts = job_facts
        self._tracer = threading.Lock()
        self._hashes: OrderedDict[tuple[str, int, int], str] = OrderedDict()
        self._scenes: OrderedDict[tuple[int, str, int, int], _Scene] = OrderedDict()

    def prepare(self, batch: BatchRecord, job: JobRecord) -> Package | Unfit:
        """Make a job's package, or say why it cannot leave. Raises `BlenderProblem` when no Blender could be asked."""
        if why := fitness.unfit_by_itself(job.job):
            return Unfit(why)
        try:
            return self._prepare(batch, job)
        except (Refusal, CannotPack) as refusal:
            return Unfit(str(refusal))
        except Stopped:
            raise BlenderProblem("the server ends") from None
        except Changed as changed:
            return Unfit(f"{changed}.")
        except OSError as error:
            return Unfit(f"Its scene could not be packed: {error.strerror or error}{f' ({error.filename})' if error.filename else ''}.")

    def warm_up(self) -> None:
        """Start the Blender that most batches are rendered with, if none is kept. Raises `BlenderProblem`."""
        if self._usual_program is not None:
            self._asker.warm_up(self._usual_program)

    def release(self, package: Package) -> None:
        """Say that a package is needed no longer."""
        self._cache.let_go(package.scene)

    def what_is_missing(self, blend: Path) -> list[str]:
        """Say what of a .blend could not be packed, as sentences; nothing is written."""
        return what_is_missing(blend, self._tracer)

    def rest(self) -> None:
        """End the Blender that was kept for the next question."""
        self._asker.rest()

    def close(self) -> None:
        """Have `prepare` give up soon; the thread that calls it then calls `rest`."""
        self._asker.stop()

    def _prepare(self, batch: BatchRecord, job: JobRecord) -> Package | Unfit:
        asked = dict(self._job_facts(batch, job))
        jobs = [asked] + ([{**asked, "scripts": False}] if asked.get("scripts", True) else [])
        survey = self._asker.survey(self._program_of(batch), str(job.job.blend), jobs)
        facts, *others = survey["jobs"]
        if why := fitness.unfit(facts, others[0] if others else None):
            return Unfit(why)
        expected = fitness.expected(facts)
        archive, scene = self._archive(batch, job, survey)
        missing = tuple(map(str, survey["missing"]))
        told = scripts.job_json(asked, missing=missing, denoiser=expected.denoiser)
        return Package(
            scene=archive, blend=scene.blend, job=told, width=expected.width, height=expected.height, suffix=expected.suffix, word=expected.word,
            engine=expected.engine, script=scripts.script_text(told), names=expected.names, movie=expected.movie,
            notes=tuple(sentence_about_missing(sorted({*scene.missing, *missing}))),
        )  # fmt: skip

    def _archive(self, batch: BatchRecord, job: JobRecord, survey: Mapping[str, Any]) -> tuple[Archive, _Scene]:
        """Give the archive of the job's scene; all jobs of a batch that have one .blend have one archive."""
        blend = Path(job.job.blend)
        stamp = (batch.id, str(blend), int(survey["size"]), int(survey["mtime_ns"]))
        known = self._scenes.get(stamp)
        if known:
            archive = self._cache.hold_known(known.key)
            if archive:
                return archive, known
        self._check_stamp(blend, job, survey)
        used = [(str(named), str(path)) for named, path in survey["files"]]
        with traced(blend, self._tracer, used) as plan:
            entries = self._entries(plan)
            key = _key(entries, plan)
            if _stat(blend) != stamp[2:]:
                raise Changed(f'"{blend.name}" was changed while it was packed')
            scene = _Scene(key, plan.blend, plan.missing, plan.folders)
            archive = self._cache.hold(key, lambda: entries, plan.folders, stopped=lambda: self._asker.stopped)
        self._scenes[stamp] = scene
        while len(self._scenes) > SCENES_KEPT:
            self._scenes.popitem(last=False)
        return archive, scene

    def _check_stamp(self, blend: Path, job: JobRecord, survey: Mapping[str, Any]) -> None:
        """See that the file is the one that was there at Start; a file that was only touched is the same."""
        stamp = job.stamp
        if stamp is None or not stamp.sha256 or (stamp.size, stamp.mtime_ns) == (int(survey["size"]), int(survey["mtime_ns"])):
            return
        if stamp.size != int(survey["size"]) or stamp.sha256 != self._hash(blend):
            raise CannotPack(f'"{blend.name}" was saved again after Start.')

    def _entries(self, plan: Plan) -> list[Entry]:
        ours = {f"{scripts.FOLDER}/{name}": path for name, path in scripts.our_modules().items()}
        taken = sorted(item.place for item in plan.items if item.place in ours)
        if taken:
            raise CannotPack(f'The scene has a file of its own at "{taken[0]}", where the farm\'s scripts belong: rename its folder "{scripts.FOLDER}".')
        places = [(item.place, item.content) for item in plan.items] + list(ours.items())
        return [Entry(place, path, sha256=self._hash(path)) for place, path in places]

    def _hash(self, path: Path) -> str:
        """Give a file's SHA-256, read again only when the file was changed."""
        stat = os.stat(path)
        seen = (str(path), stat.st_size, stat.st_mtime_ns)
        if seen not in self._hashes:
            if self._asker.stopped:
                raise Stopped
            with open(path, "rb") as file:
                self._hashes[seen] = hashlib.file_digest(file, "sha256").hexdigest()
        self._hashes.move_to_end(seen)
        while len(self._hashes) > HASHES_KEPT:
            self._hashes.popitem(last=False)
        return self._hashes[seen]


def _stat(path: Path) -> tuple[int, int]:
    facts = os.stat(path)
    return facts.st_size, facts.st_mtime_ns


def _key(entries: list[Entry], plan: Plan) -> str:
    told = [RECIPE, plan.blend, *plan.folders, *(f"{entry.sha256} {entry.place}" for entry in sorted(entries, key=lambda entry: entry.place))]
    return "scene-" + hashlib.sha256("\0".join(told).encode("utf-8", "surrogateescape")).hexdigest()[:40]
