# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that is received into a folder of the task's, and goes when it was read. Runs without Blender."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO


class Received:
    """A new file, made when the first of it comes, to write into and then to read; use it as a context: it is removed at the end."""

    def __init__(self, folder: Callable[[], Path], limit: int) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self.limit = limit

    @property
    def path(self) -> Path | None:
        """Where it is, None while nothing came."""
        return None if self._file is None else Path(self._file.name)

    def write(self, data: bytes) -> int:
        """Add to it."""
        if self._file is None:
            self._file = tempfile.NamedTemporaryFile(dir=self._folder(), prefix="taskfile-", suffix=".zip", delete=False)  # noqa: SIM115 - the context ends it
        return self._file.write(data)

    def whole(self) -> Path | None:
        """End the writing, and give what came."""
        if self._file is not None:
            self._file.close()
        return self.path

    def __enter__(self) -> Received:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()
            Path(self._file.name).unlink(missing_ok=True)


class Nowhere:
    """Takes a file that nobody needs any more."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def write(self, data: bytes) -> int:
        """Let it go."""
        return len(data)
