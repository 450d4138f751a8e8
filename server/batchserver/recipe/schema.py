# SPDX-License-Identifier: GPL-3.0-or-later
"""The published schema at work: every fault of shape in a recipe, its defaults filled in, misspelt keys found.

The defaults stand in `recipe.schema.json` and nowhere else. Runs without Blender.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from batchserver.model.errors import Fault

from .wording import closest, fault_of

SCHEMA_FILE = Path(__file__).with_name("recipe.schema.json")
"""The published schema, JSON Schema draft-07."""

_MOST_UNKNOWN_KEYS = 500
"""Unknown keys of a recipe whose spelling is looked at: a bound on the work that a strange document makes."""


def schema_text() -> str:
    """Give the schema as it is published."""
    return SCHEMA_FILE.read_text(encoding="utf-8")


def shape_faults(document: dict[str, Any]) -> list[Fault]:
    """Find every fault of shape in the document, and fill in the defaults of what it leaves out.

    Faults come in the order of the document's parts; each job that is broken has at least one.
    """
    found = list(_Spelling().faults(document, _levels(), ""))
    return found + [fault for error in _broken_rules(document) for fault in fault_of(error)]


def _broken_rules(document: dict[str, Any]) -> list[Any]:
    from fastjsonschema import JsonSchemaValuesException

    try:
        _validator()(document)
    except JsonSchemaValuesException as error:
        return list(error.errors)
    return []


@cache
def _validator() -> Callable[[dict[str, Any]], object]:
    """Compile the schema at first use (about 35 ms); `fast_fail` off makes it collect every fault of every job."""
    import fastjsonschema

    compiled: Callable[[dict[str, Any]], object] = fastjsonschema.compile(json.loads(schema_text()), use_formats=False, fast_fail=False)
    return compiled


@dataclass(frozen=True, slots=True)
class _Level:
    """The keys that one kind of object may have, and what stands under each."""

    members: Mapping[str, _Level]
    holders: tuple[tuple[str, _Level], ...]


@cache
def _levels() -> _Level:
    schema = json.loads(schema_text())

    def level(part: dict[str, Any]) -> _Level:
        if "$ref" in part:
            part = schema["definitions"][part["$ref"].rpartition("/")[2]]
        if "items" in part:
            return level(part["items"])
        members = {key: level(below) for key, below in part.get("properties", {}).items()}
        return _Level(members, tuple((key, below) for key, below in members.items() if below.members))

    return level(schema)


class _Spelling:
    """Finds unknown keys that are nearly a known one which is not there.

    Other unknown keys are a later Render+'s, or somebody's notes: they are let through. What was found for a key is
    remembered, since every job of a recipe has the same ones.
    """

    def __init__(self) -> None:
        self._meant: dict[tuple[int, str], str | None] = {}

    def faults(self, node: Any, level: _Level, path: str) -> Iterator[Fault]:
        if isinstance(node, list):
            for index, item in enumerate(node):
                yield from self.faults(item, level, f"{path}[{index}]")
        elif isinstance(node, dict) and level.members:
            unknown = () if node.keys() <= level.members.keys() else [key for key in node if key not in level.members]
            for key in unknown:
                meant = self._closest(key, level)
                if meant and meant not in node:
                    yield Fault(f"{path}.{key}".lstrip("."), f"there is no such key; did you mean {meant}?")
            for key, below in level.holders:
                if key in node:
                    yield from self.faults(node[key], below, f"{path}.{key}".lstrip("."))

    def _closest(self, key: str, level: _Level) -> str | None:
        if key[:1] in ("", "_", "$"):
            return None
        known = (id(level), key)
        if known not in self._meant:
            if len(self._meant) >= _MOST_UNKNOWN_KEYS:
                return None
            self._meant[known] = closest(key, level.members)
        return self._meant[known]
