# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipe of one job of a batch: all that decides about its pictures, and nothing that happens around them.

Hooks, messages, power and the feed are left out. A job that merges tiles brings the jobs of its tiles. Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .output_path import settle_index

_SETTINGS = ("global_size", "global_percentage", "ignore_border", "existing", "suspect")
_AROUND = ("hooks",)


def alone(document: Mapping[str, Any], index: int) -> dict[str, Any]:
    """Write the recipe of the job at a place of a batch's kept document; it renders the same pictures to the same names."""
    jobs = document["jobs"]
    needed = [*dict.fromkeys(int(place) for place in jobs[index].get("merge", ())), index]
    places = {old: new for new, old in enumerate(needed)}
    settings = {key: value for key, value in document.get("settings", {}).items() if key in _SETTINGS}
    return {
        "version": document["version"], "name": document.get("name", ""), "blender_bin": document.get("blender_bin", ""), "settings": settings,
        "jobs": [_job(jobs[old], old, places) for old in needed],
    }  # fmt: skip


def _job(raw: Mapping[str, Any], index: int, places: Mapping[int, int]) -> dict[str, Any]:
    kept = {key: value for key, value in raw.items() if key not in _AROUND}
    merge = [places[int(place)] for place in raw.get("merge", ())]
    return {**kept, "output": settle_index(raw["output"], index), "merge": merge, "provenance": True}
