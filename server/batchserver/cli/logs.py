# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the server's own log goes: a file for each start when asked, the terminal for debugging. No secret goes there.

docs/logging.md names the fields of its lines. Runs without Blender.
"""

from __future__ import annotations

import logging
import logging.handlers
import time
from collections.abc import Iterable
from pathlib import Path

from batchserver.model.redaction import redacted

SERVER_FOLDER = Path(__file__).resolve().parents[2]
_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"

LARGEST = 16 << 20
"""Bytes after which a start's log is rolled over: it becomes `.1`, that one `.2`, and so on."""

PARTS = 4
"""Earlier parts of a start's log that are kept."""


class Redacting(logging.Formatter):
    """Formats records with dots for secrets, tracebacks included."""

    def __init__(self) -> None:
        super().__init__(_FORMAT)
        self._words: frozenset[str] = frozenset()

    def hide(self, words: Iterable[str]) -> None:
        """Remember secrets, to put dots for them wherever they stand."""
        self._words |= frozenset(word for word in words if word)

    def format(self, record: logging.LogRecord) -> str:
        """Format a record; a message of several lines is one record, its further lines indented."""
        return redacted(super().format(record), self._words).replace("\n", "\n    ")


def hide(words: Iterable[str]) -> None:
    """Put dots for these secrets in everything that is logged from now on."""
    known = tuple(words)
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, Redacting):
            handler.formatter.hide(known)


def open_files() -> tuple[Path, ...]:
    """Name the files that are logged into now."""
    return tuple(Path(handler.baseFilename) for handler in logging.getLogger().handlers if isinstance(handler, logging.FileHandler))


def log_file(data_logs: Path, now: time.struct_time, server_folder: Path = SERVER_FOLDER) -> Path:
    """Make this start's log file, `renderplus_[day]-[month]-[year]-[hour]-[minute]-[seconds]`; a second one in the same second ends in `-2`.

    It stands in `server/log/`; in the data folder's `log/` where that cannot be written or belongs to an extension.
    """
    name = time.strftime("renderplus_%d-%m-%Y-%H-%M-%S", now)
    own = server_folder / "log"
    folder = data_logs if _in_extension(server_folder) or not _writable(own) else own
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        path = folder / (name if number == 1 else f"{name}-{number}")
        try:
            path.touch(mode=0o600, exist_ok=False)  # made here, so that no other start takes the name
        except FileExistsError:
            number += 1
        else:
            return path


def set_up(*, file: Path | None, debug: bool, largest: int = LARGEST) -> None:
    """Send log records to the file, and to stderr when debugging (warnings always)."""
    root = logging.getLogger()
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # requests that wait for a thread are no news
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.DEBUG if debug else logging.WARNING)
    handlers: list[logging.Handler] = [terminal]
    if file is not None:
        handlers.append(logging.handlers.RotatingFileHandler(file, maxBytes=largest, backupCount=PARTS, encoding="utf-8"))
    for handler in handlers:
        handler.setFormatter(Redacting())
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
