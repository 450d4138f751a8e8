# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes along with a scene: exactly the modules that are needed, a job without this computer's business, a text of plain ASCII."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from batchserver.farm.packing.scripts import FIRST_LINE, job_json, our_modules, script_text

JOB = {
    "blend": "/home/me/a.blend", "output": "/home/me/out_", "scene": "Szene ü ]]> </script>", "threads": 4, "tiles": [], "span": [1, 9],
    "overrides": [{"name": "n", "path": "p", "data": "ü", "library": "/home/me/lib.blend"},
                  {"name": "w", "path": "p", "data": 1, "library": "C:\\lib\\b.blend"}],
}  # fmt: skip


def test_all_that_is_imported_goes_along_and_nothing_else() -> None:
    modules = our_modules()
    assert {"__init__.py", "farm_frame.py", "farm_line.py", "farm_text.py", "farm_job.py", "scene_settings.py"} <= modules.keys()
    assert not {"session.py", "loop.py", "lifeline.py", "survey.py", "encode.py", "merging.py"} & modules.keys()
    for path in modules.values():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module:
                assert f"{node.module}.py" in modules, f"{path.name} imports {node.module}"


def test_a_module_that_is_reached_in_two_steps_goes_along(tmp_path: Path) -> None:
    for name, source in (("farm_frame", "from . import one"), ("one", "from .two import it"), ("two", "it = 1"), ("other", "")):
        (tmp_path / f"{name}.py").write_text(source)
    assert list(our_modules(tmp_path)) == ["farm_frame.py", "one.py", "two.py"]


def test_a_job_takes_no_paths_of_this_computer_along() -> None:
    told = job_json(JOB, missing=("lost.png",), denoiser=True)
    assert b"/home" not in told
    read = json.loads(told)
    assert read["missing"] == ["lost.png"]
    assert read["denoiser"] is True
    assert read["job"]["scene"] == JOB["scene"]
    assert read["job"]["threads"] == 0
    assert [each["library"] for each in read["job"]["overrides"]] == ["lib.blend", "b.blend"]


def test_the_text_is_ascii_and_whole_python_that_begins_with_its_mark() -> None:
    told = job_json(JOB, missing=(), denoiser=False)
    text = script_text(told)
    assert text.isascii()
    assert text.startswith(f"{FIRST_LINE}\n")
    assert text.endswith("\n")
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant) and node.value == told.decode()]
    assert len(calls) == 1


@pytest.mark.parametrize("line", ['sheepit_set_compute_device("NONE", "CPU", "CPU")', "import signal"])
def test_lines_that_follow_are_lines_of_their_own(line: str) -> None:
    tree = ast.parse(script_text(b"{}") + line + "\n")
    assert len(tree.body) == len(ast.parse(script_text(b"{}")).body) + 1
