# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail password is handed out once, and is in nothing that is kept. Runs without Blender."""

from __future__ import annotations

import json

import pytest
from unit.recipe.recipes import load, sample

from batchserver.model.errors import RecipeFaults
from batchserver.recipe import load_recipe, mail_password, without_secrets


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
    assert reactions["poweroff"] == {"enabled": False, "action": "DISABLED", "only_if_all_well": False, "countdown": 60}
    assert reactions["rss"] == {"enabled": False, "path": "/home/user/feed.rss"}
    assert reactions["write_log"] is False
    assert reactions["notifications"]["sound"]["volume"] == 10


@pytest.mark.parametrize("key", ["pass", "Password", "smtp_pass", "passwd", "passphrase", "token", "api_key", "API-Key", "secret", "credentials"])
def test_a_password_under_a_key_that_nobody_knows_is_not_kept(key: str) -> None:
    document = {"notifications": {"mail": {key: "hunter2", "to": "a"}, "desktop": {key: ["hunter2"]}}, key: "hunter2", "jobs": [{"name": "a"}]}
    kept = without_secrets(document)
    assert "hunter2" not in json.dumps(kept)
    assert kept == {"notifications": {"mail": {"to": "a"}, "desktop": {}}, "jobs": [{"name": "a"}]}


@pytest.mark.parametrize("key", ["compass", "bypass", "pass_index", "user", "tokens_left"])
def test_what_only_looks_like_a_secret_is_kept(key: str) -> None:
    assert without_secrets({key: 1}) == {key: 1}


@pytest.mark.parametrize(
    "text",
    [
        '{"notifications": {"mail": {"pass": "hunter2",,}}}',
        '{"notifications": {"mail": {"pass": "hunter2}}}\n',
        '{"notifications": {"mail": {"pass": "hunter2" "to": "a"}}}',
        "{'notifications': {'mail': {'pass': 'hunter2'}}}",
        '{"notifications": {"mail": {"pass": hunter2}}}',
        '{"notifications": {"mail": {"pass": "\\q hunter2"}}}',
        '{"notifications": {"mail": {"PASSWORD" : "hunter2" x',
        '{"notifications": {"mail": {"pass": ["hunter2"]}}}',
        '{"notifications": {"mail": {"pass": {"x": "hunter2"}}}}',
        '{"version": 2.2, "notifications": {"mail": {"pass": "hunter2", "ssl": "x"}}, "jobs": []}',
        '{"version": 2.2, "jobs": [], "notifications": {"mail": {"pass": "hunter2", "pass": "hunter2"}}}',
    ],
)
def test_no_fault_shows_a_password(text: str) -> None:
    with pytest.raises(RecipeFaults) as faults:
        load_recipe(text, here=None)
    assert "hunter2" not in str(faults.value) + repr(faults.value.faults)


def test_a_number_for_a_password_is_a_fault_that_does_not_show_it() -> None:
    with pytest.raises(RecipeFaults, match=r"notifications\.mail\.pass: expected a text in quotes, found something else"):
        load_recipe('{"version": 2.2, "notifications": {"mail": {"pass": 4711}}, "jobs": []}', here=None)


def test_tokens_and_addresses_of_channels_are_handed_out_and_not_kept() -> None:
    channels = [{"kind": "slack", "url": "https://hooks.slack.com/services/hunter2"}, {"kind": "telegram", "token": "hunter2", "to": "42"}]
    recipe = load({**sample(), "notifications": {"mail": {"pass": "hunter2"}, "channels": channels}})
    assert "hunter2" not in json.dumps(recipe.document) + repr(recipe) + json.dumps(recipe.reactions)
    assert recipe.secrets == {"mail.pass": "hunter2", "channels[0].url": channels[0]["url"], "channels[1].token": "hunter2"}
    assert recipe.document["notifications"]["channels"][0]["url"] == "https://hooks.slack.com/…"
    assert recipe.document["notifications"]["_left_out"] == sorted(recipe.secrets)


@pytest.mark.parametrize("url", ["discord://hunter2@x", "http://[hunter2", "//hunter2/x", "hunter2"])
def test_of_an_address_that_is_none_nothing_is_kept(url: str) -> None:
    assert without_secrets({"notifications": {"channels": [{"url": url}, 3]}})["notifications"]["channels"][0]["url"] == ""


def test_no_fault_shows_an_address() -> None:
    with pytest.raises(RecipeFaults) as faults:
        load_recipe('{"notifications": {"channels": [{"kind": "slack", "url": "https://x/hunter2",,}]}}', here=None)
    assert "hunter2" not in str(faults.value) + repr(faults.value.faults)
