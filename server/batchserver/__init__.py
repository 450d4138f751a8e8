# SPDX-License-Identifier: GPL-3.0-or-later
"""The Render+ batch server. Never imports bpy. Runs without Blender."""

__version__ = "3.0.0"
