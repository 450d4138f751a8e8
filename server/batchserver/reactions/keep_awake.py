# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine does not fall asleep by itself while it renders. The screen may; a lid or a button still does what it does.

What holds it lives in a process or thread that ends with the server, also with one that is killed. Runs without Blender.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from .system import System, apart

log = logging.getLogger(__name__)

LOOK_EVERY = 5.0
"""Seconds between two looks at whether something renders."""

AT_ONCE = 0.5
"""Seconds in which a holder that cannot hold ends by itself."""

_DESKTOP = ("XDG_CURRENT_DESKTOP", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS")

_WHY = "A batch is being rendered"


class Hold(Protocol):
    """Something that keeps the machine awake until it lets go."""

    def release(self) -> None:
        """Let go; again does nothing."""
        ...


class NoHold(Exception):
    """Nothing on this system keeps it awake, or it refuses; the sentence says which."""


class ProcessHold:
    """A program that holds for as long as it runs. Its input is a pipe of ours: it ends with us, however we end."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], at_once: float = AT_ONCE) -> None:
        try:
            self._process = subprocess.Popen(
                list(command), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=dict(environ), **apart()
            )  # Ctrl+C is not meant for it  # fmt: skip
        except OSError as error:
            raise NoHold(f"{command[0]} cannot be started: {error.strerror or error}") from error
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self._process.wait(at_once)
            said = self._said()
            raise NoHold(f"{command[0]} said: {said or code}")

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def release(self) -> None:
        """Close its input, which ends it; a stubborn one is ended."""
        if self._process.poll() is None:
            with contextlib.suppress(OSError):
                if self._process.stdin is not None:
                    self._process.stdin.close()
            try:
                self._process.wait(1.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(5.0)
        self._close()

    def _said(self) -> str:
        said = self._process.stderr.read(400).decode("utf-8", "replace").strip() if self._process.stderr is not None else ""
        self._close()
        return said

    def _close(self) -> None:
        for stream in (self._process.stdin, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


class WindowsHold:
    """A thread that tells Windows that it is busy. The state is the thread's own and ends with it."""

    CONTINUOUS, SYSTEM_REQUIRED = 0x80000000, 0x00000001

    def __init__(self, set_state: Callable[[int], int]) -> None:
        self._set_state = set_state
        self._let_go, told = threading.Event(), threading.Event()
        self._held = False
        self._thread = threading.Thread(target=self._run, args=(told,), name="awake", daemon=True)
        self._thread.start()
        told.wait(5.0)
        if not self._held:
            raise NoHold("Windows refuses SetThreadExecutionState")

    def release(self) -> None:
        """End the thread."""
        self._let_go.set()
        self._thread.join(5.0)

    def _run(self, told: threading.Event) -> None:
        self._held = self._set_state(self.CONTINUOUS | self.SYSTEM_REQUIRED) != 0
        told.set()
        if self._held:
            self._let_go.wait()
            self._set_state(self.CONTINUOUS)


def hold(system: System) -> Hold:
    """Keep the machine awake. Raises `NoHold`."""
    if system.platform == "win32":
        return WindowsHold(_windows_state())
    last = ""
    for command in holders(system):
        try:
            return ProcessHold(command, system.environ)
        except NoHold as problem:
            last = str(problem)
    raise NoHold(last or f"{'caffeinate' if system.platform == 'darwin' else 'systemd-inhibit'} is not there")


def holders(system: System) -> list[list[str]]:
    """List the programs that can hold on a system that is not Windows."""
    if system.platform == "darwin":
        return [["/usr/bin/caffeinate", "-i", "-m", "-w", str(os.getpid())]]
    inhibit = system.find("systemd-inhibit") or system.find("elogind-inhibit")
    # `cat` ends when its input does: the lock goes with whoever holds the other end.
    return [[inhibit, "--what=sleep:idle", "--mode=block", "--who=Render+", f"--why={_WHY}", "cat"]] if inhibit else []


class KeepAwake:
    """Looks whether something renders, and holds the machine awake for as long.

    Where it cannot, that is a warning, once, if the machine may fall asleep by itself (`may_sleep`), and else a line for the curious.
    """

    def __init__(self, renders: Callable[[], bool], hold: Callable[[], Hold], every: float = LOOK_EVERY, *, may_sleep: bool = True) -> None:
        self._renders, self._make, self._every = renders, hold, every
        self._level = logging.WARNING if may_sleep else logging.INFO
        self._lock = threading.Lock()
        self._hold: Hold | None = None
        self._refused = False
        self._stopping = threading.Event()
        self._poked = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keep-awake", daemon=True)

    @property
    def holds(self) -> bool:
        """Tell whether the machine is held awake now."""
        return self._hold is not None

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def poke(self) -> None:
        """Look at once; returns at once."""
        self._poked.set()

    def look(self) -> None:
        """Hold, or let go, as what renders asks."""
        wanted = self._renders() and not self._stopping.is_set()
        with self._lock:
            if not wanted:
                self._let_go()
                self._refused = False  # the next batch tries anew
            elif self._hold is None and not self._refused:
                try:
                    self._hold = self._make()
                    log.info("the machine is kept awake")
                except NoHold as problem:
                    self._refused = True
                    log.log(self._level, "The machine may fall asleep while it renders: %s", problem)
                    self._level = logging.DEBUG  # said once is enough

    def release(self) -> None:
        """Let go now; a batch that renders then holds again at the next look."""
        with self._lock:
            self._let_go()

    def stop(self) -> None:
        """End looking, and let go."""
        self._stopping.set()
        self.poke()
        if self._thread.is_alive():
            self._thread.join(10.0)
        self.release()

    def _let_go(self) -> None:
        if self._hold is not None:
            self._hold.release()
            self._hold = None
            log.info("the machine may sleep again")

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.look()
            except Exception:
                log.exception("keeping the machine awake failed")
            self._poked.wait(self._every)
            self._poked.clear()


def _windows_state() -> Callable[[int], int]:
    if sys.platform == "win32":
        import ctypes  # only Windows has windll

        state = ctypes.windll.kernel32.SetThreadExecutionState
        state.argtypes, state.restype = (ctypes.c_uint,), ctypes.c_uint
        return lambda flags: int(state(flags))
    raise NoHold("this is not Windows")


def make_keep_awake(system: System, renders: Callable[[], bool]) -> KeepAwake:
    """Make what keeps a machine awake while `renders` says so."""
    return KeepAwake(renders, lambda: hold(system), may_sleep=may_sleep(system))


def may_sleep(system: System) -> bool:
    """Tell whether the machine may fall asleep by itself: on Linux only where somebody's desktop runs, so not in a container or on a server."""
    return system.platform != "linux" or any(system.environ.get(name) for name in _DESKTOP)
