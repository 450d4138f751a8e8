# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences that are made where Blender's translation cannot be asked, such as in a thread, and translated where they are shown.

Runs without Blender.
"""

from __future__ import annotations


class Sentence(str):
    """An English sentence that remembers what it was made of; `sayings.heard` says it in the artist's language."""

    __slots__ = ("message", "values")

    message: str
    values: dict[str, object]

    def __new__(cls, message: str, values: dict[str, object]) -> Sentence:
        """Make the English text."""
        made = super().__new__(cls, message.format(**values))
        made.message, made.values = message, values
        return made

    def __str__(self) -> str:
        """Give itself, so that it stays what it is on its way through an exception."""
        return self


def sentence(message: str, **values: object) -> Sentence:
    """Word a sentence with `values` in the place of its {names}."""
    return Sentence(message, values)
