# SPDX-License-Identifier: GPL-3.0-or-later
"""The published schema is draft-07, helps an editor, and says the same as the validator that the server uses."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.recipe.mutations import mutated
from unit.recipe.recipes import SAMPLES, minimal, sample

from batchserver.recipe import schema_text
from batchserver.recipe.schema import shape_faults

SCHEMA: dict[str, Any] = json.loads(schema_text())
ORACLE = jsonschema.Draft7Validator(SCHEMA)


def properties(part: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for key, below in part.get("properties", {}).items():
        yield f"{path}.{key}", below
        yield from properties(below, f"{path}.{key}")


def all_properties() -> list[tuple[str, dict[str, Any]]]:
    return [pair for part in (SCHEMA, *SCHEMA["definitions"].values()) for pair in properties(part)]


def test_the_schema_is_valid_draft_07() -> None:
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(("path", "part"), all_properties(), ids=[path for path, _ in all_properties()])
def test_every_key_has_a_title_and_a_default_that_fits(path: str, part: dict[str, Any]) -> None:
    assert part.get("title")
    if "default" in part:
        jsonschema.Draft7Validator({**part, "definitions": SCHEMA["definitions"]}).validate(part["default"])
    for example in part.get("examples", []):
        jsonschema.Draft7Validator(part).validate(example)


def test_an_objects_default_is_made_of_the_defaults_of_its_keys() -> None:
    for path, part in all_properties():
        if part.get("type") == "object":
            assert part["default"] == {key: below["default"] for key, below in part["properties"].items()}, path


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("*.json")))
def test_samples_are_right_for_both_validators(name: str) -> None:
    document = json.loads((SAMPLES / name).read_text(encoding="utf-8"))
    ORACLE.validate(document)
    assert shape_faults(document) == []


def test_what_is_filled_in_is_right_again() -> None:
    document = minimal({}, {"section": {"enabled": True}})
    assert shape_faults(document) == []
    ORACLE.validate(document)
    once = copy.deepcopy(document)
    assert shape_faults(document) == []
    assert document == once
    assert document["jobs"][1]["section"] == {"enabled": True, "x": 0, "y": 0, "width": 1, "height": 1}


@given(st.data())
@settings(max_examples=200)
def test_both_validators_agree_on_broken_recipes(data: st.DataObject) -> None:
    jobs = [{"section": {"enabled": True}, "cycles": {"device": 1}}, {"custom_overrides": [{"path": "a", "data": 1}]}]
    document = mutated(data, minimal(*jobs, hooks=sample()["hooks"]))
    right = ORACLE.is_valid(document)
    found = [fault for fault in shape_faults(document) if "there is no such key" not in fault.message]
    assert (not found) is right
