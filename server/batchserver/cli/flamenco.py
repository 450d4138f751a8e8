# SPDX-License-Identifier: GPL-3.0-or-later
"""`--flamenco-blender` and `--flamenco-server`: Flamenco's gateway with what the owner settles, and our queue for the tasks of its server.

Imported only where the farm is on. Runs without Blender.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from batchserver.dispatch.service import RenderService
from batchserver.farm.flamenco.batches import BatchLook
from batchserver.farm.flamenco.calls import NoAnswer, addresses_of
from batchserver.farm.flamenco.gateway import Gateway
from batchserver.farm.flamenco.settings import FlamencoSettings
from batchserver.farm.flamenco.words import Stage
from batchserver.farm.seams import Desk, Platform
from batchserver.model.errors import BadInput, Conflict, NotFound
from batchserver.recipe import load_recipe

_OVER = {"FINISHED": Stage.DONE, "FAILED": Stage.FAILED}


def make_gateway(desk: Desk, service: RenderService, folder: Path, *, server: str, blenders: Sequence[str], port: int) -> Gateway:
    """Make the gateway; `port` is the farm's, `folder` takes the files of a server's tasks. Raises `BadInput`."""
    try:
        addresses = addresses_of(server) if server else ()
    except NoAnswer as error:
        raise BadInput(f"--flamenco-server: {error}") from None
    settings = FlamencoSettings(programs(blenders), server, addresses, socket.gethostname() or "renderplus", port)
    return Gateway(desk, settings, TaskQueue(service, folder) if server else None)


def programs(words: Sequence[str]) -> dict[Platform, str]:
    """Read what `--flamenco-blender` was given. Raises `BadInput`."""
    found: dict[Platform, str] = {}
    for word in words:
        name, equals, program = word.partition("=")
        if not equals or name not in set(Platform) or not program:
            raise BadInput(f"--flamenco-blender {word!r}: write linux=PROGRAM, windows=PROGRAM or mac=PROGRAM, as the workers have it")
        found[Platform(name)] = program
    return found


class TaskQueue:
    """The queue, as Flamenco's gateway asks it: batches of one job, not trusted to run programs."""

    def __init__(self, service: RenderService, folder: Path) -> None:
        self._service = service
        self.folder = folder

    def submit(self, recipe: Mapping[str, Any]) -> int:
        """Add a batch to the queue's end. Raises `BadInput` or `Conflict`."""
        return self._service.enqueue(load_recipe(json.dumps(recipe).encode(), here=None), trusted=False)

    def look(self, batch: int) -> BatchLook | None:
        """Tell how a batch stands."""
        try:
            answer = json.loads(self._service.batch(batch).body)
        except NotFound:
            return None
        job = answer["jobs"][0]
        rendering = (job.get("frames") or {}).get("rendering") or [None]
        stage = _OVER.get(job["status"], Stage.STOPPED) if answer["status"] in ("FINISHED", "CANCELLED") else Stage.UNDER_WAY
        reason = (job.get("failure") or {}).get("message") or ("; ".join(job["messages"]) if stage is Stage.FAILED else "")
        return BatchLook(stage, rendering[0], float(job["times"].get("rendertime") or 0.0), str(reason))

    def cancel(self, batch: int) -> None:
        """Cancel a batch; one that is over stays as it is."""
        with contextlib.suppress(Conflict, NotFound):
            self._service.cancel_batch(batch)
