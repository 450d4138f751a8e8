# SPDX-License-Identifier: GPL-3.0-or-later
"""`--cancel-batch`: cancels a batch by its number, at the running server or, when none runs, in the ledger that it left.

Runs without Blender.
"""

from __future__ import annotations

from batchserver.model.errors import ServerUnreachable

from .client import Client
from .exit_codes import ExitCode
from .wiring import BatchServer, Settings


def cancel(number: int, client: Client, settings: Settings) -> int:
    """Cancel the batch. Raises `NotFound` or `Conflict` when there is no such batch, or it is over already."""
    try:
        said = str(client.ask("DELETE", f"/api/v1/batches/{number}").get("status", "Done"))
    except ServerUnreachable:
        server = BatchServer(settings)
        try:
            server.take_over()
            server.service.cancel_batch(number)
        finally:
            server.close()
        said = f"Batch {number} is cancelled."
    print(said)
    return ExitCode.OK
