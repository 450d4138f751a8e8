# SPDX-License-Identifier: GPL-3.0-or-later
"""No trace of one job stays in the next: jobs in random order in one warm session, compared with cold single renders.

The cold renders run plain bpy code of their own in a fresh process for each job; nothing of `inside_blender` is in them.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from blender.png_pixels import read_png
from blender.scenes import RICH
from blender.session_driver import Session, files, job, of

from blenders import RealBlender

ALONE = {"MESA_SHADER_CACHE_DISABLE": "true"}
"""A cache of shaders that two processes share may kill both."""


@dataclass(frozen=True)
class Case:
    """One job: what it asks of the session, and the plain bpy code that does the same."""

    name: str
    asks: dict[str, Any] = field(default_factory=dict)
    code: str = ""
    frame: int = 5


def override(path: str, data: Any) -> dict[str, Any]:
    """An override of the protocol."""
    return {"name": path, "path": path, "data": data, "library": ""}


UNBIND = "[setattr(m, 'camera', None) for m in s.timeline_markers]"
CYCLES = "r.engine = 'CYCLES'; "
CASES = (
    Case("as the file has it"),
    Case("another frame", frame=2),
    Case("a camera", {"camera": "Top"}, f"{UNBIND}; s.camera = bpy.data.objects['Top']"),
    Case("the file's own camera by name", {"camera": "Camera"}, f"{UNBIND}; s.camera = bpy.data.objects['Camera']"),
    Case("another scene", {"scene": "Other"}, "s = bpy.context.window.scene = bpy.data.scenes['Other']; r = s.render"),
    Case("a layer", {"view_layers": ["Second"]}, "s.view_layers['ViewLayer'].use = False"),
    Case("size and percentage", {"size": [80, 60], "percentage": 50}, "r.resolution_x, r.resolution_y, r.resolution_percentage = 80, 60, 50"),
    Case(
        "a section",
        {"section": {"x": 0.25, "y": 0.3, "width": 0.4, "height": 0.5}},
        "r.use_border = r.use_crop_to_border = True; r.border_min_x, r.border_min_y, r.border_max_x, r.border_max_y = 0.25, 0.3, 0.65, 0.8",
    ),
    Case("Cycles", {"engine": "CYCLES", "cycles": {"samples": 3, "device": "CPU"}}, CYCLES + "s.cycles.samples = 3"),
    Case(
        "Cycles with a world",
        {"engine": "CYCLES", "world": "Day", "camera": "Left"},
        CYCLES + f"s.world = bpy.data.worlds['Day']; s.camera = bpy.data.objects['Left']; {UNBIND}",
    ),
    Case("Cycles at night", {"engine": "CYCLES", "world": "Night"}, CYCLES + "s.world = bpy.data.worlds['Night']"),
    Case(
        "a driven and an animated property",
        {"overrides": [override('objects["Cube"].scale', [1, 1.5, 0.3]), override('objects["Cube"].location[0]', -1)]},
        "c = bpy.data.objects['Cube']; c.driver_remove('scale', 2); c.animation_data_clear(); "
        "c.scale = (1, 1.5, 0.3); c.location = (-1, 0, 0)",
    ),
    Case(
        "material, light and film",
        {"engine": "CYCLES", "overrides": [
            override('materials["Gold"].node_tree.nodes["Principled BSDF"].inputs[0].default_value', "(0.1, 0.9, 0.2, 1.0)"),
            override('lights["Light"].energy', 700), override("render.film_transparent", "True"), override('bpy.data.lights["Light"].color', [1, 0.2, 0.2])]},
        CYCLES + "bpy.data.materials['Gold'].node_tree.nodes['Principled BSDF'].inputs[0].default_value = (0.1, 0.9, 0.2, 1.0); "
        "l = bpy.data.lights['Light']; l.animation_data_clear(); l.energy = 700; l.color = (1, 0.2, 0.2); r.film_transparent = True",
    ),
    Case(
        "look and shading",
        {"overrides": [
            override("view_settings.exposure", 1.5), override("display.shading.color_type", "RANDOM"), override('objects["Cube"].hide_render', True)]},
        "s.view_settings.exposure = 1.5; s.display.shading.color_type = 'RANDOM'; bpy.data.objects['Cube'].hide_render = True",
    ),
)  # fmt: skip

COLD = """
import json, sys
import bpy
blend, output, code, frame = sys.argv[sys.argv.index("--") + 1:][:4]
bpy.ops.wm.open_mainfile(filepath=blend)
s = bpy.context.scene
r = s.render
exec(code)
r.filepath = output
s.frame_start = s.frame_end = int(frame)
bpy.ops.render.render(animation=True)
"""


@pytest.fixture(scope="module")
def rich(real_blender: RealBlender, make_blend: Callable[..., Path]) -> Path:
    """The rich scene, built by the Blender under test."""
    return make_blend(real_blender, "rich", RICH)


@pytest.fixture(scope="module")
def cold(real_blender: RealBlender, rich: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every case as a fresh process renders it."""
    folder = tmp_path_factory.mktemp("cold")
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip((case.name for case in CASES), pool.map(lambda case: _cold(real_blender, rich, case, folder), CASES), strict=True))
    assert len({path.read_bytes() for path in found.values()}) > len(CASES) - 3, "the cases hardly differ: nothing would be proved"
    return found


