# SPDX-License-Identifier: GPL-3.0-or-later
"""SheepIt's protocol: four generations of its client (2017 to 2024) render our frames, from one set of answers.

Runs without Blender.
"""
