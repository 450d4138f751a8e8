# SPDX-License-Identifier: GPL-3.0-or-later
"""The one tree of errors. Each edge (HTTP, command line) translates it in one place.

Runs without Blender.
"""

from __future__ import annotations

from dataclasses import dataclass


class RenderPlusError(Exception):
    """Say what went wrong, and the way out, in a sentence a user understands."""


class BadInput(RenderPlusError):
    """What was asked cannot be understood: a recipe, a frame list, an index (HTTP 400)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a recipe.

    `path` names the place (`jobs[3].frame_end`), `message` says what was expected and what was found.
    """

    path: str
    message: str


class RecipeFaults(BadInput):
    """A recipe that cannot be rendered, with every fault that was found."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        first = faults[0]
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(f"{first.path}: {first.message}{more}" if first.path else f"{first.message}{more}")


class WrongContentType(RenderPlusError):
    """The body is not of the type that the route takes (HTTP 406)."""


class TooLarge(RenderPlusError):
    """The body is over the limit (HTTP 413)."""


class Conflict(RenderPlusError):
    """The thing cannot be done now: a batch is running, or none is (HTTP 409)."""


class NotFound(RenderPlusError):
    """There is no such batch, job or route (HTTP 404)."""


class Refused(RenderPlusError):
    """The asker may not do this: another user, another site, no token (HTTP 403)."""


class BlenderProblem(RenderPlusError):
    """No Blender was found, or it cannot be started, or it answers nonsense."""


class LedgerProblem(RenderPlusError):
    """The ledger cannot be opened, read or written."""


class ServerTaken(RenderPlusError):
    """The port or the data folder is in use by another process."""


class ServerUnreachable(RenderPlusError):
    """No Render+ server answers on the port."""
