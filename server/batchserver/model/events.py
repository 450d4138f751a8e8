# SPDX-License-Identifier: GPL-3.0-or-later
"""Things that happened. Hooks, notices, feed, log and status live off them.

Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class EventKind(StrEnum):
    """Words for what happened, as logs and hooks name them."""

    BATCH_STARTED = "batch_started"
    BATCH_FINISHED = "batch_finished"
    BATCH_CANCELLED = "batch_cancelled"
    JOB_STARTED = "job_started"
    JOB_FINISHED = "job_finished"
    JOB_FAILED = "job_failed"
    JOB_CANCELLED = "job_cancelled"
    JOB_HELD = "job_held"
    JOB_WAITS = "job_waits"
    JOB_GOES_ON = "job_goes_on"
    FRAME_DONE = "frame_done"
    FRAME_REJECTED = "frame_rejected"
    FRAME_FAILED = "frame_failed"
    POWER_COUNTDOWN = "power_countdown"
    POWER_KEPT_ON = "power_kept_on"
    POWER_DONE = "power_done"
    POWER_FAILED = "power_failed"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, at a Unix time, to a batch, a job (index in its list) or a frame. `worker` rendered the frame, in `seconds`."""

    kind: EventKind
    at: float
    batch: int
    job: int | None = None
    frame: int | None = None
    message: str = ""
    worker: str = ""
    seconds: float | None = None


Listener = Callable[[Event], None]
"""Whoever is told of events. It is called in the thread in which the thing happened, and must not wait."""
