# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the room of reactions together: who reacts, in which order, and how all of it ends with the server.

Runs without Blender.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.model.environment import child_environment
from batchserver.model.events import Event, EventKind
from batchserver.reactions.facts import Reaction
from batchserver.reactions.feed import Feeds, wants_feed
from batchserver.reactions.gathering import Gathering
from batchserver.reactions.hooks import HookGate, HookReaction, HookRunner
from batchserver.reactions.machine import make_machine
from batchserver.reactions.messages import make_messages
from batchserver.reactions.provenance import ProvenanceReaction
from batchserver.reactions.room import Room
from batchserver.reactions.statistics import StatisticsReaction
from batchserver.reactions.statistics_reading import StatisticsReader
from batchserver.recipe import alone

from . import logs as server_logs
from .batch_logs import BatchLogs

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
        self._batch_logs = BatchLogs(logs, self._wants_log)
        facts = Gathering(dispatcher, address)
        self.hooks = HookRunner(facts, environ=environ, logs=logs, say=self._say)
        self.machine = make_machine(dispatcher, child_environment(environ), self)
        self.messages = make_messages(environ, dispatcher.say, mail_password)
        dispatcher.remember = self._remember
        self._dispatcher, self._facts = dispatcher, facts
        self.feeds = Feeds(facts, self._say, lambda batch: wants_feed(self._settings_of(batch).get("rss")))
        self.statistics = StatisticsReader(dispatcher)
        written: list[Reaction] = [ProvenanceReaction(dispatcher, alone), StatisticsReaction(self.statistics), self.feeds]
        order = [*written, *self.messages.reactions, self.machine.desktop, self.machine.sound, self.machine.power]
        self.room = Room(order, gather=facts, say=self._say)
        # A room of their own: no mail keeps a render waiting whose PRE hooks come after POST hooks.
        self.hook_room = Room([HookReaction(self.hooks, self._say, self._has_hooks_after_frames)], gather=facts, say=self._say, then=self.room)
        dispatcher.gate = HookGate(self.hooks, facts, self._say, self._before)

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        place = f"batch {event.batch}" + (f" job {event.job}" if event.job is not None else "") + (f" frame {event.frame}" if event.frame is not None else "")
        line = f"{event.kind.value}: {place}{f': {event.message}' if event.message else ''}"
        log.info("%s", line)
        self._batch_logs.write(event.batch, line)
        if event.kind is EventKind.BATCH_STARTED:
            self.machine.keep_awake.poke()
        self.feeds(event)
        self.hook_room(event)

    def _say(self, batch: int, sentence: str) -> None:
        """Say to the batch's messages, and to whoever looks at log or terminal, what did not work out."""
        log.warning("batch %d: %s", batch, sentence)
        self._batch_logs.write(batch, f"message: batch {batch}: {sentence}")
        self._messages(batch, sentence)

    def _remember(self, batch: int, secrets: Mapping[str, str]) -> None:
        """Keep a new batch's secrets for whoever sends messages, and out of the log."""
        server_logs.hide(secrets.values())
        self.messages.keeper.keep(batch, secrets)

    def _wants_log(self, batch: int) -> bool:
        return self._settings_of(batch).get("write_log") is True

    def _settings_of(self, batch: int) -> Mapping[str, Any]:
        with self._dispatcher.lock:
            found = self._dispatcher.known(batch)
            return {} if found is None else found.wishes.get("settings") or {}

    def _has_hooks_after_frames(self, event: Event) -> bool:
        with self._dispatcher.lock:
            batch = self._dispatcher.known(event.batch)
            return batch is not None and event.job is not None and bool(batch.jobs[event.job].record.job.post_frame_hooks)

    def _before(self) -> Callable[[float], bool]:
        heard = self.hook_room.heard
        return lambda seconds: self.hook_room.settle(seconds, heard)

    def start(self) -> None:
        """Begin to react."""
        self.hook_room.start()
        self.room.start()
        self.machine.keep_awake.start()
        self.feeds.start()
        with self._dispatcher.lock:
            known = [batch.record.id for batch in self._dispatcher.board]
            running = [batch.record.id for batch in self._dispatcher.board if batch.running]
        for number in running:
            self.feeds.touch(number)
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
        self.feeds.close()
        self.machine.keep_awake.stop()
