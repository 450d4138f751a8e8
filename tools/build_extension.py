# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the extension: zips in dist/, one for each platform and one for all, with every wheel that the server needs.

    .venv/bin/python tools/build_extension.py [--platform linux-x64 …] [--no-validate]

The wheels are fetched into build/wheels/ and stand in no repository; the manifest in the zip lists them. The same
sources give the same zip, byte for byte. Runs without Blender; one that is there is asked whether the zips are right.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
WHEELS = ROOT / "build" / "wheels"
MANIFEST = "blender_manifest.toml"
OLDEST_PYTHON = "3.11"  # of the Blenders that have extensions; abi3 wheels for it fit the later ones, too

# Blender's word for a platform, and what pip may take for it. manylinux_2_28 is what Blender itself is built on.
PLATFORMS: Mapping[str, Sequence[str]] = {
    "linux-x64": ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_12_x86_64", "manylinux2010_x86_64"),
    "macos-arm64": ("macosx_11_0_arm64",),
    "macos-x64": ("macosx_11_0_x86_64", "macosx_10_9_x86_64"),
    "windows-x64": ("win_amd64",),
    "windows-arm64": ("win_arm64",),
}

TOP_FILES = ("__init__.py", "LICENSE", "README.md")
FOLDERS = ("assets", "batch", "server", "ui")
# Made by tools and by a running server, or only for people who have the repository.
LEFT_OUT = frozenset({"__pycache__", "server/build", "server/log", "assets/demo"})
ENDINGS = frozenset({".py", ".sh", ".json", ".sql", ".md", ".txt", ".toml", ".typed", ".ogg", ".wav", ".png", ".svg", ".html", ".js", ".css"})
_EPOCH = (1980, 1, 1, 0, 0, 0)


class BuildProblem(Exception):
    """What is wrong, and what to do about it."""


def main(arguments: Sequence[str]) -> int:
    """Build and validate; say what was made, or what is wrong in one sentence."""
    parser = argparse.ArgumentParser(description="Build the extension's zips.")
    parser.add_argument("--platform", action="append", choices=sorted(PLATFORMS), help="only these platforms (again for more), and no zip for all")
    parser.add_argument("--output-dir", type=Path, default=DIST, help="where the zips go")
    parser.add_argument("--no-validate", action="store_true", help="ask no Blender whether the zips are right")
    options = parser.parse_args(arguments)
    try:
        made = build(ROOT, options.output_dir, options.platform or list(PLATFORMS), for_all=options.platform is None)
        for path in made:
            print(f"{path.name}  {path.stat().st_size / 1e6:.2f} MB")
        if not options.no_validate:
            validate(made)
    except BuildProblem as problem:
        print(f"No extension was built: {problem}", file=sys.stderr)
        return 1
    return 0


def build(root: Path, target: Path, platforms: Sequence[str], *, for_all: bool) -> list[Path]:
    """Write the zips, return their paths. Raises `BuildProblem`."""
    manifest = read_manifest(root)
    files = {str(path.relative_to(root).as_posix()): path for path in extension_files(root)}
    wheels = {platform: fetch_wheels(requirements(root), platform) for platform in platforms}
    target.mkdir(parents=True, exist_ok=True)
    stem = f"{manifest['id']}-{manifest['version']}"
    made = [write_zip(target / f"{stem}-{name.replace('-', '_')}.zip", root, files, found, [name]) for name, found in wheels.items()]
    if for_all:
        every = sorted({path.name: path for found in wheels.values() for path in found}.values(), key=lambda path: path.name)
        made.append(write_zip(target / f"{stem}.zip", root, files, every, sorted(wheels)))
    return made


def read_manifest(root: Path) -> dict[str, Any]:
    """Read the manifest; its version must be the server's. Raises `BuildProblem`."""
    manifest = tomllib.loads((root / MANIFEST).read_text("utf-8"))
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    if manifest["version"] != project["version"]:
        raise BuildProblem(f"{MANIFEST} has version {manifest['version']}, pyproject.toml {project['version']}; give both the same")
    return manifest


