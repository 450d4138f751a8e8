# SPDX-License-Identifier: GPL-3.0-or-later
"""Real Blenders of this machine: which there are, and running Python in one, alone and bounded.

Every run gets an empty BLENDER_USER_RESOURCES, a process group of its own, and a time limit after which the whole
group is killed. Runs without Blender; what it starts runs inside.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXPECTED = ("3.4", "4.3", "5.2", "bpy")
"""The releases that the project promises to work with, by the names of tests' parameters."""

WHEELS = ("bpy-4.2", "bpy-5.0")
"""Further releases of the wheel, which only the add-on's tests of wheels use: `make wheels` makes .venv-bpy-4.2 and so on."""

PREFERRED = ("5.2", "bpy", "4.3", "3.4")
"""Which one `any_blender` takes, the first that is there."""

_VERSION = re.compile(r"^(?:Blender|bpy) (\d+)\.(\d+)\.(\d+)", re.MULTILINE)

# A wheel's Python may hang at exit after a render (bpy 4.5) or crash (4.2): leave by os._exit, as sessions do.
_WHEEL_RUNNER = """
import os, runpy, sys, traceback
code = 0
try:
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as leaving:
    code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
except BaseException:
    traceback.print_exc()
    code = 7
sys.stdout.flush()
sys.stderr.flush()
os._exit(code)
"""

# What scenes of tests start from, and how they end up in a file. Debian's builds lack OpenImageDenoise.
_BUILD_BLEND = """
import os, sys
import bpy
bpy.ops.wm.read_factory_settings()
_path, _source = sys.argv[sys.argv.index("--") + 1:][:2]
with open(_source, encoding="utf-8") as _file:
    exec(compile(_file.read(), _source, "exec"), {"__name__": "__main__", "bpy": bpy, "blend_path": _path})
for _scene in bpy.data.scenes:
    if hasattr(_scene, "cycles"):
        _scene.cycles.use_denoising = False
bpy.ops.wm.save_as_mainfile(filepath=_path, check_existing=False)
"""


class BlenderRunFailed(AssertionError):
    """A Blender that was to build something for a test did not; holds all that it said."""


