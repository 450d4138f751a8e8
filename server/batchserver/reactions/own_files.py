# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that reactions leave beside pictures: they appear whole or not at all, and take the place of nothing but their like.

Runs without Blender.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

HEAD = 4096
"""Bytes of a file that tell whose it is."""

LEFT_BEHIND = 3600.0
"""Seconds after which a file that was begun is nobody's any more."""

_NEW = ".renderplus-new"
_MOST_NAMES = 1000
_RISKY = re.compile(r"[^\w.+-]+")
_DEVICES = re.compile(r"(?:CON|PRN|AUX|NUL|COM\d|LPT\d)(?:\.|$)", re.IGNORECASE)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that who reads it meets the old one or the new one. Raises `OSError`."""
    with _beside(path) as made, open(made, "xb") as file:  # not by tempfile, whose files only their owner may read
        file.write(data)


@contextmanager
def writing_whole(path: Path) -> Iterator[IO[str]]:
    """Give a text file to write into, which takes its place at the end of the block. Raises `OSError`."""
    with _beside(path) as made, open(made, "x", encoding="utf-8", newline="") as file:
        yield file


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Give a name beside the place; what is there after the block is moved to the place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f"{_prefix(path)}{os.getpid()}-{os.urandom(4).hex()}{_NEW}")
    try:
        yield made
        os.replace(made, path)
    except BaseException:
        with contextlib.suppress(OSError):
            made.unlink()
        raise


def tidy(path: Path, clock: Callable[[], float] = time.time) -> None:
    """Take away what a server that was killed left of a file that it was writing."""
    with contextlib.suppress(OSError), os.scandir(path.parent) as entries:
        left = [entry for entry in entries if entry.name.startswith(_prefix(path)) and entry.name.endswith(_NEW)]
        for entry in left:
            if entry.is_file(follow_symlinks=False) and clock() - entry.stat(follow_symlinks=False).st_mtime > LEFT_BEHIND:
                os.unlink(entry.path)


def _prefix(path: Path) -> str:
    return f".{path.name[:80]}."


def head_of(path: Path, size: int = HEAD) -> bytes | None:
    """Read the beginning of a plain file; None when there is nothing of that name. Raises `OSError` for what is no plain file."""
    try:
        kind = os.lstat(path).st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(kind):
        raise OSError(f"{path} is no plain file")
    with path.open("rb") as file:
        return file.read(size)


def place_for(folder: Path, name: str, ending: str, ours: Callable[[Path], bool]) -> Path:
    """Give the first of `name.csv`, `name-2.csv`, `name-3.csv` … that is free, or whose file may be written anew. Raises `OSError`."""
    for number in itertools.count(1):
        path = folder / f"{name}{f'-{number}' if number > 1 else ''}{ending}"
        if not os.path.lexists(path) or (path.is_file() and not path.is_symlink() and ours(path)):
            return path
        if number >= _MOST_NAMES:
            raise OSError(f"{name}{ending} and {_MOST_NAMES} names after it are taken")
    raise AssertionError("unreachable")


def file_name(text: str, otherwise: str) -> str:
    """Make a part of a file name, for all systems, out of a name that people gave."""
    name = _RISKY.sub("_", text.encode("utf-8", "ignore").decode("utf-8")).strip("._-")
    while len(name.encode()) > 120:
        name = name[:-1]
    return f"_{name}" if _DEVICES.match(name) else name or otherwise
