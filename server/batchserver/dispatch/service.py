# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that can be asked of the server, in one object: the current batch, the queue, and the server itself.

Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .answers import Answers
from .current_batch import CurrentBatch
from .dispatcher import Dispatcher
from .power import NoPower, Power, PowerDesk
from .queue import Queue
from .roll import Roll, RollDesk
from .shelf import Rival, Shelf


class RenderService(CurrentBatch, Queue, PowerDesk, RollDesk):
    """What the web and the command line ask."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        *,
        about: Callable[[], dict[str, Any]],
        instance: str,
        rival: Rival = lambda _ours, _theirs: None,
        power: Power | None = None,
        roll: Roll | None = None,
    ) -> None:
        power = power or NoPower()
        shelf = Shelf(dispatcher, Answers(instance, lambda: dispatcher.worker_count, power), rival)
        CurrentBatch.__init__(self, shelf)
        Queue.__init__(self, shelf)
        PowerDesk.__init__(self, power)
        RollDesk.__init__(self, roll or Roll(dispatcher, []))
        self._about = about

    def blend_in_use(self, path: Path) -> bool:
        """Tell whether an unfinished batch renders the file."""
        with self._dispatcher.lock:
            return any(Path(job.record.job.blend) == path for batch in self._dispatcher.board for job in batch.jobs if not job.record.status.over)

    def about(self) -> dict[str, Any]:
        """Describe the server."""
        return self._about()
