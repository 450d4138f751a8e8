# SPDX-License-Identifier: GPL-3.0-or-later
"""The room of reactions: hears what happened, and lets each reaction do its part, one event after the other, in a thread of its own.

The order of the reactions is the order in which they are given. One that fails, or takes longer than it may, costs a sentence in the
batch's messages and nothing else. Runs without Blender.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import deque
from collections.abc import Callable, Sequence

from batchserver.model.errors import RenderPlusError
from batchserver.model.events import Event, Listener

from .facts import BatchFacts, Reaction

log = logging.getLogger(__name__)

Gather = Callable[[int], BatchFacts | None]
"""Gives the facts of a batch as they stand now, None when there is no such batch."""

Say = Callable[[int, str], None]
"""Adds a sentence to the messages of a batch."""


class Room:
    """A listener: call it with an event, and it returns at once. A reaction with `kinds` (a set of `EventKind`) is only asked about those.

    One with `hears` is asked by that before anything is read of the batch; it has to answer quickly, and of any thread.

    `then` hears of each event when the reactions to it are over.
    """

    def __init__(self, reactions: Sequence[Reaction], *, gather: Gather, say: Say, then: Listener | None = None) -> None:
        self._reactions = tuple(reactions)
        self._gather, self._say, self._then = gather, say, then
        self._told: deque[Event] = deque()
        self._heard = self._done = 0
        self._changed = threading.Condition()
        self._ending = False
        self._thread = threading.Thread(target=self._work, name="reactions", daemon=True)

    def __call__(self, event: Event) -> None:
        """Take note of an event that some reaction may want."""
        if self._then is None and not self._concerns(event):
            return
        with self._changed:
            if not self._ending:
                self._told.append(event)
                self._heard += 1
                self._changed.notify_all()

    def start(self) -> None:
        """Begin to react, to what was told before as well."""
        self._thread.start()

    @property
    def heard(self) -> int:
        """Count the events that were told so far."""
        with self._changed:
            return self._heard

    def settle(self, seconds: float | None = None, heard: int | None = None) -> bool:
        """Wait until every reaction to what was told is over, or to the first `heard` events, at most so long; tells whether that came."""
        with self._changed:
            return self._changed.wait_for(lambda: self._done >= (self._heard if heard is None else heard), seconds)

    def close(self, patience: float) -> None:
        """Hear nothing more, wait for what is under way at most `patience` seconds, and leave the rest."""
        with self._changed:
            self._ending = True
        if self._thread.ident is None:
            return
        if not self.settle(patience):
            with self._changed:
                left = len(self._told)
                self._done += left
                self._told.clear()
            log.warning("The server ends before everything was reacted to: %d events are left", left)
        with self._changed:
            self._changed.notify_all()
        self._thread.join(1.0)

    # --- inside -------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while (event := self._next()) is not None:
            try:
                self._react_to(event)
            except Exception:  # one event must not cost those after it
                log.exception("Nobody could react to %s", event.kind.value)
            if self._then is not None:
                self._then(event)
            with self._changed:
                self._done += 1
                self._changed.notify_all()

    def _next(self) -> Event | None:
        with self._changed:
            self._changed.wait_for(lambda: self._told or self._ending)
            return self._told.popleft() if self._told else None

    def _concerns(self, event: Event) -> bool:
        return any(_hears(reaction, event) for reaction in self._reactions)

    def _react_to(self, event: Event) -> None:
        batch = self._gather(event.batch) if self._concerns(event) else None
        if batch is None:
            return
        for reaction in self._reactions:
            if _hears(reaction, event):
                try:
                    self._let(reaction, event, batch)
                except Exception:
                    log.exception("%s failed on %s", reaction.name, event.kind.value)

    def _let(self, reaction: Reaction, event: Event, batch: BatchFacts) -> None:
        """Let one reaction do its part, in a thread that can be left behind."""
        problems: list[str] = []

        def act() -> None:
            try:
                reaction.react(event, batch)
            except RenderPlusError as problem:
                problems.append(str(problem))
            except Exception as error:
                log.exception("%s failed on %s", reaction.name, event.kind.value)
                problems.append(f"{reaction.name}: the server met an error of its own ({type(error).__name__}); its log has the rest")

        if not reaction.wants(event, batch):
            return
        thread = threading.Thread(target=act, name=f"reaction {reaction.name}", daemon=True)
        thread.start()
        thread.join(None if math.isinf(reaction.time_limit) else reaction.time_limit)
        if thread.is_alive():
            problems.append(f"{reaction.name}: it took longer than {reaction.time_limit:g} s and was left behind")
        for sentence in list(problems):
            self._say(event.batch, sentence)


def _hears(reaction: Reaction, event: Event) -> bool:
    hears: Callable[[Event], bool] = getattr(reaction, "hears", lambda _: True)
    return event.kind in getattr(reaction, "kinds", (event.kind,)) and hears(event)
