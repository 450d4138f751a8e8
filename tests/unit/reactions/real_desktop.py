# SPDX-License-Identifier: GPL-3.0-or-later
"""A real notification daemon (dunst) on a private D-Bus and a screen that nobody sees (Xvfb). Runs without Blender."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

TOOLS = ("Xvfb", "dbus-daemon", "dunst", "import")
SENDERS = ("notify-send", "gdbus", "busctl")

_DUNST = """
[global]
    monitor = 0
    follow = none
    width = 460
    height = 300
    origin = top-right
    offset = 20x20
    font = DejaVu Sans 11
    markup = full
    format = "<b>%s</b>\\n%b"
    icon_position = left
    min_icon_size = 96
    max_icon_size = 128
    notification_limit = 5
"""


def missing_tools() -> list[str]:
    """Name what is not on this machine of what a desktop needs."""
    return [tool for tool in (*TOOLS, *SENDERS) if shutil.which(tool) is None]


@dataclass
class Desktop:
    """A desktop: `environ` reaches it; what the daemon was told stands in `said`."""

    environ: Mapping[str, str]
    said: Path

    def wait_for(self, text: str, seconds: float = 15) -> str:
        """Wait until the daemon shows a notice with this text; gives all that it was told."""
        return until(lambda: said if text in (said := self.said.read_text("utf-8", "replace")) else "", seconds)

    def pixels(self) -> bytes:
        """Take a picture of the screen: three bytes a pixel."""
        command = ["import", "-display", self.environ["DISPLAY"], "-window", "root", "-depth", "8", "rgb:-"]
        return subprocess.run(command, check=True, timeout=30, capture_output=True).stdout

    def picture(self, path: Path) -> Path:
        """Keep a picture of the screen."""
        subprocess.run(["import", "-display", self.environ["DISPLAY"], "-window", "root", str(path)], check=True, timeout=30, capture_output=True)
        return path


def until(look: Callable[[], str], seconds: float) -> str:
    """Look until something is seen."""
    end = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
    return seen


@contextlib.contextmanager
def real_desktop(folder: Path) -> Iterator[Desktop]:
    """Start a desktop; all of it ends with the context."""
    with contextlib.ExitStack() as stack:
        reading, writing = os.pipe()
        _start(stack, ["Xvfb", "-displayfd", str(writing), "-screen", "0", "800x600x24", "-nolisten", "tcp"], dict(os.environ), pass_fds=[writing])
        os.close(writing)
        with os.fdopen(reading) as told:
            display = f":{told.readline().strip()}"
        kept = {name: value for name, value in os.environ.items() if name not in ("DBUS_SESSION_BUS_ADDRESS", "WAYLAND_DISPLAY")}
        environ = {**kept, "DISPLAY": display, "XDG_RUNTIME_DIR": str(folder), "HOME": str(folder)}
        bus = _start(stack, ["dbus-daemon", "--session", "--nofork", "--print-address=1", f"--address=unix:dir={folder}"], environ, stdout=subprocess.PIPE)
        assert bus.stdout is not None
        environ["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().decode().strip()
        config, said = folder / "dunstrc", folder / "said.txt"
        config.write_text(_DUNST, "utf-8")
        file = stack.enter_context(said.open("wb"))
        _start(stack, ["stdbuf", "-oL", "dunst", "-conf", str(config), "-print"], environ, stdout=file)
        until(lambda: _has_owner(environ), 20)
        yield Desktop(environ, said)


def _has_owner(environ: Mapping[str, str]) -> str:
    ask = ["gdbus", "call", "--session", "--dest", "org.freedesktop.DBus", "--object-path", "/org/freedesktop/DBus", "--method"]
    ran = subprocess.run([*ask, "org.freedesktop.DBus.NameHasOwner", "org.freedesktop.Notifications"], env=environ, check=False, capture_output=True, text=True)
    return "yes" if "true" in ran.stdout else ""


def _start(stack: contextlib.ExitStack, command: list[str], environ: Mapping[str, str], **how: object) -> subprocess.Popen[bytes]:
    streams: dict[str, object] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process: subprocess.Popen[bytes] = subprocess.Popen(command, env=dict(environ), **streams | how)  # type: ignore[call-overload]

    def end() -> None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        if process.stdout is not None:
            process.stdout.close()

    stack.callback(end)
    return process
