# SPDX-License-Identifier: GPL-3.0-or-later
"""The owner's token: a secret in a file of the data folder that only its owner can read. Runs without Blender.

Who can read the file is the owner. The command line and the add-on send it; where the token is needed, it is the only key.
On Windows the file is as private as the user's profile folder, which is where the data folder is.
"""

from __future__ import annotations

import contextlib
import hmac
import logging
import os
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from batchserver.model.errors import LedgerProblem

FILE_NAME = "token"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")  # what secrets.token_urlsafe(32) gives


@dataclass(frozen=True, slots=True)
class Access:
    """Whether asking needs the token.

    `loopback_only`: the server listens on loopback addresses only. `require_token`: also there (behind a proxy or a tunnel,
    where everybody comes from 127.0.0.1).
    """

    require_token: bool
    token: str
    loopback_only: bool

    @property
    def needs_token(self) -> bool:
        """Tell whether nobody gets in without the token."""
        return self.require_token or not self.loopback_only

    def is_owner(self, authorization: str | None) -> bool:
        """Tell whether an `Authorization` header shows the token, in a time that does not depend on it."""
        scheme, _, shown = (authorization or "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode("utf-8", "replace"), self.token.encode())


def read_token(folder: Path) -> str | None:
    """Give the token of a data folder for a client, None when there is none that can be read."""
    return _read(folder / FILE_NAME)


def owner_token(folder: Path) -> str:
    """Give the data folder's token; make one when there is none, or when others could read or change it."""
    path = folder / FILE_NAME
    found = _read(path)
    if found is not None and _is_private(path):
        return found
    if found is not None:
        logging.getLogger("batchserver.web").warning("others could read the token in %s: a new one is made", path)
    try:
        return _make(path)
    except OSError as error:
        raise LedgerProblem(f"The token cannot be written to {path}: {error.strerror}. Is the data folder writable?") from error


def _read(path: Path) -> str | None:
    try:
        text = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return text if _TOKEN.fullmatch(text) else None


def _is_private(path: Path) -> bool:
    if os.name != "posix":
        return True
    found = path.lstat()
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _make(path: Path) -> str:
    """Write a new token beside and move it into place, so that nobody reads half of one."""
    token = secrets.token_urlsafe(32)
    beside = path.with_name(f".{FILE_NAME}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(token + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
    return token
