# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's HTTP side: routes, uploads, and who gets in. Knows `dispatch` (by `asks`) and `model`. Runs without Blender."""
