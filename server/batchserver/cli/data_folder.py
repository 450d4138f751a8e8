# SPDX-License-Identifier: GPL-3.0-or-later
"""The one data folder of each user: ledger, logs, uploads, address file and lock.

The same for the command line and every Blender version. Runs without Blender.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from batchserver.model.errors import LedgerProblem, ServerTaken

log = logging.getLogger(__name__)


def default_data_folder(environ: Mapping[str, str], home: Path, platform: str = sys.platform) -> Path:
    """Name the user's data folder on this system; `RENDERPLUS_DATA` names another."""
    if environ.get("RENDERPLUS_DATA"):
        return Path(environ["RENDERPLUS_DATA"])
    if platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "RenderPlus"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "RenderPlus"
    return Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "renderplus"


class DataFolder:
    """A data folder that this process holds: one server for each."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: IO[str] | None = None

    @property
    def ledger(self) -> Path:
        """The SQLite file."""
        return self.path / "ledger.sqlite"

    @property
    def uploads(self) -> Path:
        """Uploaded .blend files."""
        return self.path / "uploads"

    @property
    def logs(self) -> Path:
        """Logs of the server and its sessions."""
        return self.path / "log"

    @property
    def temp(self) -> Path:
        """What sessions keep for a moment; each has a folder of its own in it."""
        return self.path / "temp"

    def sweep_temp(self) -> None:
        """Remove what sessions of a killed server left; only whoever holds the folder may."""
        shutil.rmtree(self.temp, ignore_errors=True)

    def hold(self) -> None:
        """Take the folder for this process. Raises `ServerTaken` when another server has it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._warn_if_open()
            self._lock = open(self.path / "server.lock", "a+", encoding="utf-8")  # noqa: SIM115 - held until release
        except OSError as error:
            raise LedgerProblem(f"The data folder {self.path} cannot be used ({error.strerror}); choose another with --data-dir") from error
        try:
            _lock(self._lock)
        except OSError:
            self._lock.close()
            self._lock = None
            raise ServerTaken(f"Another Render+ server uses the data folder {self.path}; ask it (--poll), stop it (--stop), or choose --data-dir") from None

    def _warn_if_open(self) -> None:
        mode = stat.S_IMODE(self.path.stat().st_mode)
        if os.name == "posix" and mode & 0o077:
            log.warning("Others can look into the data folder %s (mode %04o): recipes, logs and uploads are theirs to read; chmod 700 it", self.path, mode)

    def release(self) -> None:
        """Let go of the folder; the address file goes with it."""
        (self.path / "server.json").unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def write_address(self, facts: Mapping[str, Any]) -> None:
        """Say where the server listens, for clients of the same user."""
        path = self.path / "server.json"
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(facts), "utf-8")
        os.replace(fresh, path)

    def read_address(self) -> dict[str, Any]:
        """Read where the server listens, {} when nobody said."""
        with contextlib.suppress(OSError, ValueError):
            found = json.loads((self.path / "server.json").read_text("utf-8"))
            if isinstance(found, dict):
                return found
        return {}


def _lock(file: IO[str]) -> None:
    if sys.platform == "win32":
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
