# SPDX-License-Identifier: GPL-3.0-or-later
"""Says at a batch's start, and when a server goes on with one, which messages are off because their secrets are not there.

Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Callable

from batchserver.model.events import Event, EventKind

from .channels.reaction import ChannelReaction
from .facts import BatchFacts
from .mail import MailReaction


class LostSecrets:
    """Looks once at each batch that starts or goes on."""

    name = "Secrets of messages"
    kinds = frozenset({EventKind.BATCH_STARTED})
    time_limit = 20.0

    def __init__(self, mail: MailReaction, channels: ChannelReaction, say: Callable[[int, str], None]) -> None:
        self._mail, self._channels, self._say = mail, channels, say

    def wants(self, event: Event, batch: BatchFacts) -> bool:
        """Tell whether a batch starts."""
        return event.kind is EventKind.BATCH_STARTED

    def react(self, event: Event, batch: BatchFacts) -> None:
        """Say what is off."""
        self.look(batch)

    def look(self, batch: BatchFacts) -> None:
        """Say what is off with a batch, unless it was said before."""
        for sentence in filter(None, (self._mail.off(batch), *self._channels.off(batch))):
            if sentence not in batch.messages:
                self._say(batch.id, sentence)
