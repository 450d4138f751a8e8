# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds a Blender to run: a binary, or a Python that has the `bpy` wheel, and how each is started.

Runs without Blender.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from batchserver.model.errors import BlenderProblem

from .environment import child_environment

INSIDE_BLENDER = Path(__file__).resolve().parents[2] / "inside_blender"
BPY_WORD = "bpy"
BPY_VARIABLE = "RENDERPLUS_BPY"
UNKNOWN_BUILD = "Unknown"
"""What a Blender says of its build that was made without noting it, as those of some Linux distributions are."""

_VERSION = re.compile(r"^Blender (\d+\.\d+\.\d+.*)$", re.MULTILINE)
_BUILD = re.compile(r"^\s*build hash: (\w+)\s*$", re.MULTILINE)
_PYTHON_NAME = re.compile(r"python[\d.]*(w)?(\.exe)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Program:
    """A Blender that can be started: its absolute path, and whether it is a Python with the wheel."""

    path: str
    wheel: bool

    def run_script(self, script: Path) -> list[str]:
        """Give the command that runs a script inside it, with the user's preferences as `blender -b` has them."""
        if self.wheel:
            return [self.path, str(script)]
        return [self.path, "-b", "--python-exit-code", "7", "--python", str(script)]


def find_program(word: str, *, path: str | None, environ: Mapping[str, str], data_folder: Path) -> Program:
    """Find the Blender that a recipe, an option or nobody named.

    `word` is a path, a name on `path`, `bpy` for the wheel, or "" for whatever is there: `blender` on `path`, else
    the wheel. Raises `BlenderProblem` with what was looked for, and where.
    """
    if word == BPY_WORD:
        return _wheel(environ, data_folder)
    if word:
        return _named(word, path)
    found = shutil.which("blender", path=path)
    if found:
        return Program(found, wheel=False)
    try:
        return _wheel(environ, data_folder)
    except BlenderProblem:
        raise BlenderProblem("No Blender was found: put it on PATH, name it with --blender or as the recipe's blender_bin, or install the bpy wheel") from None


def _named(word: str, path: str | None) -> Program:
    found = shutil.which(word, path=path)
    if found is None:
        there = "is there, but cannot be run" if Path(word).exists() else "is not there"
        raise BlenderProblem(f"The Blender {word!r} {there}; correct the recipe's blender_bin or --blender")
    return Program(os.path.abspath(found), wheel=bool(_PYTHON_NAME.fullmatch(Path(word).name)))


def _wheel(environ: Mapping[str, str], data_folder: Path) -> Program:
    ends = ("Scripts/python.exe",) if os.name == "nt" else ("bin/python",)
    places = [environ.get(BPY_VARIABLE, ""), *(str(data_folder / "bpy" / end) for end in ends)]
    for place in places:
        if place and os.access(place, os.X_OK):
            return Program(os.path.abspath(place), wheel=True)
    raise BlenderProblem(
        f"The bpy wheel was asked for, but there is no Python with it: ${BPY_VARIABLE} names none, and {data_folder / 'bpy'} is not there;"
        " make an environment there with python3 -m venv, and install bpy in it"
    )


def version_of(program: Program, *, timeout: float = 60) -> str:
    """Ask a Blender for its version, such as `5.2.2 LTS`. Raises `BlenderProblem`."""
    return about(program, timeout=timeout)[0]


def about(program: Program, *, timeout: float = 60) -> tuple[str, str]:
    """Ask a Blender for its version and the hash of its build, "" where it knows none. Raises `BlenderProblem`."""
    asked = "import bpy; print('Blender', bpy.app.version_string); print('build hash:', bpy.app.build_hash.decode())"
    command = [program.path, "-c", asked] if program.wheel else [program.path, "--version"]
    try:
        answer = subprocess.run(
            command, check=False, capture_output=True, text=True, errors="replace", timeout=timeout, stdin=subprocess.DEVNULL, env=child_environment(os.environ)
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BlenderProblem(f"{program.path} cannot be started: {error}") from error
    match = _VERSION.search(answer.stdout)
    if not match:
        raise BlenderProblem(f"{program.path} does not answer as a Blender does (exit code {answer.returncode})")
    build = _BUILD.search(answer.stdout)
    return match[1].strip(), build[1] if build and build[1] != UNKNOWN_BUILD else ""
