# SPDX-License-Identifier: GPL-3.0-or-later
"""The right click: which property of which thing it was, and the entries that it gets in Blender's menu. Runs inside Blender."""

from __future__ import annotations

from typing import Any

import bpy

from . import jobs as job_facts
from . import override_naming, override_rules, store
from .override_paths import NUMBER, read
from .override_targets import Target

ADD = "renderplus.add_override"


def pointed(context: bpy.types.Context) -> Target | None:
    """Give the property under a right click; None when it was none."""
    owner, rule = getattr(context, "button_pointer", None), getattr(context, "button_prop", None)
    if owner is None or rule is None:
        return None
    name = rule.identifier
    own = owner.bl_rna.properties.get(name)
    return Target(owner, name) if own is not None and own == rule else Target(owner, key=name)


def refusal(context: bpy.types.Context) -> str:
    """Say why the property under a right click cannot be set by a job; empty when it can, and when nothing was clicked."""
    target = pointed(context)
    return override_rules.refusal(target) if target is not None else ""


def clicked(context: bpy.types.Context, single: bool) -> override_naming.Named | None:
    """Name the property that was clicked, with `single` the one number of it."""
    target = pointed(context)
    if target is None:
        return None
    index = _clicked_index(context) if single and not target.key else -1
    return override_naming.named(Target(target.owner, target.attribute, index, target.key))


def _clicked_index(context: bpy.types.Context) -> int:
    """Tell which number of several was clicked: Blender says so nowhere but in the path that it copies."""
    if not bpy.ops.ui.copy_data_path_button.poll():
        return -1
    manager = context.window_manager
    kept = manager.clipboard
    bpy.ops.ui.copy_data_path_button(full_path=True)
    path = read(manager.clipboard)
    manager.clipboard = kept
    return int(path.steps[-1].value) if path is not None and path.steps[-1].kind == NUMBER else -1


def path_of_clipboard(context: bpy.types.Context) -> str:
    """Give the path that Blender's "Copy Full Data Path" left in the clipboard; empty when there is none."""
    text = context.window_manager.clipboard.strip()
    return text if text.startswith("bpy.data.") and len(text) < 1000 and read(text) is not None else ""


def draw_menu(menu: Any, context: bpy.types.Context) -> None:
    """Draw the entries; nothing where Blender's own interface was clicked, or the list itself."""
    target = pointed(context)
    block = target.owner.id_data if target is not None else None
    if target is None or block is None or override_rules.is_interface(block) or block == store.text():
        return
    layout = menu.layout
    layout.separator()
    layout.operator_context = "INVOKE_DEFAULT"
    layout.operator(ADD, icon="RENDER_ANIMATION")
    kind = "" if override_rules.refusal(target) else override_rules.kind_of(target)
    if kind in {"VECTOR", "INTS", "BOOLEANS"} and not target.key:
        layout.operator(ADD, text="Add Single to Render Batch").single = True
    batch = store.get()
    if kind and batch is not None and sum(1 for _ in job_facts.enabled(batch)) > 1:
        layout.operator(ADD, text="Add to All Enabled Jobs").jobs = "ENABLED"
