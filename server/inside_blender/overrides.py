# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a job's overrides on the open file: settings are data, never code.

A path starts at the scene or names a data-block (with `library` for a linked one), and is resolved property by property;
the value is checked against the property. What leads to code (drivers' expressions, texts, scripts) or would move the output
is refused. Runs inside Blender.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import bpy

from . import animation, property_value
from .failures import Failure, near
from .orders import Override
from .property_path import Index, Key, Name, Step, parse, written
from .scene_settings import Written, same

CODE = frozenset({"Driver", "DriverVariable", "DriverTarget", "Text", "ShaderNodeScript", "FreestyleModuleSettings", "Library", "WindowManager", "Preferences"})
"""Types whose properties run scripts, or are not the file's."""

OURS = {
    ("RenderSettings", "filepath"): "the job's output path",
    ("FreestyleSettings", "mode"): "the file's own Freestyle mode",
    ("Scene", "frame_start"): "the job's frames", ("Scene", "frame_end"): "the job's frames", ("Scene", "frame_step"): "the job's frames",
    ("Scene", "frame_current"): "the job's frames",
}  # fmt: skip
"""Properties that the session itself sets for every job: an override of them could not be kept."""


@dataclass(frozen=True)
class Target:
    """The end of a path: `owner.attribute`, one element of it (`index`), or a custom property (`key`)."""

    owner: Any
    attribute: str = ""
    index: int | None = None
    key: str = ""


def apply(overrides: tuple[Override, ...], scene: bpy.types.Scene, done: Written) -> None:
    """Put all overrides on the file in their order; raise Failure("override") at the first that cannot be."""
    for override in overrides:
        try:
            _apply(override, scene, done)
        except Failure as failure:
            raise Failure(failure.code, f"{_title(override)}: {failure.message}", failure.frame) from None


def _title(override: Override) -> str:
    return f'Override "{override.name}" ({override.path})' if override.name and override.name != override.path else f'Override "{override.path}"'


def _apply(override: Override, scene: bpy.types.Scene, done: Written) -> None:
    steps = parse(override.path)
    target = resolve(steps, scene, override.library)
    if target.key:
        _set_custom(target, override.data, done)
        return
    owner, attribute = target.owner, target.attribute
    rule = owner.bl_rna.properties[attribute]
    _allowed(owner, rule)
    value = property_value.convert(override.data, owner, rule, f'"{rule.name or attribute}"', whole=target.index is None)
    done.touch(owner, attribute)
    if animation.mute(owner, attribute, target.index, done.touch):
        done.notes.append(f"{_title(override)}: the property is animated or driven in the file; its animation is off for this job.")
    _set(target, rule, value)
    _remember(target, value, done)


def _allowed(owner: Any, rule: Any) -> None:
    kinds = {owner.bl_rna.identifier}
    base = owner.bl_rna.base
    while base is not None:
        kinds.add(base.identifier)
        base = base.base
    if kinds & CODE or rule.identifier == "expression":
        raise Failure("override", "Overrides set values, and never code: what is here can run scripts, and is not set.")
    for kind in kinds:
        if (kind, rule.identifier) in OURS:
            raise Failure("override", f"This is decided by {OURS[(kind, rule.identifier)]}, not by an override.")
    if rule.type == "POINTER" and rule.is_readonly:
        raise Failure("override", f'"{rule.name or rule.identifier}" is a thing and not a value: name one of its properties.')
    if rule.is_readonly and rule.type != "COLLECTION":
        raise Failure("override", f'"{rule.name or rule.identifier}" cannot be set; Blender only shows it.')


def _set(target: Target, rule: Any, value: Any) -> None:
    owner, attribute = target.owner, target.attribute
    try:
        if target.index is not None:
            getattr(owner, attribute)[target.index] = value
        elif not same(getattr(owner, attribute), value):
            setattr(owner, attribute, value)
    except (TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise Failure("override", f'"{rule.name or attribute}" does not take {value!r}: {str(error).split("item.attr = val: ")[-1]}.') from None
    found = getattr(owner, attribute)
    if target.index is not None:
        found = found[target.index]
    if not same(found, value):
        raise Failure("override", f'"{rule.name or attribute}" does not take {value!r}: Blender made {_shown(found)} of it.')


def _remember(target: Target, value: Any, done: Written) -> None:
    """Have the value read back at the first and the last frame."""
    if target.index is None and not isinstance(value, list):
        done.values = [each for each in done.values if not (each[0] == target.owner and each[1] == target.attribute)]
        done.values.append((target.owner, target.attribute, value))
    else:
        done.others.append((lambda: _current(target), value, target.attribute, target.owner))


def _current(target: Target) -> Any:
    found = getattr(target.owner, target.attribute)
    return found[target.index] if target.index is not None else found


def _shown(found: Any) -> str:
    return repr(list(found)) if hasattr(found, "__len__") and not isinstance(found, str) else repr(found)


def resolve(steps: tuple[Step, ...], scene: bpy.types.Scene, library: str = "") -> Target:
    """Walk the path from the scene, or from the data-block that it names; raise Failure("override")."""
    here, at = _root(steps, scene, library)
    while at < len(steps):
        step, last = steps[at], at == len(steps) - 1
        said = written(steps[: at + 1])
        if isinstance(step, Name):
            rule = _rule(here, step.text, said)
            if last:
                return Target(here, step.text)
            if isinstance(steps[at + 1], Index) and rule.type not in {"COLLECTION", "POINTER"}:
                if at + 2 != len(steps):
                    raise Failure("override", f'"{said}" is a list of plain values; nothing can follow its number.')
                return _element(here, step.text, steps[at + 1], said)
            _no_code(here)
            here = getattr(here, step.text)
            if here is None:
                raise Failure("override", f'"{said}" is empty in the file.')
        elif last and isinstance(step, Key) and not _is_collection(here):
            return Target(here, key=step.text)
        else:
            here = _item(here, step, said)
        at += 1
    raise Failure("override", f'"{written(steps)}" names a thing and not a value: name one of its properties.')


def _no_code(owner: Any) -> None:
    if owner.bl_rna.identifier in CODE:
        raise Failure("override", "Overrides set values, and never code: what is here can run scripts, and is not set.")


def _root(steps: tuple[Step, ...], scene: bpy.types.Scene, library: str) -> tuple[Any, int]:
    first = steps[0]
    if not isinstance(first, Name):  # a custom property of the scene
        return scene, 0
    blocks = bpy.data.bl_rna.properties.get(first.text)
    if blocks is None or blocks.type != "COLLECTION" or len(steps) < 2 or not isinstance(steps[1], (Key, Index)):
        if library:
            raise Failure("override", f'With a library the path has to name a data-block, such as materials["Gold"], not "{first.text}".')
        return scene, 0
    if not isinstance(steps[1], Key):
        raise Failure("override", f'"{first.text}" wants a name, such as {first.text}["Name"]: numbers change from file to file.')
    return _block(getattr(bpy.data, first.text), first.text, steps[1].text, library), 2


def _block(collection: Any, kind: str, name: str, library: str) -> Any:
    same_name = [block for block in collection if block.name == name]
    if library:
        for block in same_name:
            if block.library is not None and _is_library(block.library, library):
                return block
        files = [lib.filepath for lib in bpy.data.libraries]
        raise Failure("override", f'The file links no {kind}["{name}"] from "{library}". Its libraries: {", ".join(files) or "none"}.')
    for block in same_name:
        if block.library is None:
            return block
    if len(same_name) == 1:
        return same_name[0]
    if same_name:
        raise Failure("override", f'{kind}["{name}"] is linked from more than one library: name one in "library".')
    raise Failure("override", f'The file has no {kind}["{name}"]. {near(name, collection.keys())}')


def _is_library(found: Any, wanted: str) -> bool:
    full = os.path.normpath(bpy.path.abspath(found.filepath))
    return wanted in {found.filepath, found.name, os.path.basename(full)} or os.path.normpath(bpy.path.abspath(wanted)) == full


def _rule(owner: Any, name: str, said: str) -> Any:
    rna = getattr(owner, "bl_rna", None)
    if rna is None or not isinstance(owner, bpy.types.bpy_struct):
        raise Failure("override", f'"{said}" does not exist: what stands before it has no properties.')
    rule = rna.properties.get(name)
    if rule is None or name.startswith("_"):
        raise Failure("override", f'"{said}" does not exist. {near(name, [each.identifier for each in rna.properties if each.identifier != "rna_type"])}')
    return rule


def _is_collection(thing: Any) -> bool:
    return isinstance(thing, bpy.types.bpy_prop_collection)


def _item(here: Any, step: Step, said: str) -> Any:
    if not _is_collection(here):
        raise Failure("override", f'"{said}" does not exist: what stands before the brackets is no list.')
    if isinstance(step, Index):
        if not -len(here) <= step.number < len(here):
            raise Failure("override", f'"{said}" does not exist: there are {len(here)}.')
        return here[step.number]
    assert isinstance(step, Key)
    if step.text not in here:
        raise Failure("override", f'"{said}" does not exist. {near(step.text, list(map(str, here.keys())))}')
    return here[step.text]


def _element(owner: Any, attribute: str, step: Step, said: str) -> Target:
    assert isinstance(step, Index)
    values = getattr(owner, attribute)
    count = len(values) if hasattr(values, "__len__") and not isinstance(values, str) else 0
    if not 0 <= step.number < count:
        raise Failure("override", f'"{said}[{step.number}]" does not exist: "{said}" has {count or "no"} elements.')
    return Target(owner, attribute, step.number)


def _set_custom(target: Target, data: Any, done: Written) -> None:
    """Set a custom property that exists, to a value of the type that it has."""
    _no_code(target.owner)
    try:
        before = target.owner[target.key]
    except (KeyError, TypeError):
        raise Failure("override", f'There is no custom property "{target.key}".') from None
    value = property_value.custom(data, before, f'"{target.key}"')
    try:
        path = f'["{bpy.utils.escape_identifier(target.key)}"]'
        done.touch(target.owner, target.key)
        animation.mute(target.owner, path, touch=done.touch)
        target.owner[target.key] = value
        if isinstance(target.owner, bpy.types.ID):
            target.owner.update_tag()
        elif isinstance(target.owner.id_data, bpy.types.ID):
            target.owner.id_data.update_tag()
    except (TypeError, ValueError) as error:
        raise Failure("override", f'"{target.key}" does not take {data!r}: {error}.') from None
