# SPDX-License-Identifier: GPL-3.0-or-later
"""The owner's Blenders become archives in the layout of each platform's clients; a folder that holds none is refused at once."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import pytest

from batchserver.farm.packing.archives import ArchiveCache
from batchserver.farm.packing.rend_exe import REND_EXE
from batchserver.farm.packing.renderers import OwnRenderers, blender_folders
from batchserver.farm.seams import Platform
from batchserver.model.errors import BadInput, BlenderProblem


def made(folder: Path, *names: str, programs: tuple[str, ...] = ()) -> Path:
    for name in (*names, *programs):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\necho Blender 5.2.7 LTS\n# {name}\n")
        path.chmod(0o755 if name in programs else 0o644)
    return folder


def opened(tmp_path: Path, word: str) -> tuple[OwnRenderers, Platform]:
    folders = blender_folders([word])
    return OwnRenderers(folders, ArchiveCache(tmp_path / "cache", clock=lambda: 0.0)), next(iter(folders))


def names(path: Path) -> dict[str, int]:
    with zipfile.ZipFile(path) as archive:
        return {info.filename: info.external_attr >> 16 & 0o777 for info in archive.infolist() if not info.is_dir()}


def test_linux_has_blender_as_it_is_and_rend_exe_at_the_root(tmp_path: Path) -> None:
    folder = made(tmp_path / "bl", "5.2/scripts/a.py", "lib/libx.so.1", programs=("blender", "5.2/python/bin/python3.13"))
    (folder / "lib" / "libx.so").symlink_to("libx.so.1")
    (folder / "lib" / "nowhere").symlink_to("gone")
    (folder / "5.2" / "self").symlink_to("..")
    renderers, platform = opened(tmp_path, f"linux={folder}")
    archive = renderers.archive(platform)
    assert archive is not None
    assert names(archive.path) == {
        "blender": 0o755, "rend.exe": 0o755, "5.2/scripts/a.py": 0o644, "5.2/python/bin/python3.13": 0o755, "lib/libx.so": 0o644, "lib/libx.so.1": 0o644
    }  # fmt: skip
    with zipfile.ZipFile(archive.path) as packed:
        assert packed.read("rend.exe").decode() == REND_EXE
        assert {"5.2/", "5.2/scripts/", "lib/"} <= set(packed.namelist())
    assert renderers.archive(platform) is archive
    assert renderers.archive(Platform.WINDOWS) is None


def test_windows_has_blender_under_the_clients_name(tmp_path: Path) -> None:
    folder = made(tmp_path / "bl", "blender.exe", "blender.crt/api.dll", "4.5/scripts/a.py", "5.2/scripts/a.py")
    renderers, platform = opened(tmp_path, f"windows={folder}")
    archive = renderers.archive(platform)
    assert archive is not None
    assert sorted(names(archive.path)) == ["4.5/scripts/a.py", "5.2/scripts/a.py", "blender.crt/api.dll", "rend.exe"]
    if sys.platform != "win32":
        assert renderers.version(platform) == "5.2"


@pytest.mark.parametrize("named", ["folder", "app"])
def test_the_mac_has_its_app_below_blender(tmp_path: Path, named: str) -> None:
    folder = made(tmp_path / "bl", "Blender.app/Contents/Resources/5.2/a.py", "other.txt", programs=("Blender.app/Contents/MacOS/Blender",))
    renderers, platform = opened(tmp_path, f"mac={folder if named == 'folder' else folder / 'Blender.app'}")
    archive = renderers.archive(platform)
    assert archive is not None
    assert names(archive.path) == {"Blender/Blender.app/Contents/MacOS/Blender": 0o755, "Blender/Blender.app/Contents/Resources/5.2/a.py": 0o644}
    if sys.platform != "darwin":
        assert renderers.version(platform) == "5.2"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks a Linux Blender")
def test_the_version_is_what_blender_says(tmp_path: Path) -> None:
    renderers, platform = opened(tmp_path, f"linux={made(tmp_path / 'bl', programs=('blender',))}")
    assert renderers.version(platform) == "5.2.7"
    assert renderers.version(Platform.MAC) == ""


def test_another_blender_in_the_folder_is_another_archive(tmp_path: Path) -> None:
    folder = made(tmp_path / "bl", "a", programs=("blender",))
    first = opened(tmp_path, f"linux={folder}")[0].archive(Platform.LINUX)
    same = opened(tmp_path, f"linux={folder}")[0].archive(Platform.LINUX)
    (folder / "a").write_text("changed")
    other = opened(tmp_path, f"linux={folder}")[0].archive(Platform.LINUX)
    assert first == same
    assert other is not None
    assert first is not None
    assert other.md5 != first.md5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["linux"], "write linux=FOLDER"),
        (["amiga=/x"], "write linux=FOLDER"),
        (["linux="], "write linux=FOLDER"),
        (["linux=EMPTY"], "there is no blender"),
        (["windows=EMPTY"], "there is no blender.exe"),
        (["mac=EMPTY"], "there is no Blender.app"),
        (["linux=GOOD", "linux=GOOD"], "two folders"),
        pytest.param(["linux=DULL"], "chmod", marks=pytest.mark.skipif(os.name == "nt", reason="no such bit")),
    ],
    ids=["no folder", "unknown system", "empty folder", "no blender", "no blender.exe", "no app", "twice", "not executable"],
)
def test_a_folder_without_a_blender_is_refused_with_the_way_out(tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "empty").mkdir()
    made(tmp_path / "good", programs=("blender",))
    made(tmp_path / "dull", "blender")
    named = [word.replace("EMPTY", f"{tmp_path / 'empty'}").replace("GOOD", f"{tmp_path / 'good'}").replace("DULL", f"{tmp_path / 'dull'}") for word in words]
    with pytest.raises(BadInput, match=said):
        blender_folders(named)


def test_a_folder_that_went_is_said(tmp_path: Path) -> None:
    folder = made(tmp_path / "bl", programs=("blender",))
    renderers, platform = opened(tmp_path, f"linux={folder}")
    folder.rename(tmp_path / "gone")
    with pytest.raises(BlenderProblem, match="cannot be packed"):
        renderers.archive(platform)
