# SPDX-License-Identifier: GPL-3.0-or-later
"""How each desktop is told to show a notice, by a program that it brings itself. Runs without Blender.

Linux and other X11 or Wayland desktops: org.freedesktop.Notifications on the session's D-Bus, by `notify-send`, `gdbus` or `busctl`.
macOS: `terminal-notifier` where it is installed (it shows the picture), else `osascript`. Windows: a toast by Windows PowerShell.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence

from .facts import ReactionProblem
from .notice_text import Notice
from .system import System, powershell

TIME_LIMIT = 10.0
"""Seconds that a program gets to hand a notice over."""

Show = Callable[[Notice], None]
"""Shows a notice. Raises `ReactionProblem`."""

APP = "Render+"
_SERVICE, _PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"

_TOAST = """
$ErrorActionPreference = 'Stop'
[void][Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType = WindowsRuntime]
[void][Windows.Data.Xml.Dom.XmlDocument, Windows.Data.Xml.Dom.XmlDocument, ContentType = WindowsRuntime]
$text = { param($value) [System.Security.SecurityElement]::Escape($value) }
$picture = ''
if ($env:RENDERPLUS_NOTICE_PICTURE) { $picture = '<image placement="hero" src="' + (& $text $env:RENDERPLUS_NOTICE_PICTURE) + '"/>' }
$xml = New-Object Windows.Data.Xml.Dom.XmlDocument
$xml.LoadXml('<toast><visual><binding template="ToastGeneric"><text>' + (& $text $env:RENDERPLUS_NOTICE_TITLE) + '</text><text>' +
    (& $text $env:RENDERPLUS_NOTICE_BODY) + '</text>' + $picture + '</binding></visual></toast>')
$app = '{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\\WindowsPowerShell\\v1.0\\powershell.exe'
[Windows.UI.Notifications.ToastNotificationManager]::CreateToastNotifier($app).Show((New-Object Windows.UI.Notifications.ToastNotification $xml))
"""
# The id is Windows PowerShell's own in the start menu: a toast needs one that is registered.

_OSASCRIPT = ("on run argv", 'display notification (item 2 of argv) with title "Render+" subtitle (item 1 of argv)', "end run")


def shower(system: System) -> Show:
    """Make what shows notices on a system: each way that is there, until one does it."""

    def show(notice: Notice) -> None:
        last = ""
        for command, extra in _ways(system, notice):
            ran = system.run(command, TIME_LIMIT, extra)
            if ran.fine:
                return
            last = ran.said or f"{command[0]} ended with {ran.code}"
        raise ReactionProblem(f"No notice could be shown on the desktop: {last or _nothing_there(system)}")

    return show


def _ways(system: System, notice: Notice) -> Iterator[tuple[list[str], dict[str, str]]]:
    if system.platform == "win32":
        if program := system.find("powershell"):
            yield powershell(program, _TOAST), {
                "RENDERPLUS_NOTICE_TITLE": notice.title, "RENDERPLUS_NOTICE_BODY": notice.body,
                "RENDERPLUS_NOTICE_PICTURE": notice.picture.as_uri() if notice.picture else "",
            }  # fmt: skip
        return
    makers = _MACOS if system.platform == "darwin" else _FREEDESKTOP
    for name, make in makers:
        if program := system.find(name):
            yield make(program, notice), {}


def _nothing_there(system: System) -> str:
    if system.platform == "win32":
        return "powershell is not on PATH"
    names = " nor ".join(name for name, _ in (_MACOS if system.platform == "darwin" else _FREEDESKTOP))
    return f"neither {names} is there; install libnotify (the Debian package is libnotify-bin)"


def _notify_send(program: str, notice: Notice) -> list[str]:
    picture = ["--hint", f"string:image-path:{notice.picture.as_uri()}"] if notice.picture else []
    urgency = "critical" if notice.urgent else "normal"
    return [program, "--app-name", APP, "--urgency", urgency, "--category", "transfer.complete", *picture, "--", notice.title, _markup(notice.body)]


def _gdbus(program: str, notice: Notice) -> list[str]:
    hints = [f"'urgency': <byte {_urgency(notice)}>"] + ([f"'image-path': <{_gvariant(notice.picture.as_uri())}>"] if notice.picture else [])
    texts = [_gvariant(APP), "uint32 0", _gvariant(""), _gvariant(notice.title), _gvariant(_markup(notice.body))]
    call = [program, "call", "--session", "--timeout", "5", "--dest", _SERVICE, "--object-path", _PATH, "--method", f"{_SERVICE}.Notify"]
    return [*call, *texts, "@as []", "{" + ", ".join(hints) + "}", "int32 -1"]


def _busctl(program: str, notice: Notice) -> list[str]:
    hints = ["urgency", "y", str(_urgency(notice))] + (["image-path", "s", notice.picture.as_uri()] if notice.picture else [])
    call = [program, "--user", "--timeout=5", "--", "call", _SERVICE, _PATH, _SERVICE, "Notify", "susssasa{sv}i"]
    return [*call, APP, "0", "", notice.title, _markup(notice.body), "0", str(len(hints) // 3), *hints, "-1"]


def _terminal_notifier(program: str, notice: Notice) -> list[str]:
    picture = ["-contentImage", str(notice.picture)] if notice.picture else []
    # A text that begins with a bracket is taken for something else, unless a backslash stands before it.
    title, body = (f"\\{text}" if text.startswith(("[", "(", "{", "<", "-")) else text for text in (notice.title, notice.body))
    return [program, "-title", APP, "-subtitle", title, "-message", body, *picture]


def _osascript(program: str, notice: Notice) -> list[str]:
    return [program, *(word for line in _OSASCRIPT for word in ("-e", line)), notice.title, notice.body]


def _urgency(notice: Notice) -> int:
    return 2 if notice.urgent else 1


def _markup(text: str) -> str:
    """Write a text for a body, in which desktops read some HTML."""
    return html.escape(text, quote=False)


def _gvariant(text: str) -> str:
    """Write a text as GVariant has it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return f"'{escaped}'"


_Make = Callable[[str, Notice], list[str]]
_FREEDESKTOP: Sequence[tuple[str, _Make]] = (("notify-send", _notify_send), ("gdbus", _gdbus), ("busctl", _busctl))
_MACOS: Sequence[tuple[str, _Make]] = (("terminal-notifier", _terminal_notifier), ("osascript", _osascript))
