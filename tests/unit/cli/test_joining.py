# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may join, from the command line; and a farm that is off costs nothing. Runs without Blender."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import cast

import pytest

from batchserver.cli.arguments import make_parser
from batchserver.cli.exit_codes import ExitCode
from batchserver.cli.farming import PACKAGES, FarmSettings, House, make_farm, who_may
from batchserver.cli.main import main
from batchserver.model.errors import BadInput

SERVER = Path(__file__).parents[3] / "server"


def ask(tmp_path: Path, *words: str) -> int:
    return main([*words, "--data-dir", str(tmp_path)])


def test_a_worker_is_added_listed_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(tmp_path, "--list-workers") == ExitCode.OK
    assert "Nobody may join" in capsys.readouterr().out
    assert ask(tmp_path, "--add-worker", "alice", "--address", "192.168.1.20", "--address", "10.0.0.0/8") == ExitCode.OK
    told = capsys.readouterr().out
    secret = re.search(r"^secret: ([0-9a-f]{40})$", told, re.MULTILINE)
    assert secret
    assert ask(tmp_path, "--list-workers") == ExitCode.OK
    listed = capsys.readouterr().out
    assert listed == "alice  from 192.168.1.20, 10.0.0.0/8\n"
    assert secret[1] not in listed
    assert ask(tmp_path, "--remove-worker", "Alice") == ExitCode.OK
    assert ask(tmp_path, "--list-workers", "--json") == ExitCode.OK
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--add-worker", "a b"), "is no name for a worker"),
        (("--add-worker", "alice"), "There is a worker alice already"),
        (("--add-worker", "bob", "--address", "nowhere"), "is no address"),
        (("--remove-worker", "bob"), "--list-workers names those there are"),
        (("--list-workers", "--address", "10.0.0.1"), "--address belongs to --add-worker"),
    ],
    ids=["name", "taken", "address", "unknown", "alone"],
)  # fmt: skip
def test_what_does_not_work_says_why(tmp_path: Path, words: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    ask(tmp_path, "--add-worker", "alice")
    capsys.readouterr()
    assert ask(tmp_path, *words) != ExitCode.OK
    shown = capsys.readouterr()
    assert (shown.out, sentence in shown.err) == ("", True)


def test_a_server_without_a_farm_imports_nothing_of_it() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import batchserver.cli.main; "
        f"print([name for name in sys.modules if name.startswith('batchserver.farm') or name.partition('.')[0] in {tuple(PACKAGES)!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(SERVER)], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("missing", PACKAGES)
def test_a_farm_whose_packages_are_missing_says_how_to_get_them(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(BadInput, match=f"make farm.*pip install {PACKAGES[missing]}`"):
        make_farm(FarmSettings(port=0), cast(House, None))  # it is not asked for anything


def test_the_packages_are_those_of_the_extra() -> None:
    wanted = tomllib.loads((SERVER.parent / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]["farm"]
    assert {re.split(r"[<>=~]", line)[0] for line in wanted} == set(PACKAGES.values())


def test_what_is_open_to_whom_is_said() -> None:
    assert "only programs of this machine" in who_may(FarmSettings(), 7778)
    told = who_may(FarmSettings(hosts=("0.0.0.0",)), 7778)
    assert "every machine that reaches it may knock" in told
    assert "not encrypted" in told


def test_the_farm_is_off_unless_asked_for() -> None:
    options = make_parser().parse_args(["--serve"])
    assert not options.farm
    assert options.farm_port == FarmSettings().port == 7778
