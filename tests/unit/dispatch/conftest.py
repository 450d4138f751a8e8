# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the dispatcher's tests. Runs without Blender."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.dispatch.house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A dispatcher over an empty ledger."""
    made = House(tmp_path)
    yield made
    made.dispatcher.close()
    made.ledger.close()
