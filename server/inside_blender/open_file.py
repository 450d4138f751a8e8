# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that stays open from one order to the next, as long as nothing of an order is left in it.

Whatever is not certain (a failure, a script, a simulation, a value that did not go back, a file that changed on disk, memory that
grew) has it opened afresh. A file that opens at once is not worth a journal: it is opened for every order. Runs inside Blender.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bpy

from . import kept_files, memory_room, opening, output_nodes, time_dependence
from .journal import Journal
from .opening import Opened

if TYPE_CHECKING:
    from .persistent import KeptData

GROWN = 1.5
"""So many times what it took after its first order a session may take; then its file is opened afresh."""

GROWTH = memory_room.GIB // 2


@dataclass(frozen=True)
class Limits:
    """From when on it pays: `opening` and `frame` in seconds, `points` counts what a scene is made of."""

    opening: float = 0.1
    frame: float = 0.5
    points: int = 100_000


@dataclass
class OpenFile:
    """What is open in this session, and what is known of it."""

    limits: Limits = field(default_factory=Limits)
    path: str = ""
    """The file that was opened last, also after it was forgotten."""
    opened: Opened | None = None
    journal: Journal | None = None
    data: KeptData | None = None
    scene: str = ""
    """The scene that the file opened with: what a job without a scene means."""
    name: str = ""
    """What Blender calls the file that is open."""
    scripts: bool = True
    stamps: kept_files.Stamps = field(default_factory=dict)
    memory: int = 0
    frame_seconds: dict[str, float] = field(default_factory=dict)
    """How long the last file's frames take: a file that opens at once can be long to render."""
    without_data: frozenset[str] = frozenset()
    """Keys of the open file whose data Cycles must not keep."""
    why_not: str = ""
    """Why the next order will have its file opened, for the session's log."""

    def may_go_on(self, path: str, scripts: bool) -> bool:
        """Tell whether the open file is as if it had just been opened for an order."""
        opened = self.opened
        if opened is None or self.journal is None or (opened.path, self.scripts) != (path, scripts):
            return False
        if bpy.data.filepath != self.name or self.stamps != kept_files.stamps(path):
            self.why_not = "a file on disk has changed"
            return False
        return True

    def open(self, path: str, scripts: bool) -> Opened:
        """Open a file afresh; raise Failure."""
        self.forget()
        if path != self.path:
            self.path, self.without_data = path, frozenset()
        opened = opening.open_blend(path, scripts)
        window = bpy.context.window
        self.scene = (window.scene if window is not None else bpy.context.scene).name
        self.name = bpy.data.filepath
        self.opened, self.scripts, self.memory = opened, scripts, 0
        slow = opened.seconds >= self.limits.opening or self.frame_seconds.get(path, 0.0) >= self.limits.frame
        if slow and not opened.ran_scripts:
            self.stamps = kept_files.stamps(path)
            self.journal = Journal()
        return opened

    def forget(self) -> None:
        """Have the file opened afresh by the next order, whatever it is."""
        self.opened = self.journal = self.data = None

    def spoil(self, reason: str) -> None:
        """Note why the file cannot stay open after this order."""
        if self.journal is not None:
            self.journal.spoil(reason)

    def follow(self, scene: Any) -> None:
        """Begin to follow an order on `scene`: write down what every job changes, or give up where a render itself leaves something behind."""
        if self.journal is None:
            return
        for reason in time_dependence.remembers(scene):
            self.journal.spoil(reason)
            return
        self.journal.touch(scene)

    def follow_outputs(self, scene: Any) -> None:
        """Write down the File Output nodes before their paths are changed."""
        if self.journal is not None and not self.journal.spoiled:
            for node, _ in output_nodes.output_nodes(scene):
                self.journal.touch(node)

    def rendered(self, scene: Any, seconds: float) -> None:
        """After an order that went well: take everything back, so that the next one can go on from here."""
        assert self.opened is not None
        self.frame_seconds = {self.opened.path: seconds}
        if self.journal is None:
            self.forget()
            return
        try:
            self.why_not = self._take_back(scene)
        except Exception as error:  # a Blender that is different here only costs the opening
            traceback.print_exc()
            self.why_not = f"taking back met an error: {error}"
        if self.why_not:
            print(f"Render+: the file is opened again for the next order: {self.why_not}.", flush=True)
            self.forget()

    def _take_back(self, scene: Any) -> str:
        assert self.journal is not None
        if self.data is not None and not self.data.step_aside():
            return "the cameras' names did not go back"
        reason = self.journal.take_back()
        if reason:
            return reason
        if self.data is None and scene.render.use_persistent_data:
            scene.render.use_persistent_data = False  # lets go of what Cycles kept
            scene.render.use_persistent_data = True
        return "memory has grown" if self._has_grown() else ""

    def _has_grown(self) -> bool:
        taken = memory_room.taken()
        self.memory = self.memory or taken
        return taken > GROWN * self.memory + GROWTH
