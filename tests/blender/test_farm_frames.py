# SPDX-License-Identifier: GPL-3.0-or-later
"""A frame rendered elsewhere is the frame that a session renders here, pixel by pixel, in both of the ways in."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from blender.exr_values import read_exr
from blender.far_side import OLD_PREFIX, Far, a_job
from blender.png_pixels import read_png
from blender.scenes import PLAIN, RICH
from blender.session_driver import Session, files

from batchserver.farm.packing.renderers import OwnRenderers, blender_folders
from batchserver.farm.seams import Package, Platform, Unfit
from batchserver.model.recipe import MovieWay
from batchserver.workers.orders import job_facts
from blenders import RealBlender


@pytest.fixture(scope="module")
def blender(request: pytest.FixtureRequest) -> RealBlender:
    """The Blender of both sides; a wheel has no command line."""
    found: RealBlender = request.getfixturevalue("any_blender")
    if found.is_wheel:
        pytest.skip("the bpy wheel has no command line")
    return found


@pytest.fixture(scope="module")
def far(blender: RealBlender, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    made = Far(blender, tmp_path_factory.mktemp("far"))
    yield made
    made.preparer.rest()


@pytest.fixture(scope="module")
def here(blender: RealBlender, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with Session(str(blender.program), tmp_path_factory.mktemp("here")) as session:
        yield session


@pytest.fixture(scope="module")
def rich(blender: RealBlender, make_blend: Callable[..., Path]) -> Path:
    return make_blend(blender, "rich one", RICH)


def pixels(path: Path) -> Any:
    """The picture in a file, without what names its time and place."""
    data = path.read_bytes()
    if data.startswith(b"\x89PNG"):
        return read_png(path)
    if data.startswith(b"\x76\x2f\x31\x01"):
        return read_exr(path).rows
    assert data.startswith(b"\xff\xd8"), f"{path} is no picture"
    return data[data.index(b"\xff\xdb") :]


def rendered_here(here: Session, job: Any, frame: int) -> Path:
    """Render one frame in a session, and give the picture."""
    events = here.render(job_facts(job), [[frame, frame, 1]])
    assert events[-1]["event"] == "done", events[-1]
    (file,) = files(events)
    return Path(file)


@dataclass(frozen=True)
class Case:
    """A job, the frame that is compared, and by which ways."""

    name: str
    asks: dict[str, Any] = field(default_factory=dict)
    frame: int = 3
    ways: str = "text"


CASES = [
    Case("as it is", ways="both"),
    Case("a camera against markers", {"camera": "Top"}, frame=4),
    Case("a section in percent", {"section": (0.25, 0.1, 0.5, 0.6), "percentage": 50}),
    Case("a size", {"size": (40, 30)}, frame=9, ways="line"),
    Case("Cycles with few samples", {"engine": "CYCLES", "cycles_samples": 3, "world": "Day"}, ways="both"),
    Case("EXR", {"format": "OPEN_EXR", "engine": "CYCLES", "cycles_samples": 1}),
    Case("JPEG", {"format": "JPEG"}, ways="line"),
    Case("a material overridden", {"overrides": [('materials["Gold"].diffuse_color', [0.1, 0.2, 0.9, 1.0]), ("render.film_transparent", True)]}),
    Case("another scene", {"scene": "Other"}, ways="both"),
    Case("a view layer", {"engine": "CYCLES", "cycles_samples": 1, "view_layers": ("Second",)}),
    Case("a movie's frame", {"format": "FFMPEG"}, ways="line"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_far_frame_is_the_frame_of_a_session(case: Case, far: Far, here: Session, rich: Path, tmp_path: Path) -> None:
    job = a_job(rich, tmp_path / "pic_##", [case.frame, 12], **case.asks)
    package = far.package(job)
    wanted = rendered_here(here, job, case.frame)
    assert package.names.name(case.frame) == wanted.name
    assert package.names.folder == tmp_path
    if case.ways != "line":
        done = far.by_text(package, case.frame, tmp_path / "25_")
        found = tmp_path / f"25_{case.frame:04d}{package.suffix}"
        assert (done.code, found.is_file()) == (0, True), done.said
        assert pixels(found) == pixels(wanted)
    if case.ways != "text":
        found = tmp_path / f"one{package.suffix}"
        done = far.by_line(package, case.frame, found, "--progress", tmp_path / "part")
        assert done.code == 0, done.said
        assert pixels(found) == pixels(wanted)
        assert not (tmp_path / ".renderplus" / f"farm-{case.frame}").exists()
    if package.word == "PNG":
        picture = read_png(wanted)
        assert (package.width, package.height) == (picture.width, picture.height)
    if package.engine == "CYCLES" and case.ways != "text" and far.blender.version >= (4, 0):
        assert re.fullmatch(r"[01]\.\d{6}\n", (tmp_path / "part").read_text())


CAMERA, OVERRIDES = b'"camera": ""', b'"overrides": []'
IMPOSSIBLE = b'"overrides": [{"name": "it", "path": "render.nothing", "data": 1, "library": ""}]'


@pytest.mark.parametrize(
    ("way", "before", "after", "words"),
    [("text", CAMERA, b'"camera": "Gone"', '"Gone"'), ("line", OVERRIDES, IMPOSSIBLE, "nothing")],
    ids=["text: no such camera", "line: no such property"],
)
def test_a_job_that_cannot_be_set_up_writes_no_picture(
    far: Far, rich: Path, tmp_path: Path, way: str, before: bytes, after: bytes, words: str
) -> None:  # fmt: skip
    """The file's own picture in its place would be worse than none."""
    package = far.package(a_job(rich, tmp_path / "pic_", [1]))
    job = package.job.replace(before, after)
    assert job != package.job
    wrong = replace(package, job=job, script=package.script.replace(repr(package.job.decode()), repr(job.decode())))
    output = tmp_path / "25_0001.png"
    done = far.by_text(wrong, 1, tmp_path / "25_") if way == "text" else far.by_line(wrong, 1, output)
    assert done.code == 7
    assert "Render+ failed:" in done.said
    assert words in done.said
    assert not output.exists()


