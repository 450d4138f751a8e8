# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on in the bpy wheels that only these tests use, 4.2 (its oldest Blender) and 5.0: all that is registered works, and a batch is rendered."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from addon.installed import Installed
from addon.wheel_tour import TOUR

from batchserver.recipe.loading import load_recipe
from blenders import RealBlender

BASIC = {
    "add_job", "duplicate_job", "remove_job", "move_job", "enable_jobs", "clear_jobs", "make_outputs_unique", "check",
    "add_override", "remove_override", "save_preset", "load_preset", "remove_preset",
}  # fmt: skip


@pytest.fixture(scope="module")
def user(addon_wheel: RealBlender, extension_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """A new user of each wheel, who installed the extension and took the tour."""
    made = Installed(addon_wheel, extension_zip, tmp_path_factory.mktemp("wheel"))
    made.install()
    yield made
    made.end()


@pytest.fixture(scope="module")
def tour(user: Installed) -> dict[str, Any]:
    """What the tour found."""
    return user.run(TOUR, timeout=280)


def test_every_chapter_of_the_tour_goes_through_without_a_traceback(user: Installed, tour: dict[str, Any]) -> None:
    assert tour["broken"] == {}
    assert "Traceback" not in user.said, user.said[-8000:]
    assert user.blender.name == f"bpy-{user.blender.version[0]}.{user.blender.version[1]}"


def test_switched_off_and_on_twice_it_leaves_nothing_behind(tour: dict[str, Any]) -> None:
    first = tour["on"][0]
    assert {"RENDERPLUS_OT_start_batch", "RENDERPLUS_PT_batch"} <= set(first["classes"])
    assert len(first["handlers"]) > 0
    assert len(first["appended"]) > 0
    assert tour["on"][1:] == [first, first]
    for after in tour["off"]:
        assert not any(after.values()), after


def test_every_panel_and_menu_draws_in_every_state(tour: dict[str, Any]) -> None:
    assert tour["undrawable"] == {}
    assert list(tour["drawn"]) == ["empty", "listed", "checked", "starting", "running", "finished"]
    assert min(tour["drawn"].values()) > 20


def test_every_operator_has_a_tooltip_and_answers_whether_it_can_be_pressed(tour: dict[str, Any]) -> None:
    assert tour["nameless"] == []
    assert tour["unpolled"] == {}
    polls = tour["polls"]
    assert polls["empty"]["add_job"]
    assert not polls["empty"]["start_batch"]
    assert polls["listed"]["start_batch"]
    assert polls["finished"]["close_batch"]
    assert not polls["closed"]["close_batch"]


def test_every_operator_can_be_called_and_none_fails_by_a_fault_of_its_own(tour: dict[str, Any]) -> None:
    called = tour["called"]
    assert {name: said for name, said in called.items() if "Traceback" in said} == {}
    assert {name: called[name] for name in BASIC} == dict.fromkeys(BASIC, "FINISHED")
    assert "COLLISION" in "".join(tour["check"]).upper(), tour["check"]


def test_the_list_is_edited_and_quick_batches_add_jobs_that_do_not_collide(tour: dict[str, Any]) -> None:
    assert tour["names"] == [
        ["one", "two", "three", "Scene"],
        ["one", "two", "two.001", "three", "Scene"],
        ["two", "two.001", "three", "Scene", "one"],
        ["two.001", "three", "Scene", "one"],
    ]
    assert len(tour["quick"]) >= 9
    assert {name for name, count in tour["quick"].items() if not count} == set(), tour["quick"]
    assert tour["collisions"] == 0


def test_its_recipe_is_one_that_the_server_takes(user: Installed, tour: dict[str, Any]) -> None:
    recipe = load_recipe((user.work / "recipe.json").read_bytes(), here=None)
    assert len(recipe.jobs) == tour["jobs"]
    assert sum(1 for job in recipe.jobs if job.overrides) > 4


def test_a_batch_is_rendered_by_the_server_that_it_starts(user: Installed, tour: dict[str, Any]) -> None:
    assert (tour["status"], tour["complete"], tour["error"], tour["messages"]) == ("FINISHED", "FINISHED", "", [])
    assert tour["reopened"]
    assert tour["overridden"] == ["render.dither_intensity"]
    pictures = sorted((user.work / "out").glob("*"))
    assert [path.name for path in pictures] == ["one_0001.png", "one_0002.png", "one_0003.png"]
    assert {struct.unpack(">II", path.read_bytes()[16:24]) for path in pictures} == {(32, 32)}
    assert user.server() == {}, "it was asked to stop"
