# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender Asset Tracer 1.23 misses in files of Blender 5: the node trees of linked materials, worlds and lights. Runs without Blender.

It looks for the compositor's tree in every block of such a file, where only scenes have one, and so finds no texture of a linked material.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from blender_asset_tracer.trace import expanders

NAME = "_expand_generic_nodetree_id"
FIELDS = (b"compositing_node_group", b"nodetree")


@contextlib.contextmanager
def repaired() -> Iterator[None]:
    """Have the tracer follow node trees wherever a block has one, while the context lasts."""
    before = getattr(expanders, NAME, None)
    if before is None:  # another release of the tracer, which does it in another way
        yield
        return
    setattr(expanders, NAME, _node_trees)
    try:
        yield
    finally:
        setattr(expanders, NAME, before)


def _node_trees(block: Any) -> Iterator[Any]:
    for field in FIELDS:
        tree = block.get_pointer(field, None)
        if tree is not None:
            yield from expanders._expand_generic_nodetree(tree)
