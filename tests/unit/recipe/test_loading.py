# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipes become jobs, and broken ones are told all that is wrong with them. Runs without Blender."""

from __future__ import annotations

import json
import time
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from unit.recipe.recipes import faults, job, load, minimal, sample, today

from batchserver.model.errors import RecipeFaults
from batchserver.model.recipe import Hook, MovieWay, Override, Section
from batchserver.recipe import load_recipe, nothing_to_render


def test_the_contracts_sample_loads_as_it_says() -> None:
    recipe = load(sample())
    (only,) = recipe.jobs
    assert (recipe.name, recipe.version, recipe.blender_bin) == ("/home/user/batch.blend", 2.2, "/bin/blender")
    assert (only.index, only.id, only.name, only.enabled) == (0, 0, "Some job", True)
    assert str(only.blend) == "/home/user/batch.blend"
    assert only.output == "/home/user/render_Untitled_Scene"
    assert only.frames == (1,)
    assert (only.scene, only.camera, only.world, only.view_layers) == ("Scene", "Camera", "World", ())
    assert (only.engine, only.format, only.size, only.percentage) == ("BLENDER_EEVEE", "PNG", (1920, 1080), 0)
    assert only.section is None
    assert only.pre_hooks == (Hook(False, "echo 'pre_job'"),)


def test_a_minimal_recipe_has_its_name_from_the_blend() -> None:
    recipe = load({"version": 2.2, "jobs": [{"blend_file": "/a.blend", "output": "/tmp/x"}]})
    assert recipe.name == "/a.blend"
    (only,) = recipe.jobs
    assert (only.name, only.id, only.frames, only.enabled) == ("a", 0, (1,), True)


@pytest.mark.parametrize("version", [2.2, "2.2"])
def test_the_version_is_a_number_or_its_text(version: object) -> None:
    assert load(minimal(version=version)).version == 2.2


@pytest.mark.parametrize("version", [2.1, 3, "2.20", "", None, True, [2.2], {}])
def test_another_version_is_refused_with_one_sentence(version: object) -> None:
    found = faults(minimal({"size": "nonsense"}, version=version))
    assert list(found) == ["version"]
    assert "version 2.2" in found["version"]


def test_a_missing_version_is_named() -> None:
    assert faults({"jobs": [{"blend_file": "/a", "output": "/b"}]}) == {"version": "version is missing"}


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("frame_end", "250", 'expected a whole number, found the text "250"'),
        ("frame_end", 2.5, "found 2.5"),
        ("frame_start", True, "found true"),
        ("frame_still", 1048575, "from -1048574 to 1048574"),
        ("frame_step", 0, "from 1 to"),
        ("size", [1920], "expected a list of 2 numbers, found a list of 1"),
        ("size", "1920x1080", "expected a list"),
        ("percentage", -1, "from 0 to 32767"),
        ("enabled", 1, "expected true or false, found 1"),
        ("enabled", None, "found null"),
        ("format", "png", "did you mean PNG?"),
        ("format", "JEPG", "did you mean JPEG?"),
        ("movie", "directly", "expected one of sequence, direct"),
        ("engine", "CYCLSE", "did you mean CYCLES?"),
        ("engine", "EEVEE", "did you mean BLENDER_EEVEE?"),
        ("engine", 3, "expected a text in quotes"),
        ("threads", 2000, "from 0 to 1024"),
        ("view_layers", "ViewLayer", "expected a list"),
        ("frames", "1-10,,20", "is no frame and no range"),
        ("frames", "10-1", "write 1-10"),
        ("frames", "1-1048574,-1048574--1", "names 2097148 frames"),
        ("output", "", "expected a path for the pictures"),
        ("output", "pictures/x", "expected a full path"),
        ("output", "C:\\renders\\x", "is one of Windows"),
        ("output", "/out/{camra}", "did you mean {camera}?"),
        ("output", "/out/{camera}", "{camera} has no value"),
        ("output", "/out/{", "stands alone"),
        ("output", "/out/" + "x" * 300, "longer than the 240 bytes"),
        ("blend_file", "", "expected the .blend"),
        ("blend_file", "a.blend", "expected a full path"),
        ("blend_file", "~/a.blend", "only a shell knows"),
        ("blend_file", "//a.blend", "// means the folder of the .blend"),
        ("hooks", [], "expected an object"),
        ("size", [1920, 0], "expected width and height"),
        ("size", [2, 2], "expected 4 pixels or more"),
    ],
)
def test_a_fault_names_its_place_what_was_expected_and_what_was_found(path: str, value: object, words: str) -> None:
    found = faults(minimal({}, {path: value}))
    assert list(found) == [f"jobs[1].{path}"]
    assert words in found[f"jobs[1].{path}"]


