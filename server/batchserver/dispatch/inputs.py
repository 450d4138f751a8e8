# SPDX-License-Identifier: GPL-3.0-or-later
"""Start fixes the input: what each .blend was like at Start, and whether it still is.

Size and time are taken at once; the hash, which may take seconds for a large file, follows in a thread of
its own. Runs without Blender.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from batchserver.model.records import InputStamp


def stamp(path: Path) -> InputStamp | None:
    """Note size and time of a file, None when it cannot be looked at (the session then says why)."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return InputStamp(found.st_size, found.st_mtime_ns)


def with_hash(path: Path, noted: InputStamp) -> InputStamp | None:
    """Add the hash to a stamp; None when the file is no longer the one that was noted."""
    try:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            found = os.fstat(file.fileno())
    except OSError:
        return None
    return replace(noted, sha256=digest) if (found.st_size, found.st_mtime_ns) == (noted.size, noted.mtime_ns) else None


def changed(path: Path, noted: InputStamp | None) -> bool:
    """Tell whether a file is another one than at Start; a file that was only touched is the same."""
    now = stamp(path)
    if noted is None or now is None:
        return False
    if (now.size, now.mtime_ns) == (noted.size, noted.mtime_ns):
        return False
    if now.size != noted.size or not noted.sha256:
        return True
    hashed = with_hash(path, now)
    return hashed is None or hashed.sha256 != noted.sha256


def hash_in_background(noted: dict[Path, InputStamp], keep: Callable[[Path, InputStamp], None]) -> threading.Thread:
    """Hash the files one after the other in a thread, and hand each full stamp to `keep`."""

    def work() -> None:
        for path, known in noted.items():
            full = with_hash(path, known)
            if full is not None:
                keep(path, full)

    thread = threading.Thread(target=work, name="input hashes", daemon=True)
    thread.start()
    return thread
