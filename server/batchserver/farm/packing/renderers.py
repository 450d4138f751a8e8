# SPDX-License-Identifier: GPL-3.0-or-later
"""Blenders of the owner's choice (`--farm-blender linux=FOLDER`) as ZIPs for clients that bring none, made once per content. Runs without Blender.

SheepIt's clients start `rend.exe` at the root on Linux and Windows, and `Blender/Blender.app/Contents/MacOS/Blender` on a Mac.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from batchserver.farm.seams import Archive, Platform
from batchserver.model.errors import BadInput, BlenderProblem

from .archives import FILE_MODE, ArchiveCache, Entry, Stopped
from .rend_exe import REND_EXE

PROGRAMS = {Platform.LINUX: "blender", Platform.WINDOWS: "blender.exe", Platform.MAC: "Blender.app/Contents/MacOS/Blender"}
VERSION_FOLDER = re.compile(r"\d+\.\d+")
VERSION_LINE = re.compile(r"^Blender (\d+\.\d+(?:\.\d+)?)", re.MULTILINE)
VERSION_TIMEOUT = 60.0
EXECUTABLE = 0o100755


def blender_folders(words: Sequence[str]) -> dict[Platform, Path]:
    """Read what `--farm-blender` was given: `linux=FOLDER`, `windows=FOLDER`, `mac=FOLDER`. Raises `BadInput` with a sentence."""
    found: dict[Platform, Path] = {}
    for word in words:
        name, equals, folder = word.partition("=")
        if not equals or name not in set(Platform) or not folder:
            raise BadInput(f"--farm-blender {word!r}: write linux=FOLDER, windows=FOLDER or mac=FOLDER, the folder that Blender was unpacked to")
        platform = Platform(name)
        if platform in found:
            raise BadInput(f"--farm-blender names two folders for {platform}")
        found[platform] = _root(platform, Path(folder).expanduser().absolute())
    return found


def _root(platform: Platform, folder: Path) -> Path:
    """Give the folder that holds the program, or say what is wrong with it."""
    if platform is Platform.MAC and folder.suffix.lower() == ".app":
        folder = folder.parent
    program = folder / PROGRAMS[platform]
    if not program.is_file():
        raise BadInput(f"--farm-blender {platform}={folder}: there is no {PROGRAMS[platform]} in this folder; name the folder that Blender was unpacked to")
    if platform is Platform.LINUX and os.name == "posix" and not os.access(program, os.X_OK):
        raise BadInput(f"--farm-blender {platform}={folder}: {program} cannot be run; make it executable with chmod +x")
    return folder


class OwnRenderers:
    """The archives of the owner's Blenders."""

    def __init__(self, folders: Mapping[Platform, Path], cache: ArchiveCache, stopped: Callable[[], bool] = lambda: False) -> None:
        self._folders = dict(folders)
        self._cache = cache
        self._stopped = stopped
        self._locks = {platform: threading.Lock() for platform in Platform}
        self._made: dict[Platform, Archive] = {}
        self._versions: dict[Platform, str] = {}

    def archive(self, platform: Platform) -> Archive | None:
        """Give the ZIP of a platform, None when the owner named no folder. Raises `BlenderProblem` when it cannot be made."""
        folder = self._folders.get(platform)
        if folder is None:
            return None
        with self._locks[platform]:
            if platform not in self._made:
                try:
                    entries = list(_entries(platform, folder))
                    self._made[platform] = self._cache.hold(_key(platform, entries), lambda: entries, stopped=self._stopped)
                except OSError as error:
                    raise BlenderProblem(f"The Blender in {folder} cannot be packed for the farm: {error.strerror or error}") from error
                except Stopped:
                    raise BlenderProblem("the server ends") from None
            return self._made[platform]

    def version(self, platform: Platform) -> str:
        """Give the version of a platform's Blender as far as it can be told, "" when not (`5.2`, `5.2.2`)."""
        folder = self._folders.get(platform)
        if folder is None:
            return ""
        with self._locks[platform]:
            if platform not in self._versions:
                self._versions[platform] = _asked_version(platform, folder) or _folder_version(platform, folder)
            return self._versions[platform]


def _asked_version(platform: Platform, folder: Path) -> str:
    here = {"linux": Platform.LINUX, "win32": Platform.WINDOWS, "darwin": Platform.MAC}.get(sys.platform)
    if platform is not here:
        return ""
    try:
        said = subprocess.run(
            [folder / PROGRAMS[platform], "--version"], capture_output=True, text=True, errors="replace", timeout=VERSION_TIMEOUT, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    match = VERSION_LINE.search(said.stdout)
    return match[1] if match else ""


def _folder_version(platform: Platform, folder: Path) -> str:
    """Blender keeps its scripts and data in a folder that is called like its version."""
    place = folder / "Blender.app/Contents/Resources" if platform is Platform.MAC else folder
    try:
        return max((each.name for each in place.iterdir() if each.is_dir() and VERSION_FOLDER.fullmatch(each.name)), default="")
    except OSError:
        return ""


def _entries(platform: Platform, folder: Path) -> Iterator[Entry]:
    if platform is Platform.MAC:
        yield from _files(folder / "Blender.app", "Blender/Blender.app/")
        return
    for entry in _files(folder, ""):
        if platform is Platform.LINUX:
            if entry.place != "rend.exe":
                yield entry
        elif entry.place == "blender.exe":
            yield Entry("rend.exe", entry.content, EXECUTABLE)
        elif entry.place != "rend.exe":
            yield entry
    if platform is Platform.LINUX:
        yield Entry("rend.exe", REND_EXE.encode("ascii"), EXECUTABLE)


def _files(folder: Path, before: str, around: tuple[str, ...] = ()) -> Iterator[Entry]:
    """All files below a folder. What links lead to is taken as files, since not every client unpacks links; what leads nowhere is left out."""
    real = os.path.realpath(folder)
    if real in around:
        return  # a link to a folder that it lies in
    for name in sorted(os.listdir(folder)):
        path = folder / name
        try:
            mode = path.stat().st_mode
        except OSError:
            if path.is_symlink():
                continue
            raise
        if stat.S_ISDIR(mode):
            yield from _files(path, f"{before}{name}/", (*around, real))
        elif stat.S_ISREG(mode):
            yield Entry(f"{before}{name}", path, EXECUTABLE if mode & 0o111 else FILE_MODE)


def _key(platform: Platform, entries: Iterable[Entry]) -> str:
    """Tell one content from another by places, sizes and times: Blenders are large, and nobody edits their files."""
    told = hashlib.sha256(f"1 {platform}\0{REND_EXE}".encode())
    for entry in entries:
        if isinstance(entry.content, Path):
            facts = entry.content.stat()
            told.update(f"{entry.place}\0{entry.content}\0{facts.st_size} {facts.st_mtime_ns} {entry.mode}\0".encode("utf-8", "surrogateescape"))
    return f"{platform}-{told.hexdigest()[:40]}"