@pytest.mark.parametrize(
    ("key", "value", "place", "words"),
    [
        ("hooks", {"PRE_JOB": ["echo"]}, "hooks.PRE_JOB[0]", "expected an object"),
        ("hooks", {"PRE_JOB": [{"cmd": 3}]}, "hooks.PRE_JOB[0].cmd", "expected a text"),
        ("hooks", {"POST_JOB": [{}]}, "hooks.POST_JOB[0].cmd", "cmd is missing"),
        ("hooks", {"PREJOB": []}, "hooks.PREJOB", "did you mean PRE_JOB?"),
        ("cycles", {"device": -1}, "cycles.device", "0 or more"),
        ("cycles", {"device": 1.5}, "cycles.device", "a text in quotes or a whole number"),
        ("cycles", {"sample": 1}, "cycles.sample", "did you mean samples?"),
        ("section", {"enabled": True, "x": 1}, "section.x", "a fraction from 0 to below 1"),
        ("section", {"enabled": True, "height": 0}, "section.height", "above 0"),
        ("section", {"enabled": True, "x": 0.5, "width": 0.75}, "section.width", "expected 0.5 at most"),
        ("section", {"enabled": True, "width": 1920}, "section.width", "fractions of the picture"),
        ("custom_overrides", [{"path": "render.x"}], "custom_overrides[0].data", "data is missing"),
        ("custom_overrides", [{"path": "", "data": 1}], "custom_overrides[0].path", "expected a property path"),
        ("custom_overrides", [{"path": "os.system('x')", "data": 1}], "custom_overrides[0].path", "expected a property path"),
        ("custom_overrides", [{"path": "render.__class__", "data": 1}], "custom_overrides[0].path", "expected a property path"),
        ("view_layers", [""], "view_layers[0]", "not empty"),
        ("external", True, "filename", "name it"),
    ],
)
def test_faults_below_a_job_name_the_place(key: str, value: object, place: str, words: str) -> None:
    found = faults(minimal({key: value}))
    assert list(found) == [f"jobs[0].{place}"]
    assert words in found[f"jobs[0].{place}"]


def test_a_near_miss_of_a_key_is_a_fault_with_the_key_that_was_meant() -> None:
    assert faults(minimal({"frame_strat": 3})) == {"jobs[0].frame_strat": "there is no such key; did you mean frame_start?"}
    assert "did you mean blend_file?" in faults(minimal({}, jobs=[{"blend-file": "/a", "output": "/b"}]))["jobs[0].blend-file"]


@pytest.mark.parametrize("key", ["frame_rate", "x", "comment", "_frame_strat", "$comment", "motion_blur", "outputs", ""])
def test_other_unknown_keys_are_let_through(key: str) -> None:
    assert faults(minimal({key: 3})) == {}


def test_every_broken_job_is_named_with_all_its_faults() -> None:
    found = faults(minimal({"frame_end": "x", "format": "gif"}, {}, {"animated": True, "frame_end": 0}, {"output": ""}, settings={"rss": 3}))
    assert list(found) == ["settings.rss", "jobs[0].format", "jobs[0].frame_end", "jobs[2].frame_end", "jobs[3].output"]


def test_an_animation_that_ends_before_it_starts_is_a_fault_and_a_stills_range_is_not() -> None:
    assert faults(minimal({"animated": True, "frame_start": 10, "frame_end": 5})) == {
        "jobs[0].frame_end": "expected 10 (frame_start) or more, found 5; no frame would be rendered"
    }
    assert job(frame_start=10, frame_end=5).frames == (1,)


