# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's own copy in the data folder: code and packages, named by version and contents.

A running server must outlive the extension it came with: Blender removes the extension's folder and its wheels when
the artist updates or removes it. Runs without Blender.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..sentences import sentence
from .client import ConnectionProblem
from .data_folder import make_private

PACKAGES = ("bottle", "fastjsonschema", "feedgenerator", "psutil", "waitress")
"""What the server imports beside the standard library: what the wheels of the extension hold."""

SOUNDS = Path("assets", "sounds")
"""What the server plays: beside its folder in the extension, and in its copy."""

_SKIPPED = frozenset({"__pycache__", "tests"})
_SKIPPED_ON_TOP = frozenset({"log", "build"})
_UNUSED_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class ServerCopy:
    """A copy that a server can be started from."""

    folder: Path

    @property
    def server(self) -> Path:
        """What Python is given to run."""
        return self.folder / "server"

    @property
    def packages(self) -> Path:
        """What goes on the server's PYTHONPATH."""
        return self.folder / "packages"


def find_packages(names: Iterable[str] = PACKAGES) -> dict[str, Path]:
    """Find each package where this Python finds it: its file, or its folder. Raises `ConnectionProblem` for one that is not there."""
    found: dict[str, Path] = {}
    for name in names:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ConnectionProblem(sentence("Render+ is not installed whole: its package {name} is missing; install the extension again", name=name))
        found[name] = Path(spec.origin).parent if spec.submodule_search_locations else Path(spec.origin)
    return found


def make_copy(server: Path, data: Path, version: str, packages: dict[str, Path]) -> ServerCopy:
    """Give the data folder's copy of this server; make it when there is none. Raises `ConnectionProblem`."""
    try:
        sounds = server.parent / SOUNDS
        target = data / "server" / f"{version}-{_fingerprint(server, packages, sounds)}"
        if not target.is_dir():
            _copy_into_place(server, packages, sounds, target)
    except OSError as error:
        raise ConnectionProblem(
            sentence("The server could not be copied into {folder} ({why}); choose another data folder", folder=data, why=error.strerror or error)
        ) from error
    return ServerCopy(target)


def remove_unused(data: Path, used: ServerCopy, now: float | None = None) -> None:
    """Remove the copies of other versions. Only for who just started the data folder's one server from `used`."""
    now = time.time() if now is None else now
    with contextlib.suppress(OSError):
        for folder in (data / "server").iterdir():
            # A young one may belong to another Blender that is about to start it.
            if folder != used.folder and now - folder.stat().st_mtime > _UNUSED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def _copy_into_place(server: Path, packages: dict[str, Path], sounds: Path, target: Path) -> None:
    make_private(target.parent)
    fresh = Path(tempfile.mkdtemp(prefix="new-", dir=target.parent))
    try:
        _copy(server, fresh / "server")
        for path in packages.values():
            _copy(path, fresh / "packages" / path.name)
        if sounds.is_dir():
            _copy(sounds, fresh / SOUNDS)
        with contextlib.suppress(FileExistsError):
            os.rename(fresh, target)
    except OSError:
        if not target.is_dir():  # otherwise another Blender was faster
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _copy(path: Path, target: Path) -> None:
    if path.is_dir():
        # Contents alone: a read-only installation must not give a copy that nobody can remove.
        shutil.copytree(path, target, ignore=lambda folder, names: _skipped(names, on_top=Path(folder) == path), copy_function=shutil.copyfile)
    else:
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, target)


def _skipped(names: Iterable[str], *, on_top: bool) -> set[str]:
    return {name for name in names if name in _SKIPPED or (on_top and name in _SKIPPED_ON_TOP)}


def _fingerprint(server: Path, packages: dict[str, Path], sounds: Path) -> str:
    digest = hashlib.sha256()
    for root in (server, *(packages[name] for name in sorted(packages)), sounds):
        for path in _files(root):
            digest.update(f"{root.name}/{path.relative_to(root.parent).as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def _files(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root).parts
        if path.is_file() and not _skipped(inside, on_top=False) and inside[0] not in _SKIPPED_ON_TOP:
            yield path