@pytest.mark.slow
@pytest.mark.parametrize("open_for", ["each job", "all jobs"])
def test_no_trace_of_a_job_stays_in_the_next(real_blender: RealBlender, rich: Path, cold: dict[str, Path], tmp_path: Path, open_for: str) -> None:
    """Each case comes twice, in a random order that the failure names; with the file opened for each job, and with the file that stays open."""
    seed = 20261122
    order = random.Random(seed).sample([*CASES, *CASES], 2 * len(CASES))
    limits = {"opening": 60.0 if open_for == "each job" else 0.0, "frame": 60.0}
    with Session(str(real_blender.program), tmp_path, ALONE, limits=limits) as session:
        for number, case in enumerate(order):
            events = session.render(job(rich, tmp_path / f"warm{number}" / "p_", **case.asks), [[case.frame, case.frame, 1]])
            assert events[-1]["event"] == "done", (seed, number, case.name, events[-1])
            assert of(events, "opened")[-1]["kept"] == (open_for == "all jobs" and number > 0), (number, case.name, session.output[-3:])
            (written,) = files(events)
            differing = read_png(written).differing(read_png(cold[case.name]))
            assert differing == 0, f"seed {seed}, job {number} ({case.name}) after {order[number - 1].name!r}: {differing} bytes differ"


def _cold(blender: RealBlender, blend: Path, case: Case, folder: Path) -> Path:
    output = folder / case.name.replace(" ", "_")
    done = blender.run(COLD, blend, f"{output}_", case.code or "pass", str(case.frame), **ALONE)
    (found,) = folder.glob(f"{output.name}_0*.png")
    assert found.stat().st_size, done.stdout
    return found


def test_preferences_and_handlers_are_as_before(session: Session, rich: Path, tmp_path: Path) -> None:
    """A job with a device leaves Cycles' preferences alone; a failing one leaves no handler that speaks for it."""
    events = session.render(job(rich, tmp_path / "a_", engine="CYCLES", cycles={"samples": 1, "device": "GPU"}), [[1, 1, 1]])
    assert any("GPU" in event["message"] for event in events if event["event"] == "note")
    session.render(job(rich, tmp_path / "b_", overrides=[override("render.nothing", 1)]), [[1, 1, 1]])
    events = session.render(job(rich, tmp_path / "c_"), [[1, 2, 1]])
    assert [event["frame"] for event in events if event["event"] == "frame_started"] == [1, 2]
    assert len([event for event in events if event["event"] == "frame_written"]) == 2
    assert json.dumps(events[-1]) == json.dumps({"event": "done", "id": events[-1]["id"]})
