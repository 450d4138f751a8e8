# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of errors that clients send, as diagnoses: whether it is the frame's fault, or the machine's. Runs without Blender."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from batchserver.engines.diagnose import absent_engine, diagnose
from batchserver.model.diagnosis import Diagnosis


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a type means: a code of ours, the sentence's end, and whether the frame counts as tried (else its machine rests)."""

    code: str
    sentence: str
    blame: bool = False
    look: bool = False
    """Whether the client's log may tell more."""


_KNOWN: Mapping[int, Trouble] = MappingProxyType({
    5: Trouble("no_blender", "has no Blender to start"),
    6: Trouble("no_blender", "does not find the program in the Blender that it downloaded"),
    7: Trouble("file_missing", "does not find the .blend in what it downloaded", blame=True),
    8: Trouble("file_not_written", "rendered, and there was no picture", blame=True, look=True),
    9: Trouble("file_missing", "could not download the scene or the Blender whole"),
    10: Trouble("output", "could not unpack what it downloaded, or make a folder"),
    12: Trouble("crashed", "says that Blender crashed", blame=True, look=True),
    13: Trouble("gpu_out_of_memory", "does not have enough memory on its graphics card", blame=True),
    14: Trouble("killed", "says that its system ended Blender", blame=True, look=True),
    15: Trouble("no_blender", "lacks libraries that Blender needs"),
    16: Trouble("no_blender", "could not start Blender"),
    17: Trouble("no_blender", "has a system that Blender does not run on"),
    18: Trouble("no_blender", "has a processor that Blender does not run on"),
    19: Trouble("gpu_failed", "has a graphics card that Blender does not run on"),
    21: Trouble("out_of_memory", "does not have enough memory", blame=True),
    23: Trouble("killed", "ended Blender, since the frame took longer than its user lets frames take"),
    24: Trouble("python_error", "says that a Python script failed", blame=True, look=True),
    26: Trouble("wrong_size", "says that the picture is too large, or of another size", blame=True),
    27: Trouble("unknown_engine", "has a Blender without the job's render engine", blame=True),
    28: Trouble("no_graphics", "has no screen, which EEVEE and Workbench may need"),
    29: Trouble("no_denoiser", "has nothing to denoise with", blame=True),
    99: Trouble("render_error", "met an error that it does not know", blame=True, look=True),
    100: Trouble("disk_full", "has no room on its disk"),
    102: Trouble("output", "could not make its folder"),
    103: Trouble("not_writable", "may not write into its folder"),
})  # fmt: skip
"""Of the others the frame is queued again without a word: the client was stopped (20, 22), did not reach us, or did not like our answer."""

_LOG_LINE = re.compile(r"^.{0,60}? \((?:debug|info|warn|warning|error)\) ")
_MOST_LINES = 20_000


@dataclass(frozen=True, slots=True)
class Told:
    """What is to become of a frame: the reason, None for no reason, and whether it counts as tried."""

    why: Diagnosis | None
    blame: bool

    @property
    def machine_is_unfit(self) -> bool:
        """Tell whether the machine should rest before it gets another frame."""
        return self.why is not None and not self.blame


def told(kind: int | None, who: str, frame: int | None, log: bytes) -> Told:
    """Say what an error of a client means."""
    trouble = _KNOWN.get(kind) if kind is not None else None
    if trouble is None:
        return Told(None, blame=False)
    found = _in(lines_of(log)) if trouble.look else None
    if found is not None:
        return Told(Diagnosis(found.code, f"{who}: {found.sentence}", frame), trouble.blame)
    return Told(Diagnosis(trouble.code, f"{who} {trouble.sentence}.", frame), trouble.blame)


def _in(lines: list[str]) -> Diagnosis | None:
    absent = next((found for line in lines if (found := absent_engine(line))), None)
    return absent.diagnosis if absent is not None else diagnose(lines)


def lines_of(log: bytes) -> list[str]:
    """Give the lines of a client's log as Blender printed them."""
    lines = log.decode("utf-8", "replace").splitlines()[-_MOST_LINES:]
    return [_LOG_LINE.sub("", line, count=1) for line in lines]
