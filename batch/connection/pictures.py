# SPDX-License-Identifier: GPL-3.0-or-later
"""Which picture of a batch is the newest, by the server's word. Runs without Blender."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def frames_done(document: Mapping[str, Any] | None) -> int:
    """Count the finished frames of a poll answer, of a job or of the whole."""
    return int(document.get("frames", {}).get("done", 0)) if document else 0


def newest_picture(document: Mapping[str, Any], before: Mapping[str, Any] | None, frames_of: Callable[[int], list[dict[str, Any]]]) -> str | None:
    """Give the newest finished picture of a poll answer; None when there is none.

    A server that names it in its answer is not asked again. Otherwise only jobs with more frames than in the answer `before` are
    asked for their frames.
    """
    named = document.get("picture")
    if isinstance(named, str) and named:
        return named
    newest: tuple[float, str] | None = None
    for index in _stirred(document, before):
        for frame in frames_of(index):
            outputs, finished = frame.get("outputs"), frame.get("finished")
            if outputs and finished and (newest is None or finished >= newest[0]):
                newest = (float(finished), str(outputs[0]))
    return newest[1] if newest else None


def _stirred(document: Mapping[str, Any], before: Mapping[str, Any] | None) -> list[int]:
    known = [frames_done(job) for job in before.get("jobs", ())] if before else []
    now = [frames_done(job) for job in document.get("jobs", ())]
    grown = [index for index, done in enumerate(now) if done > (known[index] if index < len(known) else 0)]
    return grown[-3:]  # of a batch that is found again, the last jobs are enough
