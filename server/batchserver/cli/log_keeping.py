# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes logs that are old, and the oldest of those that together take too much; never one that somebody still needs.

Only files with the names of our logs are looked at. Runs without Blender.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from batchserver.model.log_files import DATA_LOG, SERVER_LOG, batch_of, whole_log

DAY = 24 * 60 * 60.0

FRESH = 60 * 60.0
"""Seconds for which a log that was written to is safe, whatever all of them take: another server may be writing it."""

MOST = 1 << 30
"""Bytes that all logs may take together."""


@dataclass(frozen=True, slots=True)
class Needed:
    """Logs that stay: these files, and those of these batches."""

    files: frozenset[Path] = frozenset()
    batches: frozenset[int] = frozenset()

    def has(self, path: Path) -> bool:
        """Tell whether a log, or one that it is the earlier part of, stays."""
        return whole_log(path) in self.files or batch_of(path.name) in self.batches


@dataclass(frozen=True, slots=True)
class _Found:
    path: Path
    size: int
    changed: float


class LogKeeper:
    """Keeps the logs of the data folder (`data`) and of `server` for `days`, and below `most` bytes; 0 days removes nothing."""

    def __init__(self, data: Path, server: Path | None, *, days: int, needed: Callable[[], Needed], most: int = MOST) -> None:
        self._data, self._server = data, server
        self._days, self._most, self._needed = days, most, needed

    def clean(self, now: float) -> int:
        """Remove what is to be removed now (Unix seconds), and give how many files that were."""
        if not self._days:
            return 0
        found = sorted({log.path: log for log in self._all()}.values(), key=lambda log: (log.changed, log.path.name))
        needed = self._needed()  # after the look: a log that began meanwhile is not in it
        room = sum(log.size for log in found) - self._most
        count = 0
        for log in found:
            old = now - log.changed > self._days * DAY
            if needed.has(log.path) or not (old or (room > 0 and now - log.changed > FRESH)):
                continue
            with contextlib.suppress(OSError):  # somebody holds it, or was faster
                log.path.unlink()
                room -= log.size
                count += 1
        return count

    def _all(self) -> Iterator[_Found]:
        yield from _logs(self._data, (DATA_LOG, SERVER_LOG))
        if self._server is not None:
            yield from _logs(self._server, (SERVER_LOG,))


def files(paths: Iterable[Path | str]) -> frozenset[Path]:
    """Make paths comparable."""
    return frozenset(Path(path).absolute() for path in paths if str(path))


def _logs(folder: Path, names: Collection[re.Pattern[str]]) -> Iterator[_Found]:
    with contextlib.suppress(OSError):
        for path in folder.absolute().iterdir():
            if any(name.fullmatch(path.name) for name in names) and path.is_file() and not path.is_symlink():
                with contextlib.suppress(OSError):
                    facts = path.stat()
                    yield _Found(path, facts.st_size, facts.st_mtime)
