# SPDX-License-Identifier: GPL-3.0-or-later
"""What hooks are told: a value for each word of `model/hooks.py`, as text, "" where there is none. Runs without Blender."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from batchserver.model.frames import format_frames
from batchserver.model.hooks import When, variable, words
from batchserver.model.records import Times

from .facts import BatchFacts, JobFacts

LISTED = 32 * 1024
"""Most bytes of the variable `RENDERPLUS_FILES`; all files are in `{files}`."""

Values = dict[str, str]


def values(when: When, batch: BatchFacts, job: JobFacts | None, *, frame: int | None, files: Sequence[Path], log: Path) -> Values:
    """Give the value of every word of a moment."""
    found: Values = {
        "event": when.value, "batch": str(batch.id), "batch_name": batch.name, "batch_status": batch.status.value, "log": str(log), "server": batch.server,
        **_times("batch", batch.times),
    }  # fmt: skip
    if job is not None:
        asked = job.job
        found |= {
            "job": str(asked.index), "job_name": asked.name, "job_status": job.status.value, "frames": format_frames(asked.frames),
            "frames_done": str(job.done), "frames_failed": str(job.failed), "blend": str(asked.blend), "output": asked.output, "scene": asked.scene,
            "camera": asked.camera, "session_log": str(job.log or ""), "frame": "" if frame is None else str(frame),
            "file": str(files[-1]) if files else "", "files": _listed(files), "reason": job.failure, "way_out": job.way_out, "code": job.code,
            **_times("job", job.times),
        }  # fmt: skip
    return {word: _clean(found.get(word, "")) for word in words(when)}


def variables(found: Mapping[str, str]) -> dict[str, str]:
    """Write values as environment variables."""
    return {variable(word): value for word, value in found.items()}


def within(files: Sequence[Path], most: int, write: Callable[[Path], str] = str) -> tuple[str, ...]:
    """Give as many paths, from the first on, as have room in so many bytes."""
    kept, room = [], most
    for path in files:
        text = _clean(write(path))
        room -= len(os.fsencode(text)) + 1
        if room < 0:
            break
        kept.append(text)
    return tuple(kept)


def _listed(files: Sequence[Path]) -> str:
    return "\n".join(within(files, LISTED))


def _times(of: str, times: Times) -> Values:
    return {f"{of}_{name}": "" if value is None else f"{value:.3f}" for name, value in
            (("started", times.started), ("finished", times.finished), ("seconds", times.rendertime))}  # fmt: skip


def _clean(text: str) -> str:
    """Make a text that can stand in an environment: no NUL, and nothing that the system cannot write."""
    plain = text.replace("\0", "")
    try:
        os.fsencode(plain)
    except UnicodeEncodeError:
        return plain.encode("utf-8", "replace").decode("utf-8")
    return plain
