# SPDX-License-Identifier: GPL-3.0-or-later
"""One warm session of each real Blender for a whole file of tests: what they share is the proof that nothing is left over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blender.session_driver import Session

from blenders import RealBlender


@pytest.fixture(scope="module")
def session(real_blender: RealBlender, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session of `real_blender`."""
    with Session(str(real_blender.program), tmp_path_factory.mktemp("session")) as running:
        yield running
