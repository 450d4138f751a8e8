# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake desk, the gateway over it, and a client that is logged in. Runs without Blender."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from protocols.sheepit.client import SheepItClient
from unit.farm.sheepit.fake_desk import FakeDesk
from unit.farm.sheepit.gateways import Gateway, SharedGateway

from batchserver.farm.sheepit import job_routes

REAL_PATIENCE, OTHERS_PATIENCE = job_routes.JAVA, job_routes.OTHERS


@pytest.fixture(autouse=True)
def short_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold requests for a moment, and send them around three times."""
    monkeypatch.setattr(job_routes, "JAVA", job_routes.Patience(0.15, 3))
    monkeypatch.setattr(job_routes, "OTHERS", job_routes.Patience(0.1, 2))
    monkeypatch.setattr(job_routes, "LOOK_AGAIN", 0.05)


@pytest.fixture
def desk(tmp_path: Path) -> FakeDesk:
    folder = tmp_path / "server"
    folder.mkdir()
    return FakeDesk(folder)


@pytest.fixture(scope="module")
def listening() -> Iterator[SharedGateway]:
    """One listener for a module's tests."""
    with SharedGateway() as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: SharedGateway, desk: FakeDesk) -> Gateway:
    """The gateway over the test's desk."""
    return listening.over(desk)


@pytest.fixture
def client(gateway: Gateway, tmp_path: Path) -> SheepItClient:
    """A client of late 2022 that is logged in."""
    client = gateway.client(tmp_path / "client")
    client.log_in()
    return client
