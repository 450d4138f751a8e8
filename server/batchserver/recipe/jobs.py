# SPDX-License-Identifier: GPL-3.0-or-later
"""One entry of a recipe's list becomes a `Job`, with the batch's settings applied and the rules that no schema can say.

A job that is switched off is built too, and its faults are forgotten: it will not be rendered, and must not stop the others.
Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import PurePath
from typing import Any

from batchserver.model.errors import BadInput, Fault, RecipeFaults
from batchserver.model.frames import MAX_FRAMES, FrameList, parse_frames
from batchserver.model.hooks import OF_JOB, read_hooks
from batchserver.model.recipe import Existing, Job, MovieWay, Override, Section, Suspect

from . import rules
from .output_path import expand_tokens, resolve_output, settle_date
from .paths import Paths


@dataclass(frozen=True, slots=True)
class Batchwide:
    """Settings of the batch that reach into its jobs; None leaves each job its own."""

    size: tuple[int, int] | None = None
    percentage: int | None = None
    ignore_border: bool = False
    existing: Existing = Existing.OVERWRITE
    suspect: tuple[Suspect, ...] = ()
    provenance: bool = False

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Batchwide:
        """Read them from the recipe's `settings`, whose defaults are filled in."""
        size, percentage = settings["global_size"], settings["global_percentage"]
        return cls(
            _pair(size["value"]) if size["enabled"] else None,
            int(percentage["value"]) if percentage["enabled"] else None,
            settings["ignore_border"],
            Existing(settings["existing"]),
            tuple(map(Suspect, dict.fromkeys(settings["suspect"]))),
            settings["provenance"],
        )


def _pair(value: list[int]) -> tuple[int, int]:
    return int(value[0]), int(value[1])


class JobBuilder:
    """Builds a recipe's jobs one after the other, and counts their frames."""

    def __init__(self, batchwide: Batchwide, paths: Paths, today: date) -> None:
        self._batchwide = batchwide
        self._paths = paths
        self._today = today
        self._blends: dict[tuple[str, str], PurePath] = {}
        self._frame_lists: dict[object, FrameList] = {}
        self._frame_count = 0

    def build(self, raw: dict[str, Any], index: int) -> tuple[Job, list[Fault]]:
        """Make a job of the entry, whose shape is right and whose defaults are filled in.

        The entry's paths and `{date}` are settled in place, so that it can be kept and read again anywhere. The
        faults are empty for a job that is switched off. Raises `RecipeFaults` when the batch has too many frames.
        """
        faults: list[Fault] = []
        where = f"jobs[{index}]"
        blend = self._blend(raw, where, faults)
        size = self._batchwide.size or _pair(raw["size"])
        frames = self._frames(raw, where, faults)
        layers = tuple(dict.fromkeys(raw["view_layers"])) or ((raw["layer"],) if raw["layer"] else ())
        name = raw["name"] or (blend.stem if blend else f"job {index}")
        tokens = _token_values(raw, index, name, layers, size, blend, self._today)
        output = self._output(raw, where, blend, tokens, faults)
        faults += rules.size(size, f"{where}.size")
        faults += rules.section(raw["section"], f"{where}.section")
        faults += rules.engine(raw["engine"], f"{where}.engine")
        faults += rules.suspect(raw["suspect"], f"{where}.suspect")
        faults += rules.overrides(raw["custom_overrides"], f"{where}.custom_overrides")
        faults += rules.hooks(raw["hooks"], OF_JOB, f"{where}.hooks")
        faults += rules.frame_hooks(raw, f"{where}.hooks")
        percentage = self._batchwide.percentage
        job = Job(
            index=index,
            id=int(raw["id"]),
            name=name,
            enabled=raw["enabled"],
            blend=blend or PurePath(raw["blend_file"]),
            output=output,
            frames=frames,
            animated=raw["animated"] or bool(raw["frames"].strip()),
            scene=raw["scene"],
            camera=raw["camera"],
            world=raw["world"],
            view_layers=layers,
            engine=raw["engine"],
            format=raw["format"],
            size=size,
            percentage=int(raw["percentage"]) if percentage is None else percentage,
            section=_section(raw["section"]),
            ignore_border=self._batchwide.ignore_border,
            threads=int(raw["threads"]),
            cycles_samples=int(raw["cycles"]["samples"]),
            cycles_device=_device(raw["cycles"]["device"]),
            overrides=_overrides(raw["custom_overrides"]),
            movie=MovieWay(raw["movie"]),
            existing=Existing(raw["existing"] or self._batchwide.existing),
            suspect=_suspect(raw["suspect"], self._batchwide.suspect),
            timeout=float(raw["timeout"]),
            provenance=raw["provenance"] or self._batchwide.provenance,
            pre_hooks=read_hooks(raw["hooks"]["PRE_JOB"]),
            post_hooks=read_hooks(raw["hooks"]["POST_JOB"]),
            pre_frame_hooks=read_hooks(raw["hooks"]["PRE_FRAME"]),
            post_frame_hooks=read_hooks(raw["hooks"]["POST_FRAME"]),
            failure_hooks=read_hooks(raw["hooks"]["ON_FAILURE"]),
        )
        return job, faults if job.enabled else []

    def _blend(self, raw: dict[str, Any], where: str, faults: list[Fault]) -> PurePath | None:
        """Find the file that the job renders, and settle it in the entry."""
        key = "filename" if raw["external"] else "blend_file"
        if not raw[key]:
            faults.append(Fault(f"{where}.{key}", _missing_blend(raw)))
            return None
        asked = (raw[key], raw["blend_file"] if raw["external"] else "")
        try:
            path = self._blends.get(asked) or self._paths.blend(*asked)
        except BadInput as error:
            faults.append(Fault(f"{where}.{key}", str(error)))
            return None
        self._blends[asked] = path
        raw[key] = str(path)
        return path

    def _frames(self, raw: dict[str, Any], where: str, faults: list[Fault]) -> FrameList:
        asked = _asked_frames(raw)
        if asked not in self._frame_lists:
            try:
                self._frame_lists[asked] = _read_frames(raw)
            except BadInput as error:
                faults.append(Fault(f"{where}.{'frames' if raw['frames'].strip() else 'frame_end'}", str(error)))
                return FrameList()
        frames = self._frame_lists[asked]
        self._frame_count += len(frames)
        if self._frame_count > MAX_FRAMES:
            raise RecipeFaults((Fault(where, f"the batch has more than {MAX_FRAMES:,} frames up to here; split it into several batches"),))
        return frames

    def _output(self, raw: dict[str, Any], where: str, blend: PurePath | None, tokens: Mapping[str, str], faults: list[Fault]) -> str:
        """Expand the output, and settle it in the entry."""
        text: str = raw["output"]
        place = f"{where}.output"
        if not text.strip():
            faults.append(Fault(place, "expected a path for the pictures, found an empty text"))
            return text
        try:
            settled = settle_date(self._paths.output(text), self._today)
            expanded = expand_tokens(settled, tokens)
        except BadInput as error:
            faults.append(Fault(place, str(error)))
            return text
        if blend is None:
            return text
        raw["output"] = settled
        output = resolve_output(expanded, blend)
        faults += rules.lengths(output, place)
        return output


