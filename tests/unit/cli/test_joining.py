# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may join, from the command line; and a farm that is off costs nothing. Runs without Blender."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

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
    ],
    ids=["name", "taken", "address", "unknown"],
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
        f"print([name for name in sys.modules if name.startswith('batchserver.farm') or name.partition('.')[0] in {PACKAGES!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(SERVER)], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("missing", PACKAGES)
def test_a_farm_whose_packages_are_missing_says_how_to_get_them(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("batchserver.farm")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    house = House(None, None, None, None, None, None)  # type: ignore[arg-type] # it is not asked for anything
    with pytest.raises(BadInput, match=f"{missing} is missing.*make farm"):
        make_farm(FarmSettings(port=0), house)


def test_what_is_open_to_whom_is_said() -> None:
    assert "only programs of this machine" in who_may(FarmSettings(), 7778)
    told = who_may(FarmSettings(hosts=("0.0.0.0",)), 7778)
    assert "every machine that reaches it may knock" in told
    assert "not encrypted" in told


def test_the_farm_is_off_unless_asked_for() -> None:
    options = make_parser().parse_args(["--serve"])
    assert not options.farm
    assert options.farm_port == FarmSettings().port == 7778
