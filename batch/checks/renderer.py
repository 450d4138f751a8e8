# SPDX-License-Identifier: GPL-3.0-or-later
"""The Blender that will render, and what it can do: this one, or the one of the preferences or the running server.

This one is known at once; another is started and asked, in a thread. Runs inside Blender.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import bpy

from ..addon import preferences
from ..connection import settings
from . import probe
from .facts import Facts
from .programs import Ask, Renderer, ServersBlender


def renderer(context: bpy.types.Context, facts: Facts, *, with_gpus: bool = False) -> Renderer | None:
    """Find out what the Blender that will render can do; None when it is not known yet.

    `with_gpus`: all GPUs have to be known, which this Blender only tells a process of its own.
    """
    program = program_of(context, facts)
    if program is None:
        return None
    if is_this(program):
        here = this_one()
        return here if here.gpus is not None or not with_gpus else facts.get(_question(program))
    return facts.get(_question(program))


def program_of(context: bpy.types.Context, facts: Facts) -> str | None:
    """Name the program that will render: that of the server when one runs, else that of the preferences; None when it is not known yet."""
    found = preferences(context)
    servers = facts.get(ServersBlender(str(settings.data_folder(found))))
    return None if servers is None else servers or settings.blender_program(found)


def is_this(program: str) -> bool:
    """Tell whether a program is the Blender that runs this."""
    own = bpy.app.binary_path or sys.executable
    return os.path.realpath(shutil.which(program) or program) == os.path.realpath(own)


def this_one() -> Renderer:
    """Tell what this Blender can do."""
    return Renderer.of(probe.told(look_for_gpus=False), is_this=True)


def _question(program: str) -> Ask:
    return Ask(program, str(Path(probe.__file__)))
