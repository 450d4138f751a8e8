# SPDX-License-Identifier: GPL-3.0-or-later
"""BOINC: the project server that an unmodified BOINC client attaches to by its account key.

`gateway.routes(desk)` gives the routes below `/boinc/`. A frame is a task of the desk, one workunit and one result. Runs without Blender.
"""
