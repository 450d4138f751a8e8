# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a farm's job on the file that a SheepIt client opened, whose own `-o X -f N` renders it afterwards. Runs inside Blender.

Blender puts the scene back after a script, and `-f` renders the one that the file opened with: a job for another scene is rendered
here, to the name that the client expects, and Blender ends. So it does when anything fails: no picture is better than a wrong one.
"""

from __future__ import annotations

import ast
import contextlib
import itertools
import os
import re
import sys

import bpy

from . import devices, farm_job, paths, rendering
from .attempts import Attempt
from .failures import Failure

CALL = re.compile(r"^sheepit_set_compute_device(\(.*\))\s*;?\s*$", re.MULTILINE)
"""The client's own line, below our text."""

LINKED = re.compile(r"renderplus-\d+-.*\.blend", re.DOTALL)
"""The link to the .blend that our `rend.exe` opens: clients delete the .blend as soon as Blender says a word."""

EXTRACTED = ".renderplus.py"
"""How the name of a script ends that our `rend.exe` made from the client's."""


def run(text: str, script: str) -> None:
    """Put the job on the open file; a failure ends Blender."""
    try:
        _run(text, script)
    except BaseException as error:
        farm_job.fail(error)


def set_device(kind: str, family: str, name: str) -> None:
    """Have Cycles compute on what the client chose, in every scene; a failure ends Blender."""
    try:
        device = _device(kind, family, name)
        for scene in bpy.data.scenes:
            if hasattr(scene, "cycles"):
                paths.put(scene.cycles, "device", device)
    except BaseException as error:
        farm_job.fail(error)


def _run(text: str, script: str) -> None:
    _take_gone_properties()
    chosen = _device_line(script)
    _clean_up(script)
    frame, output = asked_for(sys.argv)
    farm = farm_job.without_device(farm_job.read(text, output, frame))
    opened_with = {bpy.context.scene, *(window.scene for window in bpy.context.window_manager.windows)}
    scene, out = farm_job.put(farm, frame, _device(*chosen) if chosen else "", Attempt("farm"))
    if opened_with == {scene}:
        _tell_phases(frame)
        return
    scene.render.use_file_extension = True  # the client's `-x 1`
    out.pattern = scene.render.filepath = paths.literal(output)
    rendering.render_runs(scene, out, (range(frame, frame + 1),))
    if not os.path.isfile(out.main_path(frame)):
        raise Failure("file_not_written", "Blender wrote no file for this frame.")
    farm_job.leave(0)


def asked_for(arguments: list[str]) -> tuple[int, str]:
    """The frame and the output of Blender's own arguments; raise Failure."""
    found: dict[str, str] = {}
    for option, value in itertools.pairwise(arguments):
        name = {"--render-output": "-o", "--render-frame": "-f"}.get(option, option)
        if name in {"-o", "-f"}:
            found[name] = value
    if not re.fullmatch(r"\d{1,9}", found.get("-f", "")) or not found.get("-o"):
        raise Failure("bad_order", "The command line names no output (-o) and frame (-f).")
    return int(found["-f"]), os.path.abspath(found["-o"]) + ("/" if found["-o"].endswith("/") else "")


def _device_line(script: str) -> tuple[str, str, str] | None:
    """What the client's own line below our text will choose; None if there is none."""
    try:
        with open(script, encoding="utf-8", errors="replace") as file:
            calls = CALL.findall(file.read())
        values = ast.literal_eval(calls[-1]) if calls else None
    except (OSError, ValueError, SyntaxError):
        return None
    return values if isinstance(values, tuple) and len(values) == 3 and all(isinstance(value, str) for value in values) else None


def _device(kind: str, family: str, name: str) -> str:
    """Enable the client's device, and return the word for `cycles.device`. A GPU that Blender does not find leaves the CPU."""
    if family.upper() == "CPU" or kind.upper() in {"NONE", "CPU", ""}:
        return "CPU"
    prefs = devices.preferences()
    same = [gpu for gpu in devices.gpus(prefs) if gpu.type == kind.upper()]
    number = re.search(r"(\d+)$", name)
    wanted = [gpu for gpu in same if name in {gpu.id, gpu.name}] or (same[int(number[1]) :][:1] if number else same[:1])
    if not wanted:
        print(f'Render+: Blender finds no {kind} device "{name}" here: it is rendered on the CPU.', flush=True)
        return "CPU"
    devices.enable(prefs, wanted)
    return "GPU"


def _clean_up(script: str) -> None:
    """Remove what our `rend.exe` made for this start, and what is open now."""
    with contextlib.suppress(OSError):
        if script.endswith(EXTRACTED):
            os.remove(script)
        if LINKED.fullmatch(os.path.basename(bpy.data.filepath)):
            os.remove(bpy.data.filepath)


def _take_gone_properties() -> None:
    """Old clients set the size of Cycles' tiles below our text; from Blender 3.0 on that would be an error."""
    for name in ("tile_x", "tile_y"):
        if name not in bpy.types.RenderSettings.bl_rna.properties:
            setattr(bpy.types.RenderSettings, name, property(lambda _: 0, lambda _, value: None))


def _tell_phases(frame: int) -> None:
    """Say what the clients wait for in the words of Blender to 4.5 with Cycles: later ones print other lines, and other engines none."""
    bpy.app.handlers.render_post.append(lambda *_: print(f"Fra:{frame} Mem:0.00M (Peak 0.00M) | Time:00:00.00 | Compositing", flush=True))
    bpy.app.handlers.render_write.append(lambda *_: print(f"Fra:{frame} Mem:0.00M (Peak 0.00M) | Time:00:00.00 | Finished", flush=True))
