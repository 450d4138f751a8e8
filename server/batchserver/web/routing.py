# SPDX-License-Identifier: GPL-3.0-or-later
"""A route as a value, so that the app, its description and their test read one table. Runs without Blender."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from .reply import FileReply, Reply

Handler = Callable[..., Reply | FileReply]
"""Takes the request (`Asked`) and the path's parts by name, as text."""


@dataclass(frozen=True, slots=True)
class Route:
    """A method, a path as OpenAPI writes it (`/batch/jobs/{index}`), and what answers."""

    method: str
    path: str
    handler: Handler

    @property
    def pattern(self) -> str:
        """Give the path as bottle writes it."""
        return re.sub(r"\{(\w+)\}", r"<\1>", self.path)