@pytest.mark.parametrize(
    ("keys", "frames", "animated"),
    [
        ({"frame_still": 7}, (7,), False),
        ({"animated": True, "frame_start": -1, "frame_end": 3}, (-1, 0, 1, 2, 3), True),
        ({"animated": True, "frame_start": 1, "frame_end": 8, "frame_step": 3}, (1, 4, 7), True),
        ({"animated": True, "frame_end": 9, "frame_step": 2, "frames": "20,5-6"}, (20, 5, 6), True),
        ({"frames": " 3 "}, (3,), True),
        ({"frames": " "}, (1,), False),
    ],
)
def test_frames_come_from_the_list_else_the_range_else_the_still(keys: dict[str, Any], frames: tuple[int, ...], animated: bool) -> None:
    made = job(**keys)
    assert (made.frames, made.animated) == (frames, animated)


def test_a_batch_has_a_bound_on_its_frames() -> None:
    many = minimal(*({"frames": "1-1000000"} for _ in range(3)))
    found = faults(many)
    assert list(found) == ["jobs[1]"]
    assert "split it" in found["jobs[1]"]


def test_global_size_and_percentage_count_only_when_enabled() -> None:
    keys: dict[str, Any] = {"size": [320, 180], "percentage": 25}
    off = {"global_size": {"enabled": False, "value": [640, 360]}, "global_percentage": {"enabled": False, "value": 100}}
    on = {"global_size": {"enabled": True, "value": [640, 360]}, "global_percentage": {"enabled": True, "value": 100}}
    made = job(top={"settings": off}, **keys)
    assert (made.size, made.percentage) == ((320, 180), 25)
    made = job(top={"settings": on}, **keys)
    assert (made.size, made.percentage) == ((640, 360), 100)
    assert (job().size, job().percentage) == ((0, 0), 0)


def test_ignore_border_leaves_a_jobs_own_section_on() -> None:
    section = {"enabled": True, "x": 0.25, "y": 0, "width": 0.5, "height": 1}
    made = job(top={"settings": {"ignore_border": True}}, section=section)
    assert made.ignore_border
    assert made.section == Section(0.25, 0, 0.5, 1)


def test_a_section_that_is_off_may_hold_any_numbers() -> None:
    assert job(section={"enabled": False, "x": -3, "y": 0, "width": 1920, "height": 0}).section is None


def test_layers_devices_overrides_and_the_movies_way_are_read() -> None:
    overrides = [
        {"name": "a", "path": "render.film_transparent", "data": True},
        {"path": 'materials["Gold.001"].node_tree.nodes["Mix \\"2\\""].inputs[0].default_value', "data": [1, None], "library": "//l.blend"},
        {"path": '["my prop"]', "data": "x"},
        {"enabled": False, "path": "", "data": 0},
    ]
    made = job(layer="Old", view_layers=["A", "B", "A"], cycles={"device": 1, "samples": 8}, custom_overrides=overrides, movie="direct", format="FFMPEG")
    assert made.view_layers == ("A", "B")
    assert (made.cycles_device, made.cycles_samples, made.movie) == ("1", 8, MovieWay.DIRECT)
    assert made.overrides == (
        Override("a", "render.film_transparent", True),
        Override(overrides[1]["path"], overrides[1]["path"], [1, None], "//l.blend"),
        Override('["my prop"]', '["my prop"]', "x"),
    )
    assert job(layer="Old").view_layers == ("Old",)
    assert job(cycles={"device": ""}).cycles_device == "DEFAULT"


def test_external_renders_the_other_file() -> None:
    assert str(job(external=True, filename="/other/b.blend").blend) == "/other/b.blend"
    assert str(job(external=True, filename="//b.blend").blend) == "/files/b.blend"
    assert str(job(external=False, filename="/other/b.blend").blend) == "/files/a.blend"
    assert "set external to true" in faults(minimal({"blend_file": "", "filename": "/b.blend"}))["jobs[0].blend_file"]


def test_relative_paths_start_from_here() -> None:
    recipe = load(minimal({"blend_file": "a.blend", "output": "r/{blend}_"}, blender_bin="./blender"), here=PurePosixPath("/home/{me}"))
    assert str(recipe.jobs[0].blend) == "/home/{me}/a.blend"
    assert recipe.jobs[0].output == "/home/{me}/r/a_"
    assert recipe.blender_bin == "/home/{me}/blender"
    assert load(minimal(blender_bin="blender"), here=PurePosixPath("/home/me")).blender_bin == "blender"


