# SPDX-License-Identifier: GPL-3.0-or-later
"""What a .blend needs, by Blender Asset Tracer: which file goes where in the archive, and .blends whose paths have to be rewritten for it.

The tracer keeps open files in a table of its own process: one thread at a time, under the lock that is passed in. Runs without Blender.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from blender_asset_tracer import blendfile, bpathlib, pack
from blender_asset_tracer.pack import transfer

from batchserver.model.errors import RenderPlusError

from .repairs import repaired

TARGET = Path(os.path.abspath(os.sep)) / "archive"
"""Where the archive is thought to be; nothing is written there."""

OUTSIDE = "_outside_project"
"""The packer's folder for what is not below the .blend's own."""

SHOWN = 8
"""So many names are given in a sentence; the rest is counted."""


class CannotPack(RenderPlusError):
    """The scene cannot be packed, and why."""


@dataclass(frozen=True, slots=True)
class Item:
    """A file of the archive: its place in it ('/' between folders), and where its content is read from (a copy, if it is a .blend that was rewritten)."""

    place: str
    content: Path


@dataclass(frozen=True, slots=True)
class Plan:
    """All files of a scene's archive by place, the .blend's own place, what is missing, and folders that paths lead through."""

    blend: str
    items: tuple[Item, ...]
    missing: tuple[str, ...]
    folders: tuple[str, ...] = ()


def sentence_about_missing(missing: Sequence[str]) -> list[str]:
    """Say which files could not be packed since they are not there."""
    if not missing:
        return []
    more = len(missing) - SHOWN
    listed = ", ".join(f'"{name}"' for name in missing[:SHOWN]) + (f" and {more} more" if more > 0 else "")
    return [f"Not packed for the farm, because there is no such file: {listed}."]


def what_is_missing(blend: Path, lock: threading.Lock) -> list[str]:
    """Say what of a .blend could not be packed, as sentences; nothing is written."""
    try:
        with traced(blend, lock, rewrite=False) as plan:
            return sentence_about_missing(plan.missing)
    except CannotPack as problem:
        return [str(problem)]


@contextlib.contextmanager
def traced(blend: Path, lock: threading.Lock, used: Iterable[tuple[str, str]] = (), *, rewrite: bool = True) -> Iterator[Plan]:
    """Trace a .blend; the plan's contents are there while the context lasts. Raises `CannotPack`.

    `used` are the files that Blender itself says the scene uses (as the .blend names them, and where they are): what the tracer does not
    know is taken along if its path may stay as it is. Without `rewrite` only names are found out.
    """
    blend = Path(os.path.abspath(blend))
    with lock:
        packer = None
        try:
            packer = _Packer(blend, blend.parent, str(TARGET))
            with _sentences(blend), repaired():
                packer.strategise()
                if rewrite:
                    packer.execute()
                plan = _plan(blend, packer, list(used))
            yield plan
        finally:
            with contextlib.suppress(Exception):
                blendfile.close_all_cached()
            if packer is not None:
                packer.close()


@contextlib.contextmanager
def _sentences(blend: Path) -> Iterator[None]:
    """Make a sentence of whatever the tracer stumbles over: it reads what files hold, and fails in as many ways."""
    try:
        yield
    except CannotPack:
        raise
    except Exception as error:
        raise CannotPack(f'"{blend.name}" cannot be packed for other computers: {_said(error)}.') from error


def _said(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text.rstrip(".") if text and isinstance(error, (OSError, RenderPlusError)) else f"{type(error).__name__}: {text}".rstrip(".: ")


def _plan(blend: Path, packer: _Packer, used: list[tuple[str, str]]) -> Plan:
    noting = getattr(packer, "noting", None)
    items = {_place(target): Item(_place(target), source) for source, target in (noting.found if noting else ())}
    missing = dict.fromkeys(sorted(path.name for path in packer.missing_files))
    folders: set[str] = set()
    if items:
        blends = _blends(blend, used, items)
        for named, path in used:
            items.update({item.place: item for item in _more(blend.parent, blends, named, Path(path), items)})
            folders.update(_folders_through(blends, named, Path(path)))
    return Plan(_place(packer.output_path), tuple(items[place] for place in sorted(items)), tuple(missing), tuple(sorted(folders)))


def _place(target: PurePath) -> str:
    place = posixpath.normpath(PurePath(os.path.normpath(target)).relative_to(TARGET).as_posix())
    if place.startswith(("../", "/")):
        raise CannotPack(f'"{place}" would lie outside of the archive.')
    return place


def _places(project: Path, path: Path) -> list[str]:
    """Where the packer may have put a file: below the .blend's folder where it is there, else outside of it."""
    outside = f"{OUTSIDE}/{bpathlib.strip_root(path).as_posix()}"
    return [path.relative_to(project).as_posix(), outside] if path.is_relative_to(project) else [outside]


