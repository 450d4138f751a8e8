# SPDX-License-Identifier: GPL-3.0-or-later
"""What a log must not hold: dots stand for passwords and tokens, known ones and those that look like some.

Known ones are told (`words`); the others stand where secrets stand: in headers, addresses, and behind names such as `token`.
Runs without Blender.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

DOTS = "•••"

SHORTEST = 6
"""Shorter words are not looked for as they stand: they would be found in half of the text."""

_NAME = r"(?:[\w.-]{0,60}[_.-])?(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|auth|credentials?|signature|sig)"
_VALUE = r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^\s"',;&)}\]]+)"""
_RULES = tuple(
    (re.compile(pattern, re.IGNORECASE), put)
    for pattern, put in (
        (r"((?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?)(?:(?:bearer|basic|token|digest)\s+)?[^\s\"',;]+", rf"\1{DOTS}"),
        (r"\b((?:bearer|basic)\s+)[\w.~+/=-]{6,}", rf"\1{DOTS}"),
        (r"((?:set-)?cookie[\"']?\s*[:=]\s*)[^\r\n]+", rf"\1{DOTS}"),
        (r"(x-(?:gotify|api)-key[\"']?\s*[:=]\s*[\"']?)[^\s\"',;]+", rf"\1{DOTS}"),
        (r"(\b[a-z][a-z0-9+.-]{0,20}://)[^\s/?#@\"']{1,400}@", rf"\1{DOTS}@"),
        (r"(/bot)\d+:[\w-]+", rf"\1{DOTS}"),
        (r"(/api(?:/v\d+)?/webhooks/)[^\s\"'?#]+", rf"\1{DOTS}"),
        (r"(hooks\.slack\.com/(?:services|workflows|triggers)/)[^\s\"'?#]+", rf"\1{DOTS}"),
        (rf"([?&]{_NAME}=)[^\s&#\"']+", rf"\1{DOTS}"),
        (rf"((?<![\w.-])--{_NAME}[= ]+){_VALUE}", rf"\1{DOTS}"),
        (rf"(?<![\w$}}{{.-])([\"']?{_NAME}[\"']?\s*[:=]\s*)(?!{DOTS}){_VALUE}", rf"\1{DOTS}"),
    )
)


def redacted(text: str, words: Iterable[str] = ()) -> str:
    """Give a text with dots for the secrets in it."""
    for word in sorted((word for word in words if len(word) >= SHORTEST), key=len, reverse=True):
        text = text.replace(word, DOTS)
    for pattern, put in _RULES:
        text = pattern.sub(put, text)
    return text
