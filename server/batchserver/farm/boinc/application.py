# SPDX-License-Identifier: GPL-3.0-or-later
"""The app version that clients get: a shell script as main program, and the owner's Blender for the platform when there is one, all signed.

A client keeps the files of an app version until a higher number comes: whenever a file changes, so do its name and the number. Runs without Blender.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from batchserver.farm.seams import Archive, Desk, Platform, Store

from .keys import Keys
from .requests import ANONYMOUS, OwnVersion, SchedulerRequest
from .signing import md5_of

APP = "renderplus"
FIRST_VERSION = 100
PLATFORMS: Mapping[str, Platform] = MappingProxyType({
    "x86_64-pc-linux-gnu": Platform.LINUX,
    "aarch64-unknown-linux-gnu": Platform.LINUX,
    "powerpc64le-unknown-linux-gnu": Platform.LINUX,
    "riscv64-unknown-linux-gnu": Platform.LINUX,
    "x86_64-apple-darwin": Platform.MAC,
    "arm64-apple-darwin": Platform.MAC,
})  # fmt: skip
"""Where the app runs: it needs a POSIX shell."""

_WITHOUT_RENDERER = frozenset({"aarch64-unknown-linux-gnu", "powerpc64le-unknown-linux-gnu", "riscv64-unknown-linux-gnu"})
"""Platforms that Blender's own builds are not for: their machines bring a Blender of their own."""

PATIENCE = 2.0
"""How long a request waits for a renderer's archive that is being made, in seconds."""


@dataclass(frozen=True, slots=True)
class AppFile:
    """A file of an app version. `opened`: under which name the program finds it, "" for the program itself."""

    name: str
    path: Path
    md5: str
    size: int
    signature: str
    opened: str = ""


@dataclass(frozen=True, slots=True)
class Application:
    """What a client runs. Without files it is the program that its user brought."""

    platform: str
    number: int
    files: tuple[AppFile, ...]
    plan_class: str = ""


@dataclass(frozen=True, slots=True)
class NoApplication:
    """There is nothing that a client could run, and why. `lasting`: that will not change by itself."""

    sentence: str
    lasting: bool = True


class Applications:
    """The app versions for all platforms."""

    def __init__(self, desk: Desk, keys: Keys, store: Store) -> None:
        self._desk = desk
        self._store = store
        self._keys = keys
        self._lock = threading.Lock()
        self._renderers = _RenderersToBe(desk)
        script = resources.files(__package__) / "app" / "renderplus.sh"
        self._script = self._signed("renderplus", ".sh", Path(str(script)), md5_of(script.read_bytes()), len(script.read_bytes()))

    def of(self, request: SchedulerRequest) -> Application | NoApplication:
        """Give the app version for a client, or say why there is none."""
        if request.platforms[:1] == (ANONYMOUS,):
            return _brought(request.versions)
        platform = next((name for name in request.platforms if name in PLATFORMS), None)
        if platform is None:
            return _none_for(request)
        files = [self._script]
        if platform not in _WITHOUT_RENDERER:
            archive = self._renderers.archive(PLATFORMS[platform])
            if isinstance(archive, str):
                return NoApplication(archive, lasting=False)
            if archive is not None:
                files.append(self._signed("renderer", ".zip", archive.path, archive.md5, archive.size, opened="renderer.zip"))
        return Application(platform, self._number(platform, files), tuple(files))

    def file(self, name: str) -> Path | None:
        """Find a file by the name that it was given out under."""
        if name == self._script.name:
            return self._script.path
        for archive in self._renderers.made():
            if name == _name("renderer", archive.md5, ".zip"):
                return archive.path
        return None

    def _signed(self, stem: str, suffix: str, path: Path, md5: str, size: int, opened: str = "") -> AppFile:
        return AppFile(_name(stem, md5, suffix), path, md5, size, self._keys.signing.sign(md5), opened)

    def _number(self, platform: str, files: list[AppFile]) -> int:
        """Give the version number of these files; one more than before when a file is another."""
        contents = " ".join(file.md5 for file in files)
        with self._lock:
            kept = self._store.get(f"app/{platform}") or {}
            if kept.get("contents") == contents:
                return int(kept["number"])
            number = int(kept.get("number", FIRST_VERSION - 1)) + 1
            self._store.put(f"app/{platform}", {"contents": contents, "number": number})
            return number


class _RenderersToBe:
    """The owner's Blenders as archives: made by threads, because the first time takes minutes, and an answer must not."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._found: dict[Platform, Archive | None] = {}
        self._problems: dict[Platform, str] = {}
        self._threads: dict[Platform, threading.Thread] = {}

    def archive(self, platform: Platform) -> Archive | str | None:
        """Give the archive for a platform, None when the owner offers none, a sentence while there is none yet."""
        with self._lock:
            if platform in self._found:
                return self._found[platform]
            thread = self._threads.get(platform)
            if thread is None:
                thread = self._threads[platform] = threading.Thread(target=self._make, args=(platform,), name=f"boinc renderer {platform}", daemon=True)
                thread.start()
        thread.join(PATIENCE)
        with self._lock:
            if platform in self._found:
                return self._found[platform]
            return self._problems.get(platform) or "The server is packing its Blender for this platform; there will be work when it is done"

    def made(self) -> list[Archive]:
        """Give the archives that are there."""
        with self._lock:
            return [archive for archive in self._found.values() if archive is not None]

    def _make(self, platform: Platform) -> None:
        try:
            archive = self._desk.renderers.archive(platform)
        except Exception as error:  # the next request tries again; until then clients are told
            with self._lock:
                self._problems[platform] = f"The server's Blender for this platform cannot be packed: {error}"
                del self._threads[platform]
            return
        with self._lock:
            self._found[platform] = archive
            self._problems.pop(platform, None)


def _brought(versions: tuple[OwnVersion, ...]) -> Application | NoApplication:
    """Take the version that a user made himself, on the anonymous platform."""
    own = [version for version in versions if version.app == APP]
    if not own:
        return NoApplication(f"The app_info.xml of this computer has no app version of {APP}, which is the only app of this project")
    newest = max(own, key=lambda version: version.number)
    return Application(newest.platform, newest.number, (), newest.plan_class)


def _none_for(request: SchedulerRequest) -> NoApplication:
    names = ", ".join(request.platforms[:4]) or "no platform"
    if request.facts.platform is Platform.WINDOWS:
        return NoApplication(f"There is no app version for Windows ({names}): use a SheepIt client on this computer, or BOINC on Linux or macOS")
    return NoApplication(f"There is no app version for this computer's platform ({names}): the app needs Linux or macOS")


def _name(stem: str, md5: str, suffix: str) -> str:
    return f"{stem}_{md5[:16]}{suffix}"
