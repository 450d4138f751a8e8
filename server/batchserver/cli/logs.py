# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the server's own log goes: a file for each start when asked, the terminal for debugging.

Runs without Blender.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

SERVER_FOLDER = Path(__file__).resolve().parents[2]
_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def log_file(data_logs: Path, now: time.struct_time, server_folder: Path = SERVER_FOLDER) -> Path:
    """Name this start's log file, `renderplus_[day]-[month]-[year]-[hour]-[minute]-[seconds]`.

    It stands in `server/log/`; in the data folder's `log/` where that cannot be written or belongs to an extension.
    """
    name = time.strftime("renderplus_%d-%m-%Y-%H-%M-%S", now)
    own = server_folder / "log"
    folder = data_logs if _in_extension(server_folder) or not _writable(own) else own
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def set_up(*, file: Path | None, debug: bool) -> None:
    """Send log records to the file, and to stderr when debugging (warnings always)."""
    root = logging.getLogger()
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # requests that wait for a thread are no news
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.DEBUG if debug else logging.WARNING)
    handlers: list[logging.Handler] = [terminal]
    if file is not None:
        handlers.append(logging.FileHandler(file, encoding="utf-8"))
    for handler in handlers:
        handler.setFormatter(logging.Formatter(_FORMAT))
        root.addHandler(handler)


def _in_extension(folder: Path) -> bool:
    return (folder.parent / "blender_manifest.toml").exists() and "extensions" in folder.parts


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(exist_ok=True)
        probe = folder / ".probe"
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True
