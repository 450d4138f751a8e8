# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths as people write them in a recipe become absolute ones, or a fault that says how to write them.

Runs without Blender.
"""

from __future__ import annotations

import ntpath
import os
import posixpath
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath, PureWindowsPath

from batchserver.model.errors import BadInput, Fault

from .output_path import escape_braces, is_absolute
from .wording import found


@dataclass(frozen=True, slots=True)
class Paths:
    """Resolves paths against the absolute folder `here`; without one, relative paths are refused."""

    here: PurePath | None

    def settled(self, text: str, place: str, faults: list[Fault]) -> str:
        """Make the path absolute; when that cannot be, append a fault for `place` and give the text back."""
        try:
            return str(self.file(text))
        except BadInput as error:
            faults.append(Fault(place, str(error)))
            return text

    def file(self, text: str) -> PurePath:
        """Give the absolute path of a file; raises `BadInput`."""
        path = self._kind(text)
        self._refuse_foreign(text, path)
        if path.is_absolute():
            return path
        return self._start(text) / path

    def blend(self, text: str, beside: str) -> PurePath:
        """Give the absolute path of a .blend; `//` means the folder of the file `beside`. Raises `BadInput`."""
        if not text.startswith("//") or (self._kind is PureWindowsPath and PureWindowsPath(text).drive):
            return self.file(text)
        if not beside:
            raise BadInput(f"expected a full path, found {found(text)}; // means the folder of the .blend, and which that is stands nowhere")
        return self.blend(beside, "").parent / text.lstrip("/")

    def output(self, text: str) -> str:
        """Make an output absolute, its tokens and its `//` still in it; raises `BadInput`."""
        if text.startswith("//"):
            return text
        kind = self._kind
        flavour = ntpath if kind is PureWindowsPath else posixpath
        if is_absolute(text, flavour):
            return text
        self._refuse_foreign(text, kind(text))
        return str(flavour.join(escape_braces(str(self._start(text))), text))

    @property
    def _kind(self) -> type[PurePath]:
        """The system whose paths these are: that of `here`, else the one this runs on."""
        windows = os.name == "nt" if self.here is None else isinstance(self.here, PureWindowsPath)
        return PureWindowsPath if windows else PurePosixPath

    def _start(self, text: str) -> PurePath:
        if self.here is None:
            raise BadInput(f"expected a full path, found {found(text)}; the server does not know which folder it is in")
        return self.here

    def _refuse_foreign(self, text: str, path: PurePath) -> None:
        """Refuse what would become a strange file name here: a path of Windows on another system, and a shell's `~`."""
        if text.startswith("~/"):
            raise BadInput(f"expected a full path, found {found(text)}; only a shell knows what ~ is")
        if not isinstance(path, PureWindowsPath) and "\\" in text and PureWindowsPath(text).drive:
            raise BadInput(f"expected a path of this computer, found {found(text)}, which is one of Windows")
