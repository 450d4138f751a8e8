# SPDX-License-Identifier: GPL-3.0-or-later
"""The Blenders that can have the add-on: it is an extension, and extensions came with 4.2."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from addon.installed import Installed, build_extension, this_platform
from addon.window import Screen, Window, missing_tools

from blenders import ROOT, RealBlender


@pytest.fixture
def addon_blender(real_blender: RealBlender) -> RealBlender:
    """Each real Blender that has extensions; the others are skipped."""
    if real_blender.version < (4, 2, 0):
        pytest.skip(f"Blender {real_blender.name} has no extensions (they came with 4.2)")
    return real_blender


@pytest.fixture(scope="session")
def extension_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension's zip for this platform, as `make extension` builds it."""
    try:
        return build_extension.build(ROOT, tmp_path_factory.mktemp("dist"), [this_platform()], for_all=False)[0]
    except build_extension.BuildProblem as problem:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no extension could be built: {problem}")


@pytest.fixture
def installed(addon_blender: RealBlender, extension_zip: Path, tmp_path: Path) -> Iterator[Installed]:
    """Each real Blender with the extension installed, for a new user; what it started ends with the test."""
    made = Installed(addon_blender, extension_zip, tmp_path)
    made.install()
    yield made
    made.end()


@pytest.fixture
def window(real_blender: RealBlender, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Window]:
    """Each real Blender that has extensions and a window, open on a screen of its own; what it started ends with the test."""
    if real_blender.is_wheel:
        pytest.skip("a bpy wheel has no window")
    if missing := missing_tools():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{', '.join(missing)} not on PATH, and CI=true allows no absence", pytrace=False)
        pytest.skip(f"no window without {', '.join(missing)}")
    user: Installed = request.getfixturevalue("installed")
    screen = Screen(640, 1700)
    try:
        made = Window(user, screen, tmp_path / "window", {"XDG_CACHE_HOME": str(tmp_path / "cache")})
        try:
            made.start()
            yield made
        finally:
            made.end()
    finally:
        screen.end()
