# SPDX-License-Identifier: GPL-3.0-or-later
"""BOINC's almost-XML, read without believing it: a task's output stands in it as it came, with control characters and tags of its own.

What a task printed becomes plain text before any tag is looked for, so that it can never pass for an element. Runs without Blender.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.sax.saxutils import escape

from batchserver.model.errors import BadInput

MOST_ELEMENTS = 50_000
DEEPEST = 40

_SECTION = "<![CDATA["
_OUTPUT = "<stderr_out>"
_END = re.compile(r"\]\]>")
_END_OF_OUTPUT = re.compile(r"\]\]>(?=\s{0,8}</stderr_out>\s{0,8}<(?:file_info>|/result>))")
"""What closes a task's output: an end that the task printed by itself is not followed by the rest of its result."""

_CONTROL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCE = re.compile(r"&(?:(?P<known>amp|lt|gt|quot|apos);|#(?P<number>[0-9]{1,7});)?", re.ASCII)


def read_xml(body: bytes, root: str) -> Element:
    """Read a request with the root element `root`. Raises `BadInput`."""
    from defusedxml.common import DefusedXmlException  # of the extra `farm`
    from defusedxml.ElementTree import XMLParser

    text = _without_sections(_CONTROL.sub(" ", body.decode("utf-8", "replace")))
    parser = XMLParser(target=_Bounded(), forbid_dtd=True, forbid_entities=True, forbid_external=True)
    try:
        parser.feed(text)
        found = parser.close()
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise BadInput(f"The request is no {root}: {str(error)[:200] or type(error).__name__}") from error
    if not isinstance(found, Element) or found.tag != root:
        raise BadInput(f"The request is no {root}")
    return found


class _Bounded(TreeBuilder):
    """Builds a tree of a bounded size and depth."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._elements = 0

    def start(self, tag: str, attrs: Mapping[str, str], /) -> Element:
        self._depth += 1
        self._elements += 1
        if self._depth > DEEPEST or self._elements > MOST_ELEMENTS:
            raise ValueError(f"more than {DEEPEST} levels or {MOST_ELEMENTS} elements")
        return super().start(tag, dict(attrs))

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def _without_sections(text: str) -> str:
    """Write CDATA sections as plain text; outside of them, mend references that XML does not know."""
    done: list[str] = []
    at = 0
    while (start := text.find(_SECTION, at)) >= 0:
        of_output = text.rfind(_OUTPUT, at, start) > text.rfind("</stderr_out>", at, start)
        end = (_END_OF_OUTPUT if of_output else _END).search(text, start)
        if end is None:
            break
        done += [_REFERENCE.sub(_mended, text[at:start]), escape(text[start + len(_SECTION) : end.start()])]
        at = end.end()
    return "".join([*done, _REFERENCE.sub(_mended, text[at:])])


def _mended(found: re.Match[str]) -> str:
    if found["known"]:
        return found[0]
    if found["number"]:
        number = int(found["number"])
        character = chr(number) if number < 0x110000 else " "
        return escape(_CONTROL.sub(" ", character))
    return "&amp;"


def text_of(parent: Element, *path: str, limit: int = 256) -> str:
    """Give the text of the first element on a path, on one line and cut to a length; "" when there is none."""
    found = parent.findtext("/".join(path)) or ""
    return " ".join(found[: 4 * limit].split())[:limit]


def number_of(parent: Element, *path: str, low: float = 0.0, high: float = 1e18, otherwise: float = 0.0) -> float:
    """Give the number of the first element on a path, within bounds; `otherwise` when there is none."""
    try:
        found = float(text_of(parent, *path))
    except ValueError:
        return otherwise
    return min(max(found, low), high) if found == found else otherwise


def whole_of(parent: Element, *path: str, low: int = 0, high: int = 1 << 53, otherwise: int = 0) -> int:
    """Give the whole number of the first element on a path, within bounds."""
    return int(number_of(parent, *path, low=low, high=high, otherwise=otherwise))


def flag_of(parent: Element, name: str) -> bool:
    """Tell whether a flag is set: there and empty, or another number than 0."""
    found = parent.find(name)
    return found is not None and (not (found.text or "").strip() or number_of(parent, name, low=-1) != 0)
