# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a recipe must not be kept, nor be shown in a fault: the mail password. It is handed out separately, and lives in memory only.

A password under a key that we do not know (`password`, `smtp_pass`, somebody's notes) is one, too. Runs without Blender.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_KEY = r"(?:\w*[_-])?(?:pass|pwd|secret|token|api[_-]?key|credentials?)|\w*pass(?:word|wd|phrase)"
_SECRET = re.compile(_KEY, re.IGNORECASE)
_IN_A_LINE = re.compile(rf"""((["'])(?:{_KEY})\2\s*:\s*)(?:(["'])((?:\\.|(?!\3).)*)|[^\s,}}\]"']+)""", re.IGNORECASE)
_MASK = "•"


def is_secret(key: str) -> bool:
    """Tell whether what stands under this key of a recipe is nobody's business."""
    return _SECRET.fullmatch(key) is not None


def masked(line: str) -> str:
    """Put dots for what stands under secret keys in a line of a recipe that may be no JSON; the line keeps its length."""
    return _IN_A_LINE.sub(lambda match: match[1] + (match[3] or "") + _MASK * (match.end() - match.end(1) - len(match[3] or "")), line)


def without_secrets(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give a copy of the document without its secrets; the original stays as it was. Jobs have none."""
    return {key: value if key == "jobs" else _cleaned(value) for key, value in document.items() if not is_secret(key)}


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
