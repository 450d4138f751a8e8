# SPDX-License-Identifier: GPL-3.0-or-later
"""Every file that a frame writes is known before the render: views, layers, File Output nodes old and new."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from blender.scenes import PLAIN
from blender.session_driver import Event, Session, files, job, of

from blenders import RealBlender

STEREO = (
    PLAIN
    + """
scene.render.use_multiview = True
scene.render.views_format = "STEREO_3D"
scene.render.image_settings.views_format = "INDIVIDUAL"
"""
)

MULTIVIEW = (
    PLAIN
    + """
scene.render.use_multiview = True
scene.render.views_format = "MULTIVIEW"
view = scene.render.views.new("centre")
view.camera_suffix = "_C"
view.file_suffix = "_C"
settings = scene.render.image_settings
if hasattr(settings, "media_type"):
    settings.media_type = "IMAGE"
settings.file_format = "OPEN_EXR"
settings.views_format = "MULTIVIEW"
"""
)

# The new node (5.0) and the old one, with the same outcome as far as they can: an image to a folder of its own, one in
# a sub-folder with digits of its own in another format, an unlinked one, one in a nested group, a muted one.
NODES = (
    PLAIN
    + """
new = bpy.app.version >= (5, 0)
def tree_of(name):
    return bpy.data.node_groups.new(name, "CompositorNodeTree")
if new:
    tree = tree_of("Comp")
    scene.compositing_node_group = tree
    tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    layers = tree.nodes.new("CompositorNodeRLayers")
    tree.links.new(layers.outputs["Image"], tree.nodes.new("NodeGroupOutput").inputs[0])
else:
    scene.use_nodes = True
    tree = scene.node_tree
    layers = next(node for node in tree.nodes if node.type == "R_LAYERS")
def output(tree, folder, source, names, source2=None):
    node = tree.nodes.new("CompositorNodeOutputFile")
    if new:
        node.directory, node.file_name = folder, ""
        node.format.media_type = "IMAGE"
        for name in names:
            node.file_output_items.new("RGBA", name)
    else:
        node.base_path = folder
        node.file_slots.clear()
        for name in names:
            node.file_slots.new(name)
    for index in range(2 if len(names) > 1 else 1):
        tree.links.new(source, node.inputs[index])
    return node
node = output(tree, "//passes/", layers.outputs["Image"], ["beauty_", "deep/##_alpha", "unlinked"])
if new:
    item = node.file_output_items[1]
    item.override_node_format = True
    item.format.media_type = "IMAGE"
    item.format.file_format = "JPEG"
else:
    item = node.file_slots[1]
    item.use_node_format = False
    item.format.file_format = "JPEG"
output(tree, "//muted/", layers.outputs["Image"], ["muted_"]).mute = True
output(tree, "//up/here/", layers.outputs["Image"], ["../beside_"])
group = tree_of("Inner")
if hasattr(group, "interface"):
    group.interface.new_socket("In", in_out="INPUT", socket_type="NodeSocketColor")
else:
    group.inputs.new("NodeSocketColor", "In")
inside = group.nodes.new("NodeGroupInput")
output(group, "//nested", inside.outputs[0], ["nested_"])
outer = tree.nodes.new("CompositorNodeGroup")
outer.node_tree = group
tree.links.new(layers.outputs["Image"], outer.inputs[0])
reroute = tree.nodes.new("NodeReroute")
output(tree, "//nowhere", reroute.outputs[0], ["nowhere_"])
multi = tree.nodes.new("CompositorNodeOutputFile")
if new:
    multi.directory, multi.file_name = "//layers", "all_"
    multi.format.media_type = "MULTI_LAYER_IMAGE"
    multi.file_output_items.new("RGBA", "Image")
else:
    multi.base_path = "//layers/all_"
    multi.format.file_format = "OPEN_EXR_MULTILAYER"
tree.links.new(layers.outputs["Image"], multi.inputs[0])
"""
)


def names(events: list[Event], folder: Path) -> list[str]:
    """The files that were found, as paths from `folder` without the attempt's part."""
    return sorted(str(Path(path).relative_to(folder)).replace(".renderplus/1-1/", "") for path in files(events))


