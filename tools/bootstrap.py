# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up what a make target needs: `.venv` for the server and its tools, `.venv-bpy` for Blender as a module.

    python3 tools/bootstrap.py [server] [farm] [dev] [bpy] [wheels]

`wheels` is for the add-on's tests: further releases of bpy, each in an environment of its own (`.venv-bpy-4.2`).
A second run sees its stamp and has nothing to do. Runs without Blender, on any Python from 3.7 on, so that an old
one gets a sentence instead of a traceback.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)

# Which Debian package holds a shared library that Blender loads. EGL is loaded while it draws, ldd does not show it.
PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libICE.so.6": "libice6",
    "libSM.so.6": "libsm6",
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libXrender.so.1": "libxrender1",
    "libXxf86vm.so.1": "libxxf86vm1",
    "libxkbcommon.so.0": "libxkbcommon0",
}
DRIVER = "libgl1-mesa-dri"


class SetupProblem(Exception):
    """What is missing, and what to do about it."""


def main(wanted: list[str]) -> int:
    """Set up each of the wanted parts; say what is missing in one sentence."""
    try:
        with only_one_at_a_time():
            for part in wanted or ["server"]:
                {"server": set_up_server, "farm": set_up_farm, "dev": set_up_dev, "bpy": set_up_bpy, "wheels": set_up_wheels}[part]()
    except SetupProblem as problem:
        print(f"Set-up stopped: {problem}", file=sys.stderr)
        return 1
    return 0


def set_up_server() -> None:
    """Make `.venv` with what the server needs; leave one alone that has more."""
    project = read_project()
    if is_stamped(ROOT / ".venv", dev_packages(project)):
        return
    install(ROOT / ".venv", Path(sys.executable), project["dependencies"], "the server")


def set_up_farm() -> None:
    """Make `.venv` with what a server needs that gives frames to other machines, too; leave one alone that has more."""
    project = read_project()
    if is_stamped(ROOT / ".venv", dev_packages(project)):
        return
    install(ROOT / ".venv", Path(sys.executable), project["dependencies"] + project["optional-dependencies"]["farm"], "the server and the farm's packages")


def set_up_dev() -> None:
    """Make `.venv` with what the server and its tests need."""
    install(ROOT / ".venv", Path(sys.executable), dev_packages(read_project()), "the server and its tools")


def set_up_bpy() -> None:
    """Make `.venv-bpy` with the bpy wheel that fits a Python of this machine, and the system libraries it loads."""
    environment = ROOT / ".venv-bpy"
    python, release = python_for_bpy(read_toml()["tool"]["renderplus"]["bpy"])
    install(environment, python, [f"bpy=={release}"], f"Blender {release} as a Python module (bpy, about 370 MB, some minutes)")
    install_libraries(missing_libraries(environment))


def set_up_wheels() -> None:
    """Make an environment for each further release of bpy that is tested; one that cannot be had is a problem on CI alone."""
    for release, version in read_toml()["tool"]["renderplus"]["bpy_tested"].items():
        try:
            set_up_wheel(release, version)
        except SetupProblem as problem:
            if os.environ.get("CI") == "true":
                raise
            print(f"bpy {release} is not set up, and its tests will be skipped: {problem}", file=sys.stderr)


def set_up_wheel(release: str, version: str) -> None:
    """Make `.venv-bpy-4.2` or the like; the stamp's release changes only with pyproject.toml."""
    environment = ROOT / (".venv-bpy-" + release.rpartition(".")[0])
    python = python_of_version(version)
    if not python:
        raise SetupProblem(f"bpy {release} fits Python {version} alone, which is not there. Install it.")
    install(environment, python, [f"bpy=={release}"], f"Blender {release} as a Python module for tests (bpy, about 370 MB, some minutes)")
    install_libraries(missing_libraries(environment))


def read_toml() -> dict:
    """Read pyproject.toml."""
    import tomllib  # not before Python 3.11, which main() has made sure of

    with open(ROOT / "pyproject.toml", "rb") as file:
        return tomllib.load(file)


def read_project() -> dict:
    """Read the project's table, where the packages stand."""
    return read_toml()["project"]


def dev_packages(project: dict) -> list[str]:
    """List what development needs: the server's packages, the farm's, and the tools."""
    return project["dependencies"] + project["optional-dependencies"]["dev"] + project["optional-dependencies"]["farm"]


def python_for_bpy(releases: dict[str, str]) -> tuple[Path, str]:
    """Choose a Python for which there is a bpy wheel: this one, else another on PATH."""
    own = own_version()
    for version in sorted(releases, key=lambda version: version != own):
        found = python_of_version(version)
        if found:
            return found, releases[version]
    raise SetupProblem(f"the bpy wheel fits Python {' or '.join(releases)}, and there is only {own}. Install one of them, or a Blender on PATH.")


def python_of_version(version: str) -> Path | None:
    """Find a Python of a version: this one, else another on PATH that can make environments."""
    if version == own_version():
        return Path(sys.executable)
    found = shutil.which(f"python{version}")
    return Path(found) if found and runs(found, "import venv, ensurepip") else None


