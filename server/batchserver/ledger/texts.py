# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as the JSON texts that ledger columns hold, and back.

Runs without Blender.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from batchserver.model.diagnosis import Diagnosis
from batchserver.model.frames import FrameList, format_frames, parse_frames
from batchserver.model.recipe import Existing, Hook, Job, MovieWay, Override, Section, Suspect, Tile
from batchserver.model.records import InputStamp, MadeWith, Output

_HOOKS = ("pre_hooks", "post_hooks", "pre_frame_hooks", "post_frame_hooks", "failure_hooks")


def job_to_text(job: Job) -> str:
    """Write a job so that `job_from_text` makes an equal one of it."""
    plain: dict[str, Any] = {field.name: getattr(job, field.name) for field in fields(job)}
    plain["blend"] = str(job.blend)
    plain["frames"] = format_frames(job.frames)
    plain["section"] = _plain(job.section) if job.section else None
    plain["merge"] = [_plain(tile) | {"section": _plain(tile.section)} for tile in job.merge]
    for name in ("overrides", *_HOOKS):
        plain[name] = [_plain(value) for value in plain[name]]
    return json.dumps(plain, ensure_ascii=False)


def job_from_text(text: str) -> Job:
    """Read a job that `job_to_text` wrote."""
    plain = json.loads(text)
    plain["blend"] = Path(plain["blend"])
    plain["frames"] = parse_frames(plain["frames"]) if plain["frames"] else FrameList()
    plain["section"] = Section(**plain["section"]) if plain["section"] else None
    plain["size"] = tuple(plain["size"])
    plain["view_layers"] = tuple(plain["view_layers"])
    plain["movie"] = MovieWay(plain["movie"])
    plain["existing"] = Existing(plain.get("existing", Existing.OVERWRITE))
    plain["suspect"] = tuple(map(Suspect, plain.get("suspect", ())))
    plain["merge"] = tuple(Tile(**{**tile, "section": Section(**tile["section"])}) for tile in plain.get("merge", ()))
    plain["overrides"] = tuple(Override(**override) for override in plain["overrides"])
    for name in _HOOKS:
        plain[name] = tuple(Hook(**hook) for hook in plain.get(name, ()))
    return Job(**plain)


def outputs_to_text(outputs: Iterable[Output]) -> str:
    """Write the files of a frame."""
    return json.dumps([[str(output.attempt), str(output.final), output.size, output.sha256] for output in outputs])


def outputs_from_text(text: str) -> tuple[Output, ...]:
    """Read the files of a frame."""
    return tuple(Output(Path(attempt), Path(final), size, sha256) for attempt, final, size, sha256 in json.loads(text))


def stamp_to_text(stamp: InputStamp | None) -> str | None:
    """Write what a .blend was like at Start."""
    return None if stamp is None else json.dumps([stamp.size, stamp.mtime_ns, stamp.sha256])


def stamp_from_text(text: str | None) -> InputStamp | None:
    """Read what a .blend was like at Start."""
    return None if text is None else InputStamp(*json.loads(text))


def diagnosis_to_text(diagnosis: Diagnosis | None) -> str | None:
    """Write why a job failed."""
    return None if diagnosis is None else json.dumps([diagnosis.code, diagnosis.sentence, diagnosis.frame], ensure_ascii=False)


def diagnosis_from_text(text: str | None) -> Diagnosis | None:
    """Read why a job failed."""
    return None if text is None else Diagnosis(*json.loads(text))


def notes_to_text(notes: Iterable[Diagnosis]) -> str:
    """Write what is wrong with pictures that were rendered all the same."""
    return json.dumps([[note.code, note.sentence, note.frame] for note in notes], ensure_ascii=False)


def notes_from_text(text: str) -> tuple[Diagnosis, ...]:
    """Read what is wrong with pictures that were rendered all the same."""
    return tuple(Diagnosis(*note) for note in json.loads(text))


def made_with_to_text(made_with: MadeWith) -> str:
    """Write what renders the frames of a lease."""
    return json.dumps(_plain(made_with), ensure_ascii=False)


def made_with_from_text(text: str) -> MadeWith:
    """Read what renders the frames of a lease."""
    return MadeWith(**json.loads(text))


def _plain(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}
