# SPDX-License-Identifier: GPL-3.0-or-later
"""What each engine's output means: lines of stdout in, figures and a frame's progress out. Runs without Blender."""

from .complaints import Complaint, diagnose, find_complaint
from .heard import (
    Banner,
    EngineNamed,
    FrameStarted,
    FrameTime,
    Heard,
    LayerStarted,
    Level,
    Loaded,
    MovieFrame,
    Report,
    Saved,
    Skipped,
    Stats,
)
from .poll_data import engine_data, engine_type, timecode
from .progress import EngineProgress
from .reader import MAX_LINE, read_line, read_stats

__all__ = [
    "MAX_LINE",
    "Banner",
    "Complaint",
    "EngineNamed",
    "EngineProgress",
    "FrameStarted",
    "FrameTime",
    "Heard",
    "LayerStarted",
    "Level",
    "Loaded",
    "MovieFrame",
    "Report",
    "Saved",
    "Skipped",
    "Stats",
    "diagnose",
    "engine_data",
    "engine_type",
    "find_complaint",
    "read_line",
    "read_stats",
    "timecode",
]
