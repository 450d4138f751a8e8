# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain values that every room of the server speaks in. Knows nobody. Runs without Blender."""