def requirements(root: Path) -> list[str]:
    """List the packages that the server imports."""
    return list(tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"])


def extension_files(root: Path) -> Iterator[Path]:
    """Go through the files that belong into the zip, sorted. Raises `BuildProblem` for one of an ending that nobody knows."""
    yield from (root / name for name in TOP_FILES if (root / name).is_file())
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            inside = path.relative_to(root)
            if not path.is_file() or _is_left_out(inside):
                continue
            if path.suffix not in ENDINGS:
                raise BuildProblem(f"{inside} has an ending that the extension does not carry; remove it, or add the ending to tools/build_extension.py")
            yield path


def _is_left_out(inside: Path) -> bool:
    steps = [parent.as_posix() for parent in inside.parents]
    return "__pycache__" in inside.parts or any(part.startswith(".") for part in inside.parts) or bool(LEFT_OUT.intersection(steps))


def fetch_wheels(packages: Sequence[str], platform: str, folder: Path = WHEELS) -> list[Path]:
    """Download the wheels for a platform, once for each list of packages. Raises `BuildProblem`."""
    digest = hashlib.sha256("\n".join([*sorted(packages), *PLATFORMS[platform]]).encode()).hexdigest()[:12]
    place = folder / f"{platform}-{digest}"
    if not place.is_dir():
        fresh = folder / f"{platform}-{digest}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        _pip_download(packages, platform, fresh)
        fresh.rename(place)
    found = sorted(place.glob("*.whl"))
    missing = [package for package in packages if not any(_is_wheel_of(path, package) for path in found)]
    if missing:
        raise BuildProblem(f"{place} lacks a wheel of {missing[0]}; remove that folder and run this again")
    return found


def _pip_download(packages: Sequence[str], platform: str, place: Path) -> None:
    print(f"Fetching wheels for {platform} ...", flush=True)
    tags = [word for tag in PLATFORMS[platform] for word in ("--platform", tag)]
    fixed = ["--only-binary=:all:", "--python-version", OLDEST_PYTHON, "--implementation", "cp", "--abi", "abi3", "--abi", "none"]
    command = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check", "--no-deps", *fixed, *tags, "-d", str(place), *packages]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise BuildProblem(f"pip found no wheels for {platform}; is the network there?\n{done.stderr.strip()[-800:]}")


def _is_wheel_of(path: Path, package: str) -> bool:
    name = package.split(";", maxsplit=1)[0].strip()
    for mark in "<>=!~[ ":
        name = name.split(mark)[0]
    return path.name.split("-")[0].lower().replace("_", "-") == name.lower().replace("_", "-")


def manifest_text(root: Path, wheels: Sequence[Path], platforms: Sequence[str]) -> str:
    """Write the zip's manifest: the repository's, with platforms and wheels before its first table."""
    head, mark, rest = (root / MANIFEST).read_text("utf-8").partition("\n[")
    listed = "".join(f'  "./wheels/{path.name}",\n' for path in wheels)
    named = ", ".join(f'"{platform}"' for platform in platforms)
    return f"{head}\nplatforms = [{named}]\n\nwheels = [\n{listed}]\n{mark}{rest}"


def write_zip(path: Path, root: Path, files: Mapping[str, Path], wheels: Sequence[Path], platforms: Sequence[str]) -> Path:
    """Write one zip; it takes its place only when it is whole."""
    fresh = path.with_name(path.name + ".new")
    with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        _put(archive, MANIFEST, manifest_text(root, wheels, platforms).encode())
        for name in sorted(files):
            _put(archive, name, files[name].read_bytes())
        for wheel in wheels:
            _put(archive, f"wheels/{wheel.name}", wheel.read_bytes())
    fresh.replace(path)
    return path


def _put(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.external_attr = 0o644 << 16
    entry.create_system = 3  # Unix, also when built on Windows: the same bytes everywhere
    stored = name.endswith((".whl", ".png", ".ogg"))
    archive.writestr(entry, data, zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED)


def validate(made: Sequence[Path]) -> None:
    """Ask every Blender at hand, and blender_ext.py of the bpy wheel, whether the zips are right. Raises `BuildProblem`."""
    judges = list(validators())
    for path in made:
        for name, command in judges:
            done = subprocess.run([*command, str(path)], check=False, capture_output=True, text=True, timeout=120)
            if done.returncode or "rror" in done.stdout:
                raise BuildProblem(f"{name} refuses {path.name}:\n{done.stdout.strip()}\n{done.stderr.strip()}")
    print(f"Validated by {', '.join(name for name, _ in judges)}" if judges else "Not validated: there is no Blender 4.2 or later here, and no bpy wheel")


def validators() -> Iterator[tuple[str, list[str]]]:
    """Find who can validate a zip, with the command for it."""
    for name in ("blender-5.2", "blender-4.3", "blender"):
        program = shutil.which(name)
        if program and _has_extensions(program):
            yield name, [program, "--command", "extension", "validate"]
    for script in sorted((ROOT / ".venv-bpy").glob("lib/python*/site-packages/bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py")):
        tags = script.parents[3] / "modules" / "_bpy_internal" / "extensions" / "tags.py"
        strict = [f"--valid-tags={tags}"] if tags.is_file() else []
        yield f"blender_ext.py of bpy {script.parents[4].name}", [sys.executable, str(script), "validate", *strict]


def _has_extensions(program: str) -> bool:
    said = subprocess.run([program, "--version"], check=False, capture_output=True, text=True, timeout=60).stdout.split()
    version = said[1].split(".") if len(said) > 1 and said[0] == "Blender" else ["0", "0"]
    return (int(version[0]), int(version[1])) >= (4, 2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
