# SPDX-License-Identifier: GPL-3.0-or-later
"""All that sends messages away from this machine, with the secrets that it needs, in one hand for the wiring.

Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .channels.reaction import ChannelReaction, make_channel_reaction
from .facts import BatchFacts, Reaction
from .lost_secrets import LostSecrets
from .mail import MailReaction, make_mail_reaction
from .secret_keeper import SecretKeeper


@dataclass(frozen=True, slots=True)
class Messages:
    """`keeper.keep` is to be given the secrets of each new batch."""

    keeper: SecretKeeper
    mail: MailReaction
    channels: ChannelReaction
    lost: LostSecrets

    @property
    def reactions(self) -> list[Reaction]:
        """Give the reactions in their order."""
        return [self.lost, self.mail, self.channels]

    def look(self, batches: Iterable[BatchFacts | None]) -> None:
        """Say of batches that a server goes on with what is off."""
        for batch in batches:
            if batch is not None and not batch.status.over and batch.times.started is not None:
                self.lost.look(batch)


def make_messages(environ: Mapping[str, str], say: Callable[[int, str], None], password_file: Path | None = None) -> Messages:
    """Make the messages of a server. `environ` is its own environment, with its secrets."""
    keeper = SecretKeeper()
    mail, channels = make_mail_reaction(keeper, environ, password_file=password_file), make_channel_reaction(keeper)
    return Messages(keeper, mail, channels, LostSecrets(mail, channels, say))
