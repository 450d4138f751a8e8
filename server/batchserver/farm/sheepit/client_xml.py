# SPDX-License-Identifier: GPL-3.0-or-later
"""XML that clients send: the archives that they hold. It comes from strangers: no entities, no DTD, bounded. Runs without Blender."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

LIMIT = 256 * 1024
MOST_FILES = 1000

_MD5 = re.compile(r"[0-9a-f]{32}", re.ASCII)


def held_archives(body: bytes) -> frozenset[str]:
    """Read `<cache><file md5="…"/></cache>`: the MD5s of the archives that a client holds; none when it is no such document."""
    return frozenset(_files(body))


def _files(body: bytes) -> Iterator[str]:
    if not body.strip() or len(body) > LIMIT:
        return
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError):
        return
    if root.tag != "cache":
        return
    for file in root.findall("file")[:MOST_FILES]:
        md5 = file.get("md5", "").lower()
        if _MD5.fullmatch(md5):
            yield md5
