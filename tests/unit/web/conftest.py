# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers for the tests of the web. Runs without Blender."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from unit.web.fake_service import Running, Starter, running


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Starter]:
    """`start_server(access, limit=…, peers=…, hosts=…)`: a real server on a free port, closed after the test."""
    with ExitStack() as stack:

        def start(*args: Any, **options: Any) -> Running:
            return stack.enter_context(running(tmp_path / "data", *args, **options))

        yield start


@pytest.fixture
def server(start_server: Starter) -> Running:
    """A server as a start without options makes it."""
    return start_server()