@pytest.fixture
def renderer(blender: RealBlender, far: Far, tmp_path: Path) -> Path:
    """The `rend.exe` of an unpacked renderer, in the way of clients that make nothing else executable."""
    owners = tmp_path / "owners blender"
    owners.mkdir()
    (owners / "blender").write_text(f'#!/bin/sh\nexec "{blender.program}" "$@"\n')
    (owners / "blender").chmod(0o755)
    renderers = OwnRenderers(blender_folders([f"linux={owners}"]), far.cache)
    archive = renderers.archive(Platform.LINUX)
    assert archive is not None
    assert renderers.version(Platform.LINUX).startswith(f"{blender.version[0]}.{blender.version[1]}")
    with zipfile.ZipFile(archive.path) as packed:
        packed.extractall(tmp_path / "renderer")
    (tmp_path / "renderer" / "rend.exe").chmod(0o755)
    return tmp_path / "renderer" / "rend.exe"


def test_the_oldest_clients_prefix_does_not_keep_the_job_from_the_file(far: Far, here: Session, rich: Path, renderer: Path, tmp_path: Path) -> None:
    """It dies in its first line in Blender 2.80 and later; and the .blend may be deleted before it is opened."""
    job = a_job(rich, tmp_path / "pic_", [2], camera="Top")
    package = far.package(job)
    blend = far.unpack(package)
    kept = blend.read_bytes()
    done = far.by_text(package, 2, tmp_path / "25_", program=str(renderer), text=OLD_PREFIX + package.script)
    assert done.code == 0, done.said
    assert pixels(tmp_path / "25_0002.png") == pixels(rendered_here(here, job, 2))
    assert blend.read_bytes() == kept
    assert sorted(path.name for path in blend.parent.iterdir()) == sorted([blend.name, "renderplus"]), "nothing of the start is left"
    assert "renderplus-" in done.said, "the link was opened"


def test_without_our_rend_exe_the_oldest_clients_write_no_picture(far: Far, rich: Path, tmp_path: Path) -> None:
    package = far.package(a_job(rich, tmp_path / "pic_", [2], camera="Top"))
    done = far.by_text(package, 2, tmp_path / "25_", text=OLD_PREFIX + package.script)
    assert done.code == 7
    assert not list(tmp_path.glob("25_*"))


