# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels for messages: what each kind needs, and how their secrets are kept. Without Blender."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest
from addon import far_side

from batchserver.recipe.schema import schema_text

secrets = far_side.load("secrets")
data_folder = far_side.load("data_folder")
server_process = far_side.load("server_process")
channels = sys.modules[secrets.Secrets.__module__]
Secrets = channels.Secrets


def test_the_kinds_are_those_of_the_server() -> None:
    kinds = json.loads(schema_text())["definitions"]["channel"]["properties"]["kind"]["enum"]
    assert sorted(kind.lower() for kind in channels.KINDS) == sorted(kinds)
    assert json.loads(schema_text())["properties"]["notifications"]["properties"]["channels"]["maxItems"] == channels.MOST


@pytest.mark.parametrize(
    ("kind", "to", "kept", "lacks"),
    [
        ("NTFY", "", Secrets("https://ntfy.sh/topic"), ""),
        ("NTFY", "", None, "enter it again"),
        ("NTFY", "", Secrets("ntfy.sh/topic"), "begins with https://"),
        ("NTFY", "", Secrets("https:///topic"), "begins with https://"),
        ("NTFY", "", Secrets("https://[::1"), "begins with https://"),
        ("NTFY", "", Secrets("", "token"), "Its address is missing"),
        ("GOTIFY", "", Secrets("https://push.example.org"), "Its token is missing"),
        ("GOTIFY", "", Secrets("https://push.example.org", "t"), ""),
        ("TELEGRAM", "4711", Secrets("", "1:a"), ""),
        ("TELEGRAM", " ", Secrets("", "1:a"), "The number of the chat is missing"),
        ("TELEGRAM", "4711", Secrets("api.example.org", "1:a"), "begins with https://"),
        ("DISCORD", "", Secrets("https://discord.com/api/webhooks/1/a"), ""),
        ("APPRISE", "", Secrets("mmost://host/token"), ""),
    ],
    ids=[f"{number:02d}" for number in range(13)],
)
def test_what_a_channel_lacks_is_said(kind: str, to: str, kept: object, lacks: str) -> None:
    said = str(channels.fault(kind, to, kept))
    assert lacks in said if lacks else said == ""


def test_a_recipe_has_only_the_fields_that_the_kind_takes() -> None:
    everything = Secrets("https://example.org/x", "token")
    assert channels.as_recipe("DISCORD", "4711", everything, enabled=False) == {
        "enabled": False, "kind": "discord", "url": "https://example.org/x", "token": "", "to": "",
    }  # fmt: skip
    assert channels.as_recipe("TELEGRAM", " 4711 ", everything, enabled=True) == {
        "enabled": True, "kind": "telegram", "url": "https://example.org/x", "token": "token", "to": "4711",
    }  # fmt: skip


def test_of_an_address_only_the_host_is_shown() -> None:
    assert channels.host("https://me:word@ntfy.example.org/secret?token=1") == "ntfy.example.org"
    assert channels.host("https://[::1") == ""


def test_secrets_are_kept_for_their_owner_alone_and_forgotten_one_by_one(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert secrets.read_channels(folder) == {}
    secrets.save_channel(folder, "a", Secrets("https://ntfy.sh/one", "tk"))
    secrets.save_channel(folder, "b", Secrets("https://ntfy.sh/two"))
    secrets.save_channel(folder, "a", Secrets("https://ntfy.sh/three"))
    kept = folder / secrets.CHANNELS_FILE
    if os.name == "posix":
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert secrets.read_channels(folder) == {"a": Secrets("https://ntfy.sh/three"), "b": Secrets("https://ntfy.sh/two")}
    secrets.forget_channel(folder, "a")
    secrets.forget_channel(folder, "never there")
    assert secrets.read_channels(folder) == {"b": Secrets("https://ntfy.sh/two")}
    secrets.forget_channel(folder, "b")
    assert not kept.exists()


@pytest.mark.parametrize("damaged", ["", "[1]", '{"a": 3}', "{", '{"a": ["x"]}'], ids=["empty", "a list", "a number", "cut", "another shape"])
def test_a_damaged_file_of_secrets_has_none(damaged: str, tmp_path: Path) -> None:
    (tmp_path / secrets.CHANNELS_FILE).write_text(damaged)
    assert secrets.read_channels(tmp_path) == {}


def test_the_token_is_read_from_the_file_that_is_named_else_from_the_data_folder(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("own\n")
    named = tmp_path / "elsewhere"
    named.write_text("theirs\n")
    assert data_folder.read_token(tmp_path) == "own"
    assert data_folder.read_token(tmp_path, named) == "theirs"
    assert data_folder.read_token(tmp_path, tmp_path / "not there") == ""


def test_a_server_that_is_started_has_the_token_file_that_is_named(tmp_path: Path) -> None:
    copy = type("Copy", (), {"server": tmp_path / "server"})()
    launch = server_process.Launch(tmp_path, 0, "blender", token_file=tmp_path / "token of mine")
    command = server_process.server_command("python", copy, launch)
    assert command[command.index("--token-file") + 1] == str(tmp_path / "token of mine")
    assert "--token-file" not in server_process.server_command("python", copy, server_process.Launch(tmp_path, 0, "blender"))
