# SPDX-License-Identifier: GPL-3.0-or-later
"""How the pictures of a job were made, as a document: its recipe, the .blend, the Blenders, times, and every file with its hash.

Runs without Blender.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from batchserver import __version__
from batchserver.dispatch.sealing import HIDDEN_FOLDER
from batchserver.model.frames import format_frames
from batchserver.model.records import BatchRecord, FrameRecord, InputStamp, JobRecord, LeaseRecord, Times

KIND = "provenance"
FORM = 1
LARGEST = 64 * 1024 * 1024
"""Bytes of the largest document that is read."""


def document(
    batch: BatchRecord, job: JobRecord, recipe: Mapping[str, Any], stamp: InputStamp | None, frames: Sequence[FrameRecord], leases: Iterable[LeaseRecord]
) -> dict[str, Any]:  # fmt: skip
    """Write the document of a job. `frames` are those that are done, `stamp` is what its .blend was like, with its hash."""
    asked = job.job
    return {
        "renderplus": KIND, "form": FORM, "server": __version__,
        "batch": {"id": batch.id, "name": batch.name, "created": batch.created},
        "job": {"index": asked.index, "name": asked.name, "status": job.status.value, "output": asked.output, "messages": list(job.messages)},
        "times": _times(job.times),
        "blend": {"path": str(asked.blend), "bytes": stamp.size if stamp else None, "sha256": stamp.sha256 if stamp and stamp.sha256 else None},
        "asked": {
            "engine": asked.engine or None, "device": asked.cycles_device,
            "overrides": [{"path": one.path, "data": one.data, "library": one.library} for one in asked.overrides],
        },
        "made_with": _makers(frames, leases),
        "recipe": dict(recipe),
        "movie": _movie(job.movie),
        "frames": [
            {"frame": row.number, "seconds": row.seconds, "finished": row.finished, "kept": not row.lease_id, "files": _files(row)} for row in frames
        ],
    }  # fmt: skip


def files_in(path: Path) -> set[str] | None:
    """Name the files that a document tells of; None when it is none of ours."""
    try:
        if path.stat().st_size > LARGEST:
            return None
        found = json.loads(path.read_bytes())
        if found.get("renderplus") != KIND:
            return None
        return named(found)
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return None


def named(found: Mapping[str, Any]) -> set[str]:
    """Name the files of a document."""
    files = {str(file["path"]) for row in found["frames"] for file in row["files"]}
    return files | ({str(found["movie"]["path"])} if found.get("movie") else set())


def _makers(frames: Sequence[FrameRecord], leases: Iterable[LeaseRecord]) -> list[dict[str, Any]]:
    """Tell by what the frames were rendered; several Blenders when the batch went on with another one."""
    by_lease = {lease.id: lease for lease in leases}
    groups: dict[tuple[Any, str], list[int]] = {}
    for row in frames:
        if lease := by_lease.get(row.lease_id):
            groups.setdefault((lease.made_with, lease.worker), []).append(row.number)
    return [
        {
            "frames": format_frames(numbers), "worker": worker, "blender": made.version or None, "build": made.build or None, "program": made.program or None,
            "engine": made.engine or None, "device": made.device or None,
        }
        for (made, worker), numbers in groups.items()
    ]  # fmt: skip


def _files(row: FrameRecord) -> list[dict[str, Any]]:
    """Name a frame's files, without those that became a movie and are gone. A picture that was kept has no hash: it was not rendered."""
    kept = (output for output in row.outputs if HIDDEN_FOLDER not in output.final.parts)
    return [{"path": str(output.final), "bytes": output.size, "sha256": output.sha256 or None} for output in kept]


def _movie(path: str) -> dict[str, Any] | None:
    if not path:
        return None
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"path": path, "bytes": file.tell(), "sha256": digest}


def _times(times: Times) -> dict[str, float | None]:
    return {"started": times.started, "finished": times.finished, "seconds": times.rendertime}
