# SPDX-License-Identifier: GPL-3.0-or-later
"""What is handed to workers and what they answer first: offers, plans, and how often what is tried again.

Runs without Blender.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from batchserver.model.records import LeaseRecord

from .board import LiveBatch, LiveJob
from .sealing import Move


@dataclass(frozen=True, slots=True)
class Bounds:
    """How often what is tried again.

    `attempts` is the most renders of a frame that may end badly; `deaths` the most Blenders that may die on a job
    before it renders anything; `same_failures` how many frames may fail for good, with none done, before the job fails.
    `memory` is the most renders of a frame, or starts of a job, that may end for want of memory. `chunk` is the most frames of one lease.
    """

    attempts: int = 3
    deaths: int = 3
    same_failures: int = 3
    memory: int = 2
    chunk: int = 1000


@dataclass(frozen=True, slots=True)
class Offer:
    """What a worker gets: a lease, and all it needs to know to render it.

    `attempt` names the folder under `.renderplus` beside the outputs; `sequence` are a movie's frames to encode, or the tiles to merge, by
    the places of their jobs.
    """

    lease: LeaseRecord
    batch: LiveBatch
    job: LiveJob
    attempt: str
    sequence: tuple[tuple[int, Path], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a session says before it writes: its folders, why its frames go in order ("" = they need not), its engine and device.

    `movie`: the frames are to be encoded; `direct`: Blender writes the movie itself.
    """

    moves: tuple[Move, ...]
    movie: bool = False
    direct: bool = False
    in_order: str = ""
    engine: str = ""
    device: str = ""
