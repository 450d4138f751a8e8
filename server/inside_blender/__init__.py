# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripts that run inside Blender: a session, told what to render over a pipe.

They import bpy, the standard library and each other, and nothing else. `session.py` is the way in; it loads this folder
as a package of a name of its own, so that no add-on's `events.py` or `outputs.py` can take the place of ours.
Runs inside Blender (this file imports nothing).
"""
