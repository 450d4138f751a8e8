# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the password of a mail account comes from: the recipe (in memory only), the environment, a file, or the system's keyring.

Runs without Blender.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from .facts import ReactionProblem
from .secret_keeper import SecretKeeper

VARIABLE = "RENDERPLUS_MAIL_PASSWORD"
FILE_VARIABLE = "RENDERPLUS_MAIL_PASSWORD_FILE"
SERVICE = "Render+ mail"
"""What keyrings file the password under, beside the user's name; " <host>" may follow."""

_LONGEST = 4096
Ring = Callable[[str, str], str | None]
"""Gives the password that a keyring has for a service and a user."""


class Passwords:
    """Finds passwords. `environ` is the server's own environment, `file` what `--mail-password-file` names."""

    def __init__(self, keeper: SecretKeeper, environ: Mapping[str, str], file: Path | None = None, ring: Ring | None = None) -> None:
        self._keeper, self._environ = keeper, environ
        named = environ.get(FILE_VARIABLE, "")
        self._file = file or (Path(named) if named else None)
        self._ring = ring or _keyring

    def find(self, batch: int, user: str, host: str) -> str:
        """Give the password of a batch's mail account, "" when there is none. Raises `ReactionProblem`."""
        return (
            self._keeper.secret(batch, "mail.pass")
            or self._environ.get(VARIABLE, "")
            or (_of_file(self._file) if self._file else "")
            or self._ring(f"{SERVICE} {host}", user)
            or self._ring(SERVICE, user)
            or ""
        )


def _of_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            if os.name == "posix" and stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise ReactionProblem(f"The file of the mail password, {path}, can be read by others; run: chmod 600 on it")
            return file.read(_LONGEST).decode("utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ReactionProblem(f"The file of the mail password, {path}, cannot be read ({type(error).__name__})") from None


def _keyring(service: str, user: str) -> str | None:
    try:
        import keyring  # an extra: not everybody has it
    except ImportError:
        return None
    try:
        found: str | None = keyring.get_password(service, user)
    except Exception:  # a keyring that is locked, or none at all, raises errors of its own kinds
        return None
    return found
