# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a recipe must not be kept, nor be shown in a fault: the mail password, and tokens and addresses of channels.

They are handed out separately, and live in memory only.

A password under a key that we do not know (`password`, `smtp_pass`, somebody's notes) is one, too. Runs without Blender.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

_KEY = r"(?:\w*[_-])?(?:pass|pwd|secret|token|api[_-]?key|credentials?)|\w*pass(?:word|wd|phrase)"
_SECRET = re.compile(_KEY, re.IGNORECASE)
_IN_A_LINE = re.compile(rf"""((["'])(?:{_KEY}|url)\2\s*:\s*)(?:(["'])((?:\\.|(?!\3).)*)|[^\s,}}\]"']+)""", re.IGNORECASE)
_MASK = "•"
_CUT = "/…"
"""What stands for the rest of an address."""


def is_secret(key: str) -> bool:
    """Tell whether what stands under this key of a recipe is nobody's business."""
    return _SECRET.fullmatch(key) is not None


def masked(line: str) -> str:
    """Put dots for what stands under secret keys in a line of a recipe that may be no JSON; the line keeps its length."""
    return _IN_A_LINE.sub(lambda match: match[1] + (match[3] or "") + _MASK * (match.end() - match.end(1) - len(match[3] or "")), line)


def without_secrets(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give a copy of the document without its secrets; the original stays as it was. Jobs have none."""
    kept = {key: value if key == "jobs" else _cleaned(value) for key, value in document.items() if not is_secret(key)}
    for channel in _channels(kept):
        if "url" in channel:
            channel["url"] = _host_only(channel["url"])  # with many services the address is the secret
    return kept


def secrets_of(document: Mapping[str, Any]) -> dict[str, str]:
    """Give the secrets that messages need, by their place under `notifications`: `mail.pass`, `channels[0].url`, `channels[0].token`."""
    found: dict[str, Any] = {"mail.pass": mail_password(document)}
    for index, channel in enumerate(_channels(document)):
        found |= {f"channels[{index}].{key}": channel.get(key) for key in ("url", "token")}
    return {place: value for place, value in found.items() if isinstance(value, str) and value and not value.endswith(_CUT)}


def lost_before(document: Mapping[str, Any]) -> set[str]:
    """Give the places of secrets that a recipe has lost already: it is one that a server kept."""
    notifications = document.get("notifications")
    listed = notifications.get("_left_out") if isinstance(notifications, Mapping) else None
    places = {"mail.pass", *(f"channels[{index}].{key}" for index in range(len(_channels(document))) for key in ("url", "token"))}
    return {place for place in listed if isinstance(place, str)} & places if isinstance(listed, list) else set()


def _channels(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    node: Any = document.get("notifications")
    node = node.get("channels") if isinstance(node, Mapping) else None
    return [channel if isinstance(channel, dict) else {} for channel in node] if isinstance(node, list) else []


def _host_only(url: Any) -> str:
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        host = parts.hostname
    except ValueError:
        return ""
    return f"{parts.scheme}://{host}{_CUT}" if parts.scheme in ("http", "https") and host else ""


def _cleaned(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _cleaned(below) for key, below in value.items() if not is_secret(key)}
    return [_cleaned(below) for below in value] if isinstance(value, list) else value


def mail_password(original: Mapping[str, Any] | bytes | str) -> str | None:
    """Give the mail password of the recipe as it was sent (its text or its document); None when it has none.

    Raises `RecipeFaults` when a text is given that is no JSON object.
    """
    from .document import read_document  # which masks secrets in its faults, by this file

    node: Any = read_document(original)[0] if isinstance(original, (bytes, str)) else original
    for key in ("notifications", "mail", "pass"):
        node = node.get(key) if isinstance(node, Mapping) else None
    return node if isinstance(node, str) and node else None
