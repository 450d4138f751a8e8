# SPDX-License-Identifier: GPL-3.0-or-later
"""Outputs: tokens, `//`, and Blender's own naming, as `render.frame_path` of 3.4.1 and 5.2.2 gave it. Runs without Blender."""

from __future__ import annotations

from datetime import date
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchserver.model.errors import BadInput
from batchserver.recipe.output_path import (
    TOKENS,
    escape_braces,
    expand_tokens,
    main_output_name,
    movie_output_name,
    resolve_output,
    safe_name,
    settle_date,
)

VALUES = {token: token.upper() for token in TOKENS}


@pytest.mark.parametrize(
    ("output", "names"),
    [
        ("out", ("out0001.png", "out-0005.png", "out12345.png")),
        ("out.png", ("out.png0001.png", "out.png-0005.png", "out.png12345.png")),
        ("a_##", ("a_01.png", "a_-05.png", "a_12345.png")),
        ("a_##_b###", ("a_##_b001.png", "a_##_b-005.png", "a_##_b12345.png")),
        ("", ("0001.png", "-0005.png", "12345.png")),
        ("a_##.jpg", ("a_01.png", "a_-05.png", "a_12345.png")),
        ("a.", ("a.0001.png", "a.-0005.png", "a.12345.png")),
        ("a_##.", ("a_01.png", "a_-05.png", "a_12345.png")),
        ("a_#.MP4", ("a_1.MP4.png", "a_-5.MP4.png", "a_12345.MP4.png")),
        ("out.v2", ("out.v20001.png", "out.v2-0005.png", "out.v212345.png")),
        ("a_##.PNG", ("a_01.PNG", "a_-05.PNG", "a_12345.PNG")),
    ],
)
def test_pictures_are_named_as_blender_names_them(output: str, names: tuple[str, str, str]) -> None:
    assert tuple(main_output_name(output, frame, "PNG") for frame in (1, -5, 12345)) == names


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("JPEG", "out0001.jpg"),
        ("OPEN_EXR", "out0001.exr"),
        ("OPEN_EXR_MULTILAYER", "out0001.exr"),
        ("TIFF", "out0001.tif"),
        ("JPEG2000", "out0001.jp2"),
        ("TARGA", "out0001.tga"),
        ("HDR", "out0001.hdr"),
        ("BMP", "out0001.bmp"),
        ("DPX", "out0001.dpx"),
        ("CINEON", "out0001.cin"),
        ("IRIS", "out0001.rgb"),
        ("WEBP", "out0001.webp"),
        ("AVIF", "out0001.avif"),
        ("", "out0001"),
    ],
)
def test_each_format_has_its_extension(word: str, name: str) -> None:
    assert main_output_name("out", 1, word) == name


@pytest.mark.parametrize(("output", "name"), [("out", "out0003-0250"), ("a_##", "a_03-250"), ("a_##_b###", "a_##_b003-250"), ("", "0003-0250")])
def test_movies_are_named_after_their_range(output: str, name: str) -> None:
    assert movie_output_name(output, 3, 250) == name


def test_every_token_is_expanded_and_double_braces_are_braces() -> None:
    text = " ".join(f"{{{token}}}" for token in TOKENS)
    assert expand_tokens(text, VALUES) == " ".join(VALUES[token] for token in TOKENS)
    assert expand_tokens("{{job}}_{job}_{{{job}}}", VALUES) == "{job}_JOB_{JOB}"


@pytest.mark.parametrize("text", ["{", "}", "a{b", "{job", "job}", "{}", "{Job}", "{job:03}", "{frame}", "{ job }"])
def test_anything_else_in_braces_is_refused_with_the_known_tokens(text: str) -> None:
    with pytest.raises(BadInput, match=r"\{job\} \{index\}"):
        expand_tokens(text, VALUES)


def test_a_value_cannot_leave_its_place_in_the_path() -> None:
    assert expand_tokens("/out/{job}/x", {**VALUES, "job": "../../etc"}) == "/out/.._.._etc/x"
    assert expand_tokens("/out/{job}/x", {**VALUES, "job": ".."}) == "/out/_/x"
    assert expand_tokens("/out/{job}", {**VALUES, "job": "shot #1"}) == "/out/shot _1"
    assert expand_tokens("/out/{job}", {**VALUES, "job": "{camera}"}) == "/out/{camera}"


@given(st.text(max_size=50))
def test_a_safe_name_is_a_file_name_on_every_system(text: str) -> None:
    name = safe_name(text)
    assert name
    assert not set(name) & set('<>:"/\\|?*#')
    assert min(map(ord, name)) >= 32
    assert name[-1] not in ". "
    assert not PureWindowsPath(name).is_reserved()


@pytest.mark.parametrize(("text", "name"), [("CON", "_CON"), ("nul.txt", "_nul.txt"), ("COM¹", "_COM¹"), ("console", "console"), ("", "_"), ("a. .", "a")])
def test_device_names_of_windows_are_avoided(text: str, name: str) -> None:
    assert safe_name(text) == name


@given(st.text(max_size=50))
def test_escaped_braces_come_back(path: str) -> None:
    assert expand_tokens(escape_braces(path), VALUES) == path


def test_only_the_date_is_settled() -> None:
    assert settle_date("{date}/{{date}}/{job}/{{{date}}}", date(2026, 1, 2)) == "2026-01-02/{{date}}/{job}/{{2026-01-02}}"


@pytest.mark.parametrize(
    ("output", "resolved"),
    [
        ("//r/x", "/files/r/x"),
        ("//x", "/files/x"),
        ("//", "/files/"),
        ("//../r/x", "/r/x"),
        ("/out/x", "/out/x"),
        ("/out//x/", "/out/x/"),
        ("/out/./y/../x", "/out/x"),
        ("/out/..", "/"),
        ("/out/.", "/out/"),
        ("//r/x_####", "/files/r/x_####"),
    ],
)
def test_outputs_are_resolved_beside_the_blend(output: str, resolved: str) -> None:
    assert resolve_output(output, PurePosixPath("/files/a.blend")) == resolved


@pytest.mark.parametrize(
    ("output", "resolved"),
    [
        ("//r\\x", "C:\\files\\r\\x"),
        ("//", "C:\\files\\"),
        ("D:/out/x", "D:\\out\\x"),
        ("D:\\out\\", "D:\\out\\"),
        ("/out/x", "C:\\out\\x"),
        ("\\\\nas\\share\\x", "\\\\nas\\share\\x"),
    ],
)
def test_outputs_are_resolved_on_windows(output: str, resolved: str) -> None:
    assert resolve_output(output, PureWindowsPath("C:\\files\\a.blend")) == resolved