def test_windows_paths_are_read_on_windows() -> None:
    recipe = load(
        minimal({"blend_file": "C:\\shots\\a.blend", "output": "//r/x"}, {"blend_file": "b.blend", "output": "\\\\nas\\r\\x"}), here=PureWindowsPath("D:\\me")
    )
    assert [str(one.blend) for one in recipe.jobs] == ["C:\\shots\\a.blend", "D:\\me\\b.blend"]
    assert [one.output for one in recipe.jobs] == ["C:\\shots\\r\\x", "\\\\nas\\r\\x"]


def test_paths_of_reactions_are_settled_only_where_they_are_used() -> None:
    def top(enabled: bool) -> dict[str, Any]:
        return {"settings": {"rss": {"enabled": enabled, "path": "feed.rss"}}}

    assert faults(minimal(**top(False))) == {}
    assert list(faults(minimal(**top(True)))) == ["settings.rss.path"]
    assert load(minimal(**top(True)), here=PurePosixPath("/me")).reactions["rss"]["path"] == "/me/feed.rss"


def test_ids_are_each_jobs_own() -> None:
    found = faults(minimal({"id": 4}, {"id": 2}, {"id": 4}))
    assert found == {f"jobs[{place}].id": "expected a number of its own, found 4, which 2 jobs have" for place in (0, 2)}
    assert [one.id for one in load(minimal({"id": 1}, {}, {}, {"id": 3})).jobs] == [1, 4, 2, 3]


def test_faults_of_a_job_that_is_switched_off_stop_nothing() -> None:
    recipe = load(minimal({"enabled": False, "output": "", "blend_file": "", "frames": "nonsense"}, {}))
    assert [one.enabled for one in recipe.jobs] == [False, True]
    assert recipe.jobs[0].frames == ()
    assert list(faults(minimal({"enabled": False, "size": 3}))) == ["jobs[0].size"]


def test_a_batch_with_no_enabled_job_loads_and_says_why_it_cannot_start() -> None:
    reason = nothing_to_render(load(minimal({"enabled": False})))
    assert reason
    assert "no job of the recipe is enabled" in reason
    assert nothing_to_render(load(minimal())) is None
    assert list(faults({"version": 2.2, "jobs": []})) == ["jobs"]


@pytest.mark.parametrize("jobs", [3, {}, None, "x", [3], [None], [[]]])
def test_jobs_that_are_no_list_of_objects_are_faults(jobs: object) -> None:
    assert all(path.startswith("jobs") for path in faults({"version": 2.2, "jobs": jobs}))
    assert faults({"version": 2.2, "jobs": jobs})


def test_what_is_kept_loads_again_to_the_same_recipe_on_another_day_and_from_another_folder() -> None:
    document = minimal({"blend_file": "a.blend", "output": "r/{date}/{{x}}_{blend}"}, {"frames": "3,1", "output": "//x"}, {"enabled": False, "output": ""})
    document["notifications"] = {"mail": {"pass": "hunter2"}}
    recipe = load(document, here=PurePosixPath("/me"))
    text = json.dumps(recipe.document)
    assert "hunter2" not in text
    assert recipe.jobs[0].output == "/me/r/2026-11-22/{x}_a"
    assert load_recipe(text, here=None) == recipe


def test_an_error_reads_as_one_sentence() -> None:
    with pytest.raises(RecipeFaults, match=r"jobs\[0\]\.frame_end: expected .*, found the text \"9\" \(and 1 more\)"):
        load(minimal({"frame_end": "9"}, {"frame_end": "9"}))


def test_a_thousand_jobs_load_in_well_under_a_fifth_of_a_second() -> None:
    entry = sample()["jobs"][0]
    text = json.dumps({**sample(), "jobs": [{**entry, "id": index, "animated": True, "output": f"/out/{{job}}/{index}_"} for index in range(1000)]})
    load(text)
    took = []
    for _ in range(3):
        start = time.process_time()
        assert len(load_recipe(text, here=None, today=today).jobs) == 1000
        took.append(time.process_time() - start)
    assert min(took) < 0.2
