# SPDX-License-Identifier: GPL-3.0-or-later
"""The session's loop: take an order, do it, tell how it went, wait for the next. Runs inside Blender."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import traceback

import bpy

from . import encode, inspection, lifeline, looking, merging, render_order, survey, words
from .events import Events
from .failures import Failure
from .open_file import Limits, OpenFile
from .orders import Order, id_of, read_order

VARIABLE = "RENDERPLUS_SESSION"


def main() -> None:
    """Run the session until `quit` or the end of stdin; the process always ends here."""
    code = 0
    try:
        events, held = _start()
        _serve(events, held)
    except BaseException:
        traceback.print_exc()
        code = 7
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _start() -> tuple[Events, OpenFile]:
    """Read what the server said in the environment, and take the secret out of it: hooks and scripts must not see it."""
    said = json.loads(os.environ.pop(VARIABLE, "{}"))
    lifeline.die_with_parent(int(said.get("server_pid", 0)))
    limits = Limits(**{key: type(default)(said.get(key, default)) for key, default in dataclasses.asdict(Limits()).items()})
    return Events(str(said.get("token", "")), str(said.get("temp", "") or bpy.app.tempdir)), OpenFile(limits)


def _serve(events: Events, held: OpenFile) -> None:
    lines = lifeline.read_lines()
    events.emit(
        "ready", blender=bpy.app.version_string, build=bpy.app.build_hash.decode("ascii", "replace"), version=list(bpy.app.version), pid=os.getpid(),
        engines=words.engines(bpy.context.scene), module=not bpy.app.binary_path,
    )  # fmt: skip
    while True:
        line = lines.get()
        try:
            order = read_order(line)
        except Failure as failure:
            events.emit("failed", id=id_of(line), code=failure.code, message=failure.message, frame=None)
            continue
        if order.word == "quit":
            return
        _do(order, events, held)
        sys.stdout.flush()


def _do(order: Order, events: Events, held: OpenFile) -> None:
    """Do one order; whatever happens, the session lives on."""
    doers = {"encode": encode.do, "merge": merging.do, "inspect": inspection.do, "survey": survey.do, "look": looking.do}
    try:
        if order.word == "render":
            render_order.do(order, events, held)
        else:
            held.forget()
            doers[order.word](order, events)
    except Failure as failure:
        events.emit("failed", id=order.id, code=failure.code, message=failure.message, frame=failure.frame)
    except Exception as error:
        traceback.print_exc()
        where = traceback.extract_tb(error.__traceback__)[-1]
        message = f"Render+ met an error of its own: {type(error).__name__}: {error} ({os.path.basename(where.filename)}:{where.lineno})"
        events.emit("failed", id=order.id, code="internal", message=message, frame=None)
