# SPDX-License-Identifier: GPL-3.0-or-later
"""What each engine's output means: lines of stdout in, figures and a frame's progress out. Runs without Blender."""

from .diagnose import AbsentEngine, absent_engine, diagnose, diagnose_death
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
from .python_errors import PythonErrors
from .reader import MAX_LINE, read_line, read_stats

__all__ = [
    "MAX_LINE",
    "AbsentEngine",
    "Banner",
    "EngineNamed",
    "EngineProgress",
    "FrameStarted",
    "FrameTime",
    "Heard",
    "LayerStarted",
    "Level",
    "Loaded",
    "MovieFrame",
    "PythonErrors",
    "Report",
    "Saved",
    "Skipped",
    "Stats",
    "absent_engine",
    "diagnose",
    "diagnose_death",
    "engine_data",
    "engine_type",
    "read_line",
    "read_stats",
    "timecode",
]
