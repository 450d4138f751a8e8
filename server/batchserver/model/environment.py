# SPDX-License-Identifier: GPL-3.0-or-later
"""What programs that the server starts may have of its environment: no secrets, and nothing that is the server's Python's own.

Runs without Blender.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_PYTHONS_OWN = frozenset({"PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONUSERBASE", "VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "__PYVENV_LAUNCHER__"})
_LOGIN = re.compile(r"://[^/?#@\s]*:[^/?#@\s]+@")  # a proxy's or a server's address with a password in it
_SECRET = re.compile(r"(^|_)pass$|pass(word|wd|phrase)|token|secret|api_?key|credential", re.IGNORECASE)


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Make the environment of any program that the server starts: without secrets, and without what is the server's Python's."""
    return {
        name: value for name, value in environ.items() if name not in _PYTHONS_OWN and not _SECRET.search(name) and not _LOGIN.search(value)
    }  # fmt: skip
