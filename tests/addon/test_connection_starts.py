# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on keeps in the data folder: starts, their copies, and the mail password."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from addon import far_side

starts_module = far_side.load("starts")
secrets_module = far_side.load("secrets")
data_module = far_side.load("data_folder")


def start(key: str, **facts: Any) -> Any:
    return replace(starts_module.Start(key, "/projects/shot.blend", f"/data/{key}/shot.blend", 1000.0, batch=1), **facts)


def test_a_start_is_read_as_it_was_written(tmp_path: Path) -> None:
    starts = starts_module.Starts(tmp_path)
    written = start("a", outputs=("/out/x_####", "/out/ü/"), name="shot.blend")
    starts.save(written)
    assert starts.read("a") == written


def test_what_is_no_start_is_left_out(tmp_path: Path) -> None:
    starts = starts_module.Starts(tmp_path)
    starts.save(start("a"))
    for name, text in (("half", '{"key": "ha'), ("list", "[]"), ("poor", "{}")):
        (tmp_path / "starts" / name).mkdir()
        (tmp_path / "starts" / name / "start.json").write_text(text)
    (tmp_path / "starts" / "stray.txt").write_text("hello")
    assert [found.key for found in starts.all()] == ["a"]


def test_open_ones_became_a_batch_and_were_not_closed_newest_first(tmp_path: Path) -> None:
    starts = starts_module.Starts(tmp_path)
    for one in (start("old", created=1.0), start("new", created=2.0), start("closed", closed=True), start("refused", batch=0)):
        starts.save(one)
    assert [found.key for found in starts.open_ones()] == ["new", "old"]


def test_old_copies_go_except_those_that_a_batch_still_renders(tmp_path: Path) -> None:
    starts = starts_module.Starts(tmp_path)
    for one in (start("old", batch=1), start("old_running", batch=2), start("young", batch=3, created=starts_module.KEPT_SECONDS + 900)):
        starts.save(one)
    starts.remove_old(starts_module.KEPT_SECONDS + 1001, {2})
    assert sorted(found.key for found in starts.all()) == ["old_running", "young"]
    assert not starts.place("old").exists()


@pytest.mark.skipif(os.name == "nt", reason="only some users of Windows may make links")
def test_removing_a_copy_leaves_the_baked_simulation_that_it_links_to(tmp_path: Path) -> None:
    cache = tmp_path / "blendcache_shot"
    cache.mkdir()
    (cache / "frame.bphys").write_bytes(b"baked")
    starts = starts_module.Starts(tmp_path)
    starts.save(start("a"))
    (starts.place("a") / "blendcache_shot").symlink_to(cache)
    starts.remove("a")
    assert not starts.place("a").exists()
    assert (cache / "frame.bphys").read_bytes() == b"baked"


def test_the_last_answer_is_kept_for_a_start(tmp_path: Path) -> None:
    starts = starts_module.Starts(tmp_path)
    starts.save(start("a"))
    starts.keep_answer("a", {"status": "FINISHED"})
    assert starts.read_answer("a") == {"status": "FINISHED"}
    assert starts.read_answer("b") is None


def test_the_mail_password_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert secrets_module.read_mail_password(data) == ""
    secrets_module.save_mail_password(data, "pässword")
    path = data / secrets_module.FILE_NAME
    assert secrets_module.read_mail_password(data) == "pässword"
    assert secrets_module.has_mail_password(data)
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
    secrets_module.save_mail_password(data, "")
    assert not path.exists()


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {}, "/home/me/.local/share/renderplus"),
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/renderplus"),
        ("darwin", {}, "/home/me/Library/Application Support/RenderPlus"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/RenderPlus"),
        ("win32", {"RENDERPLUS_DATA": "/mine"}, "/mine"),
    ],
)
def test_the_data_folder_is_the_servers(platform: str, environ: dict[str, str], expected: str) -> None:
    from batchserver.cli.data_folder import default_data_folder

    asked = (environ, Path("/home/me"), platform)
    assert data_module.default_data_folder(*asked) == default_data_folder(*asked) == Path(expected)
