# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that are no recipe are told where the mistake is. Runs without Blender."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.recipe.recipes import faults

from batchserver.model.errors import RecipeFaults
from batchserver.recipe.document import MAX_BYTES, read_document


def fault(text: bytes | str) -> tuple[str, str]:
    with pytest.raises(RecipeFaults) as caught:
        read_document(text)
    return caught.value.faults[0].path, caught.value.faults[0].message


def test_a_trailing_comma_is_pointed_at() -> None:
    path, message = fault('{"version": 2.2, "jobs": [ {"id": 0}, ] }')
    assert path == "line 1 column 37"
    sentence, line, mark = message.split("\n")
    assert sentence == "a comma before ]; JSON has none there, take it out"
    assert line[mark.index("^")] == ","


def test_a_long_line_is_cut_around_the_place() -> None:
    text = '{"a": "' + "x" * 5000 + '", }' + " " * 5000
    path, message = fault(text)
    assert path == "line 1 column 5009"
    _, line, mark = message.split("\n")
    assert line[mark.index("^")] == ","
    assert len(line) < 90


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("", "", "the recipe is empty"),
        (" \n ", "", "the recipe is empty"),
        ("[]", "", "a recipe is a JSON object"),
        ("3", "", "a recipe is a JSON object"),
        ('{"a": 1,\n "b": 2,\n}', "line 2 column 8", "a comma before }"),
        ('{"a": 1\n "b": 2}', "line 2 column 2", "a comma is missing before"),
        ("{'a': 1}", "line 1 column 2", "single quotes"),
        ('{"a": True}', "line 1 column 7", "write true"),
        ('{"a": None}', "line 1 column 7", "write null"),
        ('{"a": 1 // one\n}', "line 1 column 9", "a comment"),
        ('{"a": "C:\\Users"}', "line 1 column 10", "backslash"),
        ('{"a": "two\nlines"}', "line 1 column 11", "line break"),
        ('{"a": "open}', "line 1 column 7", "not closed"),
        ('{"a": [1', "line 1 column 9", "ends in the middle"),
        ('{"a" 1}', "line 1 column 6", "colon"),
        ("{} {}", "line 1 column 4", "after the end"),
        ("{a: 1}", "line 1 column 2", "key in double quotes"),
        ('{"a": ?}', "line 1 column 7", "cannot begin"),
        ('{"a": NaN}', "", "NaN is no JSON number"),
        ('{"a": -Infinity}', "", "-Infinity is no JSON number"),
        ('{"a": 1e999}', "", "too large"),
        ('{"a": ' + "9" * 5000 + "}", "", "thousands of digits"),
        ('{"a": ' + "[" * 100 + "]" * 100 + "}", "", "nested deeper than 64"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "", "nested deeper than 64"),
        ('{"jobs": [{}, {"id": 1, "id": 2}]}', "jobs[1].id", 'the key "id" is there twice'),
        ('{"jobs": 1, "jobs": 2}', "jobs", "is there twice"),
        (b'{"a": "\xff"}', "", "byte 8 cannot be read"),
    ],
)
def test_a_broken_text_is_told_its_mistake(text: bytes | str, path: str, words: str) -> None:
    found, message = fault(text)
    assert found == path
    assert words in message


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert read_document('{"a": "\\ud83d\\ude00"}') == ({"a": "😀"}, [])


@pytest.mark.parametrize("text", ["a\\u0000", "\\ud800", "\\uDFFFx", "\ud800"])
def test_texts_that_no_file_can_be_named_after_are_found_beside_other_faults(text: str) -> None:
    first, second, third = f'{{"output": "{text}"}}', f'{{"output": 3, "format": "{text}"}}', f'{{"{text}": 1, "output": 3}}'
    found = faults(f'{{"version": 2.2, "jobs": [{first}, {second}, {third}]}}')
    *others, strange_key = sorted(found, key=lambda path: ("?" in path, path))
    assert others == ["jobs[0].output", "jobs[1].format", "jobs[1].output", "jobs[2].output"]
    assert strange_key.startswith("jobs[2].")
    assert "no file name can hold" in found["jobs[0].output"]
    "".join([*found, *found.values()]).encode("utf-8")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_encodings_of_editors_are_read(encoding: str) -> None:
    assert read_document('{"a": "ä"}'.encode(encoding))[0] == {"a": "ä"}


def test_a_byte_order_mark_in_a_text_is_skipped() -> None:
    assert read_document('\ufeff{"a": 1}')[0] == {"a": 1}


def test_too_large_a_text_is_not_read() -> None:
    assert "at most" in fault(b" " * (MAX_BYTES + 1))[1]


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200), st.text('{}[]",:0eE+-.\\u \n', max_size=60)))
def test_nothing_but_faults_comes_out_of_any_text(text: bytes | str) -> None:
    try:
        document, found = read_document(text)
    except RecipeFaults:
        return
    assert read_document(json.dumps(document)) == (document, found)
