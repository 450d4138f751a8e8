# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker's taskfile.zip gives the pictures that were asked for, and nothing a stranger's ZIP could do happens. Runs without Blender."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchserver.farm.flamenco.taskfile import MOST_ENTRIES, unpack
from batchserver.model.errors import BadInput

LIMIT = 1000


def packed(entries: list[tuple[str, bytes]], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w", kind) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return bundle.getvalue()


def taken(folder: Path, data: bytes) -> tuple[set[str], dict[str, bytes]]:
    """Unpack `data`; give the names that were found, and the files that are there afterwards."""
    (folder / "in.zip").write_bytes(data)
    out = folder / "out"
    out.mkdir()
    try:
        found = unpack(folder / "in.zip", {"frame_1.png": out / "a", "frame_2.png": out / "b"}, LIMIT)
        return found, {file.name: file.read_bytes() for file in out.iterdir()}
    finally:
        left = {file.name for file in folder.rglob("*")}
        assert left <= {"in.zip", "out", "a", "b"}


def test_the_wanted_pictures_come_into_our_files(tmp_path: Path) -> None:
    data = packed([("frame_2.png", b"two"), ("frame_1.png", b"one"), ("Thumbs.db", b"x"), ("frame_3.png", b"never asked for")])
    assert taken(tmp_path, data) == ({"frame_1.png", "frame_2.png"}, {"a": b"one", "b": b"two"})


@pytest.mark.parametrize("name", ["../frame_1.png", "/etc/frame_1.png", "C:\\frame_1.png", "a/b/frame_1.png"], ids=["up", "root", "drive", "folders"])
def test_no_name_in_it_is_a_path(tmp_path: Path, name: str) -> None:
    assert taken(tmp_path, packed([(name, b"one")])) == ({"frame_1.png"}, {"a": b"one"})


def test_of_two_of_one_name_the_first_counts(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        data = packed([("frame_1.png", b"one"), ("frame_1.png", b"other")])
    assert taken(tmp_path, data)[1] == {"a": b"one"}


def test_an_empty_one_has_none(tmp_path: Path) -> None:
    assert taken(tmp_path, packed([])) == (set(), {})


def test_a_bomb_ends_at_the_limit(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="larger"):
        taken(tmp_path, packed([("frame_2.png", b"fine"), ("frame_1.png", bytes(50_000_000))]))
    assert not list((tmp_path / "out").iterdir())


def test_a_size_that_lies_does_not_help(tmp_path: Path) -> None:
    data = bytearray(packed([("frame_1.png", bytes(100_000))]))
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<L", 10)
    (tmp_path / "in.zip").write_bytes(data)
    try:
        unpack(tmp_path / "in.zip", {"frame_1.png": tmp_path / "a"}, LIMIT)
        assert (tmp_path / "a").stat().st_size <= LIMIT
    except BadInput:
        assert not (tmp_path / "a").exists()


def test_thousands_of_entries_are_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=f"more than {MOST_ENTRIES}"):
        taken(tmp_path, packed([(f"{number}", b"") for number in range(MOST_ENTRIES + 1)], zipfile.ZIP_STORED))


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["bzip2", "lzma"])
def test_only_what_clients_use_is_unpacked(tmp_path: Path, kind: int) -> None:
    with pytest.raises(BadInput, match="not taken"):
        taken(tmp_path, packed([("frame_1.png", b"one")], kind))


@pytest.mark.parametrize("data", [b"", b"PK", b"x" * 100, packed([("frame_1.png", b"one" * 100)])[:-5]], ids=["empty", "short", "rubbish", "cut"])
def test_what_is_no_zip_is_said_so(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BadInput, match="no ZIP file"):
        taken(tmp_path, data)


def test_a_broken_picture_is_said_so(tmp_path: Path) -> None:
    data = bytearray(packed([("frame_1.png", b"one" * 1000)]))
    data[45:60] = b"\xff" * 15
    with pytest.raises(BadInput, match="cannot be read"):
        taken(tmp_path, bytes(data))
    assert not list((tmp_path / "out").iterdir())


WHOLE = packed([("frame_1.png", b"one" * 30), ("frame_2.png", b"two")])


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=6), st.integers(0, len(WHOLE)))
def test_any_damage_is_a_picture_less_or_bad_input(tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], keep: int) -> None:
    data = bytearray(WHOLE)
    for at, value in changes:
        data[at] = value
    folder = tmp_path_factory.mktemp("zip")
    try:
        found, files = taken(folder, bytes(data[:keep]) if keep % 3 == 0 else bytes(data))
    except BadInput:
        return
    assert len(found) == len(files)
    assert all(len(content) <= LIMIT for content in files.values())
