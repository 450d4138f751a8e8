# SPDX-License-Identifier: GPL-3.0-or-later
"""Attempt folders: each attempt writes beside its target, into a folder of its own on the same file system.

A file that would go to folder F goes to `F/.renderplus/<attempt>/`; the server renames it to F once it is whole.
Runs inside Blender (needs no bpy, but for Blender's `//`).
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field

from .failures import Failure

HIDDEN = ".renderplus"
CODES = {errno.EACCES: "not_writable", errno.EPERM: "not_writable", errno.EROFS: "not_writable", errno.ENOSPC: "disk_full"}
"""What keeps a folder from being made; anything else is `output`."""


@dataclass
class Attempt:
    """One attempt's folders, and the files that were found in them so far."""

    name: str
    folders: dict[str, str] = field(default_factory=dict)
    """final folder → attempt folder"""
    seen: set[str] = field(default_factory=set)

    def folder(self, final: str) -> str:
        """The attempt folder of the folder `final`."""
        final = os.path.normpath(final)
        return self.folders.setdefault(final, os.path.join(final, HIDDEN, self.name))

    def plan(self) -> list[dict[str, str]]:
        """The folders as the `plan` event tells them."""
        return [{"attempt": attempt, "final": final} for final, attempt in self.folders.items()]

    def make(self) -> None:
        """Create the folders; raise Failure with a sentence."""
        for final, attempt in self.folders.items():
            try:
                _make(attempt)
            except OSError as error:
                raise Failure(CODES.get(error.errno or 0, "output"), f'The output folder "{final}" cannot be written: {error.strerror or error}.') from None

    def new_files(self) -> list[str]:
        """List the files that came into the folders since the last call."""
        found = [path for folder in self.folders.values() for path in _files(folder) if path not in self.seen]
        self.seen.update(found)
        return sorted(found)


def _make(folder: str, tries: int = 100) -> None:
    """Create a folder, again when the server just then removed the empty hidden folder that it stands in."""
    for left in reversed(range(tries)):
        try:
            os.makedirs(folder, exist_ok=True)
            return
        except FileNotFoundError:
            if not left:
                raise


def _files(folder: str) -> list[str]:
    found = []
    stack = [folder]
    while stack:
        try:
            with os.scandir(stack.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(entry.path)
                    else:
                        found.append(entry.path)
        except OSError:
            continue
    return found
