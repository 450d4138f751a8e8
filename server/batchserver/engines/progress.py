# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a frame is: counted work (samples, tiles, layers, views), and time where the engine is silent.

Cycles on a CPU reports sample 0, sample 1, then nothing until the last one. So from the last counted work (the
anchor) the bar goes on with the clock, towards the end that the engine's `Remaining:` and the earlier frames promise.
Runs without Blender.
"""

from __future__ import annotations

import math

from batchserver.model.progress import Figures

from .heard import FrameStarted, FrameTime, Heard, LayerStarted, Stats

NEARLY = 0.995
"""Most that a frame shows which is not over."""

_LINEAR = 0.9  # part of the way to the promised end that is gone evenly; what is late creeps on
_DISAGREE = 2.0  # times by which this frame's own figure may differ from earlier frames before it wins
_ENOUGH_FOR_A_RATE = 0.05  # part of the frame that must be done before its own pace promises an end
_SHORTEST = 0.25  # seconds; an end nearer than this is rounding (Cycles prints hundredths, and not what saving takes)
_STEADY = tuple(name for name in Figures._fields if name not in ("remaining", "activity"))


class EngineProgress:
    """Gathers what is heard of one frame. Every clock value is passed in: seconds, of any one clock."""

    def __init__(self, started: float, expected: float | None = None, passes: int = 1) -> None:
        """Begin a frame at `started`.

        `expected` is the mean time of earlier frames in seconds. `passes` is how often the engine goes through the
        frame: view layers times views; the `passes` of an earlier frame tells it where nobody else does.
        """
        self._started = started
        self._expected = expected if expected is not None and expected > 0 and math.isfinite(expected) else None
        self._passes = max(1, passes)
        self._figures = Figures()
        self._over = False
        self._shown = 0.0
        self._passes_done = 0
        self._within = 0.0  # of the pass
        self._fresh_tile = False
        self._pass_started = started
        self._anchor = (started, 0.0)  # when work was counted last, and how much of the frame it was
        self._end: float | None = None  # when the engine thinks that the frame ends

    @property
    def passes(self) -> int:
        """Tell how many passes the frame has, as far as is known by now."""
        return self._passes

    def hear(self, heard: Heard | None, now: float) -> None:
        """Take in what a line said, at the time `now`."""
        if self._over:
            return
        match heard:
            case Stats(figures):
                self._hear_figures(figures, now)
            case FrameStarted(frame):
                self._figures = self._figures._replace(frame=frame)
            case LayerStarted(_, view_layer):
                self._figures = self._figures._replace(view_layer=view_layer)
            case FrameTime(seconds, _):
                self._figures = self._figures._replace(elapsed=seconds, remaining=None, activity=None)

    def finish(self) -> None:
        """Say that the frame is over: its fraction is 1 from now on."""
        self._over = True
        self._figures = self._figures._replace(remaining=None, activity=None)

    def figures(self) -> Figures:
        """Give the latest of every figure that was heard."""
        return self._figures

    def remaining(self, now: float) -> float | None:
        """Estimate the seconds until the frame is over; None while nothing promises an end."""
        if self._over:
            return 0.0
        end = self._promised_end()
        return None if end is None else max(0.0, end - now)

    def fraction(self, now: float) -> float:
        """Tell how much of the frame is done: 0 to 1, never less than before, 1 only after `finish`."""
        if self._over:
            return 1.0
        self._shown = max(self._shown, min(self._estimate(now), NEARLY))
        return self._shown

    def _estimate(self, now: float) -> float:
        at, done = self._anchor
        end = self._promised_end()
        if end is None or now <= at:
            return done
        return done + (1.0 - done) * _towards((now - at) / max(end - at, _SHORTEST))

    def _promised_end(self) -> float | None:
        """Weigh the engine's figure against the earlier frames: at first theirs is the better one."""
        at, done = self._anchor
        by_engine = self._end if self._end is not None and self._end >= at else None
        by_earlier = self._started + self._expected if self._expected is not None else None
        if by_earlier is not None and by_earlier < at:
            by_earlier = None  # it takes longer than they did
        if by_engine is not None and by_earlier is not None:
            if by_engine - self._started > (by_earlier - self._started) * _DISAGREE:
                return by_engine
            return by_earlier * (1.0 - done) + by_engine * done
        if by_engine is not None or by_earlier is not None:
            return by_engine if by_engine is not None else by_earlier
        return self._started + (at - self._started) / done if done >= _ENOUGH_FOR_A_RATE else None

    def _hear_figures(self, new: Figures, now: float) -> None:
        old = self._figures
        if new.samples_todo is not None:
            self._count(new, old, now)
        elif new.activity == "Finished":
            self._end_pass(now)
        kept = {name: value for name in _STEADY if (value := getattr(new, name)) is not None}
        if new.view_layer is not None:
            kept["view"] = new.view
        counted = new.samples_todo is not None or new.remaining is not None
        remaining = new.remaining if counted else old.remaining
        self._figures = old._replace(**kept, remaining=remaining, activity=new.activity)

    def _count(self, new: Figures, old: Figures, now: float) -> None:
        done, todo = new.samples_done or 0, new.samples_todo or 0
        if new.tiles_todo is None and self._within >= 1.0 and done < todo:
            self._end_pass(now)  # EEVEE says nothing between two layers or views
        samples = min(done / todo, 1.0) if todo else 0.0
        self._within = max(self._within, self._tiled(new, old, samples) if new.tiles_todo else samples)
        self._set_anchor(now)
        if new.remaining is not None:
            this_pass = now + new.remaining
            self._end = this_pass + (this_pass - self._pass_started) * max(0, self._passes - self._passes_done - 1)

    def _tiled(self, new: Figures, old: Figures, samples: float) -> float:
        """Count tiles; the samples of the line that counts a tile up are still those of the tile before."""
        tiles, todo = new.tiles_done or 0, max(1, new.tiles_todo or 1)
        same_work = new.samples_done == old.samples_done
        self._fresh_tile = same_work and (tiles != old.tiles_done or self._fresh_tile)
        return min((tiles + (0.0 if self._fresh_tile else samples)) / todo, 1.0)

    def _end_pass(self, now: float) -> None:
        self._passes_done += 1
        self._within = 0.0
        self._pass_started = now
        self._end = None
        self._set_anchor(now)

    def _set_anchor(self, now: float) -> None:
        begun = self._passes_done + (1 if self._within else 0)
        self._passes = max(self._passes, begun)
        self._anchor = (now, min((self._passes_done + self._within) / self._passes, 1.0))


def _towards(way: float) -> float:
    """Bend time gone / time promised so that it never arrives: even up to `_LINEAR`, slower and slower after it."""
    if way <= _LINEAR:
        return way
    rest = 1.0 - _LINEAR
    return _LINEAR + rest * (1.0 - math.exp(-(way - _LINEAR) / rest))
