# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recipe asks that this server will not do, said in the batch's messages instead of passed over in silence.

Only for the owner is done what runs programs (hooks, `blender_bin`, scripts in files), what switches the machine off, and what sends
messages. Who sent a recipe is settled once, when it comes in, and kept in the ledger with the batch (`trusted`).

Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from batchserver.model.recipe import Hook, Job, Recipe


def unkept(recipe: Recipe, *, trusted: bool) -> tuple[str, ...]:
    """List the sentences about what will not be done."""
    return () if trusted else tuple(_owners_only(recipe))


def _owners_only(recipe: Recipe) -> Iterator[str]:
    """Say what is not done because it is not known that the owner asks."""
    if recipe.blender_bin:
        yield "The recipe's blender_bin is not obeyed without the owner's token; the server's own Blender renders"
    if _has_hooks(recipe):
        yield "The recipe's hooks are not run without the owner's token"
    if _enabled(_at(recipe.reactions, "poweroff")):
        yield "The machine is not switched off without the owner's token"
    if _enabled(_at(recipe.reactions, "notifications", "mail")) or _at(recipe.reactions, "notifications", "channels"):
        yield "Mail and messages to channels are not sent without the owner's token"
    yield "Without the owner's token, files do not run scripts of their own"


def obeyed(hooks: Iterable[Hook], *, trusted: bool) -> tuple[Hook, ...]:
    """Give those of the hooks that may be run, of a stranger's none. Whoever runs hooks asks here."""
    return tuple(hook for hook in hooks if hook.enabled) if trusted else ()


def _has_hooks(recipe: Recipe) -> bool:
    of_jobs = [hook for job in recipe.jobs if job.enabled for hook in _of_job(job)]
    return any(hook.enabled for hook in (*recipe.pre_hooks, *recipe.post_hooks, *recipe.failure_hooks, *of_jobs))


def _of_job(job: Job) -> tuple[Hook, ...]:
    return (*job.pre_hooks, *job.post_hooks, *job.pre_frame_hooks, *job.post_frame_hooks, *job.failure_hooks)


def _at(values: Mapping[str, Any], *names: str) -> Any:
    found: Any = values
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _enabled(value: Any) -> bool:
    return value is True or (isinstance(value, Mapping) and value.get("enabled") is True)
