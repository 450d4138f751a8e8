# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is killed, and whenever: each frame is done exactly once, with the pixels of an undisturbed render, and nothing is left behind.

`make chaos KILLS=500 SEED=1` runs long. Runs without Blender itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from chaos.havoc import Havoc
from chaos.scenes import SCENE

from blenders import RealBlender

KILLS = int(os.environ.get("KILLS") or 5)
SEED = int(os.environ.get("SEED") or 1)


@pytest.mark.timeout(max(300, KILLS * 30))
def test_no_kill_loses_or_repeats_a_frame(real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    havoc = Havoc(tmp_path, real_blender, make_blend("chaos", SCENE), kills=KILLS, seed=SEED)
    try:
        toll = havoc.run()
    finally:
        print(f"\nchaos on {real_blender.name}, seed {SEED}: {json.dumps(havoc.toll.facts())}")
    assert toll.killed >= KILLS
