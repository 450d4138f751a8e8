# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked is what is rendered: cameras against markers, settings against animation, words of every version."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blender.png_pixels import read_png
from blender.scenes import PLAIN, RICH
from blender.session_driver import Event, Session, files, job, of

from blenders import RealBlender

BUSY = (
    RICH
    + """
scene.cycles.samples = 1
scene.keyframe_insert("cycles.samples", frame=1)
scene.cycles.samples = 60
scene.keyframe_insert("cycles.samples", frame=9)
render.use_border = True
render.use_crop_to_border = True
render.border_min_x, render.border_max_x, render.border_min_y, render.border_max_y = 0.5, 1.0, 0.0, 0.5
"""
)


@pytest.fixture(scope="module")
def rich(real_blender: RealBlender, make_blend: Callable[..., Path]) -> Path:
    return make_blend(real_blender, "rich", RICH)


def size_of(path: str) -> list[int]:
    return list(struct.unpack(">II", Path(path).read_bytes()[16:24]))


def last(events: list[Event]) -> Event:
    return events[-1]


@pytest.mark.parametrize(
    ("asks", "code", "words"),
    [
        ({"scene": "Othr"}, "unknown_scene", '"Other"'),
        ({"camera": "Lef"}, "unknown_camera", '"Left"'),
        ({"camera": "Cube"}, "unknown_camera", "is no camera"),
        ({"camera": "Eye"}, "unknown_camera", 'in the scene "Other"'),
        ({"world": "Nigth"}, "unknown_world", '"Night"'),
        ({"view_layers": ["Second", "Thrid"]}, "unknown_layer", '"Thrid"'),
        ({"engine": "BLENDER_GAME"}, "unknown_engine", "2.79"),
        ({"engine": "LUXCORE"}, "unknown_engine", "CYCLES"),
        ({"format": "XVID"}, "unknown_format", "FFMPEG"),
        ({"format": "PGN"}, "unknown_format", '"PNG"'),
        ({"section": {"x": 0.5, "y": 0.5, "width": 0, "height": 0.1}}, "section", "empty"),
        ({"section": {"x": 0.5, "y": 0.5, "width": 0.001, "height": 0.1}}, "section", "pixels"),
        ({"size": [100000, 10]}, "setting", "65536"),
        ({"blend": "/nothing/here.blend"}, "file_missing", "No such file"),
        ({"output": "/proc/nowhere/p_"}, "output", "/proc/nowhere"),
        ({"output": "relative/p_"}, "output", "absolute"),
    ],
)
def test_what_cannot_be_fails_with_a_sentence(session: Session, rich: Path, tmp_path: Path, asks: dict[str, Any], code: str, words: str) -> None:
    answer = last(session.render({**job(rich, tmp_path / "p_"), **asks}, [[1, 1, 1]]))
    assert (answer["event"], answer["code"]) == ("failed", code), answer
    assert words in answer["message"]
    assert not list(tmp_path.rglob("*.png"))


def test_a_file_that_is_none_is_said_to_be_none(session: Session, tmp_path: Path) -> None:
    (tmp_path / "a.blend").write_bytes(b"nonsense" * 100)
    answer = last(session.render(job(tmp_path / "a.blend", tmp_path / "p_"), [[1, 1, 1]]))
    assert answer["code"] == "not_a_blend"
    assert "not a .blend file" in answer["message"]


def test_a_file_of_a_newer_blender_says_so(session: Session, tmp_path: Path) -> None:
    (tmp_path / "a.blend").write_bytes(b"BLENDER17-01v0999REND" + b"\0" * 400)
    answer = last(session.render(job(tmp_path / "a.blend", tmp_path / "p_"), [[1, 1, 1]]))
    assert answer["code"] == "newer_blend"
    assert "9.99" in answer["message"]


