# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame lists and file names of the add-on against the server's: no code is shared, so the answers have to be. Without Blender."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchserver.model.errors import BadInput
from batchserver.model.frames import parse_frames
from batchserver.recipe import output_path
from blenders import ROOT


def alone(name: str) -> ModuleType:
    """Load a module of the add-on that needs neither Blender nor its neighbours."""
    spec = importlib.util.spec_from_file_location(f"renderplus_alone_{name}", Path(ROOT, "batch", f"{name}.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


frames = alone("frames")
naming = alone("naming")


def test_the_tokens_are_the_servers() -> None:
    assert naming.TOKENS == output_path.TOKENS


PIECES = st.sampled_from(["1", "-5", "10", "250", "-", "--", "..", "x", ":", "2", "0", ",", " ", "a", "99999999", ""])


@given(st.lists(PIECES, max_size=9).map("".join))
def test_a_frame_list_is_read_as_the_server_reads_it(text: str) -> None:
    try:
        expected: tuple[int, ...] | None = tuple(parse_frames(text)) if _is_small(text) else None
    except BadInput:
        expected = None
    try:
        parsed = frames.parse(text)
        found = tuple(dict.fromkeys(parsed)) if _is_small(text) else None
    except frames.FrameListError:
        found = None
    assert found == expected
    if found:
        assert (parsed.count, parsed.first, parsed.span) == (len(found), found[0], (min(found), max(found)))


def _is_small(text: str) -> bool:
    return "99999999" not in text


def test_a_huge_list_is_refused_before_it_is_made() -> None:
    with pytest.raises(frames.FrameListError, match="at most"):
        frames.parse("-1048574-1048574")
    with pytest.raises(frames.FrameListError, match="outside"):
        frames.parse("1-999999999")


@given(st.text(max_size=30))
def test_a_safe_name_is_the_servers(text: str) -> None:
    assert naming.safe_name(text) == output_path.safe_name(text)


@given(st.text(alphabet="ab{}# jobcmer", max_size=30), st.text(min_size=1, alphabet="xy{}:/#", max_size=8))
def test_tokens_that_are_settled_here_leave_the_server_nothing_else_to_do(output: str, job: str) -> None:
    values = dict.fromkeys(output_path.TOKENS, "") | {"job": job, "camera": "Eye"}
    settled = naming.settle_tokens(output, values)
    try:
        expected = output_path.expand_tokens(output, values)
    except BadInput:
        return
    assert output_path.expand_tokens(settled, dict.fromkeys(output_path.TOKENS, "")) == expected
    assert naming.plain_braces(settled) == expected


LAST = st.text(alphabet="ab#._0 -", max_size=12) | st.sampled_from(["shot.png", "a_##.jpg", "x.EXR", "b_####.tiff", "c.b0001"])


@given(LAST, st.integers(-99999, 99999), st.sampled_from(["PNG", "OPEN_EXR", "BMP", "WEBP"]))
def test_a_picture_has_the_name_that_the_server_expects(last: str, frame: int, file_format: str) -> None:
    assert naming.picture_name(last, frame, naming.EXTENSIONS[file_format]) == output_path.main_output_name(last, frame, file_format)


@pytest.mark.parametrize(
    ("output", "told_apart"),
    [
        ("//renders/shot_####", "//renders/shot_{camera}_####"),
        ("//renders/####", "//renders/{camera}_####"),
        ("//renders/", "//renders/{camera}_####"),
        ("//shot", "//shot_{camera}_####"),
        ("//shot.png", "//shot_{camera}_####"),
        ("//a#b/shot_##_x", "//a#b/shot_{camera}_##_x"),
        ("/films/film.mp4", "/films/film_{camera}.mp4"),
    ],
)
def test_what_tells_outputs_apart_goes_before_the_digits(output: str, told_apart: str) -> None:
    assert naming.distinguish(output, "{camera}") == told_apart
