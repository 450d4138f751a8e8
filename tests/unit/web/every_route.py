# SPDX-License-Identifier: GPL-3.0-or-later
"""Every route that the server describes, with a body that it takes: what attacks on "each route" go through. Runs without Blender."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from unit.web.fake_service import BLEND

from batchserver.web.app import OPENAPI
from batchserver.web.guard import GETS_WITH_EFFECTS


@dataclass(frozen=True)
class Wish:
    """A request that a route takes as it is."""

    method: str
    path: str
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def does_something(self) -> bool:
        return self.method != "GET" or self.path in GETS_WITH_EFFECTS


_BODIES = {
    "/api/v1/batches/{batch_id}": b'{"paused": true}',
    "/api/v1/batches/{batch_id}/retry": b"{}",
    "/api/v1/batches/{batch_id}/jobs/{index}/input": b'{"choice": "again"}',
}


def every_route() -> list[Wish]:
    """List them, with batch 7, job 0 and worker 3."""
    described = json.loads(OPENAPI.read_text("utf-8"))["paths"]
    return [_wish(method.upper(), path, operation) for path, item in described.items() for method, operation in item.items() if method != "parameters"]


def _wish(method: str, path: str, operation: dict[str, object]) -> Wish:
    plain = path.replace("{batch_id}", "7").replace("{index}", "0").replace("{worker_id}", "3")
    taken = str(operation.get("requestBody", ""))
    if "octet-stream" in taken:
        return Wish(method, plain + "?name=evil.blend", BLEND, {"Content-Type": "application/octet-stream"})
    if "application/json" in taken:
        return Wish(method, plain, _BODIES.get(path, b'{"name": "/evil.blend"}'), {"Content-Type": "application/json"})
    return Wish(method, plain)