def test_a_scene_without_a_camera_says_so(session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    blend = make_blend(real_blender, "blind", PLAIN + "\nscene.camera = None\n")
    answer = last(session.render(job(blend, tmp_path / "p_"), [[1, 1, 1]]))
    assert answer["code"] == "no_camera"


def test_a_named_camera_wins_against_markers_and_no_camera_leaves_them(session: Session, rich: Path, tmp_path: Path) -> None:
    left = session.render(job(rich, tmp_path / "left_", camera="Left"), [[1, 1, 1], [5, 5, 1]])
    free = session.render(job(rich, tmp_path / "free_"), [[1, 1, 1], [5, 5, 1]])
    named = session.render(job(rich, tmp_path / "named_", camera="Camera"), [[1, 1, 1], [5, 5, 1]])
    assert any("camera markers" in note["message"] for note in of(named, "note"))
    pictures = {name: [read_png(path) for path in files(events)] for name, events in (("left", left), ("free", free), ("named", named))}
    assert pictures["free"][1].differing(pictures["left"][1]) == 0, "without a camera in the job the marker at frame 3 holds"
    assert pictures["named"][1].differing(pictures["left"][1]) > 0
    assert pictures["named"][0].differing(pictures["left"][0]) > 0


def test_animated_settings_do_not_beat_the_job(
    session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], rich: Path, tmp_path: Path
) -> None:
    blend = make_blend(real_blender, "busy", BUSY)
    asked = {"engine": "CYCLES", "cycles": {"samples": 2, "device": "CPU"}, "size": [80, 40], "percentage": 75, "ignore_border": True}
    busy = session.render(job(blend, tmp_path / "busy_", **asked), [[1, 9, 4]])
    still = session.render(job(rich, tmp_path / "still_", **asked), [[1, 9, 4]])
    free = session.render(job(blend, tmp_path / "free_", **{**asked, "cycles": {"samples": 0, "device": "CPU"}}), [[9, 9, 1]])
    assert any("cycles.samples" in note["message"] for note in of(busy, "note"))
    assert {tuple(event["size"]) for event in of(busy, "frame_started")} == {(60, 30)}
    for one, other in zip(files(busy), files(still), strict=True):
        assert read_png(one).differing(read_png(other)) == 0
    assert read_png(files(busy)[2]).differing(read_png(files(free)[0])) > 0


def test_ignore_border_leaves_out_the_files_border_and_never_the_jobs_section(
    session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path
) -> None:
    blend = make_blend(real_blender, "busy", BUSY)
    section = {"x": 0, "y": 0, "width": 0.25, "height": 0.5}
    asked = {"size": [80, 40], "percentage": 100}
    own = session.render(job(blend, tmp_path / "own_", **asked), [[1, 1, 1]])
    ignored = session.render(job(blend, tmp_path / "ignored_", ignore_border=True, **asked), [[1, 1, 1]])
    both = session.render(job(blend, tmp_path / "both_", ignore_border=True, section=section, **asked), [[1, 1, 1]])
    assert [size_of(files(events)[0]) for events in (own, ignored, both)] == [[40, 20], [80, 40], [20, 20]]


def test_the_foretold_size_is_blenders_own(session: Session, rich: Path, tmp_path: Path) -> None:
    rng = random.Random(7)
    for number in range(12):
        x, y = rng.choice([0, 0.1, 1 / 3, rng.random() * 0.7]), rng.choice([0, 0.2, 0.25, rng.random() * 0.7])
        section = {"x": x, "y": y, "width": rng.choice([0.3, 0.25, 1 - x]), "height": rng.choice([0.3, 1 / 3, 1 - y])}
        size, percentage = [rng.randint(40, 120), rng.randint(40, 120)], rng.choice([100, 33, 50, 77])
        events = session.render(job(rich, tmp_path / f"s{number}_", section=section, size=size, percentage=percentage), [[1, 1, 1]])
        assert of(events, "frame_started")[0]["size"] == size_of(files(events)[0]), (section, size, percentage)


