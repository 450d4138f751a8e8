# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the server with Blender's own Python, so that it outlives this Blender. Runs without Blender.

Blender's own arguments for Python (`-I`) are left out: they would hide the packages. The environment is ours less what
belongs to Blender's Python, and no secrets; what concerns colours, displays and GPUs stays.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..sentences import sentence
from .client import ConnectionProblem
from .data_folder import make_private
from .server_copy import ServerCopy

_PYTHONS_OWN = frozenset({"VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "__PYVENV_LAUNCHER__"})
_SECRET = re.compile(r"pass(word|wd|phrase)?$|token|secret|api_?key|credential", re.IGNORECASE)
_ASKED = "import sys, sqlite3; print(*sys.version_info[:2])"


@dataclass(frozen=True, slots=True)
class Launch:
    """How the server is to be started. `port` 0 lets the system choose."""

    data: Path
    port: int
    blender: str
    low_priority: bool = True
    token_file: Path | None = None


def server_environment(environ: Mapping[str, str], packages: Path) -> dict[str, str]:
    """Make the server's environment."""
    kept = {name: value for name, value in environ.items() if not _belongs_to_python(name) and not _SECRET.search(name)}
    return kept | {"PYTHONPATH": str(packages), "PYTHONNOUSERSITE": "1", "PYTHONUTF8": "1"}


def server_command(python: str, copy: ServerCopy, launch: Launch) -> list[str]:
    """Make the server's command line."""
    command = [python, str(copy.server), "--serve", "--port", str(launch.port), "--data-dir", str(launch.data), "--blender", launch.blender]
    named = ["--token-file", str(launch.token_file)] if launch.token_file else []
    return [*command, *named, *(["--low-priority"] if launch.low_priority else [])]


def find_python(environ: Mapping[str, str], version: tuple[int, int]) -> str:
    """Find the program of the Python that this Blender runs. Raises `ConnectionProblem`.

    `sys.executable` is it in official Blenders. Where Blender uses the system's Python it may be whatever stands first on PATH.
    """
    for path in _candidates(version):
        if _answers(path, environ, version):
            return path
    raise ConnectionProblem(
        sentence(
            "The Python {version} of this Blender was not found ({path}), so the render server cannot be started",
            version=f"{version[0]}.{version[1]}",
            path=sys.executable,
        )
    )


def start(command: list[str], environment: Mapping[str, str], data: Path) -> subprocess.Popen[bytes]:
    """Start the server, cut loose from this Blender. Raises `ConnectionProblem`."""
    refused: OSError | None = None
    for flags in _detached():
        try:
            make_private(data / "log")
            with open(start_log(data), "wb") as log:
                return subprocess.Popen(command, env=dict(environment), cwd=data, stdin=subprocess.DEVNULL, stdout=log, stderr=log, close_fds=True, **flags)
        except OSError as error:
            refused = error
    raise ConnectionProblem(sentence("The render server cannot be started: {why}", why=refused)) from refused


def start_log(data: Path) -> Path:
    """Name the file that gets what the server prints."""
    return data / "log" / "started_by_blender.log"


def last_words(data: Path) -> str:
    """Give the last line that the server printed, without an end; "" when it printed nothing."""
    with contextlib.suppress(OSError):
        lines = start_log(data).read_text("utf-8", "replace").strip().splitlines()
        return lines[-1].strip() if lines else ""
    return ""


def _belongs_to_python(name: str) -> bool:
    return name in _PYTHONS_OWN or (name.startswith("PYTHON") and name != "PYTHONDONTWRITEBYTECODE")


def _candidates(version: tuple[int, int]) -> Iterator[str]:
    names = ["python.exe", "bin\\python.exe"] if os.name == "nt" else [f"bin/python{version[0]}.{version[1]}", "bin/python3"]
    known = [sys.executable, getattr(sys, "_base_executable", ""), *(os.path.join(prefix, name) for prefix in (sys.prefix, sys.base_prefix) for name in names)]
    for path in dict.fromkeys(known):
        if path and os.path.basename(path).lower().startswith("python") and os.access(path, os.X_OK):
            yield path


def _answers(path: str, environ: Mapping[str, str], version: tuple[int, int]) -> bool:
    try:
        told = subprocess.run(
            [path, "-I", "-c", _ASKED], env=dict(environ), check=False, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, **_hidden()
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return told.returncode == 0 and told.stdout.split() == [str(number) for number in version]


def _hidden() -> dict[str, Any]:
    return {"creationflags": subprocess.CREATE_NO_WINDOW} if sys.platform == "win32" else {}


def _detached() -> list[dict[str, Any]]:
    """Give ways to cut a process loose, the best first."""
    if sys.platform == "win32":
        # No console of its own, no Ctrl+C of ours, and not in the job that ends with whoever started Blender, where Windows allows that.
        loose = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        return [{"creationflags": loose | subprocess.CREATE_BREAKAWAY_FROM_JOB}, {"creationflags": loose}]
    return [{"start_new_session": True}]
