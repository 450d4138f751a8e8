# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of messages on their way through a whole server, and after its restart. Runs without Blender."""

from __future__ import annotations

import json
from pathlib import Path

from batchserver.cli.data_folder import DataFolder
from batchserver.cli.wiring import BatchServer, Settings
from batchserver.recipe import load_recipe

SECRET = "hunter2-swordfish"


def server(folder: Path, environ: dict[str, str]) -> BatchServer:
    made = BatchServer(Settings(DataFolder(folder), 0, environ, blender="no-such-blender"))
    made.take_over()
    made.reacting.start()
    return made


def messages(made: BatchServer) -> str:
    made.reacting.room.settle(10)
    snapshot = made.service.snapshot()
    assert SECRET.encode() not in snapshot.body
    return " ".join(json.loads(snapshot.body)["messages"])


def test_a_batch_that_goes_on_says_what_is_off_and_its_secrets_are_in_no_file(tmp_path: Path) -> None:
    blend = tmp_path / "a.blend"
    blend.write_bytes(b"BLENDER")
    text = json.dumps({
        "version": 2.2, "jobs": [{"blend_file": str(blend), "output": str(tmp_path / "out_####")}],
        "notifications": {
            "mail": {"enabled": True, "user": "me@gmail.com", "to": "you@example.org", "pass": SECRET},
            "channels": [{"kind": "slack", "url": f"https://hooks.example.org/{SECRET}"}],
        },
    })  # fmt: skip
    first = server(tmp_path / "data", {})
    first.service.submit(load_recipe(text, here=None), trusted=True)
    first.service.start()
    assert first.reacting.hook_room.settle(10)
    assert "off" not in messages(first)
    first.close()
    second = server(tmp_path / "data", {})
    said = messages(second)
    second.close()
    assert "Mail is off: the password was only in the recipe, is never stored" in said
    assert "Channel 0 (slack) is off" in said
    third = server(tmp_path / "data", {})
    assert messages(third).count("Mail is off") == 1
    third.close()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
