# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes how a job's pictures were made, in a file beside them, when the job is over and asks for it.

Runs without Blender.
"""

from __future__ import annotations

import json
import mimetypes
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from batchserver.dispatch import inputs
from batchserver.dispatch.board import output_folder
from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.model.events import Event, EventKind
from batchserver.model.records import BatchRecord, FrameRecord, InputStamp, JobRecord, LeaseRecord
from batchserver.model.status import FrameState

from .facts import BatchFacts, ReactionProblem
from .own_files import file_name, place_for, tidy, write_whole
from .provenance_document import document, files_in, named

ENDING = ".renderplus.json"

Alone = Callable[[Mapping[str, Any], int], dict[str, Any]]
"""Writes the recipe of one job out of a batch's document."""


class ProvenanceReaction:
    """Writes a file for each job that asks for one and has pictures, whatever became of the rest of it."""

    name = "Provenance"
    kinds = frozenset({EventKind.JOB_FINISHED, EventKind.JOB_FAILED, EventKind.JOB_CANCELLED})
    time_limit = 300.0

    def __init__(self, dispatcher: Dispatcher, alone: Alone) -> None:
        self._dispatcher, self._alone = dispatcher, alone
        self._parsed: tuple[int, dict[str, Any]] | None = None

    def hears(self, event: Event) -> bool:
        """Tell quickly whether the job asks for a file."""
        with self._dispatcher.lock:
            batch = self._dispatcher.known(event.batch)
            return batch is not None and event.job is not None and batch.jobs[event.job].record.job.provenance

    def wants(self, event: Event, batch: BatchFacts) -> bool:
        """Tell whether the job has pictures."""
        return event.job is not None and batch.jobs[event.job].done > 0

    def react(self, event: Event, batch: BatchFacts) -> None:
        """Write it. Raises `ReactionProblem`."""
        if event.job is None or (read := self._read(batch.id, event.job)) is None:
            return
        record, job, frames, leases = read
        try:
            made = document(record, job, self._recipe(record, event.job), _stamped(job), frames, leases)
            files = named(made)
            place = place_for(output_folder(job), base_name(job), ENDING, lambda path: (told := files_in(path)) is not None and told <= files)
            tidy(place)
            write_whole(place, json.dumps(made, indent=1, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        except OSError as error:
            raise ReactionProblem(f'How the pictures of "{job.job.name}" were made could not be written down: {error.strerror or error}') from error

    def _read(self, batch_id: int, index: int) -> tuple[BatchRecord, JobRecord, list[FrameRecord], list[LeaseRecord]] | None:
        with self._dispatcher.lock:
            batch = self._dispatcher.known(batch_id)
            if batch is None:
                return None
            job, ledger = batch.jobs[index].record, self._dispatcher.ledger
            return batch.record, job, ledger.frames(job.id, FrameState.DONE), ledger.leases(job.id)

    def _recipe(self, batch: BatchRecord, index: int) -> dict[str, Any]:
        """Write the job's recipe; a Blender that a stranger named was not obeyed, and is not named."""
        if self._parsed is None or self._parsed[0] != batch.id:
            self._parsed = (batch.id, json.loads(batch.document))
        recipe = self._alone(self._parsed[1], index)
        return recipe if batch.trusted else {**recipe, "blender_bin": ""}


def base_name(job: JobRecord) -> str:
    """Name a job's pictures without digits and ending: `shot_####.png` is `shot`."""
    last = re.sub("#+", "", os.path.basename(job.job.output))
    stem, ending = os.path.splitext(last)
    kind = mimetypes.guess_type(f"x{ending}")[0] or ""
    return file_name(stem if kind.startswith(("image/", "video/")) else last, "") or file_name(job.job.name, "pictures")


def _stamped(job: JobRecord) -> InputStamp | None:
    """Give what the .blend was like at Start, hashed now where that was not done yet and it is still the same."""
    stamp = job.stamp
    if stamp is None or stamp.sha256:
        return stamp
    return inputs.with_hash(Path(job.job.blend), stamp) or stamp
