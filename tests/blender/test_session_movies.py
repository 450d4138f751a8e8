# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies: a lossless sequence, encoded at the end with the scene's sound and with its colours as they are; or written directly."""

from __future__ import annotations

import json
import math
import struct
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blender.scenes import PLAIN
from blender.session_driver import Event, Session, files, job, of

from blenders import RealBlender

# A movie of a codec without loss, so that colours can be compared; with a sound of one second and an odd view transform.
FILM = (
    PLAIN
    + """
settings = scene.render.image_settings
if hasattr(settings, "media_type"):
    settings.media_type = "VIDEO"
settings.file_format = "FFMPEG"
settings.color_mode = "RGB"
ffmpeg = scene.render.ffmpeg
ffmpeg.format, ffmpeg.codec = "MKV", "FFV1"
ffmpeg.audio_codec = "PCM"
scene.render.fps = 10
scene.view_settings.exposure = 0.7
scene.frame_end = 10
editor = scene.sequence_editor_create()
strips = editor.strips if hasattr(editor, "strips") else editor.sequences
import os
sound = os.path.join(os.path.dirname(blend_path), "tone.wav")
"""
)

SOUND = (
    FILM
    + """
strips.new_sound("tone", TONE, 3, 1)
"""
)

READ = """
import bpy, json, sys
movie, png = sys.argv[sys.argv.index("--") + 1:][:2]
scene = bpy.context.scene
editor = scene.sequence_editor_create()
strips = editor.strips if hasattr(editor, "strips") else editor.sequences
said = {}
strip = strips.new_movie("m", movie, 1, 1)
said["frames"] = strip.frame_duration
said["fps"] = strip.fps
said["size"] = [strip.elements[0].orig_width, strip.elements[0].orig_height]
try:
    sound = strips.new_sound("s", movie, 2, 1)
    said["sound"] = sound.frame_duration / scene.render.fps * scene.render.fps_base
except RuntimeError:
    said["sound"] = 0
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = *said["size"], 100
scene.view_settings.view_transform = "Raw"
scene.view_settings.look = "None"
scene.render.image_settings.file_format = "PNG"
scene.render.image_settings.color_mode = "RGB"
scene.render.dither_intensity = 0
scene.sequencer_colorspace_settings.name = strip.colorspace_settings.name = "Non-Color"
scene.frame_start = scene.frame_end = 1
scene.render.filepath = png + ".frame_"
bpy.ops.render.render(animation=True)
def pixels(path):
    image = bpy.data.images.load(path)
    return [round(value * 255) for index, value in enumerate(image.pixels) if index % 4 != 3]
one, other = pixels(png), pixels(png + ".frame_0001.png")
said["worst"] = max(abs(a - b) for a, b in zip(one, other)) if len(one) == len(other) else 999
print("SAID " + json.dumps(said), flush=True)
"""


@pytest.fixture(scope="module")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tone of one second."""
    path = tmp_path_factory.mktemp("sound") / "tone.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(i / 20))) for i in range(48000)))
    return path


@pytest.fixture(scope="module")
def film(real_blender: RealBlender, make_blend: Callable[..., Path], tone: Path) -> Path:
    """A scene that is a movie with sound. The tone's path is new each time: so is the file."""
    return make_blend(real_blender, "film", SOUND.replace("TONE", repr(str(tone))))


def look(blender: RealBlender, movie: str, png: str) -> dict[str, Any]:
    """What another Blender reads of a movie: frames, rate, size, seconds of sound, and how far its first frame is from `png`."""
    done = blender.run(READ, movie, png)
    said = next(line for line in done.stdout.splitlines() if line.startswith("SAID "))
    found: dict[str, Any] = json.loads(said.removeprefix("SAID "))
    return found


def encode(session: Session, asked: dict[str, Any], rendered: list[Event]) -> list[Event]:
    """Encode what was rendered."""
    sequence = [[event["frame"], path] for event in of(rendered, "frame_written") for path in event["files"]]
    session.send(order="encode", job=asked, sequence="", files=sequence, attempt="1-2")
    return session.until("done", "failed")


