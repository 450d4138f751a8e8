# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's data folder as the add-on sees it: where the server says its address, and what the add-on itself keeps there.

The server has the same rule for the place (docs/cli.md): the command line and every Blender share one folder. Runs without Blender.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


def default_data_folder(environ: Mapping[str, str], home: Path, platform: str = sys.platform) -> Path:
    """Name the user's data folder on this system; `RENDERPLUS_DATA` names another."""
    if environ.get("RENDERPLUS_DATA"):
        return Path(environ["RENDERPLUS_DATA"])
    if platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "RenderPlus"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "RenderPlus"
    return Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "renderplus"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens, by its own word; `instance` is another one at each start."""

    port: int
    instance: str
    pid: int
    version: str


def read_address(folder: Path) -> Address | None:
    """Read where the server of this data folder listens, None when nobody said."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads((folder / "server.json").read_text("utf-8"))
        return Address(int(found["port"]), str(found["instance"]), int(found.get("pid", 0)), str(found.get("version", "")))
    return None


def read_token(folder: Path, named: Path | None = None) -> str:
    """Read the owner's token from the file that is named, or from the data folder's; "" when there is none."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return (named or folder / "token").read_text("ascii").strip()
    return ""


def make_private(folder: Path) -> None:
    """Make a folder that only its owner can look into. Raises `OSError`."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; it takes its place when it is whole. Raises `OSError`."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(fresh, path)
