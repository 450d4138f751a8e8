# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail: one when a batch is over, and one at its first failure. Runs without Blender."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from batchserver.model.events import Event

from .accounts import Passwords, Ring
from .facts import BatchFacts, ReactionProblem
from .mail_message import compose
from .mail_providers import route
from .mail_sending import Sender
from .once import KINDS, Once
from .report import report
from .secret_keeper import SecretKeeper
from .small_pictures import small_pictures

_PICTURES = 6


class MailReaction:
    """Sends mails where the recipe's `notifications.mail` is on and the owner sent the recipe: a stranger's would use the owner's account."""

    name = "Mail"
    kinds = KINDS
    time_limit = 180.0

    def __init__(self, passwords: Passwords, sender: Sender, clock: Callable[[], float] = time.time) -> None:
        self._passwords, self._sender, self._clock = passwords, sender, clock
        self._once = Once()

    def wants(self, event: Event, batch: BatchFacts) -> bool:
        """Tell whether to send a mail."""
        return self._once.wants(event, batch, wished=batch.trusted and bool(wishes(batch)))

    def react(self, event: Event, batch: BatchFacts) -> None:
        """Send it. Raises `ReactionProblem`."""
        if not self._once.claim(event, batch):
            return
        mail = wishes(batch)
        told = report(event, batch)
        try:
            way = route(mail)
            message = compose(told, mail, small_pictures(told.pictures, _PICTURES), self._clock())
            user = str(mail.get("user") or "")
            password = self._passwords.find(batch.id, user, way.host) if user else ""
            if user and not password:
                raise ReactionProblem(f"no password for {user} is known; {WAYS}")
            self._sender.send(message, way, user, password)
        except ReactionProblem as problem:
            raise ReactionProblem(f"Mail could not be sent: {problem}") from None

    def off(self, batch: BatchFacts) -> str:
        """Say why no mail will be sent although one is asked for; "" when nothing speaks against it."""
        mail = wishes(batch)
        if not batch.trusted or not mail or not mail.get("user"):
            return ""
        try:
            if self._passwords.find(batch.id, str(mail["user"]), route(mail).host):
                return ""
        except ReactionProblem as problem:
            return f"Mail is off: {problem}"
        lost = "mail.pass" in dict(batch.reactions.get("notifications") or {}).get("_left_out", ())
        why = "the password was only in the recipe, is never stored, and went with the server that took it" if lost else "no password is known"
        return f"Mail is off: {why}; {WAYS}"


WAYS = "set RENDERPLUS_MAIL_PASSWORD, name a file with --mail-password-file, or put it into the keyring"


def wishes(batch: BatchFacts) -> Mapping[str, Any]:
    """Give what a batch's recipe says about mail, empty when it wants none."""
    mail = dict(batch.reactions.get("notifications") or {}).get("mail")
    return mail if isinstance(mail, Mapping) and mail.get("enabled") is True else {}


def make_mail_reaction(
    keeper: SecretKeeper, environ: Mapping[str, str], *, password_file: Path | None = None, ring: Ring | None = None, sender: Sender | None = None
) -> MailReaction:  # fmt: skip
    """Make the mail of a server. `environ` is the server's own environment, with its secrets."""
    return MailReaction(Passwords(keeper, environ, password_file, ring), sender or Sender())
