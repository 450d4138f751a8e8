# SPDX-License-Identifier: GPL-3.0-or-later
"""The feed of a batch: written when something happened, at most every few seconds and in a thread of its own, and once more at the end.

Runs without Blender.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from batchserver.model.events import Event, EventKind

from .facts import BatchFacts, ReactionProblem
from .feed_pictures import FeedPictures
from .feed_style import MARK
from .own_files import head_of, tidy, write_whole
from .room import Gather, Say

log = logging.getLogger(__name__)

EVERY = 3.0
"""Seconds between two writes at least."""

SHARE = 20.0
"""Times of what a write took that are waited before the next: a feed of ten thousand jobs costs a twentieth of a processor at most."""

STRANGERS_ENDINGS = (".rss", ".xml")
_ENDS = frozenset({EventKind.BATCH_FINISHED, EventKind.BATCH_CANCELLED})
_SILENT = frozenset({EventKind.POWER_COUNTDOWN, EventKind.POWER_KEPT_ON, EventKind.POWER_DONE, EventKind.POWER_FAILED})
_REMEMBERED = 16


def wants_feed(wishes: Mapping[str, Any] | None) -> bool:
    """Tell whether a recipe's `settings.rss` asks for a feed."""
    return wishes is not None and wishes.get("enabled") is True


class Feeds:
    """Keeps the feeds. Call it with each event; as a reaction it writes the last one, before anybody is told that the batch is over.

    `wanted` tells of a batch whether it has a feed; it is asked in the thread of the event.
    """

    name = "Feed"
    kinds = _ENDS
    time_limit = 30.0

    def __init__(
        self, gather: Gather, say: Say, wanted: Callable[[int], bool], *, clock: Callable[[], float] = time.time,
        tick: Callable[[], float] = time.monotonic, every: float = EVERY,
    ) -> None:  # fmt: skip
        self._gather, self._say, self._wanted = gather, say, wanted
        self._clock, self._tick, self._every = clock, tick, every
        self._changed = threading.Condition()
        self._due: dict[int, None] = {}
        self._not_before: dict[int, float] = {}
        self._asked: dict[int, bool] = {}
        self._said: set[tuple[int, str]] = set()
        self._writing = threading.Lock()
        self._pictures: dict[tuple[int, Path], FeedPictures] = {}
        self._ending = False
        self._thread = threading.Thread(target=self._work, name="feed", daemon=True)

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        if event.kind not in _SILENT and event.kind not in _ENDS:
            self.touch(event.batch)

    def touch(self, batch: int) -> None:
        """Have a batch's feed written soon, if it has one."""
        wanted = self._asked.get(batch)
        if wanted is None:
            wanted = self._wanted(batch)  # not under our own lock: it takes the dispatcher's, and who has that may come here
        with self._changed:
            while batch not in self._asked and len(self._asked) >= _REMEMBERED:
                self._forget(next(iter(self._asked)))
            self._asked[batch] = wanted
            if wanted and not self._ending:
                self._due[batch] = None
                self._changed.notify_all()

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self, patience: float = 5.0) -> None:
        """Write what is due, within `patience` seconds, and end."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(patience)

    def wants(self, event: Event, batch: BatchFacts) -> bool:
        """Tell whether the batch has a feed."""
        return wants_feed(batch.reactions.get("rss"))

    def react(self, event: Event, batch: BatchFacts) -> None:
        """Write the last feed of a batch. Raises `ReactionProblem`, unless it was said before."""
        with self._changed:
            self._due.pop(batch.id, None)
        try:
            self._write(batch.id)
        except ReactionProblem as problem:
            if self._is_new(batch.id, str(problem)):
                raise

    # --- inside -------------------------------------------------------------------------------------------

    def _forget(self, batch: int) -> None:
        """Remember nothing more of a batch, the one that was heard of longest ago."""
        self._asked.pop(batch, None)
        self._not_before.pop(batch, None)
        self._pictures = {key: kept for key, kept in self._pictures.items() if key[0] != batch}
        self._said = {said for said in self._said if said[0] != batch}

    def _work(self) -> None:
        while (batch := self._next()) is not None:
            began = self._tick()
            try:
                self._write(batch)
            except ReactionProblem as problem:
                if self._is_new(batch, str(problem)):
                    self._say(batch, str(problem))
            except Exception:
                log.exception("The feed of batch %d could not be written", batch)
            now = self._tick()
            with self._changed:
                self._not_before[batch] = now + max(self._every, SHARE * (now - began))

    def _next(self) -> int | None:
        """Wait for the batch that is due first; at the end every one that is left is due."""
        with self._changed:
            while True:
                if self._due:
                    batch = min(self._due, key=lambda number: self._not_before.get(number, 0.0))
                    wait = self._not_before.get(batch, 0.0) - self._tick()
                    if wait <= 0 or self._ending:
                        del self._due[batch]
                        return batch
                    self._changed.wait(wait)
                elif self._ending:
                    return None
                else:
                    self._changed.wait()

    def _is_new(self, batch: int, sentence: str) -> bool:
        with self._changed:
            new = (batch, sentence) not in self._said
            self._said.add((batch, sentence))
            return new

    def _write(self, number: int) -> None:
        """Write a batch's feed as the batch stands now. Raises `ReactionProblem`."""
        from .feed_text import feed_text  # here, because its generator is dear to import, and few want a feed

        with self._writing:  # the facts are read under it, too: what is written last is newest
            batch = self._gather(number)
            if batch is None or not wants_feed(batch.reactions.get("rss")):
                return
            path = feed_path(batch)
            try:
                here = Path(os.path.realpath(path))
                _see_whose_it_is(here)
                _may_be_named(batch, here)
                if (number, here) not in self._pictures:
                    tidy(here)
                    self._pictures[number, here] = FeedPictures(here)
                pictures = self._pictures[number, here](batch)
                write_whole(here, feed_text(batch, here, self._clock(), pictures))
            except OSError as error:
                raise ReactionProblem(f"The feed {path} could not be written: {error.strerror or error}; name another file in settings.rss.path") from error


def feed_path(batch: BatchFacts) -> Path:
    """Give the file of a batch's feed. Raises `ReactionProblem`."""
    wish = batch.reactions.get("rss") or {}
    path = str(wish.get("path") or "")
    if not path:
        raise ReactionProblem("The feed has no file; name one in settings.rss.path")
    if not os.path.isabs(path):
        raise ReactionProblem(f"The feed {path} could not be written: its path is not a full one; write it in full in settings.rss.path")
    _may_be_named(batch, Path(path))
    return Path(path)


def _may_be_named(batch: BatchFacts, path: Path) -> None:
    """Raise `ReactionProblem` for a name that is not a stranger's to give: a text with names of jobs in it could mean something to a program."""
    if not batch.trusted and not path.name.lower().endswith(STRANGERS_ENDINGS):
        raise ReactionProblem(f"The feed {path} is not written without the owner's token, since its name does not end in .rss or .xml")


def _see_whose_it_is(path: Path) -> None:
    """Raise `ReactionProblem` when something is there that is no feed of ours."""
    if path.is_dir():
        raise ReactionProblem(f"The feed {path} could not be written: it is a folder; name a file in settings.rss.path")
    head = head_of(path)
    if head and MARK not in head[:200]:
        raise ReactionProblem(
            f"The feed {path} was not written: a file is there that is no feed of Render+; move it away, or name another in settings.rss.path"
        )
