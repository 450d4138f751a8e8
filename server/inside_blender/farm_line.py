# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders one frame of a farm's job by the command line, to a file that appears whole or not at all. Runs inside Blender."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import time
from collections.abc import Callable
from typing import Any, NoReturn

import bpy

from . import devices, farm_job, rendering
from .attempts import Attempt
from .failures import Failure

FRACTION = re.compile(r"(?:Sample|Rendered|Rendering|Path Tracing Tile)\s+(\d+)\s?/\s?(\d+)")
TEXTS_A_SECOND = 2


class _Arguments(argparse.ArgumentParser):
    """Arguments whose faults are failures: argparse would end Blender with a code of its own."""

    def error(self, message: str) -> NoReturn:
        raise Failure("bad_order", f"farm_frame.py: {message}.")


def main(arguments: list[str]) -> None:
    """Do what stands behind `--` in Blender's arguments; Blender always ends here: 0, or 7 and a sentence."""
    try:
        own = arguments[arguments.index("--") + 1 :] if "--" in arguments else []
        asked = _read(own)
        render(asked.job, asked.frame, os.path.abspath(asked.output), asked.progress and os.path.abspath(asked.progress))
    except BaseException as error:
        farm_job.fail(error)
    farm_job.leave(0)


def _read(arguments: list[str]) -> argparse.Namespace:
    parser = _Arguments(prog="farm_frame.py", add_help=False)
    parser.add_argument("--job", required=True)
    parser.add_argument("--frame", required=True, type=int)
    parser.add_argument("--output", required=True)
    parser.add_argument("--progress", default="")
    return parser.parse_args(arguments)


def render(job_file: str, frame: int, target: str, progress: str) -> None:
    """Render `frame` of the job in `job_file` to the file `target`; raise Failure.

    `progress`: a file that always holds the part that is done, 0 to 1, where Blender tells it.
    """
    try:
        with open(job_file, encoding="utf-8") as file:
            text = file.read()
        with contextlib.suppress(FileNotFoundError):
            os.remove(target)
    except (OSError, UnicodeDecodeError) as error:
        raise Failure("not_readable", f"{error}.") from None
    folder = os.path.dirname(target)
    farm = farm_job.read(text, os.path.join(folder, "frame_"), frame)
    attempt = Attempt(f"farm-{frame}")
    with devices.chosen(farm_job.device_word(farm.job.device)) as device:
        for note in device.notes:
            print(f"Render+: {note}", flush=True)
        scene, out = farm_job.put(farm, frame, device.cycles_device, attempt)
        try:
            attempt.make()
            with _telling(Progress(frame, progress)):
                rendering.render_runs(scene, out, (range(frame, frame + 1),))
            _move(out.main_path(frame), target)
        finally:
            _clear(attempt)
    print(f"Render+: frame {frame} is written.", flush=True)


def _move(written: str, target: str) -> None:
    if not os.path.isfile(written) or not os.path.getsize(written):
        raise Failure("file_not_written", "Blender wrote no file for this frame.")
    try:
        os.replace(written, target)
    except OSError as error:
        raise Failure("output", f'"{target}" cannot be written: {error.strerror or error}.') from None


def _clear(attempt: Attempt) -> None:
    for folder in attempt.folders.values():
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.rmdir(os.path.dirname(folder))


class Progress:
    """Keeps a file with the part of the frame that is done, read from the texts of `render_stats`."""

    def __init__(self, frame: int, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Write to `path`; to nowhere if it is empty."""
        self._frame, self._path, self._clock = frame, path, clock
        self._told = -1.0

    def hear(self, text: Any = None, *_: Any) -> None:
        """Take a text in; it is called by Blender, so that it raises nothing."""
        found = FRACTION.search(text) if isinstance(text, str) else None
        now = self._clock()
        if found is None or not int(found[2]) or now - self._told < 1 / TEXTS_A_SECOND:
            return
        self._told = now
        part = min(1.0, int(found[1]) / int(found[2]))
        print(f"Render+: frame {self._frame}, {part:.1%}", flush=True)
        if self._path:
            with contextlib.suppress(OSError):
                _write(self._path, f"{part:.6f}\n")


def _write(path: str, text: str) -> None:
    with open(f"{path}.new", "w", encoding="ascii") as file:
        file.write(text)
    os.replace(f"{path}.new", path)


@contextlib.contextmanager
def _telling(progress: Progress) -> Any:
    """Have the handler hear of the render while it lasts; 3.4 gives it no text."""
    handlers = bpy.app.handlers.render_stats
    handlers.append(progress.hear)
    try:
        yield
    finally:
        handlers.remove(progress.hear)