def test_each_blender_takes_both_ways(real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    if real_blender.is_wheel:
        pytest.skip("the bpy wheel has no command line")
    far = Far(real_blender, tmp_path / "far")
    blend = make_blend(real_blender, "rich one", RICH)
    one, other = (a_job(blend, tmp_path / f"{name}_", [1], camera=name, percentage=50) for name in ("Left", "Top"))
    packages = far.package(one), far.package(other)
    far.preparer.rest()
    ended = far.by_text(packages[0], 1, tmp_path / "25_"), far.by_line(packages[1], 1, tmp_path / "line.png")
    assert [each.code for each in ended] == [0, 0], ended
    with Session(str(real_blender.program), tmp_path) as here:
        wanted = [pixels(rendered_here(here, job, 1)) for job in (one, other)]
    assert [pixels(tmp_path / "25_0001.png"), pixels(tmp_path / "line.png")] == wanted


# A scene for each thing that keeps a job here.
STUBBORN = (
    PLAIN
    + """
def like(name):
    made = scene.copy()
    made.name = name
    made.use_fake_user = True
    return made

nodes = like("nodes")
if hasattr(nodes, "compositing_node_group"):
    tree = bpy.data.node_groups.new("All", "CompositorNodeTree")
    nodes.compositing_node_group = tree
else:
    nodes.use_nodes = True
    tree = nodes.node_tree
layers, node = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("CompositorNodeOutputFile")
if hasattr(node, "file_output_items"):
    node.file_output_items.new("RGBA", "all")
tree.links.new(layers.outputs[0], node.inputs[0])
cloth = like("cloth")
sheet = bpy.data.objects.new("Sheet", bpy.data.objects["Cube"].data)
sheet.modifiers.new("Cloth", "CLOTH")
for collection in list(cloth.collection.children):
    cloth.collection.children.unlink(collection)
cloth.collection.objects.link(sheet)
cloth.collection.objects.link(cloth.camera)
stereo = like("stereo")
stereo.render.use_multiview = True
stereo.render.image_settings.views_format = "INDIVIDUAL"
"""
)

SCRIPT = """
text = bpy.data.texts.new("rig.py")
text.write("import bpy")
text.use_module = True
"""


@pytest.mark.parametrize(
    ("asks", "words"),
    [
        ({"scene": "nodes"}, "File Output nodes"),
        ({"scene": "cloth"}, "not baked"),
        ({"scene": "stereo"}, "2 files"),
        ({"camera": "Gone"}, '"Gone"'),
        ({"overrides": [('fonts["Bfont Regular"].filepath', "/x.ttf")]}, "file"),
        ({"movie": MovieWay.DIRECT}, "directly"),
    ],
    ids=["file output nodes", "an unbaked simulation", "two files a frame", "a fault of the job", "a path of a file", "a direct movie"],
)
def test_what_keeps_a_job_here_is_said(
    far: Far, blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path, asks: dict[str, Any], words: str
) -> None:  # fmt: skip
    blend = make_blend(blender, "stubborn", STUBBORN)
    made = far.prepare(a_job(blend, tmp_path / "pic_", [1], **asks))
    assert isinstance(made, Unfit)
    assert words in made.sentence


def test_a_file_whose_scripts_run_here_stays_here(blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    """Where they do not run, the picture is the same elsewhere."""
    blend = make_blend(blender, "scripted", PLAIN + SCRIPT)
    far = Far(blender, tmp_path / "far")
    job = a_job(blend, tmp_path / "pic_", [1])
    assert isinstance(far.prepare(job), Package)
    far.preparer.rest()
    resources = tmp_path / "user"
    blender.run(
        "import bpy\nbpy.context.preferences.filepaths.use_scripts_auto_execute = True\nbpy.ops.wm.save_userpref()", BLENDER_USER_RESOURCES=str(resources)
    )
    willing = Far(blender, tmp_path / "willing", BLENDER_USER_RESOURCES=str(resources))
    made = willing.prepare(job)
    willing.preparer.rest()
    assert isinstance(made, Unfit)
    assert "rig.py" in made.sentence
