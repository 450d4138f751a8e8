# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of tasks that were fetched from a late server: its job's ZIP, unpacked with bounds, and the pictures, packed flat. Runs without Blender."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from batchserver.model.errors import BadInput

from .arguments import parsed
from .server_recipes import check_type, recipe_of

BOUNDARY = "renderplus-b0a1f5c4d2"
CHUNK = 1024 * 1024
MOST_ENTRIES = 20_000


class ServerFiles:
    """A folder for each such task. `limit` is the most bytes of a job's ZIP, and of what is in it."""

    def __init__(self, folder: Path, limit: int = 16 << 30) -> None:
        self._folder = folder
        self.limit = limit

    def recipe(self, number: int, job: int, task: Mapping[str, Any], fetch: Callable[[IO[bytes]], None]) -> dict[str, Any]:
        """Fetch a task's files and write its recipe. Raises `BadInput`, `OSError`, and what `fetch` raises."""
        check_type(str(task.get("type")))
        settings = task.get("settings")
        settings = parsed(settings) if isinstance(settings, str) else settings
        if not isinstance(settings, dict) or not isinstance(settings.get("filepath"), str):
            raise BadInput("The task's settings name no filepath")
        blend = PurePosixPath(str(settings["filepath"]).replace("\\", "/"))
        if blend.is_absolute() or ".." in blend.parts or not blend.name:
            raise BadInput(f"{str(blend)[:100]!r} is no file within the job's files")
        folder = self._of(number)
        scene = folder / "scene"
        scene.mkdir(parents=True, exist_ok=True)
        (folder / "out").mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            fetch(file)
            _unpack(file, scene, self.limit)
        return recipe_of(number, settings, str(scene / blend), str(folder / "out" / "#####"))

    @contextmanager
    def form(self, number: int, values: Mapping[str, str]) -> Iterator[tuple[IO[bytes], str]]:
        """Write the form that tells a task's end, with its pictures in taskfile.zip; give it with its content type."""
        out = self._of(number) / "out"
        with tempfile.TemporaryFile() as body:
            for name, value in values.items():
                body.write(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
            head = 'Content-Disposition: form-data; name="taskfile"; filename="taskfile.zip"\r\nContent-Type: application/zip\r\n\r\n'
            body.write(f"--{BOUNDARY}\r\n{head}".encode())
            with tempfile.TemporaryFile() as bundle:
                with zipfile.ZipFile(bundle, "w") as archive:
                    for file in sorted(out.iterdir()) if out.is_dir() else ():
                        if file.is_file() and not file.name.startswith("."):
                            archive.write(file, file.name)
                bundle.seek(0)
                shutil.copyfileobj(bundle, body, CHUNK)
            body.write(f"\r\n--{BOUNDARY}--\r\n".encode())
            yield body, f"multipart/form-data; boundary={BOUNDARY}"

    def remove(self, number: int) -> None:
        """Remove a task's files."""
        shutil.rmtree(self._of(number), ignore_errors=True)

    def _of(self, number: int) -> Path:
        return self._folder / f"task-{number}"


def _unpack(file: IO[bytes], folder: Path, limit: int) -> None:
    """Unpack a ZIP below a folder; names cannot lead out of it, and links are written as plain files."""
    total = 0
    try:
        with zipfile.ZipFile(file) as archive:
            if len(archive.infolist()) > MOST_ENTRIES:
                raise BadInput(f"The job's files are more than {MOST_ENTRIES}")
            for entry in archive.infolist():
                to = _place(folder, entry.filename)
                if entry.is_dir() or to is None:
                    continue
                to.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, open(to, "wb") as target:
                    while data := source.read(CHUNK):
                        total += len(data)
                        if total > limit:
                            raise BadInput(f"The job's files have more than {limit >> 20} MB")
                        target.write(data)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise BadInput(f"The job's files cannot be unpacked: {error}") from None


def _place(folder: Path, name: str) -> Path | None:
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts or any(part == ".." or ":" in part or "\0" in part for part in parts):
        return None
    return folder.joinpath(*parts)
