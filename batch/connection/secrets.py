# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of the mail account, and addresses and tokens of channels: in files of the data folder that only their owner can read.

They are never in a .blend or a preference. On Windows the files are as private as the user's profile. Runs without Blender.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from ..channels import Secrets
from .data_folder import make_private, write_private

FILE_NAME = "mail_password"
CHANNELS_FILE = "channel_secrets"


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


def read_channels(folder: Path) -> dict[str, Secrets]:
    """Give the secrets of channels by their keys; a file that cannot be read has none."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        found = json.loads((folder / CHANNELS_FILE).read_text("utf-8"))
        return {str(key): Secrets(str(each.get("url", "")), str(each.get("token", ""))) for key, each in found.items()}
    return {}


def save_channel(folder: Path, key: str, secrets: Secrets) -> None:
    """Keep the secrets of a channel. Raises `OSError`."""
    _write_channels(folder, {**read_channels(folder), key: secrets})


def forget_channel(folder: Path, key: str) -> None:
    """Remove the secrets of a channel; with the last one goes the file. Raises `OSError`."""
    kept = read_channels(folder)
    if kept.pop(key, None) is not None:
        _write_channels(folder, kept)


def _write_channels(folder: Path, channels: Mapping[str, Secrets]) -> None:
    if not channels:
        (folder / CHANNELS_FILE).unlink(missing_ok=True)
        return
    make_private(folder)
    write_private(folder / CHANNELS_FILE, json.dumps({key: asdict(each) for key, each in channels.items()}))
