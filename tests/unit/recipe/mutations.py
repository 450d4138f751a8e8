# SPDX-License-Identifier: GPL-3.0-or-later
"""Breaks recipes for tests: keys taken out, renamed or put in, values exchanged for any other. Runs without Blender."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

NUMBERS = st.one_of(st.integers(-3, 3), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
TEXTS = st.one_of(st.sampled_from(["", "PNG", "CYCLES", "1-5", "//x", "/o/{camera}", "{", "~/x", "C:\\x", "render.x", "x.blend"]), st.text(max_size=8))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=4,
)


def mutated(data: st.DataObject, document: dict[str, Any], most: int = 4) -> Any:
    """Break the document in up to `most` places."""
    broken = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(0, most))):
        _break_one(data, broken)
    return broken


def _break_one(data: st.DataObject, node: Any) -> None:
    while True:
        keys: list[Any] = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        if isinstance(node[key], (dict, list)) and node[key] and data.draw(st.integers(0, 4)):
            node = node[key]
            continue
        break
    how = data.draw(st.sampled_from(["value", "drop", "rename", "add"]))
    if how == "value" or not isinstance(node, dict):
        node[key] = data.draw(VALUES)
    elif how == "drop":
        del node[key]
    elif how == "rename":
        node[f"{key[:-2]}{key[-1:]}{key[-2:-1]}"] = node.pop(key)
    else:
        node[data.draw(TEXTS)] = data.draw(VALUES)
