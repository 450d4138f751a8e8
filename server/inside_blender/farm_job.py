# SPDX-License-Identifier: GPL-3.0-or-later
"""A farm's job: read from its JSON and put on the open file with the very functions of a session. Runs inside Blender.

What the job's owner had and this computer lacks (a file, a denoiser) fails the frame: the picture would be another one.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import bpy

from . import c_output, devices, lacking, outputs, render_order
from .attempts import Attempt
from .events import Events
from .failures import Failure
from .orders import Job, Order, read_order
from .outputs import Outputs

EXIT_CODE = 7
"""Of a Blender that could not do its job; what --python-exit-code is told on the command lines, too."""


class Printing(Events):
    """Prints what a session would tell its server."""

    def __init__(self) -> None:
        """Print to stdout; events but notes are left out."""
        super().__init__("", "")
        self.codes: set[str] = set()

    def emit(self, event: str, **fields: Any) -> None:
        """Print a note."""
        if event == "note":
            self.codes.add(str(fields.get("code", "")))
            print(f"Render+: {fields.get('message', '')}", flush=True)


@dataclass(frozen=True)
class FarmJob:
    """A job, and what its owner's computer lacks already: the names of missing files, and whether it has a denoiser."""

    job: Job
    missing: frozenset[str]
    denoiser: bool


def read(text: str, output: str, frame: int) -> FarmJob:
    """Read a farm's JSON for the open file, its picture to be written to `output`; raise Failure."""
    try:
        raw = json.loads(text)
        asked = {**raw["job"], "blend": bpy.data.filepath, "output": output, "span": [frame, frame]}
        missing, denoiser = frozenset(map(str, raw["missing"])), raw["denoiser"] is True
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Failure("bad_order", f"The job's JSON cannot be read: {error!r}.") from None
    order = read_order(json.dumps({"order": "render", "id": 0, "job": asked, "frames": [[frame, frame, 1]], "attempt": "farm"}).encode())
    assert order.job is not None
    return FarmJob(order.job, missing, denoiser)


def put(farm: FarmJob, frame: int, cycles_device: str, attempt: Attempt) -> tuple[bpy.types.Scene, Outputs]:
    """Put a job on the open file for one frame, as a session does; raise Failure."""
    if not bpy.data.filepath:
        raise Failure("cannot_open", "No .blend is open.")
    lost = sorted(lacking.names() - farm.missing)
    if lost:
        raise Failure("missing_file", f"Files of the scene are not here: {', '.join(lost[:5])}{' …' if len(lost) > 5 else ''}.")
    teller = Printing()
    order = Order("render", 0, farm.job, frames=(range(frame, frame + 1),), attempt=attempt.name)
    scene = render_order.prepare(order, teller, farm.job, cycles_device)
    if farm.denoiser and "not_denoised" in teller.codes:
        raise Failure("no_denoiser", f"The scene denoises its renders, and this Blender {bpy.app.version_string} was built without a denoiser.")
    return scene, outputs.redirect(farm.job, scene, attempt, (frame, frame))


def without_device(farm: FarmJob) -> FarmJob:
    """Leave the device to the client."""
    return replace(farm, job=replace(farm.job, device="DEFAULT"))


def device_word(word: str) -> str:
    """A job's device for another computer: the number or name of its owner's GPU means any GPU."""
    return word if word.upper() in {"DEFAULT", "CPU", "GPU"} or not devices.preferences() else "GPU"


def leave(code: int) -> NoReturn:
    """End Blender at once."""
    c_output.flush()
    sys.stderr.flush()
    os._exit(code)


def fail(error: BaseException) -> NoReturn:
    """Say why there is no picture, and end Blender; what is no Failure is an error of ours."""
    if isinstance(error, Failure):
        sentence = error.message
    else:
        traceback.print_exception(type(error), error, error.__traceback__)
        sentence = f"Render+ met an error of its own: {type(error).__name__}: {error}"
    print(f"Render+ failed: {sentence}", flush=True)
    leave(EXIT_CODE)
