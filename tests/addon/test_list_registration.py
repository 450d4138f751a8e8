# SPDX-License-Identifier: GPL-3.0-or-later
"""Registering the list, and taking it back: nothing stays behind."""

from __future__ import annotations

from pathlib import Path

from addon.inside import run

from blenders import RealBlender

TWICE = """
def seen():
    handlers = {name: len(getattr(bpy.app.handlers, name)) for name in dir(bpy.app.handlers) if isinstance(getattr(bpy.app.handlers, name), list)}
    own = [name for name in dir(bpy.types) if name.lower().startswith("renderplus")]
    owners = (bpy.types.Text, bpy.types.Scene, bpy.types.Object, bpy.types.WindowManager)
    properties = {owner.__name__: sorted(owner.bl_rna.properties.keys()) for owner in owners}
    keys = bpy.context.window_manager.keyconfigs.addon
    items = sum(len(map_.keymap_items) for map_ in keys.keymaps) if keys else 0
    return {"handlers": handlers, "classes": own, "properties": properties, "operators": dir(bpy.ops.renderplus), "keys": items}

from renderplus import batch as room
before = seen()
room.register()
during = seen()
room.unregister()
between = seen()
room.register()
again = seen()
room.unregister()
found.update(before=before, during=during, between=between, again=again, after=seen())
"""


def test_registering_twice_leaves_nothing_behind(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = run(addon_blender, tmp_path, TWICE, register=False)
    assert found["before"]["classes"] == []
    assert found["between"] == found["before"] == found["after"]
    assert found["again"] == found["during"] != found["before"]
    assert "renderplus" in found["during"]["properties"]["Text"]


DESCRIBED = """
from renderplus.batch import operators, operators_job, operators_presets, properties
rules = [(cls.__name__, rule) for cls in properties.CLASSES for rule in cls.bl_rna.properties if rule.identifier != "rna_type"]
classes = [*operators.CLASSES, *operators_job.CLASSES, *operators_presets.CLASSES]
for cls in classes:
    own = getattr(bpy.ops.renderplus, cls.bl_idname.split(".")[1]).get_rna_type().properties
    rules += [(cls.__name__, rule) for rule in own if rule.identifier != "rna_type"]
found["rules"] = [(owner + "." + rule.identifier, rule.name, rule.description, rule.is_animatable) for owner, rule in rules]
def description(cls):
    return getattr(bpy.ops.renderplus, cls.bl_idname.split(".")[1]).get_rna_type().description
found["operators"] = [(cls.bl_idname, cls.bl_label, description(cls), "UNDO" in cls.bl_options) for cls in classes]
"""


def test_everything_has_a_name_and_a_sentence_and_no_keyframes(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = run(addon_blender, tmp_path, DESCRIBED)
    assert len(found["rules"]) > 100
    for owner, name, description, animatable in found["rules"]:
        assert not (animatable and owner.startswith("RenderPlus")), owner
        assert name, owner
        assert description, owner
        assert not description.endswith("."), owner
    for idname, label, description, undo in found["operators"]:
        assert label, idname
        assert description, idname
        assert not description.endswith("."), idname
        assert undo or idname == "renderplus.remove_preset"


def test_reading_the_add_on_changes_nothing_in_a_session(addon_blender: RealBlender, tmp_path: Path) -> None:
    """In a Blender that renders for the server the add-on knows that it has to stay away."""
    body = """
from renderplus.batch import addon
found["inert"] = addon.is_inert()
os.environ[addon.INSIDE_SESSION] = "1"
found["inside"] = addon.is_inert()
found["package"] = addon.package()
found["preferences"] = addon.preferences() is None
"""
    assert run(addon_blender, tmp_path, body, register=False) == {"inert": False, "inside": True, "package": "renderplus", "preferences": True}


def test_sentences_are_translated_before_they_are_filled_in(addon_blender: RealBlender, tmp_path: Path) -> None:
    body = """
view = bpy.context.preferences.view
sentence = 'There is no preset "{name}"'
bpy.app.translations.register("tests", {"de_DE": {("*", sentence): 'Es gibt keine Vorgabe "{name}"'}})
try:
    view.language, view.use_translate_interface = "de_DE", True
    if hasattr(view, "use_translate_reports"):
        view.use_translate_reports = True
    add_job(store.ensure(), bpy.context.scene)
    found["said"] = refused(bpy.ops.renderplus.load_preset, preset="ä")
except TypeError:
    found["said"] = ""  # the wheel has no languages
"""
    said = run(addon_blender, tmp_path, body)["said"]
    assert addon_blender.is_wheel or 'Es gibt keine Vorgabe "ä"' in said
