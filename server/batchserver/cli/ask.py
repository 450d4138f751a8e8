# SPDX-License-Identifier: GPL-3.0-or-later
"""`--poll`, `--poll-job`, `--cancel`, `--cancel-job`, `--keep-on` and `--stop`: questions to the running server.

Runs without Blender.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from .client import Client
from .drawing import Look, lines
from .exit_codes import ExitCode
from .terminal import statistics_text

WIDTH = 100


def ask(options: argparse.Namespace, client: Client) -> int:
    """Ask the server, and print its answer."""
    if options.cancel:
        return _said(client.ask("DELETE", "/batch"), options)
    if options.cancel_job:
        return _said(client.ask("DELETE", "/batch/jobs/current"), options)
    if options.keep_on:
        return _said(client.ask("DELETE", "/api/v1/power"), options)
    if options.stop:
        return _said(client.ask("DELETE", "/server"), options)
    path = "/batch" if options.poll_job is None else f"/batch/jobs/{options.poll_job}"
    answer = client.ask("GET", path)
    if options.json or options.poll_job is not None:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    elif options.print_stats:
        print(statistics_text(answer), end="")
    else:
        print("\n".join(lines(answer, WIDTH, time.time(), Look(unicode=False, colour=False))))
    return ExitCode.OK


def _said(answer: dict[str, Any], options: argparse.Namespace) -> int:
    print(json.dumps(answer) if options.json else answer.get("status", "Done"))
    return ExitCode.OK
