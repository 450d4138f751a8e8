# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request says, whichever way it came: by query, JSON, form or multipart form. Runs without Blender."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from batchserver.model.errors import BadInput

FIELD_LIMIT = 512 * 1024
"""The most bytes that are kept of a form's field: its end, which is where a log says what went wrong."""


@dataclass(slots=True)
class Arguments:
    """The values by name; `cut` are those that were too long to keep, `file` tells whether the file came.

    `repeated` are all short texts, also those whose name came several times.
    """

    values: dict[str, Any] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    file: bool = False
    repeated: list[tuple[str, str]] = field(default_factory=list)

    def text(self, name: str, limit: int = FIELD_LIMIT) -> str:
        """Give a value as text without its NULs, "" when it was not sent; of a longer one its end."""
        value = self.values.get(name)
        if value is None:
            return ""
        text = value if isinstance(value, str) else json.dumps(value)
        return text.replace("\0", "")[-limit:]

    def required(self, name: str) -> str:
        """Give a value that has to be there. Raises `BadInput` with the API's own sentence."""
        if self.values.get(name) is None:
            raise BadInput(f"Missing required parameter {name} in the JSON body or the post body or the query string")
        return self.text(name)

    def number(self, name: str, default: int = 0) -> int:
        """Give a whole number. Raises `BadInput` with the API's own sentence."""
        text = self.text(name, 64).strip()
        if not text:
            return default
        try:
            return int(text[:18])
        except ValueError:
            raise BadInput(f"invalid literal for int() with base 10: {text[:40]!r}") from None

    def numbers(self, name: str) -> list[int]:
        """Give every whole number of a value that was sent several times."""
        texts = [value for key, value in self.repeated if key == name]
        return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) <= 18]

    def object(self, name: str) -> dict[str, Any] | None:
        """Give a value that is a JSON object, or text of one; None when it is not."""
        value = self.values.get(name)
        if isinstance(value, str) and name not in self.cut:
            value = parsed(value)
        return value if isinstance(value, dict) else None


def parsed(text: str | bytes) -> Any:
    """Read JSON; None when it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
