# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and words: unique, read back, and forged by nobody. Runs without Blender."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.farm.boinc.fake_desk import make_package

from batchserver.farm.boinc.naming import as_word, output_name, result_name, task_of_output, task_of_result, upload_token, workunit_name
from batchserver.farm.seams import Task
from batchserver.model.frames import FrameList

SECRET = b"s" * 32


def a_task(folder: Path, name: str = "Shot", number: int = 17, frame: int = 5) -> Task:
    return Task(number, 3, 1, 0, 9, name, FrameList.of([frame]), make_package(folder), "token", 0.0, 1.0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=80), number=st.integers(1, 10**18 - 1), frame=st.integers(-1_048_574, 1_048_574))
def test_names_of_any_job_are_read_back_and_safe(tmp_path: Path, name: str, number: int, frame: int) -> None:
    task = a_task(tmp_path, name, number, frame)
    result, output = result_name(task), output_name(task, SECRET)
    assert (task_of_result(result), task_of_output(output, SECRET)) == (number, number)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,120}", output)
    assert result == f"{workunit_name(task)}_0"


def test_another_try_has_other_names(tmp_path: Path) -> None:
    task = a_task(tmp_path)
    other = replace(task, id=18)
    assert result_name(task) != result_name(other)
    assert output_name(task, SECRET) != output_name(other, SECRET)


@given(st.text(max_size=100))
def test_a_forged_name_is_nobodys(name: str) -> None:
    assert task_of_output(name, SECRET) is None


def test_a_name_with_another_tag_is_nobodys(tmp_path: Path) -> None:
    output = output_name(a_task(tmp_path), SECRET)
    assert task_of_output(output[:-1] + ("0" if output[-1] != "0" else "1"), SECRET) is None
    assert task_of_output(output.replace("t17", "t18"), SECRET) is None
    assert task_of_output(output, b"another") is None
    assert upload_token(output, 10, SECRET) != upload_token(output, 11, SECRET)


@settings(max_examples=20)
@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_any_path_comes_through_the_command_line_as_it_is(path: str) -> None:
    word = as_word(path)
    assert re.fullmatch(r"[A-Za-z0-9._/+-]+", word)
    decode = """printf '%b' "$(printf '%s' "$1" | sed 's/+/\\\\0/g')" """
    assert subprocess.run(["/bin/sh", "-c", decode, "sh", word], capture_output=True, timeout=10, check=True).stdout == path.encode()