def _missing_blend(raw: Mapping[str, Any]) -> str:
    if raw["external"]:
        return "external is true, and filename does not say which file to render; name it"
    if raw["filename"]:
        return "expected the .blend to render, found an empty text; set external to true to render filename"
    return "expected the .blend to render, found an empty text or none"


def _asked_frames(raw: Mapping[str, Any]) -> object:
    """Give what decides about the frames, as a key: jobs that ask for the same share one list in memory."""
    if raw["frames"].strip():
        return raw["frames"]
    return (raw["frame_start"], raw["frame_end"], raw["frame_step"]) if raw["animated"] else raw["frame_still"]


def _read_frames(raw: Mapping[str, Any]) -> FrameList:
    if raw["frames"].strip():
        return parse_frames(raw["frames"])
    if not raw["animated"]:
        return FrameList.of([int(raw["frame_still"])])
    start, end, step = (int(raw[key]) for key in ("frame_start", "frame_end", "frame_step"))
    if end < start:
        raise BadInput(f"expected {start} (frame_start) or more, found {end}; no frame would be rendered")
    if len(range(start, end + 1, step)) > MAX_FRAMES:
        raise BadInput(f"{start} to {end} are more frames than the {MAX_FRAMES:,} that a job may have")
    return FrameList.of(range(start, end + 1, step))


def _token_values(
    raw: Mapping[str, Any], index: int, name: str, layers: tuple[str, ...], size: tuple[int, int], blend: PurePath | None, today: date
) -> dict[str, str]:
    width, height = size
    return {
        "job": name,
        "index": str(index),
        "scene": raw["scene"],
        "camera": raw["camera"],
        "world": raw["world"],
        "layer": "_".join(layers),
        "engine": raw["engine"],
        "blend": blend.stem if blend else "blend",
        "width": str(width or ""),
        "height": str(height or ""),
        "date": today.isoformat(),
    }


def _section(raw: Mapping[str, Any]) -> Section | None:
    if not raw["enabled"]:
        return None
    return Section(float(raw["x"]), float(raw["y"]), float(raw["width"]), float(raw["height"]))


def _device(raw: str | float) -> str:
    return (raw.strip() or "DEFAULT") if isinstance(raw, str) else str(int(raw))


def _overrides(raw: list[dict[str, Any]]) -> tuple[Override, ...]:
    return tuple(Override(one["name"] or one["path"], one["path"].strip(), one["data"], one["library"]) for one in raw if one["enabled"])


def _suspect(words: list[str], batchwide: tuple[Suspect, ...]) -> tuple[Suspect, ...]:
    return tuple(Suspect(word) for word in dict.fromkeys(words) if word != rules.NOTHING) if words else batchwide
