# SPDX-License-Identifier: GPL-3.0-or-later
"""A recipe's text becomes a JSON value, stricter than Python reads it, with faults that point at the place.

Refused on top of what is no JSON: a key twice in one object, NaN and Infinity, texts that no file system or
database could hold, and documents that are too large or too deep. Runs without Blender.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from batchserver.model.errors import Fault, RecipeFaults

from .json_faults import explain
from .wording import readable

MAX_BYTES = 32 * 1024 * 1024
"""Largest recipe: a job takes about 1 KiB, so this is far above any real batch."""

MAX_DEPTH = 64
"""Deepest nesting; a recipe needs 6, an override's value may need a few more."""

_CONTAINERS = frozenset({dict, list})
_RISKY = re.compile("\\\\u(?:0000|[dD][89a-fA-F])|[\ud800-\udfff]")
_UNUSABLE = re.compile("[\x00\ud800-\udfff]")


class _Refused(ValueError):
    """A value that Python's reader would let through."""


def read_document(text: bytes | str) -> tuple[dict[str, Any], list[Fault]]:
    """Read the recipe's text as one JSON object, and find the texts in it that nothing could be named after.

    Bytes are UTF-8, or UTF-16 or UTF-32 as Windows editors write them; a byte order mark is skipped.
    Raises `RecipeFaults` for what is no JSON object that can be trusted, and nothing else.
    """
    if len(text) > MAX_BYTES:
        _refuse("", f"the recipe is {len(text):,} bytes long; at most {MAX_BYTES:,} are taken")
    decoded = (_decode(text) if isinstance(text, bytes) else text).removeprefix("\ufeff")
    document = _parse(decoded)
    if not isinstance(document, dict):
        _refuse("", 'a recipe is a JSON object, {"version": 2.2, "jobs": [...]}; this is something else')
    _check_depth(document)
    return document, list(_unusable_texts(document)) if _RISKY.search(decoded) else []


def _refuse(path: str, message: str) -> NoReturn:
    raise RecipeFaults((Fault(path, message),))


def _decode(raw: bytes) -> str:
    encoding = json.detect_encoding(raw)
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        _refuse("", f"the recipe is no UTF-8 text: byte {error.start + 1} cannot be read; save it as UTF-8")


def _parse(text: str) -> Any:
    twice: list[tuple[dict[str, Any], str]] = []

    def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            twice.append((made, _first_repeated(pairs)))
        return made

    try:
        document = json.loads(text, object_pairs_hook=object_of, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise RecipeFaults((explain(error),)) from None
    except RecursionError:
        _refuse("", f"the recipe is nested deeper than {MAX_DEPTH} levels")
    except _Refused as error:
        _refuse("", str(error))
    except ValueError:  # Python reads no whole number of more than 4,300 digits
        _refuse("", "the recipe holds a number with thousands of digits")
    if twice:
        _check_depth(document)
        raise RecipeFaults(tuple(_repeated(document, holder, key) for holder, key in twice))
    return document


def _first_repeated(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return key
        seen.add(key)
    raise AssertionError("no key is there twice")


def _repeated(document: Any, holder: dict[str, Any], key: str) -> Fault:
    place = next((path for path, node in _containers(document) if node is holder), "")
    return Fault(_join(place, readable(key[:60])), f"the key {json.dumps(key[:60])} is there twice; leave one of them")


def _no_constant(word: str) -> NoReturn:
    raise _Refused(f"{word} is no JSON number; write a number, or leave the key out")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _Refused(f"the number {digits[:40]} is too large")
    return number


def _containers(document: Any) -> Iterator[tuple[str, Any]]:
    """Give every object and list of the document with its path."""
    pending = [("", document)]
    while pending:
        path, node = pending.pop()
        yield path, node
        for key, value in _members(node):
            if isinstance(value, (dict, list)):
                pending.append((_join(path, key), value))


def _members(node: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(node, dict):
        yield from node.items()
    elif isinstance(node, list):
        yield from enumerate(node)


def _join(path: str, key: str | int) -> str:
    return f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip(".")


def _check_depth(document: Any) -> None:
    level = [document]
    for _ in range(MAX_DEPTH):
        level = [value for node in level for value in (node.values() if type(node) is dict else node) if type(value) in _CONTAINERS]
        if not level:
            return
    _refuse("", f"the recipe is nested deeper than {MAX_DEPTH} levels")


def _unusable_texts(document: dict[str, Any]) -> Iterator[Fault]:
    """Find texts with NUL (no file name can hold it) or half a surrogate pair (no UTF-8 can)."""
    for path, node in _containers(document):
        for key, value in _members(node):
            if any(isinstance(part, str) and _UNUSABLE.search(part) for part in (key, value)):
                place = _UNUSABLE.sub("?", _join(path, key))
                yield Fault(place, "expected readable text, found a character that no file name can hold (\\u0000 or half a surrogate pair)")
