# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs programs is obeyed from the owner only, and everybody is told what is not done. Runs without Blender."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from batchserver.dispatch.promises import obeyed, unkept
from batchserver.model.frames import FrameList
from batchserver.model.recipe import Hook, Job, Recipe

ON, OFF = Hook(True, "rm -r precious"), Hook(False, "echo")
JOB = Job(0, 0, "a", True, Path("/a.blend"), "/out/", FrameList((1,)))
PLAIN = Recipe("a", 2.2, "", (JOB,))
HOOKED = [replace(PLAIN, pre_hooks=(OFF, ON)), replace(PLAIN, post_hooks=(ON,)), replace(PLAIN, jobs=(replace(JOB, pre_hooks=(ON,)),)),
          replace(PLAIN, jobs=(replace(JOB, post_hooks=(OFF, ON)),))]  # fmt: skip


def test_hooks_are_given_to_whoever_runs_them_only_for_the_owner() -> None:
    assert obeyed((OFF, ON, ON), trusted=True) == (ON, ON)
    assert obeyed((OFF, ON, ON), trusted=False) == ()


@pytest.mark.parametrize("recipe", HOOKED)
def test_a_strangers_hooks_are_refused_with_a_sentence(recipe: Recipe) -> None:
    assert "The recipe's hooks are not run without the owner's token" in unkept(recipe, trusted=False)
    assert unkept(recipe, trusted=True) == ()


@pytest.mark.parametrize("recipe", [PLAIN, replace(PLAIN, pre_hooks=(OFF,)), replace(PLAIN, jobs=(replace(JOB, enabled=False, pre_hooks=(ON,)),))])
def test_hooks_that_are_switched_off_are_no_news(recipe: Recipe) -> None:
    assert unkept(recipe, trusted=True) == ()
    assert unkept(recipe, trusted=False) == ("Without the owner's token, files do not run scripts of their own",)


def test_a_stranger_chooses_no_program_and_switches_nothing_off() -> None:
    recipe = replace(PLAIN, blender_bin="/tmp/evil", reactions={"poweroff": {"enabled": True, "action": "SHUTDOWN"}})
    told = unkept(recipe, trusted=False)
    assert [sentence for sentence in told if "blender_bin is not obeyed" in sentence]
    assert "The machine is not switched off without the owner's token" in told
    assert unkept(recipe, trusted=True) == ()
