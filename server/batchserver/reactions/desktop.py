# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices on the desktop: one when a batch is over, and one at its first failure. Runs without Blender."""

from __future__ import annotations

from batchserver.model.events import Event, EventKind

from .desktop_senders import TIME_LIMIT, Show, shower
from .facts import BatchFacts
from .notice_text import end_notice, failure_notice
from .system import System

FAILURES = frozenset({EventKind.FRAME_FAILED, EventKind.JOB_FAILED})


class DesktopNotice:
    """Shows notices where the recipe's `notifications.desktop` is on. A batch that was cancelled shows none: somebody sat there."""

    name = "Notice on the desktop"
    time_limit = 4 * TIME_LIMIT
    kinds = FAILURES | {EventKind.BATCH_FINISHED, EventKind.BATCH_CANCELLED}

    def __init__(self, show: Show) -> None:
        self._show = show
        self._failing: set[int] = set()

    def wants(self, event: Event, batch: BatchFacts) -> bool:
        """Tell whether to show a notice."""
        if event.kind is EventKind.BATCH_CANCELLED:
            self._failing.discard(batch.id)
        if not wishes(batch):
            return False
        return event.kind is EventKind.BATCH_FINISHED or (event.kind in FAILURES and batch.id not in self._failing)

    def react(self, event: Event, batch: BatchFacts) -> None:
        """Show it. Raises `ReactionProblem`."""
        if event.kind is EventKind.BATCH_FINISHED:
            self._failing.discard(batch.id)  # rendered again, it may fail again
            self._show(end_notice(batch))
        elif batch.id not in self._failing:
            self._failing.add(batch.id)
            self._show(failure_notice(event, batch))


def wishes(batch: BatchFacts) -> bool:
    """Tell whether a batch's recipe asks for notices on the desktop."""
    return dict(batch.reactions.get("notifications") or {}).get("desktop") is True


def make_desktop_notice(system: System) -> DesktopNotice:
    """Make the notices of a machine."""
    return DesktopNotice(shower(system))
