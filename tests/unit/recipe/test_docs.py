# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/recipe.md says what the schema and the server say. Runs without Blender."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from unit.recipe.recipes import SAMPLES, faults

from batchserver.recipe import schema_text
from batchserver.recipe.output_path import TOKENS

DOCS = (SAMPLES.parents[1] / "docs" / "recipe.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```json\n(.*?)```", DOCS, re.DOTALL)
ANSWERS = re.findall(r"```text\n(.*?)\n```", DOCS, re.DOTALL)


def keys(part: dict[str, Any]) -> Iterator[str]:
    for key, below in part.get("properties", {}).items():
        yield key
        yield from keys(below)


def test_every_key_and_token_is_in_the_docs() -> None:
    schema = json.loads(schema_text())
    words = set(re.findall(r"[\w$]+", DOCS))
    for part in (schema, *schema["definitions"].values()):
        assert not {key for key in keys(part) if key not in words}
    assert all(f"{{{token}}}" in DOCS for token in TOKENS)
    assert all(word in words for word in schema["definitions"]["job"]["properties"]["format"]["enum"] if word)


def test_the_examples_load_except_the_broken_one_which_answers_what_is_printed() -> None:
    *right, broken = EXAMPLES
    assert [faults(text) for text in right] == [{}] * 4
    assert "\n".join(f"{path}: {message}" for path, message in faults(broken).items()) == ANSWERS[0]


def test_the_json_mistake_is_shown_as_printed() -> None:
    text = '{"version": 2.2, "jobs": [{"blend_file": "/a.blend", "output": "/tmp/x"}, ]}'
    assert "\n".join(f"{path}: {message}" for path, message in faults(text).items()) == ANSWERS[1]
