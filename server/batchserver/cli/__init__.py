# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: arguments, wiring, what is shown, and exit codes. Knows every room. Runs without Blender."""
