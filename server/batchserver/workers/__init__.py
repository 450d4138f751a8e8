# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever renders leased frames on this machine: warm Blender sessions, one for each slot.

Runs without Blender.
"""