def check(events: list[Event]) -> None:
    """Done, and each frame found exactly what it foretold."""
    assert events[-1]["event"] == "done", events[-1]
    for started, written in zip(of(events, "frame_started"), of(events, "frame_written"), strict=True):
        assert sorted(started["expect"]) == sorted(written["files"])


def test_stereo_views_have_files_of_their_own(session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    events = session.render(job(make_blend(real_blender, "stereo", STEREO), tmp_path / "p_"), [[1, 2, 1], [-1, -1, 1]])
    check(events)
    assert names(events, tmp_path) == ["p_-0001_L.png", "p_-0001_R.png", "p_0001_L.png", "p_0001_R.png", "p_0002_L.png", "p_0002_R.png"]


def test_a_multi_view_exr_is_one_file(session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    events = session.render(job(make_blend(real_blender, "multiview", MULTIVIEW), tmp_path / "p_"), [[1, 1, 1]])
    check(events)
    assert names(events, tmp_path) == ["p_0001.exr"]


def test_all_views_of_a_multi_view_scene_are_foretold(session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    source = MULTIVIEW + '\nsettings.views_format = "INDIVIDUAL"\nscene.render.views["right"].use = False\n'
    source += 'eye = bpy.data.objects.new("Camera_C", bpy.data.cameras.new("c"))\nscene.collection.objects.link(eye)\n'
    events = session.render(job(make_blend(real_blender, "three", source), tmp_path / "p_", format="PNG"), [[1, 1, 1]])
    check(events)
    assert names(events, tmp_path) == ["p_0001_C.png", "p_0001_L.png"]


COMMON = ["layers/all_0003.exr", "main_0003.png", "nested/nested_0003.png", "passes/beauty_0003.png", "passes/deep/03_alpha.jpg"]


def expected(blender: RealBlender) -> list[str]:
    """The new node makes an item's name harmless by itself; the old one lets it lead out of the folder."""
    return sorted([*COMMON, "up/here/_./beside_0003.png" if blender.version >= (5, 0) else "up/beside_0003.png"])


@pytest.fixture
def nodes(real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> Path:
    """A copy of the scene with File Output nodes: they write beside it."""
    copy = tmp_path / "nodes.blend"
    copy.write_bytes(make_blend(real_blender, "nodes", NODES).read_bytes())
    return copy


def test_file_output_nodes_are_redirected_and_foretold(session: Session, real_blender: RealBlender, nodes: Path, tmp_path: Path) -> None:
    events = session.render(job(nodes, tmp_path / "main_"), [[3, 3, 1]])
    check(events)
    assert names(events, tmp_path) == expected(real_blender)
    (plan,) = of(events, "plan")
    up = "up/here" if real_blender.version >= (5, 0) else "up"
    folders = {str(tmp_path / name) for name in ("passes", "layers", "nested", "nowhere", up)}
    assert {folder["final"] for folder in plan["folders"]} == {str(tmp_path), *folders}
    outside = [path for path in tmp_path.rglob("*") if path.is_file() and ".renderplus" not in path.parts and path.suffix in {".png", ".exr", ".jpg"}]
    assert not outside


def test_the_next_frame_of_the_next_attempt_finds_only_its_own_files(session: Session, real_blender: RealBlender, nodes: Path, tmp_path: Path) -> None:
    for frame, attempt in ((1, "1-1"), (2, "1-1"), (3, "1-1")):
        events = session.render(job(nodes, tmp_path / "main_"), [[frame, frame, 1]], attempt=attempt)
        check(events)
    assert names(events, tmp_path) == expected(real_blender)


def test_views_of_file_output_nodes_are_foretold(session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    source = NODES + STEREO.removeprefix(PLAIN)
    (tmp_path / "n.blend").write_bytes(make_blend(real_blender, "stereo_nodes", source).read_bytes())
    events = session.render(job(tmp_path / "n.blend", tmp_path / "main_"), [[3, 3, 1]])
    check(events)
    found = names(events, tmp_path)
    assert {"main_0003_L.png", "main_0003_R.png", "passes/beauty_0003_L.png", "nested/nested_0003_R.png", "passes/deep/03_alpha_R.jpg"} < set(found)


PLAIN_VALUES = (
    NODES
    + """
colour = tree.nodes.new("CompositorNodeRGB")
output(tree, "//plain", colour.outputs[0], ["colour_"])
output(tree, "//plain", tree.nodes.new("CompositorNodeBlur").outputs[0], ["blur_of_nothing_"])
scene.view_layers[0].use_pass_mist = True
mist = layers.outputs.get("Mist")
if mist is not None:
    output(tree, "//plain", mist, ["mist_"])
scene.view_layers[0].use_pass_mist = False
muted = tree.nodes.new("CompositorNodeBlur")
tree.links.new(layers.outputs["Image"], muted.inputs[0])
muted.mute = True
output(tree, "//through", muted.outputs[0], ["muted_"])
tree.links.new(layers.outputs["Image"], tree.nodes.new("CompositorNodeBlur").inputs[0])
"""
)


def test_plain_values_and_passes_that_are_off_are_not_waited_for(
    session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "v.blend").write_bytes(make_blend(real_blender, "values", PLAIN_VALUES).read_bytes())
    events = session.render(job(tmp_path / "v.blend", tmp_path / "main_"), [[3, 3, 1]])
    check(events)
    assert names(events, tmp_path) == sorted([*expected(real_blender), "through/muted_0003.png"])


def test_a_layer_that_is_not_rendered_is_not_waited_for(session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    source = NODES + 'scene.view_layers.new("Other")\n'
    (tmp_path / "l.blend").write_bytes(make_blend(real_blender, "layer_off", source).read_bytes())
    events = session.render(job(tmp_path / "l.blend", tmp_path / "main_", view_layers=["Other"]), [[3, 3, 1]])
    assert events[-1]["event"] == "done"
    (started,), (written,) = of(events, "frame_started"), of(events, "frame_written")
    assert set(started["expect"]) <= set(written["files"])
    assert started["expect"] == [str(tmp_path / ".renderplus" / "1-1" / "main_0003.png")]


def test_inspection_foretells_the_final_files_and_writes_nothing(session: Session, real_blender: RealBlender, nodes: Path, tmp_path: Path) -> None:
    answer = session.inspect(nodes, {**job(nodes, tmp_path / "main_"), "first_frame": 3, "frames": 2})
    assert sorted(answer["jobs"][0]["outputs"]) == sorted(str(tmp_path / name) for name in expected(real_blender))
    assert [path.name for path in tmp_path.iterdir()] == ["nodes.blend"]


def test_a_scene_that_leaves_its_main_output_out_writes_only_its_nodes(
    session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path
) -> None:
    if real_blender.version < (5, 2):
        pytest.skip("Blender before 5.2 always writes the main output")
    for name, source in (("n", NODES), ("p", PLAIN)):
        blend = make_blend(real_blender, f"no_main_{name}", source + "\nscene.render.save_output = False\n")
        (tmp_path / f"{name}.blend").write_bytes(blend.read_bytes())
    events = session.render(job(tmp_path / "n.blend", tmp_path / "main_"), [[3, 3, 1]])
    check(events)
    assert "main_0003.png" not in names(events, tmp_path)
    assert len(files(events)) == len(expected(real_blender)) - 1
    events = session.render(job(tmp_path / "p.blend", tmp_path / "main_"), [[3, 3, 1]])
    check(events)
    assert names(events, tmp_path) == ["main_0003.png"]


def test_an_output_folder_that_cannot_be_made_fails_before_the_render(
    session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    events = session.render(job(make_blend(real_blender, "plain", PLAIN), tmp_path / "file" / "p_"), [[1, 1, 1]])
    assert (events[-1]["event"], events[-1]["code"]) == ("failed", "output")
    assert not of(events, "frame_started")
    assert of(events, "plan")
