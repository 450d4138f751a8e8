# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a value against the property that it is for: type, range, choices, length, data-block. Runs inside Blender.

A value is JSON, or the text of a Python literal (what Render+ 2.2 wrote); it is read, never executed.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable
from typing import Any

import bpy

from .failures import Failure, near

ENDLESS = 2**31 - 1


def convert(value: Any, owner: Any, rule: Any, said: str, whole: bool = True) -> Any:
    """Return `value` as the property `rule` of `owner` takes it; raise Failure("override") with a sentence.

    `whole` is False when one element of an array is meant.
    """
    value = _unwritten(value, rule)
    if rule.type in {"BOOLEAN", "INT", "FLOAT"} and rule.is_array and whole:
        return _array(value, getattr(owner, rule.identifier), rule, said)
    if rule.type == "POINTER":
        return _pointer(value, rule, said)
    if rule.type == "COLLECTION":
        raise Failure("override", f"{said} is a list of things, not a value: name one of them and its property.")
    return _CHECKS[rule.type](value, owner, rule, said)


def _unwritten(value: Any, rule: Any) -> Any:
    """Read the text of a Python literal, where text is not what the property wants."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    if rule.type == "STRING" and not quoted:
        return value
    if rule.type in {"ENUM", "POINTER"} and not (quoted or text[:1] in {"{", "[", "("}):
        return None if rule.type == "POINTER" and text == "None" else value
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        if rule.type in {"BOOLEAN", "INT", "FLOAT"} and text.lower() in {"true", "false"}:
            return text.lower() == "true"
        return value


def _wrong(said: str, wanted: str, value: Any) -> Failure:
    shown = repr(value)
    return Failure("override", f"{said} takes {wanted}, not {shown if len(shown) < 80 else shown[:77] + '...'}.")


def _boolean(value: Any, _owner: Any, _rule: Any, said: str) -> bool:
    if isinstance(value, bool) or (isinstance(value, int) and value in (0, 1)):
        return bool(value)
    raise _wrong(said, "true or false", value)


def _int(value: Any, _owner: Any, rule: Any, said: str) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(said, "a whole number", value)
    if not rule.hard_min <= value <= rule.hard_max:
        raise _wrong(said, _span(rule), value)
    return value


def _float(value: Any, _owner: Any, rule: Any, said: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _wrong(said, "a number", value)
    if not rule.hard_min - _slack(rule.hard_min) <= value <= rule.hard_max + _slack(rule.hard_max):
        raise _wrong(said, _span(rule), value)
    return float(value)


def _span(rule: Any) -> str:
    """Say a range; limits that are only the type's own are none to an artist."""
    low, high = abs(rule.hard_min) < ENDLESS, abs(rule.hard_max) < ENDLESS
    if low and high:
        return f"{rule.hard_min:g} to {rule.hard_max:g}"
    return f"at least {rule.hard_min:g}" if low else f"at most {rule.hard_max:g}"


def _slack(limit: float) -> float:
    """Limits are floats of 32 bits: 0.1 must not be less than 0.1."""
    return abs(limit) * 1e-6 if math.isfinite(limit) else 0.0


def _string(value: Any, _owner: Any, rule: Any, said: str) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise _wrong(said, "text", value)
    if rule.length_max and len(value.encode("utf-8")) >= rule.length_max:
        raise _wrong(said, f"at most {rule.length_max - 1} bytes of text", value)
    return value


def _enum(value: Any, _owner: Any, rule: Any, said: str) -> Any:
    known = [item.identifier for item in rule.enum_items]
    if rule.is_enum_flag:
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, (list, tuple, set)) or not all(isinstance(each, str) for each in value):
            raise _wrong(said, f"a list of {', '.join(known)}", value)
        return set(value)
    if not isinstance(value, str):
        raise _wrong(said, f"one of {', '.join(known[:12])}", value)
    return value  # choices can depend on the file: Blender itself refuses a wrong one, and names them


_CHECKS = {"BOOLEAN": _boolean, "INT": _int, "FLOAT": _float, "STRING": _string, "ENUM": _enum}


def _array(value: Any, current: Any, rule: Any, said: str) -> Any:
    if not isinstance(value, (list, tuple)):
        raise _wrong(said, f"a list of {len(current)} values", value)
    if len(value) != len(current):
        raise _wrong(said, f"{len(current)} values", value)
    return [
        _array(part, old, rule, said) if hasattr(old, "__len__") else _CHECKS[rule.type](part, None, rule, said)
        for part, old in zip(value, current, strict=True)
    ]


def _pointer(value: Any, rule: Any, said: str) -> Any:
    if value is None or value == "":
        if rule.is_never_none:
            raise Failure("override", f"{said} cannot be empty.")
        return None
    kind = rule.fixed_type.identifier
    if not isinstance(value, str):
        raise _wrong(said, f"the name of a {kind}", value)
    blocks = list(_collections(rule.fixed_type))
    if not blocks:
        raise Failure("override", f"{said} is not a data-block but a part of one: name the property of it that is to be set.")
    for collection in blocks:
        if value in collection:
            return collection[value]
    names = [block.name for collection in blocks for block in collection]
    raise Failure("override", f'{said}: the file has no {kind} "{value}". {near(value, names)}')


def _collections(kind: Any) -> Iterable[Any]:
    """The collections of bpy.data that hold data-blocks of `kind` (any of its sub-types too)."""
    for rule in bpy.data.bl_rna.properties:
        if rule.type == "COLLECTION" and _is_a(rule.fixed_type, kind):
            yield getattr(bpy.data, rule.identifier)


def _is_a(kind: Any, wanted: Any) -> bool:
    base = kind
    while base is not None:
        if base.identifier == wanted.identifier and base.identifier != "ID":
            return True
        base = base.base
    return False


def custom(value: Any, before: Any, said: str) -> Any:
    """Return `value` as a custom property that holds `before` takes it; raise Failure("override")."""
    if isinstance(before, bpy.types.ID):
        return _like(value, before, said)
    if isinstance(value, str) and not isinstance(before, str):
        try:
            value = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise _wrong(said, f"a value like {before!r}", value) from None
    if isinstance(before, bool):
        return _boolean(value, None, None, said)
    if isinstance(before, int):
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong(said, "a whole number", value)
        return value
    if isinstance(before, float):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise _wrong(said, "a number", value)
        return float(value)
    if isinstance(before, str):
        if not isinstance(value, str):
            raise _wrong(said, "text", value)
        return value
    if hasattr(before, "to_list"):
        old = before.to_list()
        if not isinstance(value, (list, tuple)) or len(value) != len(old):
            raise _wrong(said, f"{len(old)} values", value)
        return [custom(part, one, said) for part, one in zip(value, old, strict=True)]
    raise Failure("override", f"{said} is of a kind that overrides cannot set.")


def _like(value: Any, before: bpy.types.ID, said: str) -> Any:
    """Find the data-block of a name, of the kind that a custom property points at already."""
    kind = before.bl_rna.identifier
    if not isinstance(value, str):
        raise _wrong(said, f"the name of a {kind}", value)
    blocks = list(_collections(before.bl_rna)) or list(_collections(before.bl_rna.base))
    for collection in blocks:
        if value in collection:
            return collection[value]
    raise Failure("override", f'{said}: the file has no {kind} "{value}". {near(value, [block.name for collection in blocks for block in collection])}')
