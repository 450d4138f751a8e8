# SPDX-License-Identifier: GPL-3.0-or-later
"""Sealing: a frame's files are looked at, made durable, and moved to where they belong.

An attempt writes into a folder of its own on the target's filesystem, so that the move is a rename and no
reader ever sees half a file. Runs without Blender.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from batchserver.model.errors import RenderPlusError
from batchserver.model.records import Output
from batchserver.pictures.whole import look_at

HIDDEN_FOLDER = ".renderplus"
"""Folder beside the outputs that holds what is not sealed yet; it goes when the last attempt is over."""


class Unacceptable(RenderPlusError):
    """A frame's files are not what the frame should have written."""

    def __init__(self, sentence: str, code: str = "file_not_written") -> None:
        self.code = code
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class Move:
    """A folder that an attempt writes into, and the folder that its files belong into."""

    attempt: Path
    final: Path


@dataclass(frozen=True, slots=True)
class Written:
    """What a worker says of a rendered frame.

    `files` were found, `expected` should have been; `size` is the main picture's width and height in pixels,
    None where it is not known; `word` is Blender's format word of the main picture ("" = tell by content).
    `memory` is what the frame took, in the engine's words.
    """

    files: tuple[Path, ...]
    expected: tuple[Path, ...] = ()
    size: tuple[int, int] | None = None
    word: str = ""
    seconds: float | None = None
    memory: str = ""


def examine(written: Written, moves: Sequence[Move]) -> list[Output]:
    """Look at every file of a frame and make it durable; returns where each is to go.

    Raises `Unacceptable` (or the pictures' `NotWhole`) with a sentence when a file is missing, not whole, of
    the wrong size, or outside the attempt's folders.
    """
    files = dict.fromkeys((*written.expected, *written.files))
    if not files:
        raise Unacceptable("Blender wrote no file for this frame")
    outputs = []
    for path in files:
        if not path.is_file():
            raise Unacceptable(f"Blender did not write {path.name}")
        main = bool(written.expected) and path == written.expected[0]
        picture = look_at(path, written.word if main else "")
        if main and written.size and picture.width and (picture.width, picture.height) != written.size:
            raise Unacceptable(f"{path.name} is {picture.width} x {picture.height} pixels, not {written.size[0]} x {written.size[1]}", "wrong_size")
        outputs.append(_durable(path, final_place(path, moves)))
    return outputs


def final_place(path: Path, moves: Sequence[Move]) -> Path:
    """Say where a file of an attempt belongs."""
    for move in moves:
        if path.is_relative_to(move.attempt):
            return move.final / path.relative_to(move.attempt)
    raise Unacceptable(f"{path} is outside the folders of this attempt", "internal")


def _durable(path: Path, final: Path) -> Output:
    # Windows syncs only files that are open for writing.
    with open(path, "r+b") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
        size = os.fstat(file.fileno()).st_size
    return Output(path, final, size, digest)


def move_into_place(outputs: Iterable[Output]) -> None:
    """Rename each file to where it belongs, and make the rename durable."""
    folders = set()
    for output in outputs:
        output.final.parent.mkdir(parents=True, exist_ok=True)
        os.replace(output.attempt, output.final)
        folders.add(output.final.parent)
    for folder in folders:
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable; Windows has no such call, and needs none."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def settle(outputs: Sequence[Output]) -> bool:
    """Finish the moves that a dead server had begun; tell whether every file is now where it belongs.

    A file counts when it has the bytes that the ledger noted before the move, be it still in the attempt's
    folder or in its place already.
    """
    for output in outputs:
        if _is(output, output.attempt):
            move_into_place([output])
        elif not _is(output, output.final):
            return False
    return bool(outputs)


def _is(output: Output, path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return os.fstat(file.fileno()).st_size == output.size and hashlib.file_digest(file, "sha256").hexdigest() == output.sha256
    except OSError:
        return False


def sweep(folders: Iterable[Path]) -> None:
    """Remove what an ended attempt left behind; folders that others still use stay."""
    for folder in folders:
        if HIDDEN_FOLDER not in folder.parts:
            continue  # never remove what is not ours
        shutil.rmtree(folder, ignore_errors=True)
        for parent in folder.parents:
            if parent.name != HIDDEN_FOLDER:
                break
            with contextlib.suppress(OSError):
                parent.rmdir()
