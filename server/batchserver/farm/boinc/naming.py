# SPDX-License-Identifier: GPL-3.0-or-later
"""The names that BOINC knows a task's parts by: unique for ever, because a client that meets a name again takes it for the same thing.

`<job>_f<frame>_t<task>` is the workunit, with `_0` the result, with a tag that only this server can make the output. Runs without Blender.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from batchserver.farm.seams import Account, Task

_UNSAFE = re.compile(r"[^A-Za-z0-9-]+")
_RESULT = re.compile(r"[A-Za-z0-9-]{1,40}_f-?[0-9]{4,8}_t([0-9]{1,18})_0", re.ASCII)
_OUTPUT = re.compile(rf"({_RESULT.pattern})_([0-9a-f]{{24}})", re.ASCII)


def workunit_name(task: Task) -> str:
    """Name a task's workunit; people read it in their client's list."""
    frame = frame_of(task)
    return f"{_UNSAFE.sub('-', task.name)[:40].strip('-') or 'frame'}_f{'-' if frame < 0 else ''}{abs(frame):04d}_t{task.id}"


def result_name(task: Task) -> str:
    """Name a task's result: a frame that is rendered again is another task."""
    return f"{workunit_name(task)}_0"


def output_name(task: Task, secret: bytes) -> str:
    """Name a task's output. The tag in it is all that the question for a file's size carries."""
    result = result_name(task)
    return f"{result}_{_tag(result, secret)}"


def frame_of(task: Task) -> int:
    """Give the one frame that a task of ours has."""
    return task.frames[0]


def task_of_result(name: str) -> int | None:
    """Find the number of the task in a result's name; None when the name is not one of ours."""
    found = _RESULT.fullmatch(name)
    return int(found[1]) if found else None


def task_of_output(name: str, secret: bytes) -> int | None:
    """Find the number of the task in an output's name; None when this server never gave the name out."""
    found = _OUTPUT.fullmatch(name)
    return int(found[2]) if found and hmac.compare_digest(_tag(found[1], secret), found[3]) else None


def upload_token(output: str, limit: int, secret: bytes) -> str:
    """Make the word that a client shows with an upload (BOINC's `xml_signature`, which clients hand back unread)."""
    return hmac.new(secret, f"upload|{output}|{limit}".encode(), hashlib.sha256).hexdigest()


def account_key(account: Account, secret: bytes) -> str:
    """Make the key of a client that attached by name and token: the token itself is known to nobody here."""
    tag = hmac.new(secret, f"account|{account.id}|{account.name}".encode(), hashlib.sha256).hexdigest()
    return f"{account.id}_{tag}"


def _tag(result: str, secret: bytes) -> str:
    return hmac.new(secret, f"output|{result}".encode(), hashlib.sha256).hexdigest()[:24]


def as_word(text: str) -> str:
    """Write a text as one word of a command line; the client cuts it at blanks and quotes. The app reads `+ooo` as an octal byte."""
    plain = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-"
    return "".join(chr(byte) if byte in plain else f"+{byte:03o}" for byte in text.encode("utf-8", "surrogateescape"))
