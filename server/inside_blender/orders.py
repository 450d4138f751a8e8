# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders: a line of JSON becomes a checked value, or a failure that names what is wrong.

Runs inside Blender (needs no bpy). The protocol is described in docs/session.md.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .failures import Failure

MOST_FRAMES = 1_000_000
"""No run of an order may be longer: a typing error must not make a session count for hours."""


@dataclass(frozen=True)
class Section:
    """A part of the picture, as fractions of its size from the lower left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Override:
    """One property that the job sets."""

    name: str
    path: str
    data: Any
    library: str = ""


@dataclass(frozen=True)
class Tile:
    """A part of a picture that is merged: its job's name and section."""

    name: str
    section: Section


@dataclass(frozen=True)
class Job:
    """What is to be rendered; an empty word, list or number means: what the file has."""

    blend: str
    output: str = ""
    scene: str = ""
    camera: str = ""
    world: str = ""
    view_layers: tuple[str, ...] = ()
    engine: str = ""
    format: str = ""
    size: tuple[int, int] = (0, 0)
    percentage: int = 0
    section: Section | None = None
    ignore_border: bool = False
    threads: int = 0
    samples: int = 0
    device: str = "DEFAULT"
    overrides: tuple[Override, ...] = ()
    movie: str = "sequence"
    tiles: tuple[Tile, ...] = ()
    span: tuple[int, int] | None = None
    count: int = 0
    scripts: bool = True


@dataclass(frozen=True)
class Order:
    """One order: its word, its number, and what the word needs."""

    word: str
    id: int | None = None
    job: Job | None = None
    jobs: tuple[Job, ...] = ()
    frames: tuple[range, ...] = ()
    attempt: str = ""
    blend: str = ""
    files: tuple[tuple[int, str], ...] = ()


