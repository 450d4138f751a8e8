# SPDX-License-Identifier: GPL-3.0-or-later
"""One lease in a session's hands: what the session says of it, translated to the dispatcher's verbs.

Runs without Blender.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from batchserver.dispatch.board import Progress
from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.dispatch.offers import Offer, Plan
from batchserver.dispatch.sealing import Move, Written
from batchserver.engines import EngineProgress, Stats, diagnose, engine_data, engine_type, read_line, read_stats
from batchserver.engines import Heard as EngineHeard
from batchserver.model.progress import EngineType
from batchserver.model.status import LeaseEnd, TaskKind

from .sealer import Sealer
from .session import Heard, Printed, Session, Told

TRIED_AGAIN = frozenset({"render_error", "output"})
"""Words of `failed` that another attempt at the frame may mend; all others fail the job."""

PROGRESS_EVERY = 0.1


class Assignment:
    """Follows one order of a session from its first word to its last."""

    def __init__(self, offer: Offer, order: int, session: Session, dispatcher: Dispatcher, sealer: Sealer) -> None:
        self.revoked = False
        self._offer = offer
        self._lease = offer.lease.id
        self._order = order
        self._session = session
        self._dispatcher = dispatcher
        self._sealer = sealer
        self._frame: int | None = None
        self._started = time.monotonic()
        self._told = 0.0
        self._expected: tuple[Path, ...] = ()
        self._size: tuple[int, int] | None = None
        self._engine = engine_type(offer.job.record.job.engine) if offer.job.record.job.engine else None
        self._word = offer.job.record.job.format
        self._progress = EngineProgress(self._started)
        self._part: float | None = None
        self._times: list[float] = []

    # --- what the session says; True when the order is over -----------------------------------------------

    def hear(self, heard: Heard) -> bool:
        """Take in one thing that the session said; tells whether the order is over."""
        if isinstance(heard, Printed):
            self._engine_line(heard.line)
            return False
        if not isinstance(heard, Told) or heard.order not in (self._order, None):
            return False
        handle = getattr(self, f"_on_{heard.kind}", None)
        return bool(handle(heard.facts)) if handle else False

    def tick(self) -> None:
        """Tell how far the frame is although nothing was said, and see whether the lease still stands."""
        self._tell_progress()
        self.revoked = self.revoked or self._dispatcher.revoked(self._lease)

    def _on_opened(self, facts: Mapping[str, Any]) -> None:
        if facts.get("ran_scripts"):
            self._session.tainted_by = str(self._offer.job.record.job.blend)

    def _on_plan(self, facts: Mapping[str, Any]) -> None:
        moves = tuple(Move(Path(folder["attempt"]), Path(folder["final"])) for folder in facts["folders"])
        in_order = facts.get("sequential") or {}
        word = str(facts.get("engine", ""))
        self._engine = engine_type(word) if word else None  # a merge has none
        if facts.get("movie"):
            self._word = ""
        shown = EngineType.NON_COMPATIBLE.value if self._engine is EngineType.NON_COMPATIBLE else word
        self._dispatcher.plan(self._lease, Plan(moves, bool(facts.get("movie")), bool(facts.get("direct")), str(in_order.get("reason", "")), shown))

    def _on_note(self, facts: Mapping[str, Any]) -> None:
        self._dispatcher.note(self._lease, message=str(facts["message"]))

    def _on_frame_started(self, facts: Mapping[str, Any]) -> None:
        self._frame = int(facts["frame"])
        self._started = time.monotonic()
        self._expected = tuple(Path(path) for path in facts.get("expect", ()))
        size = facts.get("size")
        self._size = (int(size[0]), int(size[1])) if size else None
        expected = sum(self._times[-8:]) / len(self._times[-8:]) if self._times else None
        self._progress = EngineProgress(self._started, expected, self._progress.passes)
        self._told = 0.0
        self._tell_progress()

    def _on_stats(self, facts: Mapping[str, Any]) -> None:
        heard = read_stats(str(facts.get("text", "")))
        if heard is not None and self._frame is not None:
            self._take_in(heard)

    def _on_progress(self, facts: Mapping[str, Any]) -> None:
        """Take in how far a merge is: it tells that itself."""
        self._part = float(facts["part"])
        self._tell_progress()

    def _on_frame_written(self, facts: Mapping[str, Any]) -> None:
        frame = int(facts["frame"])
        seconds = float(facts["seconds"])
        self._times.append(seconds)
        written = Written(tuple(Path(path) for path in facts["files"]), self._expected, self._size, self._word, seconds)
        self._sealer.put(lambda: self._dispatcher.accept(self._lease, frame, written))
        self._frame = None
        self.revoked = self.revoked or self._dispatcher.revoked(self._lease, after_frame=True)

    def _on_encoded(self, facts: Mapping[str, Any]) -> None:
        written = Written(tuple(Path(path) for path in facts["files"]))
        self._sealer.put(lambda: self._dispatcher.encoded(self._lease, written))

    def _on_failed(self, facts: Mapping[str, Any]) -> bool:
        code, message = str(facts.get("code", "")), str(facts["message"])
        frame = facts.get("frame")
        frame = self._frame if frame is None else int(frame)
        if code in TRIED_AGAIN and frame is not None and self._offer.lease.kind is not TaskKind.ENCODE:
            reason = diagnose(self._session.last_lines) or message
            self._sealer.put(lambda: self._dispatcher.reject(self._lease, frame, reason))
        else:
            self._sealer.put(lambda: self._dispatcher.fail_job(self._lease, message))
        self._over(LeaseEnd.REJECTED)
        return True

    def _on_done(self, _: Mapping[str, Any]) -> bool:
        self._over(LeaseEnd.COMPLETED)
        return True

    # --- how else it may end --------------------------------------------------------------------------------

    def died(self, code: int) -> None:
        """Blender is gone in the middle of the order."""
        reason = diagnose(self._session.last_lines) or f"Blender ended unexpectedly ({_how(code)})"
        frame = self._frame
        self._sealer.put(lambda: self._dispatcher.died(self._lease, frame, reason))

    def hung(self, reason: str) -> None:
        """Blender was ended by the watchdog, which says why."""
        frame = self._frame
        self._sealer.put(lambda: self._dispatcher.died(self._lease, frame, reason))

    def given_back(self, end: LeaseEnd) -> None:
        """The lease was cancelled, or the server ends."""
        self._over(end)

    def _over(self, end: LeaseEnd) -> None:
        self._sealer.put(lambda: self._dispatcher.release(self._lease, end))

    # --- progress -------------------------------------------------------------------------------------------

    def _engine_line(self, line: str) -> None:
        heard = read_line(line)
        if heard is not None and self._frame is not None:
            self._take_in(heard)

    def _take_in(self, heard: EngineHeard) -> None:
        now = time.monotonic()
        self._progress.hear(heard, now)
        if isinstance(heard, Stats) and now - self._told >= PROGRESS_EVERY:
            self._tell_progress()

    def _tell_progress(self) -> None:
        if self._frame is None:
            return
        now = time.monotonic()
        self._told = now
        data = engine_data(replace(self._progress.figures(), frame=self._frame), now - self._started)
        engine = self._engine.value if self._engine is EngineType.NON_COMPATIBLE else None
        fraction, remaining = self._progress.fraction(now), self._progress.remaining(now)
        if self._part:
            fraction, remaining = self._part, (now - self._started) * (1 - self._part) / self._part
        progress = Progress(self._frame, fraction, engine, data, remaining)
        self._dispatcher.progress(self._lease, progress)


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
