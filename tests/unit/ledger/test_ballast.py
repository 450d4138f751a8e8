# SPDX-License-Identifier: GPL-3.0-or-later
"""The ballast gives its room to the ledger when the disk is full, and comes back when it is not. Runs without Blender."""

from __future__ import annotations

from pathlib import Path

from batchserver.ledger.ballast import EASY, TIGHT, Ballast

SIZE = 1024 * 1024


def test_the_ballast_goes_overboard_when_it_is_tight_and_comes_back_when_it_is_easy(tmp_path: Path) -> None:
    free = EASY + 2 * SIZE
    path = tmp_path / "ballast"
    ballast = Ballast(path, size=SIZE, free=lambda _: free)
    ballast.trim()
    assert path.stat().st_size == SIZE
    free = TIGHT
    ballast.trim()
    assert path.exists()
    free = TIGHT - 1
    ballast.trim()
    assert not path.exists()
    free = EASY
    ballast.trim()
    assert not path.exists(), "not back and forth with every frame"
    free = EASY + 2 * SIZE
    ballast.trim()
    assert path.stat().st_size == SIZE


def test_a_later_server_knows_the_ballast_again_and_a_missing_folder_is_no_fault(tmp_path: Path) -> None:
    Ballast(tmp_path / "ballast", size=SIZE).trim()
    Ballast(tmp_path / "ballast", size=SIZE, free=lambda _: 0).trim()
    assert not (tmp_path / "ballast").exists()
    Ballast(tmp_path / "none" / "ballast").trim()
