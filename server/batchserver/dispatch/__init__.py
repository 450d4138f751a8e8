# SPDX-License-Identifier: GPL-3.0-or-later
"""The decisions: which frames go to whom, what is believed, what is tried again, how long it will take.

Runs without Blender.
"""
