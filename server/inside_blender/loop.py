# SPDX-License-Identifier: GPL-3.0-or-later
"""The session's loop: take an order, do it, tell how it went, wait for the next. Runs inside Blender."""

from __future__ import annotations

import json
import os
import sys
import traceback

import bpy

from . import encode, inspection, lifeline, looking, merging, render_order, words
from .events import Events
from .failures import Failure
from .orders import Order, id_of, read_order

VARIABLE = "RENDERPLUS_SESSION"


def main() -> None:
    """Run the session until `quit` or the end of stdin; the process always ends here."""
    code = 0
    try:
        events = _start()
        _serve(events)
    except BaseException:
        traceback.print_exc()
        code = 7
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _start() -> Events:
    """Read what the server said in the environment, and take the secret out of it: hooks and scripts must not see it."""
    said = json.loads(os.environ.pop(VARIABLE, "{}"))
    lifeline.die_with_parent(int(said.get("server_pid", 0)))
    return Events(str(said.get("token", "")), str(said.get("temp", "") or bpy.app.tempdir))


def _serve(events: Events) -> None:
    lines = lifeline.read_lines()
    events.emit(
        "ready", blender=bpy.app.version_string, version=list(bpy.app.version), pid=os.getpid(),
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
        _do(order, events)
        sys.stdout.flush()


def _do(order: Order, events: Events) -> None:
    """Do one order; whatever happens, the session lives on."""
    doers = {"render": render_order.do, "encode": encode.do, "merge": merging.do, "inspect": inspection.do, "look": looking.do}
    try:
        doers[order.word](order, events)
    except Failure as failure:
        events.emit("failed", id=order.id, code=failure.code, message=failure.message, frame=failure.frame)
    except Exception as error:
        traceback.print_exc()
        where = traceback.extract_tb(error.__traceback__)[-1]
        message = f"Render+ met an error of its own: {type(error).__name__}: {error} ({os.path.basename(where.filename)}:{where.lineno})"
        events.emit("failed", id=order.id, code="internal", message=message, frame=None)
