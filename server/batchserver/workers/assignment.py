# SPDX-License-Identifier: GPL-3.0-or-later
"""One lease in a session's hands: what the session says of it, translated to the dispatcher's verbs.

Runs without Blender.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchserver.dispatch.board import Progress
from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.dispatch.offers import Offer, Plan
from batchserver.dispatch.sealing import Move, Written
from batchserver.engines import (
    AbsentEngine,
    EngineProgress,
    PythonErrors,
    Stats,
    absent_engine,
    diagnose,
    diagnose_death,
    engine_data,
    engine_type,
    read_line,
    read_stats,
)
from batchserver.engines import Heard as EngineHeard
from batchserver.model.diagnosis import Diagnosis
from batchserver.model.progress import EngineType
from batchserver.model.status import LeaseEnd, TaskKind

from .sealer import Sealer
from .session import Ended, Heard, Printed, Session, Told

TRIED_AGAIN = frozenset({"render_error", "output"})
"""Codes of `failed` that another attempt at the frame may mend; all others fail the job."""

VAGUE = frozenset({"render_error", "output", "internal"})
"""Codes of `failed` that what Blender printed explains better."""

NEVER_MENDED = frozenset({"no_camera", "no_codec", "no_denoiser", "no_gpu", "unknown_engine"})
"""Causes, found in what Blender printed, that no other attempt mends."""

PROGRESS_EVERY = 0.1


class Assignment:
    """Follows one order of a session from its first word to its last."""

    def __init__(self, offer: Offer, order: int, session: Session, dispatcher: Dispatcher, sealer: Sealer) -> None:
        self.revoked = False
        self.out_of_memory = False
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
        self._python = PythonErrors()
        self._absent: dict[str, AbsentEngine] = {}

    # --- what the session says; True when the order is over -----------------------------------------------

    def hear(self, heard: Heard) -> bool:
        """Take in one thing that the session said; tells whether the order is over."""
        if isinstance(heard, Printed):
            self._engine_line(heard.line)
            self._complaint(heard.line)
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
        word = str(facts.get("engine", ""))
        self._engine = engine_type(word) if word else None  # a merge has none
        if facts.get("movie"):
            self._word = ""
        shown = EngineType.NON_COMPATIBLE.value if self._engine is EngineType.NON_COMPATIBLE else word
        self._dispatcher.plan(self._lease, self._plan(facts, moves, shown))
        if (gone := self._absent.get(str(facts.get("scene", "")))) and word and not self._offer.job.record.job.engine:
            self._give_up(gone.diagnosis)

    @staticmethod
    def _plan(facts: Mapping[str, Any], moves: tuple[Move, ...], engine: str) -> Plan:
        in_order = facts.get("sequential") or {}
        return Plan(moves, bool(facts.get("movie")), bool(facts.get("direct")), str(in_order.get("reason", "")), engine, str(facts.get("device") or ""))

    def _on_note(self, facts: Mapping[str, Any]) -> None:
        self._dispatcher.note(self._lease, message=Diagnosis(str(facts.get("code", "")), str(facts["message"])))

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
        written = Written(tuple(Path(path) for path in facts["files"]), self._expected, self._size, self._word, seconds, self._memory())
        self._sealer.put(lambda: self._dispatcher.accept(self._lease, frame, written))
        self._frame = None
        self.revoked = self.revoked or self._dispatcher.revoked(self._lease, after_frame=True)

    def _memory(self) -> str:
        """Give what the frame took, as the engine said it: its peak where it names one."""
        figures = self._progress.figures()
        return figures.peak or figures.memory or ""

    def _on_encoded(self, facts: Mapping[str, Any]) -> None:
        written = Written(tuple(Path(path) for path in facts["files"]))
        self._sealer.put(lambda: self._dispatcher.encoded(self._lease, written))

    def _on_failed(self, facts: Mapping[str, Any]) -> bool:
        code, message = str(facts.get("code", "")), str(facts["message"])
        frame = facts.get("frame")
        frame = self._frame if frame is None else int(frame)
        why = Diagnosis(code, message, frame)
        if code in VAGUE and (found := diagnose([*self._session.last_lines, message])) and (code != "internal" or found.out_of_memory):
            why = found
        self._blame(why, frame, again=code in TRIED_AGAIN and why.code not in NEVER_MENDED)
        self._over(LeaseEnd.REJECTED)
        return True

    def _blame(self, why: Diagnosis, frame: int | None, *, again: bool) -> None:
        """Say of a frame, or of the whole job, why it failed; what lacked memory is tried again in a Blender that is started afresh."""
        self.out_of_memory = why.out_of_memory
        if (again or why.out_of_memory) and frame is not None and self._offer.lease.kind is not TaskKind.ENCODE:
            self._sealer.put(lambda: self._dispatcher.reject(self._lease, frame, why))
        elif why.out_of_memory:
            self._sealer.put(lambda: self._dispatcher.died(self._lease, None, why))
        else:
            self._sealer.put(lambda: self._dispatcher.fail_job(self._lease, why))

    def _on_done(self, _: Mapping[str, Any]) -> bool:
        self._over(LeaseEnd.COMPLETED)
        return True

    # --- how else it may end --------------------------------------------------------------------------------

    def died(self, ended: Ended) -> None:
        """Blender is gone in the middle of the order."""
        reason = diagnose_death(self._session.last_lines, ended.code, report=ended.report, memory_was_full=ended.memory_was_full)
        frame = self._frame
        self._sealer.put(lambda: self._dispatcher.died(self._lease, frame, reason))

    def hung(self, reason: str) -> None:
        """Blender was ended by the watchdog, which says why."""
        frame = self._frame
        self._sealer.put(lambda: self._dispatcher.died(self._lease, frame, Diagnosis("hung", reason)))

    def given_back(self, end: LeaseEnd) -> None:
        """The lease was cancelled, or the server ends."""
        self._over(end)

    def _give_up(self, why: Diagnosis) -> None:
        """Fail the job although its session still works on it."""
        self._sealer.put(lambda: self._dispatcher.fail_job(self._lease, why))
        self.revoked = True

    def _over(self, end: LeaseEnd) -> None:
        self._sealer.put(lambda: self._dispatcher.release(self._lease, end))

    def _complaint(self, line: str) -> None:
        """Take in a line that may say that something in the picture is not as it should be."""
        if gone := absent_engine(line):
            self._absent[gone.scene] = gone
        elif note := self._python.hear(line):
            self._dispatcher.note(self._lease, message=note)

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
        data = engine_data(self._progress.figures()._replace(frame=self._frame), now - self._started)
        engine = self._engine.value if self._engine is EngineType.NON_COMPATIBLE else None
        fraction, remaining = self._progress.fraction(now), self._progress.remaining(now)
        if self._part:
            fraction, remaining = self._part, (now - self._started) * (1 - self._part) / self._part
        progress = Progress(self._frame, fraction, engine, data, remaining)
        self._dispatcher.progress(self._lease, progress)
