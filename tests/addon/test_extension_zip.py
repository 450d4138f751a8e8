# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make extension` puts into its zips, by the rules of extensions.blender.org."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from addon.installed import build_extension, this_platform

from blenders import ROOT

# https://developer.blender.org/docs/features/extensions/tags/
TAGS = (
    "3D View|Add Curve|Add Mesh|Animation|Bake|Camera|Compositing|Development|Game Engine|Geometry Nodes|Grease Pencil|Import-Export|Lighting|Material|"
    "Modeling|Mesh|Node|Object|Paint|Pipeline|Physics|Render|Rigging|Scene|Sculpt|Sequencer|System|Text Editor|Tracking|User Interface|UV"
)


@pytest.fixture(scope="module")
def names(extension_zip: Path) -> list[str]:
    with zipfile.ZipFile(extension_zip) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def manifest(extension_zip: Path) -> dict[str, Any]:
    with zipfile.ZipFile(extension_zip) as archive:
        return tomllib.loads(archive.read("blender_manifest.toml").decode())


def test_the_manifest_keeps_the_rules_of_the_extensions_site(manifest: dict[str, Any]) -> None:
    assert (manifest["id"], manifest["schema_version"], manifest["type"]) == ("renderplus", "1.0.0", "add-on")
    assert manifest["blender_version_min"] == "4.2.0"
    assert "blender" not in manifest["name"].lower()
    assert all(re.fullmatch(r"SPDX:[\w.-]+", entry) for entry in manifest["license"])
    assert manifest["tags"]
    assert set(manifest["tags"]) <= set(TAGS.split("|"))
    assert set(manifest["permissions"]) == {"files", "network"}
    for text in (manifest["tagline"], *manifest["permissions"].values()):
        assert len(text) <= 64
        assert text[-1].isalnum()


def test_the_manifest_lists_just_the_wheels_that_are_there(manifest: dict[str, Any], names: list[str]) -> None:
    assert sorted(manifest["wheels"]) == sorted(f"./{name}" for name in names if name.startswith("wheels/"))
    assert sorted(wheel.split("/")[-1].split("-")[0] for wheel in manifest["wheels"]) == ["bottle", "fastjsonschema", "feedgenerator", "psutil", "waitress"]
    assert manifest["platforms"] == [this_platform()]


def test_every_wheel_fits_every_python_from_3_11_on(manifest: dict[str, Any]) -> None:
    for wheel in manifest["wheels"]:
        python, abi = Path(wheel).stem.split("-")[-3:-1]
        assert abi == "abi3" or (abi == "none" and "py3" in python), wheel


def test_no_wheel_takes_the_place_of_what_blender_ships(manifest: dict[str, Any]) -> None:
    shipped = {"numpy", "requests", "attrs", "certifi", "charset_normalizer", "idna", "urllib3", "zstandard", "cython"}
    assert not shipped & {wheel.split("/")[-1].split("-")[0].lower() for wheel in manifest["wheels"]}


def test_only_what_belongs_is_in_the_zip(names: list[str]) -> None:
    assert {name.split("/")[0] for name in names} <= {
        "blender_manifest.toml", "__init__.py", "LICENSE", "README.md", "assets", "batch", "server", "ui", "wheels",
    }  # fmt: skip
    for part in ("__pycache__", "tests", "bench", ".git", "server/build", "server/log", ".venv", ".pyc", ".toml.new"):
        assert [name for name in names if part in name] == []
    assert {"LICENSE", "server/__main__.py", "server/inside_blender/session.py", "server/batchserver/recipe/recipe.schema.json"} <= set(names)
    assert any(name.endswith(".sql") for name in names)


def test_every_file_of_the_server_that_is_tracked_is_in_the_zip(names: list[str]) -> None:
    tracked = subprocess.run(["git", "ls-files", "server", "batch", "ui"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    assert [name for name in tracked if name and name not in names] == []


def test_the_same_sources_give_the_same_zip(extension_zip: Path, tmp_path: Path) -> None:
    again = build_extension.build(ROOT, tmp_path, [this_platform()], for_all=False)[0]
    assert again.name == extension_zip.name
    assert again.read_bytes() == extension_zip.read_bytes()


def test_nothing_in_the_extension_breaks_the_rules_for_its_code() -> None:
    for path in [ROOT / "__init__.py", *(ROOT / "batch").rglob("*.py"), *(ROOT / "ui").rglob("*.py")]:
        text = path.read_text("utf-8")
        for forbidden in ("bl_info", "sys.path.append", "sys.path.insert", '"pip"', "from batch", "import batch."):
            assert forbidden not in text, f"{path.relative_to(ROOT)}: {forbidden}"


def test_a_file_of_an_unknown_kind_is_named_not_shipped(tmp_path: Path) -> None:
    for name in ("__init__.py", "blender_manifest.toml", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    for folder in build_extension.FOLDERS:
        (tmp_path / folder).mkdir()
    (tmp_path / "batch" / "notes.doc").write_text("x")
    with pytest.raises(build_extension.BuildProblem, match=r"batch/notes\.doc has an ending"):
        build_extension.build(tmp_path, tmp_path / "dist", [], for_all=False)


def test_a_version_that_differs_from_the_servers_is_refused(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "blender_manifest.toml").write_text((ROOT / "blender_manifest.toml").read_text("utf-8").replace('\nversion = "', '\nversion = "9.'))
    with pytest.raises(build_extension.BuildProblem, match="give both the same"):
        build_extension.build(tmp_path, tmp_path / "dist", [], for_all=False)


def test_the_server_says_the_same_version() -> None:
    import batchserver

    assert batchserver.__version__ == build_extension.read_manifest(ROOT)["version"]


def test_blenders_at_hand_find_the_zip_valid_and_a_broken_one_not(extension_zip: Path, tmp_path: Path) -> None:
    if not list(build_extension.validators()):
        pytest.skip("there is no Blender 4.2 or later here, and no bpy wheel")
    build_extension.validate([extension_zip])
    broken = tmp_path / "broken.zip"
    with zipfile.ZipFile(extension_zip) as good, zipfile.ZipFile(broken, "w") as bad:
        for name in good.namelist():
            data = good.read(name)
            bad.writestr(name, data.replace(b'tagline = "', b'tagline = "Ends with a full stop."\n#') if name == "blender_manifest.toml" else data)
    with pytest.raises(build_extension.BuildProblem, match=r"refuses broken\.zip"):
        build_extension.validate([broken])
