# SPDX-License-Identifier: GPL-3.0-or-later
"""Packing: scenes with all that they need, renderers, and the sentences on what cannot leave. Runs without Blender."""
