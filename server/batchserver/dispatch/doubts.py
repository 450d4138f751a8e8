# SPDX-License-Identifier: GPL-3.0-or-later
"""Doubts about whole pictures, for jobs that ask for it: each is looked at before it is sealed, and one that is suspect is rejected and kept.

Remembers the last frames of each job, which a frame is compared with; only in memory, so a server that starts again compares from there on.
Runs without Blender.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from batchserver.model.recipe import Suspect
from batchserver.model.records import BatchRecord, JobRecord

from .board import output_folder
from .sealing import Unacceptable, Written
from .suspicion import SAME, Grid, Inspector, difference, has_nan, is_black, is_outlier, is_transparent

REJECTED_FOLDER = ".renderplus-rejected"
"""Folder beside the outputs that keeps pictures which were not believed."""

KEPT = 20
"""So many rejected pictures are kept in a folder, the newest of them."""

FRAMES_REMEMBERED, JOBS_REMEMBERED = 32, 64


@dataclass(slots=True)
class _Seen:
    """Frames of a job: those that were believed, and every look at those that were not."""

    good: OrderedDict[int, Grid] = field(default_factory=OrderedDict)
    doubted: OrderedDict[int, list[Grid]] = field(default_factory=OrderedDict)


class Doubts:
    """Looks at the pictures of jobs that name what is suspect."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector
        self._lock = threading.Lock()
        self._seen: OrderedDict[int, _Seen] = OrderedDict()

    def check(self, batch: BatchRecord, job: JobRecord, frame: int, written: Written) -> None:
        """Look at a frame's main picture. Raises `Unacceptable` when it is suspect, and `CannotLook`. Takes its time: not to be called under a lock."""
        path = (*written.expected, *written.files)[0]
        width, height = written.size or (0, 0)
        looks = self._inspector.look(batch, path, width * height)
        wanted, name = job.job.suspect, path.name
        if Suspect.NAN in wanted and has_nan(looks):
            share = max(look.bad for look in looks)
            raise self._rejected(job, path, Unacceptable(f"{name} has pixels whose colour is no number (NaN or infinite), {share:.2%} of them", "not_a_number"))
        if Suspect.TRANSPARENT in wanted and is_transparent(looks):
            raise self._rejected(job, path, Unacceptable(f"{name} is transparent all over", "transparent"))
        if Suspect.BLACK in wanted and is_black(looks):
            raise self._rejected(job, path, Unacceptable(f"{name} is black all over", "black"))
        if Suspect.OUTLIER in wanted and looks and self._stands_out(job, frame, looks[0].grid, path):
            raise self._rejected(job, path, Unacceptable(f"{name} looks quite unlike the frames around it", "outlier"))

    def _stands_out(self, job: JobRecord, frame: int, grid: Grid, path: Path) -> bool:
        with self._lock:
            seen = self._seen.setdefault(job.id, _Seen())
            self._seen.move_to_end(job.id)
            _keep_last(self._seen, JOBS_REMEMBERED)
            before = seen.doubted.get(frame, [])
            confirmed = any(difference(grid, other) <= SAME for other in before)
            others = {number: grids[-1] for number, grids in seen.doubted.items() if number != frame}
            if not confirmed and is_outlier(frame, grid, {number: other for number, other in seen.good.items() if number != frame}, others):
                seen.doubted[frame] = [*before, grid]
                _keep_last(seen.doubted, FRAMES_REMEMBERED)
                return True
            seen.doubted.pop(frame, None)
            seen.good[frame] = grid
            seen.good.move_to_end(frame)
            _keep_last(seen.good, FRAMES_REMEMBERED)
        if confirmed:  # the same again: it was right, and is no evidence of anything
            _forget(output_folder(job) / REJECTED_FOLDER / path.name)
        return False

    @staticmethod
    def _rejected(job: JobRecord, path: Path, why: Unacceptable) -> Unacceptable:
        """Keep a picture as evidence, and name the place in the reason."""
        kept = keep(path, output_folder(job) / REJECTED_FOLDER)
        return Unacceptable(f"{why} (it is kept as {kept})", why.code) if kept else why


def keep(path: Path, folder: Path) -> Path | None:
    """Move a picture to the folder of rejected ones, where the oldest go; None when that cannot be done."""
    target = folder / path.name
    try:
        folder.mkdir(exist_ok=True)
        os.replace(path, target)
        os.utime(target)
        older = sorted((entry for entry in folder.iterdir() if entry != target), key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
        for entry in older[KEPT - 1 :]:
            entry.unlink()
    except OSError:
        return target if target.is_file() else None
    return target


def _forget(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
        path.parent.rmdir()  # when nothing else is in it


def _keep_last(kept: OrderedDict[int, Grid] | OrderedDict[int, list[Grid]] | OrderedDict[int, _Seen], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)
