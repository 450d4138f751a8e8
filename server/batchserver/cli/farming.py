# SPDX-License-Identifier: GPL-3.0-or-later
"""`--farm`: puts the farm together. Nothing of it is imported unless it is on: it needs further packages.

Runs without Blender.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.dispatch.service import RenderService
from batchserver.ledger.far import FarLedger
from batchserver.ledger.ledger import SqliteLedger
from batchserver.model.errors import BadInput
from batchserver.model.records import BatchRecord, JobRecord
from batchserver.web.attempts import Attempts, stranger
from batchserver.web.guard import only_loopback
from batchserver.web.server import bind
from batchserver.workers.programs import Program
from batchserver.workers.session import Session

from .arguments import FARM_PORT
from .data_folder import DataFolder

if TYPE_CHECKING:
    from batchserver.farm.running import Farm

log = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1",)
PACKAGES = MappingProxyType({
    "uvicorn": "uvicorn", "starlette": "starlette", "python_multipart": "python-multipart", "defusedxml": "defusedxml",
    "blender_asset_tracer": "blender-asset-tracer", "cryptography": "cryptography", "zstandard": "zstandard",
})  # fmt: skip
"""What the farm imports, and what installs it; pyproject.toml's extra `farm` has the same."""


@dataclass(frozen=True, slots=True)
class FarmSettings:
    """Where the farm listens, and the Blenders that it gives to clients which bring none (`linux=FOLDER`)."""

    port: int = FARM_PORT
    hosts: tuple[str, ...] = ()
    blenders: tuple[str, ...] = ()
    flamenco_server: str = ""
    flamenco_blenders: tuple[str, ...] = ()

    @property
    def listens_on(self) -> tuple[str, ...]:
        """Give the addresses."""
        return self.hosts or LOOPBACK


@dataclass(frozen=True, slots=True)
class House:
    """What the farm needs of the server."""

    dispatcher: Dispatcher
    ledger: SqliteLedger
    data: DataFolder
    program_of: Callable[[BatchRecord], Program]
    usual_program: Callable[[], Program]
    start_session: Callable[[Program], Session]
    job_facts: Callable[[BatchRecord, JobRecord], Mapping[str, Any]]
    service: RenderService


def make_farm(settings: FarmSettings, house: House) -> Farm:
    """Make the farm, its port bound. Raises `BadInput` when packages are missing, `ServerTaken` when another program has the port."""
    _check_packages()
    from batchserver.farm.desk import FarmDesk
    from batchserver.farm.packing.archives import ArchiveCache
    from batchserver.farm.packing.asking import Asker
    from batchserver.farm.packing.preparer import ScenePreparer
    from batchserver.farm.packing.renderers import OwnRenderers, blender_folders
    from batchserver.farm.running import Farm

    from . import flamenco

    cache = ArchiveCache(house.data.path / "farm", clock=time.time)
    cache.clear_rests()
    asker = Asker(house.start_session)
    preparer = ScenePreparer(cache, asker, program_of=house.program_of, job_facts=house.job_facts, usual_program=house.usual_program)
    desk = FarmDesk(
        house.dispatcher, FarLedger(house.ledger), preparer, OwnRenderers(blender_folders(settings.blenders), cache, lambda: asker.stopped),
        attempts=Attempts(), stranger=lambda address: stranger(address, None), logs=house.data.logs,
    )  # fmt: skip
    sockets = bind(settings.listens_on, settings.port, "--farm-port")
    own = flamenco.make_gateway(
        desk, house.service, house.data.path / "flamenco", server=settings.flamenco_server, blenders=settings.flamenco_blenders,
        port=int(sockets[0].getsockname()[1]),
    )  # fmt: skip
    return Farm(desk, sockets, {"flamenco": own})


def what_cannot_leave(blends: Iterable[Path]) -> dict[Path, list[str]]:
    """Say of .blend files what of them could not be packed for other machines. Raises `BadInput` when packages are missing."""
    _check_packages()
    from batchserver.farm.packing.tracing import what_is_missing

    logging.getLogger("blender_asset_tracer").setLevel(logging.ERROR)  # what it warns of is what is said here
    lock = threading.Lock()
    return {blend: what_is_missing(blend, lock) for blend in dict.fromkeys(blends)}


def _check_packages() -> None:
    missing = [shown for name, shown in PACKAGES.items() if find_spec(name) is None]
    if missing:
        raise BadInput(f"--farm needs further packages: run `make farm`, or `pip install {' '.join(missing)}`")


def who_may(settings: FarmSettings, port: int) -> str:
    """Say where the farm listens, and what is open to whom."""
    where = f"The farm listens on port {port} ({', '.join(settings.listens_on)})"
    if only_loopback(settings.listens_on):
        return f"{where}: only programs of this machine reach it, such as a proxy or a tunnel (--farm-host opens it)"
    return (
        f"{where}: every machine that reaches it may knock. Whoever has a name and a secret of --add-worker, or an address named there, gets the scenes of "
        "running batches and sends pictures; what it says is not encrypted (docs/farm.md). The server's own routes are not on this port"
    )
