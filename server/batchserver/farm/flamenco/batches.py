# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gateway asks of the queue when a Flamenco server of 2015 uses us as its manager: the wiring passes it in. Runs without Blender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .words import Stage


@dataclass(frozen=True, slots=True)
class BatchLook:
    """How a batch of one job stands: the frame that renders, if one does, seconds since its start, and why it failed."""

    stage: Stage
    frame: int | None = None
    seconds: float = 0.0
    sentence: str = ""


class Batches(Protocol):
    """The queue of batches, for tasks that come from a server."""

    folder: Path
    """Where the files of such tasks may lie."""

    def submit(self, recipe: Mapping[str, Any]) -> int:
        """Add a batch to the queue's end, not trusted to run programs. Raises `BadInput` or `Conflict`."""
        ...

    def look(self, batch: int) -> BatchLook | None:
        """Tell how a batch stands; None when it is gone."""
        ...

    def cancel(self, batch: int) -> None:
        """Cancel a batch; one that is over stays as it is."""
        ...