def _blends(blend: Path, used: list[tuple[str, str]], items: dict[str, Item]) -> dict[Path, str]:
    """The scene's .blend and the libraries that were packed, with their places."""
    paths = [blend, *(Path(path) for _, path in used if path.lower().endswith(".blend"))]
    return {path: place for path in paths for place in _places(blend.parent, path) if place in items}


def _more(project: Path, blends: dict[Path, str], named: str, path: Path, items: dict[str, Item]) -> Iterator[Item]:
    """Take along what Blender uses and the tracer did not find: files and folders whose paths may stay as they are.

    Raises `CannotPack` for one that would have to be rewritten.
    """
    for file in _files(path) if not project.is_relative_to(path) else ():  # a folder with all of the project in it is no cache
        if any(place in items for place in _places(project, file)):
            continue
        found = _stays(blends, named, path)
        if found is None:
            raise CannotPack(f'The scene uses "{file}", which cannot be taken along: save it below the folder of the .blend, with a path relative to it.')
        yield Item(posixpath.normpath(posixpath.join(found, file.relative_to(path).as_posix() if path.is_dir() else f"../{file.name}")), file)


def _stays(blends: dict[Path, str], named: str, path: Path) -> str | None:
    """Where a path of one of the .blends leads in the archive when it stays as it is; None if it leads out of it, or is absolute."""
    if not named.startswith("//"):
        return None
    for blend, place in blends.items():
        if os.path.normpath(blend.parent / _slashes(named)[2:]) == str(path):
            found = posixpath.normpath(posixpath.join(posixpath.dirname(place), _slashes(named)[2:]))
            if not found.startswith("../"):
                return found
    return None


def _files(path: Path) -> list[Path]:
    """List what stands behind a path that Blender names: a file, all tiles of one, or all files of a folder."""
    if "<" in path.name:
        pattern = re.compile("".join(".*" if part.startswith("<") else re.escape(part) for part in re.split(r"(<[^<>]+>)", path.name)))
        return sorted(each for each in path.parent.iterdir() if pattern.fullmatch(each.name) and each.is_file()) if path.parent.is_dir() else []
    if path.is_dir():
        return sorted(each for each in path.rglob("*") if each.is_file())
    return [path] if path.is_file() else []


def _slashes(named: str) -> str:
    return named.replace("\\", "/")


def _folders_through(blends: dict[Path, str], named: str, path: Path) -> Iterator[str]:
    """Name the folders that a path leaves again (`//a/../b.png`): they have to be there."""
    for blend, place in blends.items():
        parts = _slashes(named)[2:].split("/") if _stays({blend: place}, named, path) else []
        for length, part in enumerate(parts):
            through = posixpath.normpath(posixpath.join(posixpath.dirname(place), *parts[:length]))
            if part == ".." and through != "." and not through.startswith("../"):
                yield through


class _Packer(pack.Packer):
    """A packer whose transfer only notes what would go where."""

    def _create_file_transferer(self) -> transfer.FileTransferer:
        self.noting = _Noting()
        return self.noting

    def _write_info_file(self) -> None:
        """Leave the packer's own text file out."""


class _Noting(transfer.FileTransferer):
    """Notes files and their places; no thread is started."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[Path, PurePath]] = []

    def start(self) -> None:
        """Start nothing: there is nothing to copy."""

    def run(self) -> None:
        """Copy nothing."""

    def queue_copy(self, src: Path, dst: PurePath) -> None:
        """Note a file."""
        self.found.append((src, dst))

    def queue_move(self, src: Path, dst: PurePath) -> None:
        """Note a file that the packer wrote."""
        self.found.append((src, dst))

    def done_and_join(self) -> None:
        """Wait for nothing."""
