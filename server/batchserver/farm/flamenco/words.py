# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of the Manager API: what a task's status means in each generation, and what workers are called. Runs without Blender."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum
from types import MappingProxyType

from batchserver.farm.seams import Platform

PORT = 5000
"""Where a worker listens that does not say."""

JOB_TYPE = "blender_simple_render"
PARSER = "blender_render"


class Stage(Enum):
    """What a task's status says, whatever the generation calls it."""

    UNDER_WAY = "under way"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


STAGES: Mapping[str, Stage] = MappingProxyType({
    "ready": Stage.UNDER_WAY, "waiting": Stage.UNDER_WAY, "processing": Stage.UNDER_WAY, "running": Stage.UNDER_WAY, "active": Stage.UNDER_WAY,
    "rendering": Stage.UNDER_WAY, "finished": Stage.DONE, "completed": Stage.DONE, "failed": Stage.FAILED, "aborted": Stage.STOPPED,
    "canceled": Stage.STOPPED, "cancelled": Stage.STOPPED,
})  # fmt: skip
"""The statuses on the wire, of all generations."""


class WorkerWord(StrEnum):
    """How the protocol calls what a worker does."""

    ENABLED = "enabled"
    RENDERING = "rendering"
    DISABLED = "disabled"


class Connection(StrEnum):
    """Whether a worker was heard of lately."""

    ONLINE = "online"
    OFFLINE = "offline"


def platform_of(system: str) -> Platform:
    """Read what a worker says of its system ("Linux 6.1", "Darwin 14.1.0", "Windows 10")."""
    if "Darwin" in system:
        return Platform.MAC
    return Platform.WINDOWS if "Windows" in system else Platform.LINUX
