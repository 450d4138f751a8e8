# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment that a session gets: the server's own, less what belongs to the server's Python, and no secrets.

Runs without Blender.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from batchserver.model.environment import child_environment

__all__ = ["child_environment", "session_environment"]

SESSION_VARIABLE = "RENDERPLUS_SESSION"
INSIDE_VARIABLE = "RENDERPLUS_INSIDE_SESSION"

SHADERS_VARIABLE = "MESA_SHADER_CACHE_DIR"

_TEMPORARY = ("TMPDIR", "TEMP", "TMP")


def session_environment(environ: Mapping[str, str], *, token: str, temp: str, server_pid: int, shaders: str = "") -> dict[str, str]:
    """Make a session's environment. OCIO, DISPLAY, D-Bus, GPU and BLENDER_USER_* stay.

    `shaders` is a folder for Mesa's shader cache that no other running Blender has: Mesa maps its files into memory, and a Blender whose
    neighbour of another release cuts them short dies of SIGBUS (observed on 5.2 beside Debian's 3.4 and 4.3).

    What Blender and its add-ons write into the system's temporary folder goes into `temp`, which ends with the session:
    a Blender that is killed leaves its own folder behind otherwise.
    """
    kept = child_environment(environ)
    kept.update(dict.fromkeys(_TEMPORARY, temp))
    if shaders:
        kept[SHADERS_VARIABLE] = shaders
    kept[SESSION_VARIABLE] = json.dumps({"token": token, "temp": temp, "server_pid": server_pid})
    kept[INSIDE_VARIABLE] = "1"
    return kept
