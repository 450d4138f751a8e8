# SPDX-License-Identifier: GPL-3.0-or-later
"""`--render-again` says first what would make other pictures, and renders into a new version. Runs without Blender."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batchserver.cli.data_folder import DataFolder
from batchserver.cli.rendering_again import prepared
from batchserver.cli.wiring import Settings
from batchserver.model.errors import BadInput, BlenderProblem
from batchserver.model.recipe import Existing

pytestmark = pytest.mark.skipif(os.name == "nt", reason="for sh: stands in for a Blender that says its version")
BLEND = b"BLENDER-v502"


@pytest.fixture
def blender(tmp_path: Path) -> Callable[..., str]:
    """`blender(version, build)`: a program that answers `--version`."""

    def make(version: str = "5.2.2 LTS", build: str = "ec6e62d40fa9") -> str:
        folder = tmp_path / f"{version}-{build}".replace(" ", "")
        folder.mkdir(exist_ok=True)
        program = folder / "blender"
        program.write_text(f"#!/bin/sh\necho 'Blender {version}'\necho '\tbuild hash: {build}'\n")
        program.chmod(0o755)
        return str(program)

    return make


@pytest.fixture
def written(tmp_path: Path, blender: Callable[..., str]) -> Callable[..., Path]:
    """`written(changes)`: a file that says how pictures were made."""
    (tmp_path / "a.blend").write_bytes(BLEND)

    def write(**changes: Any) -> Path:
        job = {"blend_file": str(tmp_path / "a.blend"), "output": str(tmp_path / "out" / "shot_####"), "existing": "overwrite"}
        made = {"frames": "1", "blender": "5.2.2 LTS", "build": "ec6e62d40fa9", "program": str(tmp_path / "gone")}
        document = {
            "renderplus": "provenance", "form": 1, "blend": {"path": str(tmp_path / "a.blend"), "sha256": hashlib.sha256(BLEND).hexdigest()},
            "made_with": [made], "recipe": {"version": 2.2, "jobs": [job]}, **changes,
        }  # fmt: skip
        path = tmp_path / "shot.renderplus.json"
        path.write_text(json.dumps(document))
        return path

    return write


def settings(tmp_path: Path, program: str, *, on_path: bool = True) -> Settings:
    environ = {"PATH": f"{Path(program).parent}:/usr/bin:/bin"}
    return Settings(DataFolder(tmp_path / "data"), 0, environ, blender="" if on_path else program)


def test_the_same_file_and_blender_go_to_a_new_version(tmp_path: Path, written: Callable[..., Path], blender: Callable[..., str]) -> None:
    recipe = prepared(written(), settings(tmp_path, blender()), anyway=False)
    assert recipe is not None
    assert [job.existing for job in recipe.jobs] == [Existing.VERSION]
    # A Blender that was built without noting its build is no other one.
    assert prepared(written(), settings(tmp_path, blender(build="Unknown")), anyway=False) is not None


@pytest.mark.parametrize(
    ("version", "build", "sentence"),
    [
        ("4.3.2", "ec6e62d40fa9", "were rendered with Blender 5.2.2 LTS, and"), ("5.2.2 LTS", "0123456789ab", "is another build of Blender 5.2.2 LTS"),
    ],
    ids=["version", "build"],
)  # fmt: skip
def test_another_blender_is_said_and_nothing_rendered_unless_anyway(
    tmp_path: Path, written: Callable[..., Path], blender: Callable[..., str], capsys: pytest.CaptureFixture[str], version: str, build: str, sentence: str
) -> None:
    other = settings(tmp_path, blender(version, build))
    assert prepared(written(), other, anyway=False) is None
    said = capsys.readouterr().err
    assert sentence in said
    assert "--anyway" in said
    assert prepared(written(), other, anyway=True) is not None


def test_the_blender_that_rendered_is_taken_where_it_still_is(tmp_path: Path, written: Callable[..., Path], blender: Callable[..., str]) -> None:
    made = [{"frames": "1", "blender": "5.2.2 LTS", "build": None, "program": blender()}]
    recipe = prepared(written(made_with=made), settings(tmp_path, blender("4.3.2")), anyway=False)
    assert recipe is not None
    assert recipe.blender_bin == recipe.document["blender_bin"] == blender()
    # Unless another one is named on the command line: that is obeyed, and said.
    assert prepared(written(made_with=made), settings(tmp_path, blender("4.3.2"), on_path=False), anyway=False) is None


def test_a_file_that_was_saved_again_is_said(
    tmp_path: Path, written: Callable[..., Path], blender: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = written()
    (tmp_path / "a.blend").write_bytes(BLEND + b"more")
    assert prepared(path, settings(tmp_path, blender()), anyway=False) is None
    assert "a.blend is not the file that was rendered: it was saved again since" in capsys.readouterr().err
    assert prepared(path, settings(tmp_path, blender()), anyway=True) is not None


def test_what_nobody_knows_is_said(tmp_path: Path, written: Callable[..., Path], blender: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    path = written(blend={"path": str(tmp_path / "a.blend"), "sha256": None}, made_with=[])
    assert prepared(path, settings(tmp_path, blender()), anyway=False) is None
    said = capsys.readouterr().err
    assert "Nobody knows whether" in said
    assert "Nobody knows which Blender" in said


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("no json", "is no JSON"), ("[1]", "does not say how pictures were made"), ('{"version": 2.2, "jobs": []}', "does not say how pictures were made"),
        ('{"renderplus": "provenance", "form": 2, "recipe": {}}', "was written by another Render+"),
    ],
    ids=["text", "list", "recipe", "newer"],
)  # fmt: skip
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(BadInput, match=sentence):
        prepared(path, settings(tmp_path, "/bin/false"), anyway=True)
    with pytest.raises(BadInput, match="There is no file"):
        prepared(tmp_path / "nowhere.json", settings(tmp_path, "/bin/false"), anyway=True)


def test_what_is_gone_cannot_be_rendered_anyway(tmp_path: Path, written: Callable[..., Path], blender: Callable[..., str]) -> None:
    path = written()
    with pytest.raises(BlenderProblem):
        prepared(path, settings(tmp_path, str(tmp_path / "no-such-blender"), on_path=False), anyway=True)
    (tmp_path / "a.blend").unlink()
    with pytest.raises(BadInput, match=r"a\.blend cannot be read .*; put it back"):
        prepared(path, settings(tmp_path, blender()), anyway=True)
