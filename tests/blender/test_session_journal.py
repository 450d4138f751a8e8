# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: after an order the open file stands as it stood, value by value, and the next job meets no trace of it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blender.scenes import RICH
from blender.session_driver import Session, files, job, of
from blender.test_session_isolation import CASES, Case, override

from blenders import ROOT, RealBlender

ALWAYS = {"opening": 0.0}
"""Every file stays open."""

STATE = """
import importlib, importlib.util, json, os, sys
import bpy
folder, blend, orders = sys.argv[sys.argv.index("--") + 1:][:3]
spec = importlib.util.spec_from_file_location("inside", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder])
package = importlib.util.module_from_spec(spec)
sys.modules["inside"], sys.dont_write_bytecode = package, True
spec.loader.exec_module(package)
load = lambda name: importlib.import_module("inside." + name)
journal, rna_state, render_order, orders_module, open_file = map(load, ("journal", "rna_state", "render_order", "orders", "open_file"))

class Silent:
    def emit(self, event, **fields):
        pass
    def note(self, order, sentence):
        pass

def state():
    bpy.context.window.scene.frame_set(1)  # what is animated stands at its frame, now and later
    found = {}
    for rule in bpy.data.bl_rna.properties:
        if rule.type == "COLLECTION" and rule.identifier != "all_ids":
            for block in getattr(bpy.data, rule.identifier):
                for each in (block, getattr(block, "node_tree", None)):
                    if isinstance(each, journal.FOLLOWED):
                        for path, leaf in rna_state.capture(each).items():
                            if path == journal.SPACE:  # filled in by every choice of a format; nothing but a linear format reads it
                                continue
                            found[f"{rule.identifier} {block.name} {each.bl_rna.identifier} {path}"] = repr(leaf.value)
    return found

held = open_file.OpenFile(open_file.Limits(opening=0.0))
lines = [json.dumps(order).encode() for order in json.loads(orders)]
held.open(blend, True)
before = state()
told = {"kept": 0, "wrong": [], "values": len(before)}
for number, line in enumerate(lines):
    try:
        render_order.do(orders_module.read_order(line), Silent(), held)
    except Exception as error:
        told["wrong"].append(f"order {number}: {error!r}")
    if held.opened is None:
        told["wrong"].append(f"order {number}: {held.why_not}")
        break
    after = state()
    told["kept"] += 1
    told["wrong"] += [f"order {number}: {path}: {before.get(path)} is now {after.get(path)}" for path in before.keys() | after.keys()
                      if before.get(path) != after.get(path)][:5]
print("STATE " + json.dumps(told), flush=True)
"""


@pytest.fixture(scope="module")
def rich(real_blender: RealBlender, make_blend: Callable[..., Path]) -> Path:
    """The rich scene, built by the Blender under test."""
    return make_blend(real_blender, "rich", RICH)


@pytest.fixture(scope="module")
def keeping(real_blender: RealBlender, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session that keeps every file open."""
    with Session(str(real_blender.program), tmp_path_factory.mktemp("keeping"), limits=ALWAYS) as running:
        yield running


MORE = (
    Case("formats", {"format": "OPEN_EXR"}),
    Case("formats back", {"format": "JPEG"}),
    Case("custom properties", {"overrides": [override('objects["Cube"]["stretch"]', 2.5)]}),
    Case("rotation", {"overrides": [override('objects["Left"].rotation_mode', "QUATERNION"), override('objects["Left"].scale', [1, 2, 3])]}),
    Case("a camera's lens", {"overrides": [override('cameras["Top"].lens', 80)], "camera": "Top"}),
    Case("all of a frame range", {"percentage": 200, "size": [20, 20], "ignore_border": True, "threads": 1}),
)


@pytest.mark.slow
def test_every_value_stands_as_it_stood(real_blender: RealBlender, rich: Path, tmp_path: Path) -> None:
    """All values of all data-blocks that a job may change, before the first job and after each."""
    chosen = random.Random(5).sample([*CASES, *MORE], len(CASES) + len(MORE))
    orders = [
        {"order": "render", "id": number, "job": job(rich, tmp_path / f"{number}_", **case.asks), "frames": [[case.frame, case.frame, 1]], "attempt": "1"}
        for number, case in enumerate(chosen)
    ]
    done = real_blender.run(STATE, ROOT / "server" / "inside_blender", rich, json.dumps(orders))
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("STATE ")]
    told = json.loads(line.removeprefix("STATE "))
    assert not told["wrong"], (told["wrong"][:20], [case.name for case in chosen])
    assert told["kept"] == len(chosen)
    assert told["values"] > 2000


def test_a_mesh_or_an_image_that_was_changed_is_opened_again(keeping: Session, rich: Path, tmp_path: Path) -> None:
    """Some data-blocks have more than values; an action that two things use was copied, and the copy would stay."""

    def kept_after(**asks: object) -> bool:
        events = keeping.render(job(rich, tmp_path / "a_", **asks), [[1, 1, 1]])
        assert events[-1]["event"] == "done", events[-1]
        again = keeping.render(job(rich, tmp_path / "b_"), [[1, 1, 1]])
        return bool(of(again, "opened")[-1]["kept"])

    assert kept_after()
    assert not kept_after(overrides=[override('meshes["Cube"].use_auto_texspace', False)])
    assert kept_after(overrides=[override('objects["Cube"].location[1]', 2)])


def test_a_file_that_is_quick_to_open_and_to_render_is_opened_for_every_order(real_blender: RealBlender, rich: Path, tmp_path: Path) -> None:
    """A journal would cost more than the opening."""
    with Session(str(real_blender.program), tmp_path, limits={"opening": 60.0, "frame": 60.0}) as session:
        renders = [session.render(job(rich, tmp_path / "c_"), [[1, 1, 1]]) for _ in range(3)]
    assert [of(events, "opened")[-1]["kept"] for events in renders] == [False] * 3
    assert all(len(files(events)) == 1 for events in renders)
