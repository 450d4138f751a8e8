# SPDX-License-Identifier: GPL-3.0-or-later
"""What the connection needs to know of Blender and the preferences, read on the main thread. Runs inside Blender."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from .. import channels as channel_rules
from ..addon import preferences
from . import secrets
from .data_folder import default_data_folder
from .remote import House

DEFAULT_PORT = 7777
DEFAULT_POLL_SECONDS = 0.5
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Settings:
    """The preferences that matter here. `poll_seconds` lies between two polls."""

    house: House
    poll_seconds: float
    keep_server: bool


def read(context: bpy.types.Context | None = None) -> Settings:
    """Read the preferences; what they do not say has its default."""
    found = preferences(context)
    return Settings(
        House(data_folder(found), int(_of(found, "port", DEFAULT_PORT)), blender_program(found), _ROOT / "server", version(), token_file(found)),
        max(0.1, float(_of(found, "poll_interval", DEFAULT_POLL_SECONDS))),
        bool(_of(found, "keep_server", True)),
    )


def data_folder(found: Any | None) -> Path:
    """Name the data folder of the preferences, or the user's own."""
    chosen = str(_of(found, "data_folder", "")).strip()
    return Path(os.path.abspath(bpy.path.abspath(chosen))) if chosen else default_data_folder(os.environ, Path.home()).absolute()


def token_file(found: Any | None) -> Path | None:
    """Name the file of the server's token that the preferences choose, None for the data folder's own."""
    chosen = str(_of(found, "token_file", "")).strip()
    return Path(os.path.abspath(bpy.path.abspath(chosen))) if chosen else None


def blender_program(found: Any | None) -> str:
    """Name the Blender to render with: that of the preferences, or this one; of a wheel its Python."""
    chosen = str(_of(found, "blender_program", "")).strip()
    return bpy.path.abspath(chosen) if chosen else bpy.app.binary_path or sys.executable


def mail_account(found: Any | None, data: Path) -> dict[str, Any]:
    """Give the mail account as a recipe takes it, with the password that is kept outside of Blender."""
    return {
        "user": str(_of(found, "mail_user", "")),
        "pass": secrets.read_mail_password(data),
        "ssl": True,
        "server": str(_of(found, "mail_server", "")).strip(),
        "port": int(_of(found, "mail_port", 0)),
        "security": "" if (security := str(_of(found, "mail_security", "AUTO"))) == "AUTO" else security.lower(),
        "from": str(_of(found, "mail_from", "")).strip(),
    }


def channels(found: Any | None, data: Path, muted: Collection[str]) -> list[dict[str, Any]]:
    """Give the channels of the preferences as a recipe takes them, with the secrets that are kept outside of Blender; what lacks something is left out."""
    kept = secrets.read_channels(data)
    return [
        channel_rules.as_recipe(each.kind, each.to, kept[each.key], enabled=each.key not in muted)
        for each in _of(found, "channels", ())
        if not channel_rules.fault(each.kind, each.to, kept.get(each.key))
    ][: channel_rules.MOST]


def version() -> str:
    """Give the extension's version, which is the server's."""
    return str(tomllib.loads((_ROOT / "blender_manifest.toml").read_text("utf-8"))["version"])


def _of(found: Any | None, name: str, default: Any) -> Any:
    return getattr(found, name, default) if found is not None else default
