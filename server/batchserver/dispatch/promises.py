# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recipe asks that this server will not do, said in the batch's messages instead of passed over in silence.

Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from batchserver.model.recipe import Hook, Recipe


def unkept(recipe: Recipe, *, trusted: bool) -> tuple[str, ...]:
    """List the sentences about what will not be done."""
    sentences = []
    if recipe.blender_bin and not trusted:
        sentences.append("The recipe's blender_bin is not obeyed without the owner's token; the server's own Blender renders")
    hooks = [hook for job in recipe.jobs if job.enabled for hook in (*job.pre_hooks, *job.post_hooks)]
    if _any_enabled([*recipe.pre_hooks, *recipe.post_hooks, *hooks]):
        sentences.append("Hooks are not run by this version of the server")
    wanted = [name for name in ("desktop", "sound", "mail") if _enabled(_at(recipe.reactions, "notifications", name))]
    wanted += ["feed"] if _enabled(_at(recipe.reactions, "rss")) else []
    if wanted:
        sentences.append(f"Notifications ({', '.join(wanted)}) are not sent by this version of the server")
    if _enabled(_at(recipe.reactions, "poweroff")):
        sentences.append("The machine is not switched off by this version of the server")
    return tuple(sentences)


def _any_enabled(hooks: Iterable[Hook]) -> bool:
    return any(hook.enabled for hook in hooks)


def _at(values: Mapping[str, Any], *names: str) -> Any:
    found: Any = values
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _enabled(value: Any) -> bool:
    return value is True or (isinstance(value, Mapping) and value.get("enabled") is True)
