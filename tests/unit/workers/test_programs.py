# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Blender is found, how it is started, and what is said when there is none. Runs without Blender."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from batchserver.model.errors import BlenderProblem
from batchserver.workers.programs import Program, find_program, version_of


def executable(path: Path, source: str = "exit 0") -> Path:
    """Write a small program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{source}\n")
    path.chmod(0o755)
    return path


def find(word: str, folder: Path, **environ: str) -> Program:
    """Find with `folder/bin` as PATH and `folder/data` as data folder."""
    return find_program(word, path=str(folder / "bin"), environ=environ, data_folder=folder / "data")


def test_a_name_is_looked_up_on_path(tmp_path: Path) -> None:
    there = executable(tmp_path / "bin" / "blender-5.2")
    assert find("blender-5.2", tmp_path) == Program(str(there), wheel=False)


def test_a_full_path_needs_no_path(tmp_path: Path) -> None:
    there = executable(tmp_path / "my blenders" / "blender")
    assert find(str(there), tmp_path) == Program(str(there), wheel=False)


def test_without_a_word_blender_on_path_comes_before_the_wheel(tmp_path: Path) -> None:
    wheel = executable(tmp_path / "wheel" / "python")
    there = executable(tmp_path / "bin" / "blender")
    assert find("", tmp_path, RENDERPLUS_BPY=str(wheel)) == Program(str(there), wheel=False)


def test_without_a_blender_on_path_the_wheel_is_taken(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    wheel = executable(tmp_path / "wheel" / "python")
    assert find("", tmp_path, RENDERPLUS_BPY=str(wheel)) == Program(str(wheel), wheel=True)


def test_the_word_bpy_takes_the_wheel_of_the_data_folder(tmp_path: Path) -> None:
    executable(tmp_path / "bin" / "blender")
    wheel = executable(tmp_path / "data" / "bpy" / "bin" / "python")
    assert find("bpy", tmp_path) == Program(str(wheel), wheel=True)


@pytest.mark.parametrize("name", ["python", "python3", "python3.11", "python.exe", "pythonw.exe", "Python"])
def test_a_program_named_python_is_a_wheel_s(name: str, tmp_path: Path) -> None:
    there = executable(tmp_path / name)
    program = find(str(there), tmp_path)
    assert program.wheel
    assert program.run_script(Path("/x/session.py")) == [str(there), "/x/session.py"]


@pytest.mark.parametrize("name", ["blender", "python-blender", "pythonish", "blender-python3"])
def test_any_other_program_is_a_blender(name: str, tmp_path: Path) -> None:
    there = executable(tmp_path / name)
    program = find(str(there), tmp_path)
    assert not program.wheel
    command = program.run_script(Path("/x/session.py"))
    assert command == [str(there), "-b", "--python-exit-code", "7", "--python", "/x/session.py"]
    assert "--factory-startup" not in command


def test_a_link_to_a_virtual_environment_s_python_stays_a_link(tmp_path: Path) -> None:
    real, link = executable(tmp_path / "real" / "python3.11"), tmp_path / "env" / "python"
    link.parent.mkdir()
    link.symlink_to(real)
    assert find(str(link), tmp_path).path == str(link), "the link is what makes it the environment's"


@pytest.mark.parametrize(("word", "says"), [("blender-9", "'blender-9' is not there"), ("/no/where/blender", "'/no/where/blender' is not there")])
def test_what_is_not_there_is_named_with_the_way_out(word: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(BlenderProblem, match=says) as caught:
        find(word, tmp_path)
    assert "--blender" in str(caught.value)


def test_a_file_that_cannot_be_run_is_told_apart_from_one_that_is_missing(tmp_path: Path) -> None:
    plain = tmp_path / "blender"
    plain.write_text("no program")
    with pytest.raises(BlenderProblem, match="is there, but cannot be run"):
        find(str(plain), tmp_path)


def test_a_folder_is_no_blender(tmp_path: Path) -> None:
    with pytest.raises(BlenderProblem):
        find(str(tmp_path), tmp_path)


def test_nothing_at_all_names_every_way_to_a_blender(tmp_path: Path) -> None:
    with pytest.raises(BlenderProblem, match=r"PATH.*--blender.*blender_bin.*bpy"):
        find("", tmp_path)


def test_a_wheel_that_is_not_there_names_its_places(tmp_path: Path) -> None:
    with pytest.raises(BlenderProblem) as caught:
        find("bpy", tmp_path)
    assert "RENDERPLUS_BPY" in str(caught.value)
    assert str(tmp_path / "data" / "bpy") in str(caught.value)


def test_a_version_is_read_from_what_blender_prints(tmp_path: Path) -> None:
    there = executable(tmp_path / "blender", 'echo noise; echo "Blender 5.2.2 LTS"; echo "\tbuild date"')
    assert version_of(Program(str(there), wheel=False)) == "5.2.2 LTS"


@pytest.mark.parametrize("source", ["echo hello", "exit 3", "kill -9 $$"])
def test_what_does_not_answer_as_a_blender_is_a_problem(source: str, tmp_path: Path) -> None:
    with pytest.raises(BlenderProblem, match="does not answer as a Blender"):
        version_of(Program(str(executable(tmp_path / "blender", source)), wheel=False))


def test_a_program_that_never_answers_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(BlenderProblem, match="cannot be started"):
        version_of(Program(str(executable(tmp_path / "blender", "exec sleep 60")), wheel=False), timeout=0.3)


def test_a_relative_name_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable(tmp_path / "blender")
    monkeypatch.chdir(tmp_path)
    assert find(f".{os.sep}blender", tmp_path).path == str(tmp_path / "blender")
