# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that the add-on says is said in German, too: nothing is missing, nothing left over, and Blender finds it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from addon import inside

from batchserver.model.codes import CODES
from blenders import ROOT, RealBlender


def _module(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"translated_{Path(path).stem}", ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made  # dataclasses look there
    spec.loader.exec_module(made)
    return made


messages = _module("tools/messages.py")
german = dict(_module("ui/translations/de_DE.py").MESSAGES)


def test_every_message_has_a_german_text_and_no_text_is_left_over() -> None:
    said = {one.message: one.place for one in messages.collect()}
    lacking, stale, differ = messages.lacking(german, said)
    assert {message: said[message] for message in lacking} == {}
    assert stale == []
    assert differ == [], "a {name} is another one in German"
    assert len(said) > 1000


def test_german_texts_look_like_those_they_stand_for() -> None:
    for message, text in german.items():
        assert text.strip() == text, message
        assert message.endswith("…") == text.endswith("…"), message
        assert message.endswith("?") == text.endswith("?"), message
        assert message.endswith(".") == text.endswith("."), message


def test_no_text_for_people_is_written_where_it_is_not_looked_up() -> None:
    collected = {one.message for one in messages.collect()}
    files = [path for room in messages.ROOMS for path in sorted((ROOT / room).rglob("*.py")) if "translations" not in path.parts]
    found = [one for path in files for one in messages.suspects(path.read_text("utf-8"), path.relative_to(ROOT).as_posix())]
    assert [(one.place, one.message) for one in found if one.message not in collected] == []


def test_ways_out_are_those_of_the_server() -> None:
    known = dict(_module("ui/ways_out.py").WAYS_OUT)
    assert known == {code: each.way_out for code, each in CODES.items()}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('say("One thing")', ["One thing"]),
        ('say("One" if it else "Several", count=1)', ["One", "Several"]),
        ('def f():\n    s = "A long one"\n    return say(s)', ["A long one"]),
        ('row.label(text="Shown")\nrow.label(text="Cube.001", translate=False)', ["Shown"]),
        ('x: IntProperty(name="Size", description="How big")', ["Size", "How big"]),
        ('ITEMS = (("UP", "Up", "One place up"),)', ["Up", "One place up"]),
        ('class A(bpy.types.Operator):\n    """Do it"""\n    bl_label = "Do"', ["Do", "Do it"]),
        ('class A(bpy.types.PropertyGroup):\n    """For us"""', []),
        ('raise ServerGone(sentence("Gone from {port}", port=port))', ["Gone from {port}"]),
    ],
)
def test_messages_are_collected_from(source: str, found: list[str]) -> None:
    assert [one.message for one in messages.of_source(source, "x.py")] == found


@pytest.mark.parametrize("source", ['say(f"Job {name}")', "say(text())", 'row.label(text=f"Job {name}")'])
def test_a_message_that_is_no_literal_is_refused(source: str) -> None:
    with pytest.raises(messages.NotLiteral):
        messages.of_source(source, "x.py")


BLENDERS_OWN = frozenset({"Sound"})
"""English words that Blender's own German leaves as they are; ours is not asked then."""

_IN_GERMAN = """
from renderplus import ui
from renderplus.batch.sayings import heard, say
from renderplus.batch.sentences import sentence
from renderplus.ui import translations

ui.register()
view, asked = bpy.context.preferences.view, bpy.app.translations
found["international"] = bpy.app.build_options.international
found["english"] = [say("Cancelled"), asked.pgettext_iface("Quick Batch")]

def speak(locale):
    view.language = locale
    view.use_translate_interface = view.use_translate_tooltips = view.use_translate_reports = True

try:
    speak("de_DE")
except TypeError as error:
    found["refused"] = str(error)
found["locale"] = asked.locale
lost = OSError(sentence("The server answered {status}", status=418))
found["said"] = [say("{count:,} jobs", count=1200), heard("{no} message of ours"), heard(str(lost)), say("View Layers")]
found["reported"] = refused(bpy.ops.renderplus.move_override) and refused(bpy.ops.renderplus.remove_job)
bpy.ops.renderplus.add_job()
found["error"] = refused(bpy.ops.renderplus.duplicate_job, index=77)

def shown(kind, prefix):
    return [getattr(bpy.types, name) for name in dir(bpy.types) if name.startswith(prefix) and issubclass(getattr(bpy.types, name), kind)]

classes = [*shown(bpy.types.Operator, "RENDERPLUS_OT_"), *shown(bpy.types.Panel, "RENDERPLUS_PT_"), *shown(bpy.types.Menu, "RENDERPLUS_MT_")]
classes += [cls for cls in bpy.types.PropertyGroup.__subclasses__() if cls.__module__.startswith("renderplus.")]
texts = set()
for cls in classes:
    kind = cls.bl_rna
    if not issubclass(cls, bpy.types.PropertyGroup):
        texts |= {(kind.translation_context, kind.name), ("*", kind.description)}
    for each in kind.properties:
        if each.identifier in ("rna_type", "name") or each.identifier.startswith("bl_") or each.identifier not in cls.__annotations__:
            continue
        texts |= {(each.translation_context, each.name), ("*", each.description)}
        for item in each.enum_items_static if each.type == "ENUM" else ():
            texts |= {(each.translation_context, item.name), ("*", item.description)}
found["count"] = len(texts)
found["not_german"] = sorted(text for context, text in texts if text and asked.pgettext(text, context) == text)

speak("en_US")
found["english_again"] = say("Cancelled")
speak("de_DE")
ui.unregister()
ui.register()
found["german_again"] = asked.pgettext("Quick Batch")
ui.unregister()
found["left"] = [asked.pgettext("Quick Batch"), say("Cancel Batch")]
"""


def test_blender_speaks_german(addon_blender: RealBlender, tmp_path: Path) -> None:
    if addon_blender.is_wheel:
        pytest.skip("one Blender of each kind is enough")
    found = inside.run(addon_blender, tmp_path, _IN_GERMAN)
    assert found["english"] == ["Cancelled", "Quick Batch"]
    assert found["international"], "a Blender without other languages has nothing to test here"
    assert "refused" not in found
    assert found["locale"] == "de_DE"
    assert found["said"] == ["1200 Jobs", "{no} message of ours", "Der Server hat 418 geantwortet", "Ebenen"]
    assert "Die Liste hat noch keinen Job; zuerst einen hinzufügen" in found["reported"]
    assert "So einen Job gibt es in der Liste nicht" in found["error"]
    same = {message for message, text in german.items() if message == text} | BLENDERS_OWN
    assert [text for text in found["not_german"] if text not in same and text not in messages.NOT_SAID and messages.is_said(text)] == []
    assert found["count"] > 300
    assert found["english_again"] == "Cancelled"
    assert found["german_again"] == "Schnellstapel"
    assert found["left"] == ["Quick Batch", "Cancel Batch"]
