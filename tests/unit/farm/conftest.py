# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the farm's tests. Runs without Blender."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.farm.farm_house import FarmHouse


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[FarmHouse]:
    """A desk over an empty ledger, which one account may join."""
    made = FarmHouse(tmp_path)
    yield made
    made.dispatcher.close()
    made.ledger.close()
