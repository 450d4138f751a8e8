# SPDX-License-Identifier: GPL-3.0-or-later
"""Event lines: what a session tells its server, on a stdout that it shares with C code and add-ons.

An event is one JSON object on a line of its own, behind a word that only this session's server knows, and is written with
one system call: nothing else can land in the middle of it. Runs inside Blender (needs no bpy).
"""

from __future__ import annotations

import json
import os
import tempfile
from typing import Any

from . import c_output

LONGEST_LINE = 4096
"""Bytes that a pipe takes in one piece (POSIX PIPE_BUF on Linux); an event line stays below."""

AFTER_PRINTING = frozenset({"opened", "inspected", "looked", "failed", "done"})
"""Events that are judged by what was printed before them."""


class Events:
    """Writes the events of one session."""

    def __init__(self, token: str, folder: str, descriptor: int = 1) -> None:
        """Write to `descriptor` behind `token`; events too long for a line go to files in `folder`."""
        self._mark = f"@renderplus:{token} "
        self._folder = folder
        self._descriptor = descriptor

    def emit(self, event: str, **fields: Any) -> None:
        """Write one event; fields are anything that JSON can say."""
        if event in AFTER_PRINTING:
            c_output.flush()
        body = {"event": event, **fields}
        line = self._line(body)
        if len(line) >= LONGEST_LINE:
            line = self._line({"event": event, "id": fields.get("id"), "file": self._keep(body)})
        os.write(self._descriptor, line)

    def note(self, order: int | None, sentence: str) -> None:
        """Tell a sentence for the job's messages; a `Note` has a code, too."""
        self.emit("note", id=order, code=getattr(sentence, "code", ""), message=str(sentence))

    def _line(self, body: dict[str, Any]) -> bytes:
        text = json.dumps(body, ensure_ascii=True, separators=(",", ":"), default=str)
        return f"\n{self._mark}{text}\n".encode("ascii")

    def _keep(self, body: dict[str, Any]) -> str:
        """Write a long event to a file of its own and return the file's path."""
        os.makedirs(self._folder, exist_ok=True)
        descriptor, path = tempfile.mkstemp(prefix="event-", suffix=".json", dir=self._folder)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump(body, file, ensure_ascii=True, default=str)
        return path
