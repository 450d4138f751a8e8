# SPDX-License-Identifier: GPL-3.0-or-later
"""Flamenco's Manager API of 2015: three generations of its workers render our frames, and its server may use us as a manager.

Runs without Blender.
"""
