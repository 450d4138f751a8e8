# SPDX-License-Identifier: GPL-3.0-or-later
"""Hooks: when they are run, what they are told, and how `{tokens}` in their commands are read. docs/hooks.md says it to people.

A token never puts its value into the text of a command on POSIX: it becomes a variable of the shell, which is not read as code again.
Runs without Blender.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from .errors import BadInput
from .recipe import Hook


class When(StrEnum):
    """Moments at which hooks are run, in the recipe's words."""

    PRE_BATCH = "PRE_BATCH"
    POST_BATCH = "POST_BATCH"
    PRE_JOB = "PRE_JOB"
    POST_JOB = "POST_JOB"
    PRE_FRAME = "PRE_FRAME"
    POST_FRAME = "POST_FRAME"
    ON_FAILURE = "ON_FAILURE"

    @property
    def before(self) -> bool:
        """Tell whether something waits for the hook."""
        return self in (When.PRE_BATCH, When.PRE_JOB, When.PRE_FRAME)


OF_BATCH = (When.PRE_BATCH, When.POST_BATCH, When.ON_FAILURE)
OF_JOB = (When.PRE_JOB, When.POST_JOB, When.PRE_FRAME, When.POST_FRAME, When.ON_FAILURE)

PREFIX = "RENDERPLUS_"
_ALWAYS = ("event", "batch", "batch_name", "batch_status", "batch_started", "batch_finished", "batch_seconds", "log", "server")
_JOBS = ("job", "job_name", "job_status", "job_started", "job_finished", "job_seconds", "frames", "frames_done", "frames_failed", "blend", "output", "scene",
         "camera", "session_log")  # fmt: skip
_FILES = ("file", "files")
_REASON = ("reason", "way_out", "code")
_FRAME = ("frame",)

TIME_LIMIT = 300.0
"""Seconds that a hook may take when it does not say so itself."""

_WORD = re.compile(r"\{\{([a-z_]+)\}\}|(?<!\$)\{([a-z_]+)\}")


def words(when: When) -> tuple[str, ...]:
    """List the tokens that have a value at a moment; a variable has the same name in capitals, after `RENDERPLUS_`."""
    if when in OF_BATCH and when is not When.ON_FAILURE:
        return _ALWAYS
    found: tuple[str, ...] = _ALWAYS + _JOBS
    if when in (When.PRE_FRAME, When.POST_FRAME):
        found += _FRAME
    if when in (When.POST_JOB, When.POST_FRAME, When.ON_FAILURE):
        found += _FILES
    return found + _REASON if when in (When.POST_JOB, When.ON_FAILURE) else found


def variable(word: str) -> str:
    """Name the variable of a token."""
    return PREFIX + word.upper()


def read_hooks(raw: Any) -> tuple[Hook, ...]:
    """Make hooks of a recipe's list, whose shape is right."""
    return tuple(Hook(one["enabled"], one["cmd"], float(one.get("timeout", TIME_LIMIT)), one.get("on_error", "stop")) for one in raw or ())


def of_batch(raw: Mapping[str, Any], when: When) -> tuple[Hook, ...]:
    """Read a batch's hooks from the document that the ledger keeps."""
    return read_hooks(raw.get(when.value))


def faults(cmd: str, when: When, *, windows: bool) -> Iterator[str]:
    """Find what is wrong with the tokens of a command, in sentences."""
    if "\0" in cmd:
        yield "expected a command of the shell, found one with a character that no shell takes (NUL)"
    known = words(when)
    for match, place in _tokens(cmd, windows=windows):
        word = match[2]
        if word not in known:
            elsewhere = " at this moment" if any(word in words(other) for other in When) else ""
            listed = " ".join(f"{{{one}}}" for one in known)
            yield f"{{{word}}} is no token{elsewhere}; {when} has {listed}, and {{{{{word}}}}} is written for {{{word}}} itself"
        elif place == "single":
            yield f"{{{word}}} stands in single quotes, where the shell puts nothing in; take the quotes away or write double ones"
        elif place == "here" or (place == "double" and word == "files"):
            yield f"{{{word}}} stands where the shell would not keep it whole; take it out of {'the here-document' if place == 'here' else 'the quotes'}"


def for_posix(cmd: str) -> str:
    """Write a command for `sh -c`: tokens become quoted variables, `{files}` the arguments that the shell is started with."""

    def put(word: str, place: str) -> str:
        if word == "files":
            return '"$@"'
        return f"${{{variable(word)}}}" if place == "double" else f'"${{{variable(word)}}}"'

    return _put(cmd, put, windows=False)


def for_windows(cmd: str, values: Mapping[str, str], files: tuple[str, ...] = ()) -> str:
    r"""Write a command for `cmd /c`: values in double quotes, with `"`, `%` and control characters as `_`, and a `\` at the end twice."""

    def put(word: str, place: str) -> str:
        if word == "files":
            return " ".join(f'"{_tame(path)}"' for path in files)
        value = _tame(values.get(word, ""))
        return value if place == "double" else f'"{value}"'

    return _put(cmd, put, windows=True)


def check(hooks: tuple[Hook, ...], when: When, *, windows: bool) -> None:
    """See that the tokens of enabled hooks can be filled in. Raises `BadInput` with the first thing that is wrong."""
    for hook in hooks:
        for sentence in faults(hook.cmd, when, windows=windows) if hook.enabled else ():
            raise BadInput(sentence)


def _tame(value: str) -> str:
    tame = re.sub(r'["%\x00-\x1f\x7f]', "_", value)
    backslashes = len(tame) - len(tame.rstrip("\\"))
    return tame + "\\" * backslashes


def _put(cmd: str, put: Callable[[str, str], str], *, windows: bool) -> str:
    written, at = [], 0
    for match in _WORD.finditer(cmd):
        written.append(cmd[at : match.start()])
        written.append(f"{{{match[1]}}}" if match[1] else put(match[2], _place(cmd, match.start(), windows=windows)))
        at = match.end()
    return "".join([*written, cmd[at:]])


def _tokens(cmd: str, *, windows: bool) -> Iterator[tuple[re.Match[str], str]]:
    for match in _WORD.finditer(cmd):
        if match[2]:
            yield match, _place(cmd, match.start(), windows=windows)


def _place(cmd: str, at: int, *, windows: bool) -> str:
    """Say what the shell is within before a place: "single", "double", "here" or "" for plain text."""
    before = cmd[:at]
    if windows:
        return "double" if before.count('"') % 2 else ""
    if re.search(r"<<-?\s*[\w'\"\\]", before):
        return "here"
    within, position = [""], 0
    while position < len(before):
        letter, quoted = before[position], within[-1]
        if letter == "\\" and quoted != "single":
            position += 1
        elif quoted == "single":
            if letter == "'":
                within.pop()
        elif before.startswith("$(", position):
            within.append("(")
            position += 1
        elif letter == '"':
            within.pop() if quoted == "double" else within.append("double")
        elif quoted != "double" and letter == "'":
            within.append("single")
        elif quoted == "(" and letter == ")":
            within.pop()
        elif quoted != "double" and letter == "#" and (position == 0 or before[position - 1] in " \t\n;&|("):
            position = before.find("\n", position) if "\n" in before[position:] else len(before)
        position += 1
    return "" if within[-1] == "(" else within[-1]