def test_the_files_own_active_scene_renders(session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    blend = make_blend(real_blender, "other_first", RICH + '\nbpy.context.window.scene = bpy.data.scenes["Other"]\n')
    events = session.render(job(blend, tmp_path / "p_"), [[1, 1, 1]])
    assert size_of(files(events)[0]) == [48, 27]


def test_eevee_is_found_by_either_word(session: Session, rich: Path, tmp_path: Path) -> None:
    """Nothing is rendered: the first frame of EEVEE takes seconds on a computer without a GPU."""
    answer = session.inspect(rich, job(rich, tmp_path / "p_", engine="BLENDER_EEVEE"), job(rich, tmp_path / "p_", engine="BLENDER_EEVEE_NEXT"))
    assert [entry["faults"] for entry in answer["jobs"]] == [[], []]
    assert len({entry["engine"] for entry in answer["jobs"]}) == 1


@pytest.mark.parametrize(("word", "extension"), [("JPEG", "jpg"), ("OPEN_EXR", "exr"), ("OPEN_EXR_MULTILAYER", "exr"), ("TIFF", "tif"), ("TARGA", "tga"),
                                                 ("BMP", "bmp"), ("HDR", "hdr"), ("WEBP", "webp"), ("JPEG2000", "jp2")])  # fmt: skip
def test_every_picture_format_is_foretold(session: Session, rich: Path, tmp_path: Path, word: str, extension: str) -> None:
    events = session.render(job(rich, tmp_path / "p_##", format=word), [[7, 7, 1]])
    (started,) = of(events, "frame_started")
    assert files(events) == started["expect"]
    assert Path(files(events)[0]).name == f"p_07.{extension}"


def test_frames_below_zero_steps_and_lists_are_named_as_blender_names_them(session: Session, rich: Path, tmp_path: Path) -> None:
    events = session.render(job(rich, tmp_path / "p_"), [[-3, 3, 3], [7, 8, 1]], attempt="4-2")
    assert events[-1]["event"] == "done", events[-1]
    names = [Path(path).name for path in files(events)]
    assert names == ["p_-0003.png", "p_0000.png", "p_0003.png", "p_0007.png", "p_0008.png"]
    assert {str(Path(path).parent) for path in files(events)} == {str(tmp_path / ".renderplus" / "4-2")}
    assert [event["expect"] for event in of(events, "frame_started")] == [[path] for path in files(events)]


def test_braces_in_the_output_are_braces(session: Session, rich: Path, tmp_path: Path) -> None:
    events = session.render(job(rich, tmp_path / "{shot} 1" / "a{b}_"), [[1, 1, 1]])
    assert files(events) == [str(tmp_path / "{shot} 1" / ".renderplus" / "1-1" / "a{b}_0001.png")]


def test_a_missing_texture_and_library_are_named(session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    source = (
        PLAIN
        + """
image = bpy.data.images.new("wood", 4, 4)
image.source = "FILE"
image.filepath = "//textures/wood_missing.png"
image.use_fake_user = True
"""
    )
    blend = make_blend(real_blender, "textured", source)
    events = session.render(job(blend, tmp_path / "p_"), [[1, 1, 1]])
    assert any("wood_missing.png" in note["message"] for note in of(events, "note"))


def test_stats_come_from_five_on_and_not_before(session: Session, real_blender: RealBlender, rich: Path, tmp_path: Path) -> None:
    events = session.render(job(rich, tmp_path / "p_", engine="CYCLES", cycles={"samples": 4, "device": "CPU"}), [[1, 1, 1]])
    texts = [event["text"] for event in of(events, "stats")]
    if real_blender.version < (5, 0):
        assert not texts
    else:
        assert texts
        assert texts[-1].startswith("Time:")
        assert len(texts) < 30


def test_an_inspection_names_every_fault_of_every_job(session: Session, rich: Path, tmp_path: Path) -> None:
    wrong = job(rich, tmp_path / "p_", camera="Nobody", world="Nowhere", view_layers=["None"], engine="NOPE", format="XVID",
                overrides=[{"path": "render.nope", "data": 1}, {"path": "render.threads", "data": "many"}])  # fmt: skip
    right = {**job(rich, tmp_path / "out" / "f_##", scene="Other", percentage=50), "first_frame": 4, "frames": 6}
    answer = session.inspect(rich, wrong, right)
    assert answer["event"] == "inspected"
    assert [fault["key"] for fault in answer["jobs"][0]["faults"]] == [
        "engine",
        "camera",
        "world",
        "layer",
        "format",
        "custom_overrides[0]",
        "custom_overrides[1]",
    ]
    assert answer["jobs"][1]["faults"] == []
    assert answer["jobs"][1]["outputs"] == [str(tmp_path / "out" / "f_04.png")]
    assert answer["jobs"][1]["size"] == [24, 13]
    assert [scene["name"] for scene in answer["contents"]["scenes"]] == ["Other", "Scene"]
    assert {"Camera", "Left", "Top"} == set(answer["contents"]["scenes"][1]["cameras"])
    assert not list(tmp_path.iterdir())
