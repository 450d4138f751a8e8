# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers as all clients take them: XML as text/xml, in UTF-8, without a character that XML cannot have. Runs without Blender."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, tostring

from starlette.responses import Response

_NOT_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """Put a replacement for characters that no XML can hold."""
    return _NOT_XML.sub("\ufffd", text)


def element(tag: str, text: str = "", /, **attributes: str | int) -> Element:
    """Make an element with attributes, in their order."""
    made = Element(tag, {name: clean(str(value)) for name, value in attributes.items()})
    if text:
        made.text = clean(text)
    return made


def xml(root: Element, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer with a document."""
    body = b'<?xml version="1.0" encoding="utf-8" ?>\n' + tostring(root, encoding="utf-8")
    return Response(body, status, headers, "text/xml")


def status(tag: str, number: int, http: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer with a number alone."""
    return xml(element(tag, status=number), http, headers)


def nothing(http: int, headers: dict[str, str] | None = None) -> Response:
    """Answer with an HTTP status; clients need a content type all the same."""
    return Response(b"", http, headers, "text/xml")
