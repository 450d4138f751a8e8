# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the statistics of a batch beside its pictures when it is over, where its recipe asks for them.

Runs without Blender.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from batchserver.model.events import Event, EventKind
from batchserver.model.status import JobStatus

from .facts import BatchFacts, ReactionProblem
from .notice_text import short_name
from .own_files import file_name, head_of, place_for, tidy, writing_whole
from .statistics_files import CSV_HEAD, JSON_HEAD, write_csv, write_json
from .statistics_reading import BatchFigures, StatisticsReader


def wanted(wish: Any) -> tuple[bool, bool]:
    """Tell whether a recipe's `settings.statistics` asks for CSV and for JSON."""
    if isinstance(wish, dict):
        return wish.get("csv") is True, wish.get("json") is True
    return wish is True, wish is True


class StatisticsReaction:
    """Writes them once a batch is over, also one that was cancelled."""

    name = "Statistics"
    kinds = frozenset({EventKind.BATCH_FINISHED, EventKind.BATCH_CANCELLED})
    time_limit = 120.0

    def __init__(self, reader: StatisticsReader, local: Callable[[float], time.struct_time] = time.localtime) -> None:
        self._reader, self._local = reader, local

    def wants(self, event: Event, batch: BatchFacts) -> bool:
        """Tell whether the batch asks for files, and began at all."""
        settings = batch.reactions.get("settings") or {}
        return any(wanted(settings.get("statistics"))) and batch.times.started is not None

    def react(self, event: Event, batch: BatchFacts) -> None:
        """Write them. Raises `ReactionProblem`."""
        figures = self._reader.batch(batch.id)
        if figures is None:
            return
        as_csv, as_json = wanted((batch.reactions.get("settings") or {}).get("statistics"))
        folder, base = _base(batch, figures, self._local)
        if as_csv:
            self._write(folder, base, ".csv", CSV_HEAD, lambda file: write_csv(file, figures, self._reader.frames, self._local))
        if as_json:
            self._write(folder, base, ".json", JSON_HEAD, lambda file: write_json(file, figures, self._reader.frames))

    @staticmethod
    def _write(folder: Path, name: str, ending: str, mark: bytes, write: Callable[[IO[str]], None]) -> None:
        try:
            place = place_for(folder, name, ending, lambda path: (head_of(path) or b"").startswith(mark))
            tidy(place)
            with writing_whole(place) as file:
                write(file)
        except OSError as error:
            raise ReactionProblem(f"The statistics {folder / name}{ending} could not be written: {error.strerror or error}") from error


def _base(batch: BatchFacts, figures: BatchFigures, local: Callable[[float], time.struct_time]) -> tuple[Path, str]:
    """Name the folder of the files, and the files without their ending: in the folder of the first job that is switched on, after the batch."""
    folder = next((job.folder for job in figures.jobs if job.status is not JobStatus.DISABLED), figures.jobs[0].folder)
    stamp = time.strftime("%Y%m%d-%H%M%S", local(batch.created))
    return folder, f"{file_name(os.path.splitext(short_name(batch))[0], 'batch')}-statistics-{stamp}"
