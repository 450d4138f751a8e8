# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens when something happened: hooks, mail, notices, sound, feed, statistics, power. Runs without Blender."""