@dataclass(frozen=True, slots=True)
class RealBlender:
    """A Blender, or the Python of a bpy wheel, that tests may start.

    `name` is the test parameter (`5.2`, `bpy`), `program` what is started, `scratch` a folder for its users' files.
    """

    name: str
    program: Path
    version: tuple[int, int, int]
    scratch: Path = field(default=Path(tempfile.gettempdir()), compare=False)

    @property
    def is_wheel(self) -> bool:
        """Tell whether `program` is a Python that has the bpy module."""
        return self.program.name.startswith("python")

    def environment(self, **more: str) -> dict[str, str]:
        """Make the environment of a clean user: this one, with empty Blender folders, and `more`."""
        environment = clean_environment(os.environ, Path(tempfile.mkdtemp(prefix="user-", dir=self.scratch)))
        return environment | more

    def command(self, script: Path, *args: str) -> list[str]:
        """Make the command line that runs a script; the script finds `args` after `--` in sys.argv."""
        if self.is_wheel:
            return [str(self.program), "-c", _WHEEL_RUNNER, str(script), "--", *args]
        return [str(self.program), "-b", "--python-exit-code", "7", "--python", str(script), "--", *args]

    def run(self, script: str | Path, *args: str | Path, timeout: float = 120, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a script (a path, or Python source) inside, and return what it said.

        A Python error ends with return code 7. Raises `subprocess.TimeoutExpired` after `timeout` seconds, when
        the process and all its children are gone.
        """
        path = self._as_file(script)
        return run_bounded(self.command(path, *map(str, args)), self.environment(**environment), timeout, self.scratch)

    def build_blend(self, path: Path, source: str, timeout: float = 120) -> None:
        """Run source that builds a scene, from factory settings, and save it as `path` (denoising is switched off)."""
        done = self.run(_BUILD_BLEND, path, self._as_file(source), timeout=timeout)
        if done.returncode or not path.is_file():
            raise BlenderRunFailed(f"Blender {self.name} could not build {path.name}:\n{done.stdout}\n{done.stderr}")

    def _as_file(self, script: str | Path) -> Path:
        if isinstance(script, Path):
            return script
        if "\n" not in script and script.endswith(".py") and Path(script).is_file():
            return Path(script)
        digest = hashlib.sha256(script.encode()).hexdigest()[:16]
        path = self.scratch / f"script-{digest}.py"
        path.write_text(script, encoding="utf-8")
        return path


def clean_environment(base: Mapping[str, str], resources: Path) -> dict[str, str]:
    """Copy an environment for a Blender with user folders of its own, and without another Python's variables."""
    dropped = {"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "RENDERPLUS_SESSION", "RENDERPLUS_INSIDE_SESSION"}
    kept = {key: value for key, value in base.items() if key not in dropped and not key.startswith("BLENDER_USER_")}
    # Blenders of several releases side by side must not share Mesa's shader cache: one may die of SIGBUS when another cuts its files short.
    shaders = ROOT / "build" / "mesa" / os.environ.get("PYTEST_XDIST_WORKER", "alone")
    shaders.mkdir(parents=True, exist_ok=True)
    ours = {"BLENDER_USER_RESOURCES": str(resources), "PYTHONDONTWRITEBYTECODE": "1", "RENDERPLUS_POWER_DRY_RUN": "1"}
    return kept | ours | {"MESA_SHADER_CACHE_DIR": str(shaders)}


def run_bounded(command: list[str], environment: Mapping[str, str], timeout: float, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a process group of its own; at the time limit kill the group and raise `TimeoutExpired`."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=dict(environment),
        cwd=folder,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=timeout)
    except BaseException:
        end_group(process)
        raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def end_group(process: subprocess.Popen[str]) -> None:
    """Kill a process that was started with `start_new_session=True`, and its children, and wait for it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def find_blenders(scratch: Path) -> dict[str, RealBlender]:
    """Find the Blenders on PATH and the bpy wheel, by name: the expected ones first, then any other release."""
    found: dict[str, RealBlender] = {}
    for program in _programs_on_path():
        version = _version_of([str(program), "--version"], scratch)
        if version:
            found.setdefault(f"{version[0]}.{version[1]}", RealBlender(f"{version[0]}.{version[1]}", program, version, scratch))
    wheel = find_wheel("bpy", scratch)
    if wheel:
        found["bpy"] = wheel
    order = [*(name for name in EXPECTED if name in found), *(name for name in found if name not in EXPECTED)]
    return {name: found[name] for name in order}


def find_wheel(name: str, scratch: Path) -> RealBlender | None:
    """Find a bpy wheel, by name: `bpy`, or one of `WHEELS`."""
    python = _wheel_python(name)
    asked = "import bpy, os, sys; print('bpy', bpy.app.version_string, flush=True); os._exit(0)"
    version = _version_of([str(python), "-c", asked], scratch) if python else None
    return RealBlender(name, python, version, scratch) if python and version else None


def _programs_on_path() -> list[Path]:
    names = [f"blender-{name}" for name in EXPECTED if name != "bpy"]
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    plain = [Path(found) for folder in folders if (found := shutil.which("blender", path=str(folder)))]
    named = [Path(found) for name in names if (found := shutil.which(name))]
    return list(dict.fromkeys([*named, *plain]))


def _wheel_python(name: str) -> Path | None:
    asked = os.environ.get("RENDERPLUS_BPY") if name == "bpy" else None
    inside = ("Scripts", "python.exe") if sys.platform == "win32" else ("bin", "python")
    python = Path(asked) if asked else ROOT.joinpath(f".venv-{name}", *inside)
    return python if python.exists() else None


def _version_of(command: list[str], scratch: Path) -> tuple[int, int, int] | None:
    try:
        said = run_bounded(command, clean_environment(os.environ, scratch), 60, scratch).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(said)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


class BlendMaker:
    """Builds .blend files for tests, once for each Blender version and source.

    Between sessions they are kept in a cache folder, where a file appears whole or not at all; a session works on
    copies, so that a test that damages one harms no later session. Tests that change a file copy it first.
    """

    def __init__(self, cache: Path, copies: Path) -> None:
        self.cache = cache
        self.copies = copies
        self.blender: RealBlender | None = None
        self.any_blender: Callable[[], RealBlender] | None = None

    def __call__(self, *arguments: RealBlender | str) -> Path:
        """Answer the path of `<name>.blend`; arguments: `name, source` or `blender, name, source`.

        Without a blender the one of the running test's `real_blender` builds, else any that is there.
        """
        blender, name, source = arguments if len(arguments) == 3 else (self._current(), *arguments)
        assert isinstance(blender, RealBlender)
        assert isinstance(name, str)
        assert isinstance(source, str)
        version = ".".join(map(str, blender.version))
        key = f"{blender.name}-{version}-{hashlib.sha256((_BUILD_BLEND + source).encode()).hexdigest()[:20]}"
        file_name = name if name.endswith(".blend") else f"{name}.blend"
        copy = self.copies / key / file_name
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self._cached(blender, key, source), copy)
        return copy

    def _current(self) -> RealBlender:
        if self.blender is None:
            assert self.any_blender is not None
            return self.any_blender()
        return self.blender

    def _cached(self, blender: RealBlender, key: str, source: str) -> Path:
        kept = self.cache / f"{key}.blend"
        if not kept.exists():
            self.cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="building-", dir=self.cache) as building:
                made = Path(building) / "made.blend"
                blender.build_blend(made, source)
                os.replace(made, kept)
        return kept
