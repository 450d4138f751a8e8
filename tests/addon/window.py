# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Blender window on a screen of its own (Xvfb), worked with mouse and keys (xdotool), and looked at.

Mouse, keys and pictures are real. What a test wants to *know* is asked by a small loop in Blender, a timer that runs the
Python it is given: where an editor is, what the mouse points at, what the list holds. So a button is found by its
operator or property wherever the layout puts it, and no pixel is guessed. Every wait is for a condition and bounded.
Runs without Blender; the loop runs inside.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from addon.installed import PACKAGE, Installed

TOOLS = ("Xvfb", "xdotool", "import")
START_SECONDS = 90
"""How long Blender may take until it answers: two busy cores and no graphics card."""

_STEP = 13
"""Pixels between two places that are looked at; a button is 20 high, the icons of a row are drawn smaller."""
_LINE, _FINE = 20.5, 3
"""Pixels from one line of a list to the next, and of a careful step."""

_LOOP = (
    f"""
PACKAGE = {PACKAGE!r}
"""
    + """
import importlib, json, os, sys, traceback
import bpy

folder, port = sys.argv[sys.argv.index("--") + 1 :]
view = bpy.context.preferences.view
view.show_splash = False
bpy.context.preferences.use_preferences_save = False
bpy.context.preferences.addons[PACKAGE].preferences.port = int(port)

def part(name):
    return importlib.import_module(PACKAGE + name)

names = {"bpy": bpy, "os": os, "part": part, "running": part(".batch.connection.running"), "store": part(".batch.store")}
state = {"next": 1}

def window():
    return bpy.context.window_manager.windows[0]

def properties():
    "The largest Properties editor."
    return max((a for a in window().screen.areas if a.type == "PROPERTIES"), key=lambda a: a.width * a.height)

def body(area):
    return next(region for region in area.regions if region.type == "WINDOW")

def pointed_at(area=None):
    "The Python of the button under the mouse: of its operator, or the path of its property."
    area = area or properties()
    bpy.context.window_manager.clipboard = ""
    with bpy.context.temp_override(window=window(), area=area, region=body(area)):
        if bpy.ops.ui.copy_python_command_button.poll():
            bpy.ops.ui.copy_python_command_button()
        elif bpy.ops.ui.copy_data_path_button.poll():
            bpy.ops.ui.copy_data_path_button(full_path=True)
    return bpy.context.window_manager.clipboard

names.update(window=window, properties=properties, body=body, pointed_at=pointed_at)

def tick():
    path = os.path.join(folder, f"{state['next']}.py")
    if os.path.exists(path):
        state["next"] += 1
        said = {}
        try:
            with open(path, encoding="utf-8") as file:
                code = compile(file.read(), path, "exec")
            names["answer"] = None
            with bpy.context.temp_override(window=window()):
                exec(code, names)
            said["answer"] = names["answer"]
        except BaseException:
            said["error"] = traceback.format_exc()
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(said, file)
        os.replace(path + ".new", path[:-3] + ".json")
        return 0.0
    return 0.002

bpy.app.timers.register(tick, persistent=True)
"""
)


