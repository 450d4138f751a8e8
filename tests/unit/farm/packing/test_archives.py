# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives are made once per content, whole or not at all, and go when they are old or too many, but never while they are needed."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from batchserver.farm.packing.archives import ArchiveCache, Changed, Entry, Keeping, Stopped, write_zip
from batchserver.farm.seams import Archive


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def refused() -> Iterable[Entry]:
    raise AssertionError("it was made a second time")


def contents(archive: Archive) -> dict[str, bytes]:
    with zipfile.ZipFile(archive.path) as packed:
        assert packed.testzip() is None
        return {name: packed.read(name) for name in packed.namelist()}


def test_an_archive_has_entries_for_folders_before_its_files_and_their_modes(tmp_path: Path) -> None:
    (tmp_path / "run").write_bytes(b"#!/bin/sh\n")
    write_zip(tmp_path / "made.zip", [Entry("a b/ü/run", tmp_path / "run", 0o100755), Entry("text", b"hello")], folders=["left/right"])
    with zipfile.ZipFile(tmp_path / "made.zip") as packed:
        assert packed.namelist() == ["a b/", "a b/ü/", "left/", "left/right/", "a b/ü/run", "text"]
        assert packed.getinfo("a b/ü/run").external_attr >> 16 == 0o100755
        assert packed.getinfo("text").external_attr >> 16 == 0o100644
        assert packed.getinfo("a b/").is_dir()


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"x" * 100_000)
    entries = [Entry("one", tmp_path / "one"), Entry("two", b"2")]
    write_zip(tmp_path / "first.zip", entries)
    os.utime(tmp_path / "one", (5, 5))
    write_zip(tmp_path / "second.zip", reversed(entries))
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()
    assert (tmp_path / "first.zip").stat().st_size < 10_000


def test_a_key_is_made_once_also_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    first = ArchiveCache(tmp_path, clock=clock).hold("key", lambda: [Entry("a", b"1")])
    again = ArchiveCache(tmp_path, clock=clock).hold("key", refused)
    assert again == first
    raw = first.path.read_bytes()
    assert (first.size, first.md5, first.sha256) == (len(raw), hashlib.md5(raw).hexdigest(), hashlib.sha256(raw).hexdigest())
    assert contents(first) == {"a": b"1"}


@pytest.mark.parametrize("damage", ["cut", "facts", "gone"])
def test_what_was_damaged_is_made_again(tmp_path: Path, clock: Clock, damage: str) -> None:
    cache = ArchiveCache(tmp_path, clock=clock)
    first = cache.hold("key", lambda: [Entry("a", b"1")])
    if damage == "cut":
        first.path.write_bytes(first.path.read_bytes()[:-1])
    elif damage == "facts":
        first.path.with_suffix(".json").write_text("[")
    else:
        first.path.unlink()
    assert cache.hold_known("key") is None
    assert contents(cache.hold("key", lambda: [Entry("a", b"1")])) == {"a": b"1"}


def test_old_archives_go_once_nobody_needs_them(tmp_path: Path, clock: Clock) -> None:
    cache = ArchiveCache(tmp_path, clock=clock, keeping=Keeping(age=100))
    kept, freed = cache.hold("kept", lambda: [Entry("a", b"1")]), cache.hold("freed", lambda: [Entry("a", b"2")])
    cache.let_go(freed)
    clock.now += 50
    cache.sweep()
    assert freed.path.is_file()
    clock.now += 51
    cache.sweep()
    assert [path.name for path in tmp_path.glob("*freed*")] == []
    assert kept.path.is_file()


def test_too_many_bytes_cost_the_longest_unused(tmp_path: Path, clock: Clock) -> None:
    cache = ArchiveCache(tmp_path, clock=clock, keeping=Keeping(size=3000))
    made = []
    for number in range(4):
        made.append(cache.hold(f"key{number}", lambda: [Entry("a.png", _file(tmp_path, 1200))]))
        clock.now += 1
    for archive in made[:3]:
        cache.let_go(archive)
    assert [archive.path.is_file() for archive in made] == [False, True, True, True]
    again = cache.hold_known("key1")
    assert again == made[1]


def _file(folder: Path, size: int) -> Path:
    path = folder / "noise.bin"
    path.write_bytes(b"\1" * size)
    return path


def test_an_archive_held_twice_is_kept_until_it_is_let_go_twice(tmp_path: Path, clock: Clock) -> None:
    cache = ArchiveCache(tmp_path, clock=clock, keeping=Keeping(age=-1))
    archive = cache.hold("key", lambda: [Entry("a", b"1")])
    cache.hold("key", refused)
    cache.let_go(archive)
    assert archive.path.is_file()
    cache.let_go(archive)
    assert not archive.path.exists()


def test_a_file_that_changes_meanwhile_leaves_no_archive(tmp_path: Path, clock: Clock) -> None:
    cache = ArchiveCache(tmp_path / "cache", clock=clock)
    path = _file(tmp_path, 10)
    with pytest.raises(Changed, match=r"scene\.blend"):
        cache.hold("key", lambda: [Entry("scene.blend", path, sha256="0" * 64)])
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_server_that_ends_leaves_no_half_archive(tmp_path: Path, clock: Clock, after: int) -> None:
    cache = ArchiveCache(tmp_path / "cache", clock=clock)
    stopped = _from(after)
    with pytest.raises(Stopped):
        cache.hold("key", lambda: [Entry("a", _file(tmp_path, 10)), Entry("b", _file(tmp_path, 10))], stopped=stopped)
    assert list((tmp_path / "cache").iterdir()) == []


def _from(count: int) -> Callable[[], bool]:
    asked = iter(range(1000))
    return lambda: next(asked) >= count


def test_rests_of_a_dead_server_are_removed_at_the_start(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "key.1-2.new").write_bytes(b"half")
    ArchiveCache(tmp_path, clock=clock).clear_rests()
    assert list(tmp_path.iterdir()) == []
    ArchiveCache(tmp_path / "not there", clock=clock).clear_rests()
