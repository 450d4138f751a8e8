# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a recipe must not be kept: the mail password. It is handed out separately, and lives in memory only.

Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .document import read_document


def without_secrets(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give a copy of the document without the mail password; the original stays as it was."""
    kept = dict(document)
    notifications = kept.get("notifications")
    if isinstance(notifications, Mapping):
        mail = notifications.get("mail")
        kept["notifications"] = dict(notifications)
        if isinstance(mail, Mapping):
            kept["notifications"]["mail"] = {key: value for key, value in mail.items() if key != "pass"}
    return kept


def mail_password(original: Mapping[str, Any] | bytes | str) -> str | None:
    """Give the mail password of the recipe as it was sent (its text or its document); None when it has none.

    Raises `RecipeFaults` when a text is given that is no JSON object.
    """
    node: Any = read_document(original)[0] if isinstance(original, (bytes, str)) else original
    for key in ("notifications", "mail", "pass"):
        node = node.get(key) if isinstance(node, Mapping) else None
    return node if isinstance(node, str) and node else None
