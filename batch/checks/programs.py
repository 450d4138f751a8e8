# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to other programs, for a thread: which Blender the running server has, and what a Blender can do. Runs without Blender."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ..connection.client import Client, ConnectionProblem
from ..connection.data_folder import read_address, read_token

ANSWER_SECONDS = 60.0
INSIDE_SESSION = "RENDERPLUS_INSIDE_SESSION"
"""With it the add-on stays away in the Blender that is asked."""

MARK = "RENDERPLUS_PROBE "

_PYTHON_NAME = re.compile(r"python[\d.]*(w)?(\.exe)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Renderer:
    """What a Blender can do. `problem`: it cannot be started. `gpus` as (name, interface, id); None: nobody looked."""

    version: tuple[int, int, int] = (0, 0, 0)
    engines: frozenset[str] = frozenset()
    has_denoiser: bool = True
    runs_scripts: bool = True
    gpu_is_enabled: bool = True
    gpus: tuple[tuple[str, str, str], ...] | None = None
    is_this: bool = False
    program: str = ""
    problem: str = ""

    @classmethod
    def of(cls, told: Mapping[str, Any], *, is_this: bool = False, program: str = "") -> Renderer:
        """Make it of what `probe.told` tells."""
        gpus = told["gpus"]
        return cls(
            version=tuple(told["version"]), engines=frozenset(told["engines"]), has_denoiser=told["has_denoiser"], runs_scripts=told["runs_scripts"],
            gpu_is_enabled=told["gpu_is_enabled"], gpus=None if gpus is None else tuple(tuple(gpu) for gpu in gpus), is_this=is_this, program=program,
        )  # fmt: skip

    @property
    def name(self) -> str:
        """Its name for people."""
        return f"Blender {self.version[0]}.{self.version[1]}"


@dataclass(frozen=True, slots=True)
class ServersBlender:
    """Which Blender does the server of this data folder render with? "" when no server runs."""

    data: str

    rank: ClassVar[int] = 0
    is_dear: ClassVar[bool] = False

    def answer(self) -> str:
        """Ask it, if there is one."""
        address = read_address(Path(self.data))
        if address is None:
            return ""
        client = Client(address.port, read_token(Path(self.data)), timeout=5)
        try:
            about = client.ask("GET", "/test").document or {}
        except ConnectionProblem:
            return ""
        finally:
            client.close()
        return str(about.get("blender") or "") if about.get("instance") == address.instance else ""


@dataclass(frozen=True, slots=True)
class Ask:
    """What can this Blender do? It is started and runs the script `probe`."""

    program: str
    probe: str

    rank: ClassVar[int] = 3
    is_dear: ClassVar[bool] = True

    def answer(self) -> Renderer:
        """Start it and hear it."""
        is_wheel = bool(_PYTHON_NAME.fullmatch(os.path.basename(self.program)))
        command = [self.program, self.probe] if is_wheel else [self.program, "-b", "--python", self.probe]
        try:
            heard = subprocess.run(
                command, check=False, capture_output=True, timeout=ANSWER_SECONDS, stdin=subprocess.DEVNULL,
                env=_environment(os.environ), **_hidden(),
            )  # fmt: skip
        except (OSError, ValueError) as error:
            return Renderer(program=self.program, problem=str(getattr(error, "strerror", None) or error))
        except subprocess.TimeoutExpired:
            return Renderer(program=self.program, problem="no answer")
        for line in heard.stdout.decode("utf-8", "replace").splitlines():
            if line.startswith(MARK):
                return Renderer.of(json.loads(line.removeprefix(MARK)), program=self.program)
        return Renderer(program=self.program, problem="no Blender")


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Make the environment: ours without what belongs to this Blender's Python."""
    kept = {name: value for name, value in environ.items() if not name.startswith("PYTHON") and name != "VIRTUAL_ENV"}
    return kept | {INSIDE_SESSION: "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _hidden() -> dict[str, Any]:
    return {"creationflags": subprocess.CREATE_NO_WINDOW} if sys.platform == "win32" else {}
