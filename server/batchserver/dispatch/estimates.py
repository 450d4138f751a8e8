# SPDX-License-Identifier: GPL-3.0-or-later
"""How long it will still take: a range, from the frames so far and the engine's own figure.

All times are seconds. Pure functions of what was measured; no clock. Runs without Blender.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

LEAST_SPREAD = 0.1
"""Share of the estimate by which the range is at least wide: machines drift by that much within a minute."""

GUESS_SPREAD = 0.5
"""Width of the range when nothing of the job itself was measured yet."""

FEW = 8
"""Laps from which on an average says more than the middle one."""

WINDOW = 60.0
"""Seconds that an estimate looks back: long enough for light frames to be steady, short enough to follow a scene that changes."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds still to go, with the range in which they most likely lie."""

    seconds: float
    low: float
    high: float

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(self.seconds + other.seconds, self.low + other.low, self.high + other.high)

    def shared_by(self, workers: int) -> Estimate:
        """Divide the work among workers who render side by side."""
        return Estimate(self.seconds / workers, self.low / workers, self.high / workers)


NOTHING = Estimate(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What is known of a job.

    `laps` are the seconds that its frames took one after the other, newest last; `frames_left` counts those not
    done, the running ones among them; `spent` is what the running frame has taken so far, `engine_says` the
    engine's own figure of what it still takes; `rate` is the cost of a frame guessed from other jobs.
    """

    laps: Sequence[float]
    frames_left: int
    spent: float | None = None
    engine_says: float | None = None
    rate: float | None = None


def job_estimate(facts: JobFacts) -> Estimate | None:
    """Estimate what a job still takes; None while there is nothing to go by."""
    if facts.frames_left <= 0:
        return NOTHING
    per_frame, spread = _frame_cost(facts)
    if per_frame is None:
        return None
    seconds = per_frame * facts.frames_left
    if facts.spent is not None:
        # A frame that takes longer than the others is nearly over as far as anybody knows.
        seconds -= min(facts.spent, per_frame * 0.95)
        if facts.engine_says is not None and not facts.laps:
            seconds = facts.engine_says + per_frame * (facts.frames_left - 1)
    margin = max(spread, LEAST_SPREAD) * seconds
    return Estimate(seconds, max(0.0, seconds - margin), seconds + margin)


def _frame_cost(facts: JobFacts) -> tuple[float | None, float]:
    """Say what a frame costs, and how far off that may be as a share."""
    if facts.laps:
        recent = _recent(facts.laps)
        typical = _typical(recent)
        if len(recent) < 3:
            return typical, 0.25
        deviation = statistics.pstdev(recent) / typical if typical else 0.0
        return typical, 2 * deviation / len(recent) ** 0.5 + LEAST_SPREAD
    if facts.engine_says is not None and facts.spent is not None:
        return facts.spent + facts.engine_says, 0.35
    return facts.rate, GUESS_SPREAD


def _recent(laps: Sequence[float]) -> list[float]:
    """Take the last laps: eight at least, and as many more as fit into `WINDOW` seconds."""
    kept: list[float] = []
    for lap in reversed(laps):
        if len(kept) >= FEW and sum(kept) + lap > WINDOW:
            break
        kept.append(lap)
    return kept


def _typical(laps: Sequence[float]) -> float:
    """Average the laps without the tenth that is longest and the tenth that is shortest; of a few, take the middle one."""
    if len(laps) < FEW:
        return statistics.median(laps)
    cut = len(laps) // 10
    return statistics.fmean(sorted(laps)[cut : len(laps) - cut])
