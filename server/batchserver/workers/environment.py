# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment that a session gets: the server's own, less what belongs to the server's Python, and no secrets.

Runs without Blender.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

SESSION_VARIABLE = "RENDERPLUS_SESSION"
INSIDE_VARIABLE = "RENDERPLUS_INSIDE_SESSION"

_PYTHONS_OWN = frozenset({"PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONUSERBASE", "VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "__PYVENV_LAUNCHER__"})
_TEMPORARY = ("TMPDIR", "TEMP", "TMP")
_LOGIN = re.compile(r"://[^/?#@\s]*:[^/?#@\s]+@")  # a proxy's or a server's address with a password in it
_SECRET = re.compile(r"(^|_)pass$|pass(word|wd|phrase)|token|secret|api_?key|credential", re.IGNORECASE)


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Make the environment of any Blender that the server starts: without secrets, and without what is the server's Python's."""
    return {
        name: value for name, value in environ.items() if name not in _PYTHONS_OWN and not _SECRET.search(name) and not _LOGIN.search(value)
    }  # fmt: skip


def session_environment(environ: Mapping[str, str], *, token: str, temp: str, server_pid: int) -> dict[str, str]:
    """Make a session's environment. OCIO, DISPLAY, D-Bus, GPU and BLENDER_USER_* stay.

    What Blender and its add-ons write into the system's temporary folder goes into `temp`, which ends with the session:
    a Blender that is killed leaves its own folder behind otherwise.
    """
    kept = child_environment(environ)
    kept.update(dict.fromkeys(_TEMPORARY, temp))
    kept[SESSION_VARIABLE] = json.dumps({"token": token, "temp": temp, "server_pid": server_pid})
    kept[INSIDE_VARIABLE] = "1"
    return kept
