# SPDX-License-Identifier: GPL-3.0-or-later
"""`--add-worker`, `--list-workers`, `--remove-worker`: who may join the farm. Also while the server runs, which hears of it by itself.

Runs without Blender.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from batchserver.farm.accounts import add_account, remove_account
from batchserver.ledger.database import open_database
from batchserver.ledger.far import FarLedger
from batchserver.ledger.ledger import SqliteLedger
from batchserver.model.errors import BadInput

from .data_folder import DataFolder
from .exit_codes import ExitCode


def join(options: argparse.Namespace, data: DataFolder) -> int:
    """Do what was asked; returns the exit code."""
    if options.address and not options.add_worker:
        raise BadInput("--address belongs to --add-worker NAME")
    data.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    ledger = SqliteLedger(open_database(data.ledger))
    try:
        far = FarLedger(ledger)
        if options.add_worker:
            secret = add_account(far, options.add_worker, options.address, time.time())
            _show_secret(options, secret)
        elif options.remove_worker:
            remove_account(far, options.remove_worker)
            print(f"{options.remove_worker} may not join any more; what its machines have is queued again")
        else:
            _show(far, as_json=options.json)
    finally:
        ledger.close()
    return ExitCode.OK


def _show_secret(options: argparse.Namespace, secret: str) -> None:
    name = options.add_worker
    if options.json:
        print(json.dumps({"name": name, "secret": secret, "addresses": options.address}))
        return
    print(f"name:   {name}\nsecret: {secret}")
    print("The secret is shown this once; who has it may take frames. Start the server with --farm (docs/farm.md says what clients are told)")


def _show(far: FarLedger, *, as_json: bool) -> None:
    machines = far.workers()
    rows: list[dict[str, Any]] = [
        {
            "name": account.name, "addresses": list(account.addresses), "created": account.created,
            "machines": [
                {"id": row.id, "name": row.name, "kind": row.speech, "standing": row.standing, "reason": row.reason, "done": row.done, "failed": row.failed,
                 "heard": row.seen} for row in machines if row.account_id == account.id
            ],
        } for account in far.accounts()
    ]  # fmt: skip
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    if not rows:
        print("Nobody may join; --add-worker NAME lets somebody")
    for row in rows:
        print(f"{row['name']}{'  from ' + ', '.join(row['addresses']) if row['addresses'] else ''}")
        for machine in row["machines"]:
            standing = "" if machine["standing"] == "active" else f"  {machine['standing']}: {machine['reason']}"
            print(f"  {machine['id']:>4}  {machine['name']}  {machine['kind']}  {machine['done']} frames, {machine['failed']} bad{standing}")