def own_version() -> str:
    """Name the version of this Python, such as `3.11`."""
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def install(environment: Path, python: Path, packages: list[str], what: str) -> None:
    """Put packages into a virtual environment, made when it is missing; the stamp is written last."""
    if is_stamped(environment, packages):
        return
    inside = python_of(environment)
    if not inside.exists() or not runs(str(inside), "import pip"):
        need_venv(python)
        print(f"Making {environment.name} ...", flush=True)
        call([str(python), "-m", "venv", "--clear", str(environment)], f"no virtual environment could be made in {environment}")
    print(f"Installing {what} into {environment.name} ...", flush=True)
    call(
        [str(inside), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *packages],
        "pip could not install it. It says why above; is the network there?",
    )
    (environment / ".stamp").write_text(fingerprint(packages), encoding="utf-8")


def is_stamped(environment: Path, packages: list[str]) -> bool:
    """Tell whether an environment holds just these packages, and its Python still exists."""
    stamp = environment / ".stamp"
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == fingerprint(packages) and python_of(environment).exists()


def fingerprint(packages: list[str]) -> str:
    """Make what a stamp holds: it changes when the lists in pyproject.toml do."""
    return hashlib.sha256("\n".join(sorted(packages)).encode()).hexdigest()


def python_of(environment: Path) -> Path:
    """Name the Python of a virtual environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def need_venv(python: Path) -> None:
    """Make sure that a Python can make environments: Debian keeps that in a package of its own."""
    if runs(str(python), "import venv, ensurepip"):
        return
    asked = "import sys; print('python%d.%d-venv' % sys.version_info[:2])"
    package = subprocess.run([str(python), "-c", asked], stdout=subprocess.PIPE, check=True, text=True).stdout.strip()
    apt_install([package], f"{python} cannot make virtual environments")


def missing_libraries(environment: Path) -> list[str]:
    """List the Debian packages of shared libraries that the bpy wheel needs and this system lacks."""
    if not sys.platform.startswith("linux") or not shutil.which("ldd"):
        return []
    lacking = set()
    for module in environment.glob("lib/python*/site-packages/bpy/__init__*.so"):
        listed = subprocess.run(["ldd", str(module)], stdout=subprocess.PIPE, text=True, check=False).stdout
        lacking |= {line.split()[0] for line in listed.splitlines() if line.endswith("not found")}
    if not runs(str(python_of(environment)), "import ctypes; ctypes.CDLL('libEGL.so.1')"):
        lacking.add("libEGL.so.1")
    packages = sorted({PACKAGES.get(name, name) for name in lacking})
    return [*packages, DRIVER] if "libEGL.so.1" in lacking else packages


def install_libraries(packages: list[str]) -> None:
    """Install the system libraries, or say which are missing."""
    if packages:
        apt_install(packages, "Blender needs system libraries that are not there")


def apt_install(packages: list[str], why: str) -> None:
    """As root on Debian install packages, with a word to the user; elsewhere say what to install."""
    names = " ".join(packages)
    if not shutil.which("apt-get"):
        raise SetupProblem(f"{why}. Install what your system calls {names}, then run this again.")
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        raise SetupProblem(f"{why}. Run `sudo apt-get install {names}`, then run this again.")
    print(f"Installing {names} by apt-get ({why}) ...", flush=True)
    quiet = {"env": dict(os.environ, DEBIAN_FRONTEND="noninteractive"), "stdout": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    subprocess.run(["apt-get", "update", "-q"], check=False, **quiet)
    done = subprocess.run(["apt-get", "install", "-yq", "--no-install-recommends", *packages], check=False, **quiet)
    if done.returncode:
        raise SetupProblem(f"apt-get could not install {names}; it says why above.")


def runs(python: str, source: str) -> bool:
    """Tell whether a Python runs a line of source without a fault."""
    return subprocess.run([python, "-c", source], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def call(command: list[str], otherwise: str) -> None:
    """Run a command, or stop with a sentence."""
    if subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode:
        raise SetupProblem(otherwise)


class only_one_at_a_time:
    """Keep two runs from filling the same environment at once; where the system has no flock, they may."""

    def __enter__(self) -> None:
        (ROOT / "build").mkdir(exist_ok=True)
        self.file = open(ROOT / "build" / "bootstrap.lock", "w", encoding="utf-8")
        try:
            import fcntl
        except ImportError:
            return
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *fault: object) -> None:
        self.file.close()


def newer_python() -> str | None:
    """Find a Python that is new enough, when the one at hand is not."""
    names = [f"python3.{minor}" for minor in (11, 13, 12, 14)]
    return next((found for found in map(shutil.which, names) if found and runs(found, "import venv, ensurepip")), None)


if __name__ == "__main__":
    if sys.version_info < OLDEST:
        better = newer_python()
        if better:
            sys.exit(subprocess.run([better, *sys.argv], check=False).returncode)
        sys.exit(f"Render+ needs Python 3.11 or later; `python3` here is {sys.version.split()[0]}. Install a newer one, then run this again.")
    sys.exit(main(sys.argv[1:]))
