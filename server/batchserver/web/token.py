# SPDX-License-Identifier: GPL-3.0-or-later
"""The owner's token: a secret in a file of the data folder that only its owner can read. Runs without Blender.

Who can read the file is the owner. The command line and the add-on send it; where the token is needed, it is the only key.
A file that was named with --token-file belongs to the user: it is made when it is not there, and refused, never replaced,
when others can read it. The data folder's own is ours, and made anew.
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

from batchserver.model.errors import BadInput, LedgerProblem

FILE_NAME = "token"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")  # what secrets.token_urlsafe(32) gives
_CHOSEN = re.compile(r"[A-Za-z0-9._~+/-]{32,200}=*")  # what RFC 6750 lets a header carry, of a length that nobody guesses


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


def read_token(folder: Path, named: Path | None = None) -> str | None:
    """Give the token for a client, of the data folder or of the file that --token-file names; None when there is none that can be read."""
    return _read(folder / FILE_NAME) if named is None else _read(named, _CHOSEN)


def named_token(path: Path) -> str:
    """Give the token of the file that --token-file names; make one when there is no such file. Raises `BadInput`."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            return _make(path)
        if not path.is_file():
            raise BadInput(f"The token file {path} is no file; name another with --token-file")
        _check_private(path)
        found = _read(path, _CHOSEN)
    except OSError as error:
        raise BadInput(f"The token file {path} cannot be used ({error.strerror}); name another with --token-file") from error
    if found is None:
        raise BadInput(f"There is no token in {path}: it has to be 32 letters and digits or more. Remove the file, and the server makes a new one")
    return found


def _check_private(path: Path) -> None:
    """Refuse a file that others can read or change; one of root's, as containers mount their secrets, is as good as our own."""
    if os.name != "posix":
        return
    found = path.stat()
    if found.st_uid not in (os.geteuid(), 0):
        raise BadInput(f"The token file {path} belongs to another user (uid {found.st_uid}), who knows the token; name another with --token-file")
    if found.st_mode & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        raise BadInput(f"Others can read the token in {path} (mode {mode:04o}). Remove it, and the server makes a new one; or, if nobody did, chmod 600 it")


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


def _read(path: Path, form: re.Pattern[str] = _TOKEN) -> str | None:
    try:
        with path.open(encoding="ascii") as file:
            text = file.read(1024).strip()
    except (OSError, UnicodeDecodeError):
        return None
    return text if form.fullmatch(text) else None


def _is_private(path: Path) -> bool:
    if os.name != "posix":
        return True
    found = path.lstat()
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _make(path: Path) -> str:
    """Write a new token beside and move it into place, so that nobody reads half of one."""
    token = secrets.token_urlsafe(32)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
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
