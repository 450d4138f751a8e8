# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of the ledger about other machines: who may join, which joined, what they hold, and the packages that it was made from.

Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .frames import FrameList


@dataclass(frozen=True, slots=True)
class AccountRow:
    """Somebody who may join. `lookup` is the part of the secret that finds the row; `secret` and `digest` are hashes made with `salt`, in hex."""

    id: int
    name: str
    lookup: str
    salt: str
    secret: str
    digest: str
    addresses: tuple[str, ...]
    created: float


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A machine that joined. `facts` is what it says of itself; `bad` counts its bad frames in a row; `laps` are seconds of its last frames."""

    id: int
    account_id: int
    speech: str
    key: str
    name: str
    facts: Mapping[str, Any]
    joined: float
    seen: float
    standing: str
    reason: str = ""
    done: int = 0
    failed: int = 0
    bad: int = 0
    laps: tuple[float, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A lease of a far worker, with the place of its job. `ended` as the lease's; `package` is the number of the package it was given."""

    lease_id: int
    worker_id: int
    package: int
    token: str
    deadline: float
    patience: float
    batch: int
    job: int
    job_id: int
    job_name: str
    frames: FrameList
    granted: float
    ended: float | None
