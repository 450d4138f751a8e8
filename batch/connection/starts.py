# SPDX-License-Identifier: GPL-3.0-or-later
"""What was started: a folder for each Start, with the saved copy of the .blend, its recipe, and which batch became of it.

This is how another Blender, or the same one after a crash, finds the batch again; the .blend itself may never have
been saved after Start. Layout: `starts/<key>/` with `start.json`, `answer.json` (the last poll answer, when it is over), and
the copy. Runs without Blender.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .data_folder import make_private, write_private

KEPT_SECONDS = 7 * 24 * 3600.0
"""For how long the copy of a batch that is over is kept: failed frames can be rendered again until then."""


@dataclass(frozen=True, slots=True)
class Start:
    """One Start. `source` is the artist's .blend, "" when it was never saved; `created` is in Unix seconds.

    `batch` is 0 until the server took it. `closed`: the artist has seen the result.
    """

    key: str
    source: str
    blend: str
    created: float
    batch: int = 0
    name: str = ""
    over: bool = False
    closed: bool = False
    outputs: tuple[str, ...] = ()


class Starts:
    """The starts of a data folder."""

    def __init__(self, data: Path) -> None:
        self.folder = data / "starts"

    def place(self, key: str) -> Path:
        """Name the folder of a start."""
        return self.folder / key

    def save(self, start: Start) -> None:
        """Write a start down. Raises `OSError`."""
        make_private(self.place(start.key))
        write_private(self.place(start.key) / "start.json", json.dumps(asdict(start), indent=1))

    def mark(self, key: str, **facts: Any) -> None:
        """Change a start that is there."""
        found = self.read(key)
        if found is not None:
            with contextlib.suppress(OSError):
                self.save(replace(found, **facts))

    def read(self, key: str) -> Start | None:
        """Read a start, None when there is none that can be read."""
        with contextlib.suppress(OSError, ValueError, TypeError):
            found = json.loads((self.place(key) / "start.json").read_text("utf-8"))
            if isinstance(found, dict):
                known = {name: found[name] for name in Start.__slots__ if name in found}
                return Start(**known | {"key": key, "outputs": tuple(found.get("outputs", ()))})
        return None

    def all(self) -> list[Start]:
        """List the starts, the newest first."""
        return sorted(self._read_all(), key=lambda start: start.created, reverse=True)

    def open_ones(self) -> list[Start]:
        """List the starts that became a batch and whose result nobody has closed, the newest first."""
        return [start for start in self.all() if start.batch and not start.closed]

    def keep_answer(self, key: str, document: dict[str, Any]) -> None:
        """Keep the last poll answer, so that the result can be seen without a server."""
        with contextlib.suppress(OSError):
            write_private(self.place(key) / "answer.json", json.dumps(document))

    def read_answer(self, key: str) -> dict[str, Any] | None:
        """Read the last poll answer."""
        with contextlib.suppress(OSError, ValueError):
            found = json.loads((self.place(key) / "answer.json").read_text("utf-8"))
            if isinstance(found, dict):
                return found
        return None

    def remove_old(self, now: float, unfinished: Collection[int]) -> None:
        """Remove what is older than `KEPT_SECONDS`, except the copies that an unfinished batch renders."""
        for start in self.all():
            if now - start.created > KEPT_SECONDS and start.batch not in unfinished:
                self.remove(start.key)

    def remove(self, key: str) -> None:
        """Remove a start and its copy. Links in it (to baked simulations) are removed, not what they lead to."""
        shutil.rmtree(self.place(key), ignore_errors=True)

    def _read_all(self) -> Iterator[Start]:
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            found = self.read(path.name)
            if found is not None:
                yield found
