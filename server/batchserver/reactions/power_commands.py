# SPDX-License-Identifier: GPL-3.0-or-later
"""How each system is put to sleep, switched off, started anew or logged out: commands, in the order in which they are tried.

None of them forces anything: a program that holds the system back (unsaved work, an update) does so. Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Mapping

from .system import System, powershell

ACTIONS: Mapping[str, str] = {
    "SLEEP": "goes to sleep", "HIBERNATE": "hibernates", "OFF": "is switched off", "SHUTDOWN": "is switched off", "RESTART": "starts anew",
    "LOGOUT": "logs out", "QUIT_BLENDER": "stays on, and Blender quits",
}  # fmt: skip
"""The recipe's words, with what the computer does."""

_SYSTEMD = {"SLEEP": "suspend", "HIBERNATE": "hibernate", "OFF": "poweroff", "RESTART": "reboot"}
_LOGIND = {"SLEEP": "Suspend", "HIBERNATE": "Hibernate", "OFF": "PowerOff", "RESTART": "Reboot"}
_EVENTS = {"OFF": "shut down", "RESTART": "restart"}
_WINDOWS = {"HIBERNATE": ("/h",), "OFF": ("/s", "/t", "0"), "RESTART": ("/r", "/t", "0"), "LOGOUT": ("/l",)}
# rundll32 powrprof.dll,SetSuspendState hibernates where that is switched on, whatever its arguments say.
_SUSPEND = "Add-Type -AssemblyName System.Windows.Forms; if (-not [System.Windows.Forms.Application]::SetSuspendState('Suspend', $false, $false)) { exit 1 }"


def commands(system: System, action: str) -> list[list[str]]:
    """List what can be run for an action; empty where the system has nothing for it."""
    action = "OFF" if action == "SHUTDOWN" else action
    if system.platform == "win32":
        return _windows(system, action)
    return _macos(action) if system.platform == "darwin" else _linux(system, action)


def _linux(system: System, action: str) -> list[list[str]]:
    if action == "LOGOUT":
        return _linux_logout(system)
    if action not in _SYSTEMD:
        return []
    login1 = ["--dest", "org.freedesktop.login1", "--object-path", "/org/freedesktop/login1", "--method", f"org.freedesktop.login1.Manager.{_LOGIND[action]}"]
    ways = (
        ("systemctl", ["--no-ask-password", _SYSTEMD[action]]),
        ("gdbus", ["call", "--system", "--timeout", "20", *login1, "false"]),  # elogind, without systemd
    )
    return [[found, *words] for name, words in ways if (found := system.find(name))]


def _linux_logout(system: System) -> list[list[str]]:
    """Ask the desktop to log out; where it has no program for that, its session is ended."""
    desktop = system.environ.get("XDG_CURRENT_DESKTOP", "").upper()
    session = system.environ.get("XDG_SESSION_ID", "")
    ways = []
    if "GNOME" in desktop or "UNITY" in desktop:
        ways.append(("gnome-session-quit", ["--logout", "--no-prompt"]))
    if "XFCE" in desktop:
        ways.append(("xfce4-session-logout", ["--logout"]))
    if "KDE" in desktop:
        ways += [(name, ["org.kde.Shutdown", "/Shutdown", "logout"]) for name in ("qdbus6", "qdbus")]
    if session:
        ways.append(("loginctl", ["--no-ask-password", "terminate-session", session]))
    return [[found, *words] for name, words in ways if (found := system.find(name))]


def _macos(action: str) -> list[list[str]]:
    if action in ("SLEEP", "HIBERNATE"):  # a Mac that sleeps stores its memory by itself when the battery runs out
        return [["/usr/bin/pmset", "sleepnow"]]
    if action == "LOGOUT":
        return [["/usr/bin/osascript", "-e", 'tell application "loginwindow" to «event aevtrlgo»']]
    return [["/usr/bin/osascript", "-e", f'tell application "System Events" to {_EVENTS[action]}']] if action in _EVENTS else []


def _windows(system: System, action: str) -> list[list[str]]:
    if action == "SLEEP":
        found = system.find("powershell")
        return [powershell(found, _SUSPEND)] if found else []
    found = system.find("shutdown")
    return [[found, *_WINDOWS[action]]] if found and action in _WINDOWS else []
