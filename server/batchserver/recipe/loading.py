# SPDX-License-Identifier: GPL-3.0-or-later
"""From a recipe's text to a checked `Recipe`, or to every fault of every job in one answer.

Three steps, each on what the one before let through: the JSON text, the schema, the rules that no schema can say.
Runs without Blender.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import PurePath
from typing import Any

from batchserver.model.errors import Fault, RecipeFaults
from batchserver.model.hooks import OF_BATCH, read_hooks
from batchserver.model.recipe import Job, Recipe

from . import rules
from .collisions import collisions
from .document import read_document
from .jobs import Batchwide, JobBuilder
from .merges import settle_merges
from .paths import Paths
from .schema import shape_faults
from .secrets import lost_before, secrets_of, without_secrets
from .wording import found

VERSION = 2.2
"""The recipe version that is read."""


def load_recipe(
    text: bytes | str,
    *,
    here: PurePath | None,
    today: Callable[[], date] = date.today,
    ignore_case: bool = sys.platform in ("win32", "darwin"),
) -> Recipe:
    """Read and check a recipe; global settings are applied to its jobs.

    `here` is the folder that relative paths start from (the command line's); None makes them faults, since over HTTP
    nobody knows where the sender stands. `today` fills the token `{date}`. `ignore_case`: `Shot` and `shot` are one file.
    Raises `RecipeFaults` with every fault that was found, and nothing else. Needs no Blender and looks at no file.
    """
    document, faults = read_document(text)
    _check_version(document)
    faults += shape_faults(document)
    if not isinstance(document.get("jobs"), list):
        raise RecipeFaults(tuple(faults))
    broken_top = any(not fault.path.startswith("jobs[") for fault in faults)
    jobs = _jobs(document, Paths(here), today(), faults, broken_top=broken_top)
    jobs = settle_merges(jobs, document["jobs"], faults)
    faults += collisions(jobs, ignore_case=ignore_case)
    if not broken_top:
        faults += rules.hooks(document["hooks"], OF_BATCH, "hooks")
        _settle_paths(document, Paths(here), faults)
    if faults:
        raise RecipeFaults(tuple(sorted(faults, key=_place)))
    return _recipe(document, tuple(jobs))


def nothing_to_render(recipe: Recipe) -> str | None:
    """Say why the recipe cannot be started: none of its jobs is enabled. None when it can."""
    if any(job.enabled for job in recipe.jobs):
        return None
    return 'There is nothing to render: no job of the recipe is enabled. Enable one ("enabled": true) and send it again.'


def _check_version(document: Mapping[str, Any]) -> None:
    """Refuse another version before anything else, since every further fault would follow from it."""
    version = document.get("version", VERSION)
    if version not in (VERSION, str(VERSION)) or isinstance(version, bool):
        message = f"this server reads recipes of version {VERSION}, and this one says {found(version)}; export it again with a Render+ of this version"
        raise RecipeFaults((Fault("version", message),))


def _jobs(document: dict[str, Any], paths: Paths, today: date, faults: list[Fault], *, broken_top: bool) -> list[Job]:
    """Make the jobs whose shape is right; their faults are appended, a broken job is left out."""
    misshapen = {fault.path.partition("]")[0] for fault in faults}
    batchwide = Batchwide() if broken_top else Batchwide.of(document["settings"])
    builder = JobBuilder(batchwide, paths, today)
    right = [(index, raw) for index, raw in enumerate(document["jobs"]) if f"jobs[{index}" not in misshapen]
    faults += _settle_ids([raw for _, raw in right], [index for index, _ in right])
    built = []
    for index, raw in right:
        job, found_here = builder.build(raw, index)
        faults += found_here
        if not found_here:
            built.append(job)
    return built


def _settle_ids(jobs: list[dict[str, Any]], places: list[int]) -> list[Fault]:
    """Number the jobs that have no id with their place, or the next free number; say which ids are there twice."""
    taken = Counter(int(raw["id"]) for raw in jobs if "id" in raw)
    faults = [
        Fault(f"jobs[{place}].id", f"expected a number of its own, found {raw['id']}, which {taken[raw['id']]} jobs have")
        for raw, place in zip(jobs, places, strict=True)
        if "id" in raw and taken[raw["id"]] > 1
    ]
    following = len(jobs)
    for raw, place in zip(jobs, places, strict=True):
        if "id" not in raw:
            number = place
            while number in taken:
                number, following = following, following + 1
            taken[number] += 1
            raw["id"] = number
    return faults


def _settle_paths(document: dict[str, Any], paths: Paths, faults: list[Fault]) -> None:
    """Make the batch's own paths absolute in the document, where they are used."""
    blender = document["blender_bin"]
    if "/" in blender or "\\" in blender:
        document["blender_bin"] = paths.settled(blender, "blender_bin", faults)
    for holder, key, place in (
        (document["settings"]["rss"], "path", "settings.rss.path"),
        (document["notifications"]["sound"], "file", "notifications.sound.file"),
    ):
        if holder.get(key) and holder.get("enabled"):
            holder[key] = paths.settled(holder[key], place, faults)


def _place(fault: Fault) -> tuple[int, int]:
    """Sort faults of the batch before those of the jobs, and those in their order."""
    index = fault.path.removeprefix("jobs[").partition("]")[0]
    return (1, int(index)) if index.isdigit() and fault.path.startswith("jobs[") else (0, 0)


def _recipe(document: dict[str, Any], jobs: tuple[Job, ...]) -> Recipe:
    kept, secrets = without_secrets(document), secrets_of(document)
    if left_out := sorted(secrets.keys() | lost_before(document)):
        kept["notifications"]["_left_out"] = left_out  # the places; what stood there is in `secrets` alone
    kept["name"] = document.get("name") or str(jobs[0].blend)
    return Recipe(
        name=kept["name"],
        version=VERSION,
        blender_bin=kept["blender_bin"],
        jobs=jobs,
        pre_hooks=read_hooks(kept["hooks"]["PRE_BATCH"]),
        post_hooks=read_hooks(kept["hooks"]["POST_BATCH"]),
        failure_hooks=read_hooks(kept["hooks"]["ON_FAILURE"]),
        reactions={
            "notifications": kept["notifications"],
            "poweroff": kept["poweroff"],
            "rss": kept["settings"]["rss"],
            "write_log": kept["settings"]["write_log"],
        },
        document=kept,
        secrets=secrets,
    )
