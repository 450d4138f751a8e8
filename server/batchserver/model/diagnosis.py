# SPDX-License-Identifier: GPL-3.0-or-later
"""What went wrong, as a value: a code for programs, a sentence for people; the way out belongs to the code.

Runs without Blender.
"""

from __future__ import annotations

from dataclasses import dataclass

from .codes import CODES, OUT_OF_MEMORY


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why something failed, or what is wrong with a picture that was rendered all the same. `frame`: where it was, if at one."""

    code: str
    sentence: str
    frame: int | None = None

    @property
    def way_out(self) -> str:
        """Say what can be done about it, "" where nobody knows."""
        known = CODES.get(self.code)
        return known.way_out if known else ""

    @property
    def out_of_memory(self) -> bool:
        """Tell whether memory was not enough."""
        return self.code in OUT_OF_MEMORY

    def __str__(self) -> str:
        """Write sentence and way out as one text, for whoever knows only texts."""
        return f"{_stopped(self.sentence)} {self.way_out}" if self.way_out else self.sentence


def named(reason: Diagnosis | str) -> Diagnosis:
    """Take a sentence without a code as a diagnosis."""
    return reason if isinstance(reason, Diagnosis) else Diagnosis("", reason)


def _stopped(sentence: str) -> str:
    text = sentence.rstrip()
    return text if not text or text[-1] in ".!?\u2026)" else f"{text}."