def read_order(line: bytes) -> Order:
    """Read one line; raise Failure("bad_order") if it is no order, with the order's id in `frame` never set."""
    try:
        raw = json.loads(line.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Failure("bad_order", f"This line is not JSON: {error}.") from None
    raw = _mapping(raw, "An order")
    word = raw.get("order")
    if word == "quit":
        return Order("quit")
    if word == "render":
        return Order("render", _id(raw), _job(raw.get("job")), frames=_runs(raw.get("frames")), attempt=_attempt(raw))
    if word == "encode":
        return Order("encode", _id(raw), _job(raw.get("job")), attempt=_attempt(raw), files=_files(raw.get("files")))
    if word == "merge":
        return _merge(raw)
    if word == "look":
        return Order("look", _id(raw), files=_files(raw.get("files")))
    if word in {"inspect", "survey"}:
        jobs = tuple(_job(each) for each in _list(raw.get("jobs", []), "jobs"))
        return Order(word, _id(raw), blend=_text(raw, "blend", ""), jobs=jobs)
    raise Failure("bad_order", f'There is no order "{word}": they are render, encode, merge, inspect, survey, look and quit.')


def id_of(line: bytes) -> int | None:
    """The id of a line that may be anything, so that even a refused order is answered under its number."""
    try:
        raw = json.loads(line.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        return None
    number = raw.get("id") if isinstance(raw, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _bad(message: str) -> Failure:
    return Failure("bad_order", message)


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _bad(f"{what} has to be a JSON object.")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise _bad(f"{what} has to be a list.")
    return value


def _id(raw: Mapping[str, Any]) -> int:
    return _whole(raw.get("id"), "id")


def _whole(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _bad(f"{what} has to be a whole number, not {value!r}.")
    return value


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _bad(f"{what} has to be a number, not {value!r}.")
    return float(value)


def _text(raw: Mapping[str, Any], key: str, default: str = "") -> str:
    value = raw.get(key, default)
    if value is None:
        return default
    if not isinstance(value, str) or "\0" in value:
        raise _bad(f"{key} has to be text, not {value!r}.")
    return value


def _attempt(raw: Mapping[str, Any]) -> str:
    attempt = _text(raw, "attempt")
    if not attempt or attempt in {".", ".."} or any(sign in attempt for sign in "/\\:#{}"):
        raise _bad(f"attempt has to be the name of a folder, not {attempt!r}.")
    return attempt


def _runs(value: Any) -> tuple[range, ...]:
    runs = []
    for each in _list(value, "frames"):
        parts = [_whole(part, "a frame") for part in _list(each, "each run of frames")]
        if len(parts) != 3 or parts[2] < 1 or parts[1] < parts[0]:
            raise _bad(f"each run of frames has to be [start, end, step] with start <= end and step >= 1, not {each!r}.")
        run = range(parts[0], parts[1] + 1, parts[2])
        if len(run) > MOST_FRAMES:
            raise _bad(f"the run {each!r} has more than {MOST_FRAMES} frames.")
        runs.append(run)
    if not runs:
        raise _bad("frames is empty: there is nothing to render.")
    return tuple(runs)


def _merge(raw: Mapping[str, Any]) -> Order:
    """A merge: one frame, and a file for each tile of its job, in their order."""
    order = Order("merge", _id(raw), _job(raw.get("job")), frames=_runs(raw.get("frames")), attempt=_attempt(raw), files=_files(raw.get("files")))
    assert order.job is not None
    if len(order.files) != len(order.job.tiles):
        raise _bad(f"there are {len(order.job.tiles)} tiles, and {len(order.files)} files.")
    return order


def _files(value: Any) -> tuple[tuple[int, str], ...]:
    files = []
    for each in _list(value, "files"):
        pair = _list(each, "each of files")
        if len(pair) != 2 or not isinstance(pair[1], str):
            raise _bad(f"each of files has to be [frame, path], not {each!r}.")
        files.append((_whole(pair[0], "a frame"), pair[1]))
    if not files:
        raise _bad("files is empty: there is nothing to work on.")
    return tuple(files)


def _section(value: Any) -> Section | None:
    if value is None:
        return None
    raw = _mapping(value, "section")
    return Section(*(_number(raw.get(key), f"section.{key}") for key in ("x", "y", "width", "height")))


def _tile(value: Any) -> Tile:
    raw = _mapping(value, "each of tiles")
    section = _section(raw.get("section"))
    if section is None:
        raise _bad("a tile has no section.")
    return Tile(_text(raw, "name"), section)


def _override(value: Any) -> Override:
    raw = _mapping(value, "each of overrides")
    return Override(_text(raw, "name"), _text(raw, "path"), raw.get("data"), _text(raw, "library"))


def _span(raw: Mapping[str, Any]) -> tuple[int, int] | None:
    """First and last frame of the whole job, where the server tells them: `span`, or `first_frame` for an inspection."""
    value = raw.get("span")
    if value is None and "first_frame" in raw:
        value = [raw["first_frame"], raw["first_frame"]]
    if value is None:
        return None
    parts = [_whole(part, "span") for part in _list(value, "span")]
    if len(parts) != 2:
        raise _bad(f"span has to be [first, last], not {value!r}.")
    return parts[0], parts[1]


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _job(value: Any) -> Job:
    raw = _mapping(value, "job")
    blend = _text(raw, "blend")
    if not blend:
        raise _bad("job.blend names no file.")
    size = [_whole(part, "size") for part in _list(raw.get("size") or [0, 0], "size")]
    if len(size) != 2:
        raise _bad(f"size has to be [width, height], not {size!r}.")
    cycles = _mapping(raw.get("cycles") or {}, "cycles")
    device = cycles.get("device", "DEFAULT")
    layers = _list(raw.get("view_layers") or [], "view_layers")
    return Job(
        blend=blend,
        output=_text(raw, "output"),
        scene=_text(raw, "scene"),
        camera=_text(raw, "camera"),
        world=_text(raw, "world"),
        view_layers=tuple(str(layer) for layer in layers),
        engine=_text(raw, "engine"),
        format=_text(raw, "format"),
        size=(size[0], size[1]),
        percentage=_whole(raw.get("percentage") or 0, "percentage"),
        section=_section(raw.get("section")),
        ignore_border=bool(raw.get("ignore_border", False)),
        threads=_whole(raw.get("threads") or 0, "threads"),
        samples=_whole(cycles.get("samples") or 0, "cycles.samples"),
        device=str("DEFAULT" if device in (None, "") else device),
        overrides=tuple(_override(each) for each in _list(raw.get("overrides") or [], "overrides")),
        movie="direct" if _text(raw, "movie") == "direct" else "sequence",
        tiles=tuple(_tile(each) for each in _list(raw.get("tiles") or [], "tiles")),
        count=_count(raw.get("frames")),
        span=_span(raw),
        scripts=raw.get("scripts", True) is True,
    )
