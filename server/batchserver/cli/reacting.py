# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the room of reactions together: who reacts, in which order, and how all of it ends with the server.

Runs without Blender.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.model.environment import child_environment
from batchserver.model.events import Event, EventKind
from batchserver.reactions.facts import Reaction
from batchserver.reactions.gathering import Gathering
from batchserver.reactions.hooks import HookGate, HookReaction, HookRunner
from batchserver.reactions.machine import make_machine
from batchserver.reactions.messages import make_messages
from batchserver.reactions.room import Room

log = logging.getLogger(__name__)

CLOSING = 20.0
"""Seconds that reactions which are under way get when the server is stopped; hooks that still run then are ended."""

LOOK_EVERY = 0.25


class Reacting:
    """All that reacts to a dispatcher's events. Call it with an event: it is logged, and whoever wants it hears of it."""

    def __init__(
        self, dispatcher: Dispatcher, *, environ: Mapping[str, str], logs: Path, address: Callable[[], str], mail_password: Path | None = None
    ) -> None:  # fmt: skip
        self._messages = dispatcher.say
        facts = Gathering(dispatcher, address)
        self.hooks = HookRunner(facts, environ=environ, logs=logs, say=self._say)
        self.machine = make_machine(dispatcher, child_environment(environ), self)
        self.messages = make_messages(environ, dispatcher.say, mail_password)
        dispatcher.remember = self.messages.keeper.keep
        self._dispatcher, self._facts = dispatcher, facts
        order: list[Reaction] = [*self.messages.reactions, self.machine.desktop, self.machine.sound, self.machine.power]
        self.room = Room(order, gather=facts, say=self._say)
        # A room of their own: no mail keeps a render waiting whose PRE hooks come after POST hooks.
        self.hook_room = Room([HookReaction(self.hooks, self._say)], gather=facts, say=self._say, then=self.room)
        dispatcher.gate = HookGate(self.hooks, facts, self._say, self._before)

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        place = f"batch {event.batch}" + (f" job {event.job}" if event.job is not None else "") + (f" frame {event.frame}" if event.frame is not None else "")
        log.info("%s: %s%s", event.kind.value, place, f": {event.message}" if event.message else "")
        if event.kind is EventKind.BATCH_STARTED:
            self.machine.keep_awake.poke()
        self.hook_room(event)

    def _say(self, batch: int, sentence: str) -> None:
        """Say to the batch's messages, and to whoever looks at log or terminal, what did not work out."""
        log.warning("batch %d: %s", batch, sentence)
        self._messages(batch, sentence)

    def _before(self) -> Callable[[float], bool]:
        heard = self.hook_room.heard
        return lambda seconds: self.hook_room.settle(seconds, heard)

    def start(self) -> None:
        """Begin to react."""
        self.hook_room.start()
        self.room.start()
        self.machine.keep_awake.start()
        with self._dispatcher.lock:
            known = [batch.record.id for batch in self._dispatcher.board]
        self.messages.look(self._facts(batch) for batch in known)

    def settle(self, stopping: threading.Event) -> None:
        """Wait until all is reacted to that happened, or the server is told to stop."""
        while not (self.hook_room.settle(LOOK_EVERY) and self.room.settle(LOOK_EVERY)) and not stopping.is_set():
            pass

    def close(self) -> None:
        """End what is under way, within bounds."""
        self.machine.power.close()
        self.hook_room.close(CLOSING)
        self.hooks.close()
        self.room.close(CLOSING)
        self.machine.keep_awake.stop()
