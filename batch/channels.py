# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels for messages: which kinds there are, what each needs, and what one of them lacks. The server has the same kinds (docs/notifications.md).

A channel of the preferences has a name, a kind and a key; its address and token are secrets, and stand elsewhere under that key.
Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from .sentences import sentence

MOST = 20
"""Channels that a recipe may have."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of channel needs (`url`, `token`, `to`), and what else it takes. `example` is an address."""

    needs: frozenset[str]
    takes: frozenset[str] = frozenset()
    example: str = ""

    def has(self, field: str) -> bool:
        """Tell whether a field means something to this kind."""
        return field in self.needs or field in self.takes


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "NTFY": Kind(frozenset({"url"}), frozenset({"token"}), "https://ntfy.sh/my-secret-topic"),
        "GOTIFY": Kind(frozenset({"url", "token"}), example="https://push.example.org"),
        "DISCORD": Kind(frozenset({"url"}), example="https://discord.com/api/webhooks/…"),
        "SLACK": Kind(frozenset({"url"}), example="https://hooks.slack.com/services/…"),
        "TELEGRAM": Kind(frozenset({"token", "to"}), frozenset({"url"}), "https://api.telegram.org"),
        "WEBHOOK": Kind(frozenset({"url"}), frozenset({"token"}), "https://example.org/hook"),
        "APPRISE": Kind(frozenset({"url"}), example="mmost://host/token"),
    }
)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What of a channel nobody else may know."""

    url: str = ""
    token: str = ""


def fault(kind: str, to: str, secrets: Secrets | None) -> str:
    """Say what a channel lacks, "" when it is complete."""
    needs = KINDS[kind]
    if secrets is None:
        return sentence("Its address is not on this computer; enter it again")
    if "token" in needs.needs and not secrets.token:
        return sentence("Its token is missing")
    if "to" in needs.needs and not to.strip():
        return sentence("The number of the chat is missing")
    if "url" in needs.needs and not secrets.url:
        return sentence("Its address is missing")
    if secrets.url and needs.has("url") and kind != "APPRISE" and not _is_address(secrets.url):
        return sentence("Its address is none; it begins with https:// or http://")
    return ""


def host(url: str) -> str:
    """Give the part of an address that is no secret."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def as_recipe(kind: str, to: str, secrets: Secrets, *, enabled: bool) -> dict[str, Any]:
    """Write a channel as a recipe has it."""
    fields = KINDS[kind]
    return {
        "enabled": enabled,
        "kind": kind.lower(),
        "url": secrets.url if fields.has("url") else "",
        "token": secrets.token if fields.has("token") else "",
        "to": to.strip() if fields.has("to") else "",
    }


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