def missing_tools() -> list[str]:
    """Name what is not on this machine of what a window needs."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]


class Screen:
    """A screen that nobody sees: Xvfb on a free display."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        reading, writing = os.pipe()
        command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{width}x{height}x24", "+extension", "GLX", "-nolisten", "tcp", "-noreset"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=[writing])
        os.close(writing)
        try:
            self.display = f":{_line_from(reading, 30)}"
        except BaseException:
            self.end()
            raise
        finally:
            os.close(reading)

    def end(self) -> None:
        """End the screen."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)

    def mouse(self, *words: object) -> None:
        """Hand words to xdotool."""
        environment = os.environ | {"DISPLAY": self.display}
        subprocess.run(["xdotool", *map(str, words)], env=environment, check=True, timeout=30, capture_output=True)

    def picture(self, path: Path, area: tuple[int, int, int, int] | None = None) -> Path:
        """Take a picture of the screen, or of an area of it: left, upper, width, height."""
        path.parent.mkdir(parents=True, exist_ok=True)
        crop = ["-crop", "{2}x{3}+{0}+{1}".format(*area), "+repage"] if area else []
        command = ["import", "-display", self.display, "-window", "root", *crop, str(path)]
        subprocess.run(command, check=True, timeout=60, capture_output=True)
        return path


def _line_from(pipe: int, seconds: float) -> str:
    """Read to the end of a line: Xvfb writes number and line end apart, and dies when nobody reads the second."""
    end, said = time.monotonic() + seconds, b""
    while not said.endswith(b"\n"):
        ready, _, _ = select.select([pipe], [], [], max(0.0, end - time.monotonic()))
        more = os.read(pipe, 32) if ready else b""
        assert more, "Xvfb did not start"
        said += more
    return said.decode().strip()


@dataclass(frozen=True, slots=True)
class Place:
    """A place on the screen, and what is there."""

    x: int
    y: int
    what: str = ""


class Window:
    """A user's Blender with a window that fills the screen."""

    def __init__(self, user: Installed, screen: Screen, folder: Path, environment: Mapping[str, str]) -> None:
        self.user = user
        self.screen = screen
        self.folder = folder
        self._asked = 0
        self._found_at = round(0.55 * screen.height)  # Render+ is the last panel of its tab
        folder.mkdir(parents=True)
        (folder / "loop.py").write_text(_LOOP, "utf-8")
        size = ["--window-geometry", "0", "0", str(screen.width), str(screen.height)]
        program, loop = str(user.blender.program), str(folder / "loop.py")
        command = [program, "--gpu-backend", "opengl", *size, "-noaudio", "--python", loop, "--", str(folder), str(user.port)]
        more = {"DISPLAY": screen.display, "LIBGL_ALWAYS_SOFTWARE": "1"}
        surroundings = user.blender.environment(**user.surroundings, **environment) | more
        surroundings.pop("WAYLAND_DISPLAY", None)
        self._log = folder / "blender.log"
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                command, env=surroundings, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )  # fmt: skip

    def end(self) -> None:
        """End this Blender and what belongs to it; a server that it started lives on."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)

    # --- asking ------------------------------------------------------------------------------------------

    def do(self, body: str, seconds: float = 30) -> Any:
        """Run Python in Blender, and give what it put into `answer`."""
        self._asked += 1
        path = self.folder / f"{self._asked}.py"
        path.with_suffix(".part").write_text(body, "utf-8")
        path.with_suffix(".part").replace(path)
        end = time.monotonic() + seconds
        said = path.with_suffix(".json")
        while not said.exists():
            assert self._process.poll() is None, f"Blender ended with {self._process.returncode}:\n{self.said()}"
            assert time.monotonic() < end, f"Blender did not answer to:\n{body}\n{self.said()}"
            time.sleep(0.001)
        told = json.loads(said.read_text("utf-8"))
        assert "error" not in told, f"{told.get('error')}\n{body}"
        return told["answer"]

    def ask(self, expression: str, seconds: float = 30) -> Any:
        """Evaluate an expression in Blender."""
        return self.do(f"answer = {expression}", seconds)

    def wait(self, expression: str, seconds: float = 60) -> Any:
        """Wait until an expression is true in Blender, and give its value."""
        end = time.monotonic() + seconds
        while not (value := self.ask(expression)):
            assert time.monotonic() < end, f"it did not come true: {expression}\n{self.said()}"
            time.sleep(0.1)
        return value

    def said(self) -> str:
        """Give the end of what Blender printed."""
        return self._log.read_text("utf-8", "replace")[-3000:]

    # --- looking -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Wait until Blender answers and drew its window once."""
        self.do("", START_SECONDS)
        self.do("bpy.ops.wm.redraw_timer(type='DRAW_WIN_SWAP', iterations=1)", START_SECONDS)

    def fill_with_properties(self, tab: str) -> None:
        """Make one Properties editor as large as the window, and show a tab of it."""
        self.do("""
area = max(window().screen.areas, key=lambda a: a.width * a.height)
area.type = "PROPERTIES"
""")
        self.do("""
area = properties()
with bpy.context.temp_override(window=window(), area=area, region=body(area)):
    bpy.ops.screen.screen_full_area(use_hide_panels=False)
""")
        self.wait("len(window().screen.areas) == 1 and properties().width > 0.9 * window().width")
        self.tab(tab)

    def tab(self, tab: str) -> None:
        """Show another tab of the Properties editor."""
        self.do(f"properties().spaces.active.context = {tab!r}")
        self.wait(f"properties().spaces.active.context == {tab!r}")
        self.redraw()

    def redraw(self) -> None:
        """Have everything drawn anew, and wait until it is."""
        self.do("bpy.ops.wm.redraw_timer(type='DRAW_WIN_SWAP', iterations=1)", 60)

    def inside(self) -> tuple[int, int, int, int]:
        """Give the place of the Properties editor's contents on the screen: left, upper, width, height."""
        x, y, width, height = self.ask("(lambda r: [r.x, r.y, r.width, r.height])(body(properties()))")
        return x, self.screen.height - y - height, width, height

    def picture(self, path: Path) -> Path:
        """Take a picture of the whole window, when panels that change their height have come to rest."""
        self.redraw()
        time.sleep(0.4)  # for the eye alone: no test depends on it
        self.redraw()
        return self.screen.picture(path)

    # --- mouse and keys ----------------------------------------------------------------------------------

    def point(self, x: int, y: int) -> str:
        """Move the mouse somewhere, and tell what it points at."""
        self.screen.mouse("mousemove", x, y)
        self.ask("None")  # Blender takes its events before its timers
        return str(self.ask("pointed_at()"))

    def find(self, what: str, *, columns: Sequence[float] = (0.5, 0.97, 0.25, 0.75), seconds: float = 60) -> Place:
        """Find the button whose operator or property has `what` in its Python.

        `columns` are parts of the editor's width; rows are looked at from where a button was found last.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for place in self._scan(columns):
                if what in place.what:
                    self._found_at = place.y
                    return place
        raise AssertionError(f"there is no button of {what}")

    def find_row(self, active: str, index: int) -> Place:
        """Find a line of a list that is not scrolled; Blender tells of a whole list only which property says what is selected in it."""
        place = self.find(active, columns=(0.4,))
        while active in self.point(place.x, place.y - _FINE):
            place = Place(place.x, place.y - _FINE, place.what)
        return Place(place.x, round(place.y + (index + 0.5) * _LINE), place.what)

    def click(self, what: str, **where: Any) -> Place:
        """Click the button whose operator or property has `what` in its Python."""
        place = self.find(what, **where)
        self.click_at(place)
        return place

    def click_at(self, place: Place, *, button: int = 1, times: int = 1) -> None:
        """Click somewhere."""
        self.screen.mouse("mousemove", place.x, place.y)
        self.ask("None")
        self.screen.mouse("click", "--repeat", times, "--delay", 60, button)

    def keys(self, *names: str) -> None:
        """Press keys one after the other, by their X names."""
        for name in names:
            self.screen.mouse("key", name)
            self.ask("None")

    def type(self, text: str) -> None:
        """Type a text."""
        self.screen.mouse("type", "--delay", 15, text)
        self.ask("None")

    def _scan(self, columns: Sequence[float]) -> Iterator[Place]:
        left, top, width, height = self.inside()
        rows = sorted(range(top + _STEP // 2, top + height, _STEP), key=lambda y: abs(y - self._found_at))
        for column in columns:
            x = left + round(column * width)
            for y in rows:
                yield Place(x, y, self.point(x, y))
