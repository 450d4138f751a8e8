# SPDX-License-Identifier: GPL-3.0-or-later
"""Every code of a failure is known, has a way out, and stands in docs/troubleshooting.md as the code has it. Runs without Blender."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchserver.engines.complaints import CRASH, FAILURES, LIBRARIES
from batchserver.model.codes import CODES, OUT_OF_MEMORY
from batchserver.model.diagnosis import Diagnosis

ROOT = Path(__file__).resolve().parents[3]
SAID_BY = {"Failure", "Note", "Diagnosis", "Unacceptable"}


def used() -> Iterator[tuple[str, str]]:
    """Every code that is written in the source as a word, with its place."""
    for path in sorted((ROOT / "server").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = getattr(getattr(node, "func", None), "id", "")
            if isinstance(node, ast.Call) and name in SAID_BY:
                said = node.args[-1] if name == "Unacceptable" else node.args[0]
                if isinstance(said, ast.Constant) and isinstance(said.value, str) and re.fullmatch(r"[a-z_]+", said.value):
                    yield said.value, f"{path.relative_to(ROOT)}:{node.lineno}"
    yield from ((row.code, "complaints.py") for row in (*FAILURES, CRASH, *LIBRARIES))


def test_every_code_that_is_said_is_known() -> None:
    said = dict(used())
    assert len(said) > 30
    assert {code: place for code, place in said.items() if code not in CODES} == {}


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_meaning_and_way_out_as_sentences(code: str) -> None:
    for text in (CODES[code].means, CODES[code].way_out):
        assert re.fullmatch(r"[A-Z].{8,}\.", text), text


def test_the_documentation_has_the_table_of_all_codes() -> None:
    text = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    rows = {match[1]: (match[2], match[3]) for match in re.finditer(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", text, re.MULTILINE)}
    assert rows == {code: (known.means, known.way_out) for code, known in CODES.items()}


def test_memory_has_codes_that_are_known() -> None:
    assert set(CODES) >= OUT_OF_MEMORY


def test_a_diagnosis_says_sentence_and_way_out_as_one_text() -> None:
    assert str(Diagnosis("no_camera", 'The scene "A" has no camera')) == f'The scene "A" has no camera. {CODES["no_camera"].way_out}'
    assert str(Diagnosis("", "Only a sentence")) == "Only a sentence"
