# SPDX-License-Identifier: GPL-3.0-or-later
"""How an order fails: a short word for the server and a sentence for the artist. Runs inside Blender (needs no bpy)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class Failure(Exception):
    """An order that cannot be done; nothing more is rendered for it."""

    def __init__(self, code: str, message: str, frame: int | None = None) -> None:
        """Fail with `code` (a word for programs), `message` (a sentence for people) and the frame, if it was one."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.frame = frame


class Note(str):
    """A sentence about a picture that is rendered all the same, with a code for programs."""

    __slots__ = ("code",)
    code: str

    def __new__(cls, code: str, sentence: str) -> Note:
        """Make a note of a code and a sentence."""
        made = super().__new__(cls, sentence)
        made.code = code
        return made


def near(name: str, names: Iterable[str], most: int = 8) -> str:
    """Say which names there are, the ones like `name` first: the end of a sentence about an unknown name."""
    known = list(dict.fromkeys(names))
    if not known:
        return "There are none in the file."
    lower = {each.lower(): each for each in known}
    alike = [lower[found] for found in difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.6)]
    shown = (alike + [each for each in known if each not in alike])[:most]
    more = len(known) - len(shown)
    listed = ", ".join(f'"{each}"' for each in shown) + (f" and {more} more" if more > 0 else "")
    if alike:
        return f"Did you mean {listed}?" if len(shown) == 1 else f"Nearest first, there are: {listed}."
    return f"There are: {listed}."
