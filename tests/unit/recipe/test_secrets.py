# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail password is handed out once, and is in nothing that is kept. Runs without Blender."""

from __future__ import annotations

import json

import pytest
from unit.recipe.recipes import load, sample

from batchserver.recipe import mail_password, without_secrets


def test_the_password_is_in_nothing_that_is_kept() -> None:
    recipe = load(sample())
    assert "password" not in json.dumps(recipe.document)
    assert "password" not in repr(recipe)
    assert recipe.reactions["notifications"]["mail"]["user"] == "some@somemail.com"


def test_the_password_is_read_from_the_original() -> None:
    original = sample()
    assert mail_password(original) == mail_password(json.dumps(original)) == "password"
    assert without_secrets(original)["notifications"]["mail"].keys() == original["notifications"]["mail"].keys() - {"pass"}
    assert original == sample()


@pytest.mark.parametrize("document", [{}, {"notifications": 3}, {"notifications": {"mail": []}}, {"notifications": {"mail": {"pass": ""}}}])
def test_a_recipe_without_password_has_none(document: dict[str, object]) -> None:
    assert mail_password(document) is None
    assert without_secrets(document).keys() == document.keys()


def test_reactions_hold_what_the_recipe_says() -> None:
    reactions = load(sample()).reactions
    assert reactions["poweroff"] == {"enabled": False, "action": "DISABLED"}
    assert reactions["rss"] == {"enabled": False, "path": "/home/user/feed.rss"}
    assert reactions["write_log"] is False
    assert reactions["notifications"]["sound"]["volume"] == 10
