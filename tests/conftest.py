# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures that need this machine's Blenders or browser, and the closing words on what was not covered.

A Blender or browser that is not there skips its tests, and the run ends by naming them; with CI=true an absence is a
failure, but for Blenders that RENDERPLUS_BLENDERS_NOT_INSTALLED names (comma-separated). RENDERPLUS_TEST_BLENDERS
limits the Blenders that are used. Runs without Blender.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from blenders import EXPECTED, PREFERRED, ROOT, WHEELS, BlendMaker, RealBlender, find_blenders, find_wheel

REAL_SECONDS = 300
"""Longest time of one test with a real Blender or browser, where it does not say its own."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NEEDS_BLENDER = {"real_blender", "any_blender", "make_blend", "addon_wheel"}
_FOUND = pytest.StashKey[dict[str, RealBlender]]()
_WHEELS = pytest.StashKey[dict[str, RealBlender]]()
_SCRATCH = pytest.StashKey[Path]()

ON_CI = os.environ.get("CI") == "true"

# Some tests send any recipe to real servers: none of them may switch this machine off.
os.environ["RENDERPLUS_POWER_DRY_RUN"] = "1"

settings.register_profile(
    "house",
    deadline=None,  # two busy cores: a slow example is no fault
    derandomize=ON_CI,
    database=None if ON_CI else DirectoryBasedExampleDatabase(ROOT / "build" / "hypothesis"),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")


def _names(variable: str) -> list[str]:
    return [name.strip() for name in os.environ.get(variable, "").split(",") if name.strip()]


def _found_blenders(config: pytest.Config) -> dict[str, RealBlender]:
    """Look for Blenders once, and only when a test asks for one: asking each for its version takes seconds."""
    if _FOUND not in config.stash:
        config.stash[_FOUND] = find_blenders(_scratch(config))
    return config.stash[_FOUND]


def _scratch(config: pytest.Config) -> Path:
    """Give the folder for what Blenders leave behind; it goes with this run."""
    if _SCRATCH not in config.stash:
        scratch = Path(tempfile.mkdtemp(prefix="renderplus-tests-"))
        config.add_cleanup(lambda: shutil.rmtree(scratch, ignore_errors=True))
        config.stash[_SCRATCH] = scratch
    return config.stash[_SCRATCH]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give tests of `real_blender` every expected Blender, there or not, and every other that is on PATH; those of `addon_wheel` the further wheels."""
    if "addon_wheel" in metafunc.fixturenames:
        asked = _names("RENDERPLUS_TEST_BLENDERS") or WHEELS
        metafunc.parametrize("addon_wheel", [name for name in WHEELS if name in asked], indirect=True, scope="module")
    if "real_blender" in metafunc.fixturenames:
        everyone = dict.fromkeys([*EXPECTED, *_found_blenders(metafunc.config)])
        wanted = _names("RENDERPLUS_TEST_BLENDERS") or list(everyone)
        metafunc.parametrize("real_blender", [name for name in everyone if name in wanted], indirect=True, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they use, give the real ones their time, and put the fast ones first."""
    for item in items:
        used = set(getattr(item, "fixturenames", ()))
        if used & NEEDS_BLENDER:
            item.add_marker("blender")
        if "chromium" in used:
            item.add_marker("browser")
        if (item.get_closest_marker("blender") or item.get_closest_marker("browser")) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(REAL_SECONDS))
    items.sort(key=lambda item: item.get_closest_marker("blender") is not None or item.get_closest_marker("browser") is not None)


def _absent(what: str, excused: bool = False) -> None:
    """Skip the test; on CI, where everything is to be there, fail it."""
    if ON_CI and not excused:
        pytest.fail(f"{what}, and CI=true allows no absence", pytrace=False)
    pytest.skip(what)


def _blender(config: pytest.Config, name: str) -> RealBlender:
    blender = _found_blenders(config).get(name)
    if blender is None:
        label = "the bpy wheel (.venv-bpy, or RENDERPLUS_BPY)" if name == "bpy" else f"Blender {name} (on PATH as blender or blender-{name})"
        _absent(f"{label} is not there", excused=name in _names("RENDERPLUS_BLENDERS_NOT_INSTALLED"))
        raise AssertionError  # _absent never returns
    return blender


@pytest.fixture(scope="session")
def blend_maker(tmp_path_factory: pytest.TempPathFactory) -> BlendMaker:
    """The one maker of .blend files of this run."""
    return BlendMaker(ROOT / "build" / "test_blends", tmp_path_factory.mktemp("blends"))


@pytest.fixture(scope="session")
def real_blender(request: pytest.FixtureRequest, blend_maker: BlendMaker) -> Iterator[RealBlender]:
    """Each of the real Blenders in turn: `.name`, `.program`, `.version`, `.run(script_or_source, *args, timeout=120)`."""
    blender = _blender(request.config, request.param)
    blend_maker.blender = blender
    yield blender
    blend_maker.blender = None


@pytest.fixture(scope="module")
def addon_wheel(request: pytest.FixtureRequest) -> RealBlender:
    """Each further bpy wheel in turn, for the few tests of the add-on that are worth a start of each."""
    name = request.param
    wheel = find_wheel(name, _scratch(request.config))
    if wheel is None:
        _absent(f"the {name} wheel (.venv-{name}, made by `make wheels`) is not there", excused=name in _names("RENDERPLUS_BLENDERS_NOT_INSTALLED"))
        raise AssertionError  # _absent never returns
    request.config.stash.setdefault(_WHEELS, {})[name] = wheel
    return wheel


@pytest.fixture(scope="session")
def any_blender(request: pytest.FixtureRequest) -> RealBlender:
    """One real Blender, whichever is there, for tests where the version does not matter."""
    found = _found_blenders(request.config)
    wanted = _names("RENDERPLUS_TEST_BLENDERS") or [*PREFERRED, *found]
    for name in [*PREFERRED, *found]:
        if name in found and name in wanted:
            return found[name]
    _absent("no Blender is there: install one (3.4 or later) or run tools/bootstrap bpy")
    raise AssertionError  # _absent never returns


@pytest.fixture(scope="session")
def make_blend(request: pytest.FixtureRequest, blend_maker: BlendMaker) -> BlendMaker:
    """`make_blend([blender,] name, source) -> Path`: a .blend whose scene the source built with bpy, from factory settings."""
    blend_maker.any_blender = lambda: request.getfixturevalue("any_blender")
    return blend_maker


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a real Chromium."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    _absent("no Chromium is there (chromium, chromium-browser or google-chrome on PATH)")
    raise AssertionError  # _absent never returns


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say with which Blenders was tested, and what was not covered."""
    if _FOUND in config.stash or _WHEELS in config.stash:
        found = config.stash.get(_FOUND, {}) | config.stash.get(_WHEELS, {})
        used = (f"{name} ({'.'.join(map(str, blender.version))})" for name, blender in found.items())
        terminalreporter.write_line(f"Blenders found: {', '.join(used) or 'none'}")
    if limited := _names("RENDERPLUS_TEST_BLENDERS"):
        terminalreporter.write_line(f"not covered: Blenders other than {', '.join(limited)} (RENDERPLUS_TEST_BLENDERS)")
    skipped = Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ") for report in terminalreporter.stats.get("skipped", []) if isinstance(report.longrepr, tuple)
    )
    for reason, count in skipped.items():
        terminalreporter.write_line(f"not covered: {reason} ({count} test{'' if count == 1 else 's'})")
