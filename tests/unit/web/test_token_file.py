# SPDX-License-Identifier: GPL-3.0-or-later
"""`--token-file`: made private at first use, refused when it is not. Runs without Blender."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from batchserver.cli.arguments import make_parser
from batchserver.cli.exit_codes import ExitCode, code_of
from batchserver.model.errors import BadInput
from batchserver.web.token import named_token, read_token

posix = pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")


def test_a_token_file_is_made_at_first_use_and_read_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "made" / "too" / "my token"
    token = named_token(path)
    assert len(token) == 43
    assert named_token(path) == token == read_token(tmp_path, path)
    assert [found.name for found in path.parent.iterdir()] == ["my token"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601])
def test_a_token_that_others_can_read_is_refused_with_a_sentence_and_left_alone(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "token"
    path.write_text("a" * 43)
    path.chmod(mode)
    with pytest.raises(BadInput, match=rf"Others can read the token in .*{mode:04o}.*chmod 600") as refused:
        named_token(path)
    assert path.read_text() == "a" * 43
    assert code_of(refused.value) == ExitCode.USAGE


@posix
def test_a_token_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "token"
    named_token(path)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    if os.getuid() == 0:
        os.chown(path, 4711, -1)
    with pytest.raises(BadInput, match="belongs to another user"):
        named_token(path)


@pytest.mark.parametrize("content", ["", "short", "a" * 31, "with a space in it, though it is long enough", "\xe4" * 43, "a" * 5000, "two\n" + "b" * 43])
def test_what_is_no_token_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "token"
    path.write_text(content, "latin-1")
    path.chmod(0o600)
    with pytest.raises(BadInput, match="no token in"):
        named_token(path)
    assert path.read_text("latin-1") == content


def test_a_token_of_ones_own_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("correct-horse.battery_staple~0123456789==\n")
    path.chmod(0o600)
    assert named_token(path) == "correct-horse.battery_staple~0123456789=="


@pytest.mark.parametrize("place", ["", "token/below"])
def test_a_folder_and_a_place_below_a_file_are_refused(tmp_path: Path, place: str) -> None:
    named_token(tmp_path / "token")
    with pytest.raises(BadInput, match="name another with --token-file"):
        named_token(tmp_path / place)


@pytest.mark.parametrize("days", ["-1", "x", "1.5", "99999999"])
def test_uploads_are_kept_for_a_number_of_days(days: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert make_parser().parse_args(["--serve", "--keep-uploads", "7"]).keep_uploads == 7
    with pytest.raises(SystemExit):
        make_parser().parse_args(["--serve", "--keep-uploads", days])
    assert "is no number of days" in capsys.readouterr().err
