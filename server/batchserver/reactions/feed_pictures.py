# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures in a folder beside a feed, an address of each as the feed names it: they are found from the disk and over HTTP alike.

A picture that is too large, where nothing is there to scale it, is named where it is. Runs without Blender.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from urllib.parse import quote

from .facts import BatchFacts, JobFacts
from .own_files import write_whole
from .small_pictures import small_picture

SHOWN = frozenset({".png", ".jpg", ".jpeg", ".webp"})
"""Pictures that every browser shows."""

_LARGEST = 50 * 1024 * 1024
_OURS = re.compile(r"(\d+)-\d+\.(?:png|jpg)")
_Seen = tuple[Path, int, int]


class FeedPictures:
    """Keeps the folder of a batch's feed."""

    def __init__(self, feed: Path) -> None:
        self._feed = feed
        self._folder = feed.with_name(f"{feed.name}.pictures")
        self._known: dict[int, tuple[_Seen, str]] = {}
        self._swept = False

    def __call__(self, batch: BatchFacts) -> dict[int, str]:
        """Bring the folder up to date; give the addresses by the jobs' places. Raises `OSError`."""
        if not self._swept:
            self._swept = True
            self._sweep(batch.id)
        return {job.job.index: address for job in batch.jobs if (address := self._address(batch.id, job))}

    def _address(self, batch: int, job: JobFacts) -> str:
        newest = next((path for path in reversed(job.pictures) if path.suffix.lower() in SHOWN), None)
        if newest is None:
            return ""
        try:
            facts = newest.stat()
        except OSError:
            return ""
        seen = (newest, facts.st_mtime_ns, facts.st_size)
        known = self._known.get(job.job.index)
        if known is None or known[0] != seen:
            known = self._known[job.job.index] = (seen, self._made(batch, job.job.index, newest, facts.st_size))
        return known[1]

    def _made(self, batch: int, index: int, path: Path, size: int) -> str:
        small = small_picture(path)
        if small is None:
            return self._in_place(path) if size <= _LARGEST else ""
        name = f"{batch}-{index}.{'jpg' if small.kind == 'jpeg' else 'png'}"
        write_whole(self._folder / name, small.data)
        return quote(f"{self._folder.name}/{name}")

    def _in_place(self, path: Path) -> str:
        try:
            return quote(os.path.relpath(path, self._feed.parent).replace(os.sep, "/"))
        except ValueError:  # another drive of Windows
            return path.as_uri()

    def _sweep(self, batch: int) -> None:
        """Take away what an earlier batch left in the folder."""
        with contextlib.suppress(OSError):
            for entry in list(os.scandir(self._folder)):
                if (match := _OURS.fullmatch(entry.name)) and int(match[1]) != batch and entry.is_file(follow_symlinks=False):
                    os.unlink(entry.path)
