# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of the mail account: in a file of the data folder that only its owner can read, never in a .blend or a preference.

On Windows the file is as private as the user's profile. Runs without Blender.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from .data_folder import make_private, write_private

FILE_NAME = "mail_password"


def save_mail_password(folder: Path, password: str) -> None:
    """Keep the password; an empty one removes it. Raises `OSError`."""
    if not password:
        forget_mail_password(folder)
        return
    make_private(folder)
    write_private(folder / FILE_NAME, password)


def read_mail_password(folder: Path) -> str:
    """Give the password, "" when there is none."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return (folder / FILE_NAME).read_text("utf-8")
    return ""


def has_mail_password(folder: Path) -> bool:
    """Tell whether there is a password, without reading it."""
    return (folder / FILE_NAME).is_file()


def forget_mail_password(folder: Path) -> None:
    """Remove the password."""
    (folder / FILE_NAME).unlink(missing_ok=True)