def test_a_sequence_becomes_a_movie_with_sound_and_the_same_colours(session: Session, real_blender: RealBlender, film: Path, tmp_path: Path) -> None:
    asked = job(film, tmp_path / "out" / "film_")
    rendered = session.render(asked, [[1, 6, 1], [7, 10, 1]])
    assert rendered[-1]["event"] == "done", rendered[-1]
    (plan,) = of(rendered, "plan")
    target = str(tmp_path / "out" / "film_0001-0010.mkv")
    assert (plan["movie"], plan["target"]) == (True, target)
    assert [Path(path).name for path in files(rendered)] == [f"film_{frame:04d}.png" for frame in range(1, 11)]
    encoded = encode(session, asked, rendered)
    assert encoded[-1]["event"] == "done", encoded[-1]
    assert of(encoded, "plan")[0]["target"] == target
    (movie,) = of(encoded, "encoded")[0]["files"]
    assert movie == str(tmp_path / "out" / ".renderplus" / "1-2" / "film_0001-0010.mkv")
    found = look(real_blender, movie, files(rendered)[0])
    assert (found["frames"], found["fps"], found["size"]) == (10, 10, [64, 36])
    assert 0.9 <= found["sound"] <= 1.1
    assert found["worst"] <= 1, "colours were changed on the way"
    assert [event["frame"] for event in of(encoded, "frame_started")] == list(range(1, 11))


def test_a_movie_that_is_written_directly_is_one_attempt(session: Session, real_blender: RealBlender, film: Path, tmp_path: Path) -> None:
    events = session.render(job(film, tmp_path / "film.mkv", movie="direct"), [[1, 10, 1]])
    assert events[-1]["event"] == "done", events[-1]
    assert [event["files"] for event in of(events, "frame_written")] == [[]] * 10
    assert of(events, "plan")[0]["direct"] is True
    (movie,) = of(events, "encoded")[0]["files"]
    assert Path(movie).name == "film.mkv"
    assert Path(movie).stat().st_size > 1000


def test_a_still_in_a_movie_format_is_a_movie_of_one_frame(session: Session, real_blender: RealBlender, film: Path, tmp_path: Path) -> None:
    asked = job(film, tmp_path / "one_")
    rendered = session.render(asked, [[4, 4, 1]])
    encoded = encode(session, asked, rendered)
    (movie,) = of(encoded, "encoded")[0]["files"]
    assert Path(movie).name == "one_0004-0004.mkv"
    found = look(real_blender, movie, files(rendered)[0])
    assert found["frames"] in ({1} if real_blender.version >= (5, 0) else {1, 2}), "to 4.5 Blender counts the frames by the length of the sound"
    assert found["worst"] <= 1


def test_a_movie_with_holes_has_no_sound_and_says_so(session: Session, real_blender: RealBlender, film: Path, tmp_path: Path) -> None:
    asked = job(film, tmp_path / "holes_")
    rendered = session.render(asked, [[1, 9, 4]])
    encoded = encode(session, asked, rendered)
    assert any("no sound" in note["message"] for note in of(encoded, "note"))
    found = look(real_blender, of(encoded, "encoded")[0]["files"][0], files(rendered)[0])
    assert found["frames"] == 3
    assert found["sound"] < 0.1


def test_a_deep_codec_gets_a_deep_sequence(session: Session, film: Path, tmp_path: Path) -> None:
    override = {"name": "", "path": "render.image_settings.color_depth", "data": "10", "library": ""}
    answer = session.render(job(film, tmp_path / "deep_", overrides=[override]), [[1, 1, 1]])
    if answer[-1]["event"] == "failed":
        assert answer[-1]["code"] == "override", "this Blender's codec has no such depth"
        return
    header = Path(files(answer)[0]).read_bytes()[24]
    assert header == 16


def test_a_missing_picture_fails_the_encoding(session: Session, film: Path, tmp_path: Path) -> None:
    session.send(order="encode", job=job(film, tmp_path / "f_"), sequence="", files=[[1, str(tmp_path / "gone.png")]], attempt="1-2")
    answer = session.until("done", "failed")[-1]
    assert (answer["code"], answer["frame"]) == ("sequence", 1)


def test_what_is_no_movie_is_not_encoded(session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    session.send(order="encode", job=job(make_blend(real_blender, "plain", PLAIN), tmp_path / "f_"), sequence="", files=[[1, "/a.png"]], attempt="1-2")
    assert session.until("done", "failed")[-1]["code"] == "unknown_format"
