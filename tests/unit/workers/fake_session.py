# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that speaks the session protocol and renders nothing: writes small pictures, and misbehaves as it is told to. Runs without Blender.

`make_program` puts it into a folder as an executable whose behaviour is a JSON file beside it; each start appends a line
to `starts.txt` there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from unit.dispatch.house import png

from batchserver.workers.programs import Program

SOURCE = r'''#!PYTHON -IS
import json, os, pathlib, signal, sys, time
here = pathlib.Path(__file__).resolve().parent
wish = json.loads((here / "wish.json").read_text())
with open(here / "starts.txt", "a") as starts:
    starts.write(f"{os.getpid()}\n")
number = len((here / "starts.txt").read_text().split())
said = json.loads(os.environ["RENDERPLUS_SESSION"])
PNG = bytes.fromhex("PICTURE")

def put(data):
    while data:
        data = data[os.write(1, data):]

def tell(event, **facts):
    put(("\n@renderplus:" + said["token"] + " " + json.dumps({"event": event, **facts}) + "\n").encode())

if wish.get("silent_start"):
    time.sleep(1000)
if number <= wish.get("refuse_starts", 0):
    print("no libGL here", flush=True)
    sys.exit(11)
put(bytes.fromhex(wish.get("noise", "")))
tell("ready", blender="4.4.0", version=[4, 4, 0], pid=os.getpid(), engines=[], module=False)

def crash():
    print("Writing: /tmp/scene.crash.txt", flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)

def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PNG)

def wishes(name, frame):
    """Tell whether something is wished for this frame at this start: {"crash": {"2": 1}} is: frame 2, in the first start only."""
    return number <= wish.get(name, {}).get(str(frame), 0)

def render(order):
    final = pathlib.Path(order["job"]["output"])
    attempt = final.parent / ".renderplus" / order["attempt"]
    tell("opened", id=order["id"], seconds=0.0, ran_scripts=wish.get("scripts", False))
    if wish.get("crash_at_opening"):
        crash()
    if wish.get("fails"):
        return tell("failed", id=order["id"], **wish["fails"])
    plan = dict(id=order["id"], folders=[{"attempt": str(attempt), "final": str(final.parent)}], sequential=None, engine="CYCLES", movie=False, target=None)
    if wish.get("plan_in_file"):
        place = pathlib.Path(wish.get("event_folder") or said["temp"]) / "big.json"
        place.write_text(json.dumps({"event": "plan", **plan}))
        tell("plan", id=order["id"], file=str(place))
    else:
        tell("plan", **plan)
    for start, end, step in order["frames"]:
        for frame in range(start, end + 1, step):
            path = attempt / f"{final.name}{frame:04}.png"
            tell("frame_started", id=order["id"], frame=frame, expect=[str(path)], size=[4, 2])
            put(bytes.fromhex(wish.get("noise", "")))
            if wishes("crash", frame):
                crash()
            if wishes("hang", frame):
                time.sleep(1000)
            while wishes("compute", frame):
                pass
            if wishes("partial", frame):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(PNG[:-9])
            else:
                write(path)
            time.sleep(wish.get("seconds", 0))
            tell("frame_written", id=order["id"], frame=frame, seconds=0.01, files=[str(path)])
    tell("done", id=order["id"])

def look(order):
    if number <= wish.get("look_crash", 0):
        crash()
    if number <= wish.get("look_hang", 0):
        time.sleep(1000)
    number_of = {"least": [0, 0, 0, 1], "greatest": [0.5, 0.5, 0.5, 1], "bad": 0, "linear": False, "grid": [[0.25] * 8] * 8}
    what = {"cannot": wish["look_cannot"]} if "look_cannot" in wish else {"pictures": [number_of]}
    tell("looked", id=order["id"], files=[{"path": path, **what} for _, path in order["files"]])

for line in sys.stdin:
    order = json.loads(line)
    if order["order"] == "quit":
        if wish.get("never_quits"):
            time.sleep(1000)
        break
    with open(here / "orders.txt", "a") as orders:
        orders.write(line)
    look(order) if order["order"] == "look" else render(order)
'''


def make_program(folder: Path, **wish: Any) -> Program:
    """Make a Blender that behaves as wished: crash, hang, compute, partial ({frame: how many starts it lasts}), noise (hex), refuse_starts, look_hang, …"""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "fake"
    # An interpreter of this name, not the environment's wrapper: -I keeps its environment out.
    path.write_text(SOURCE.replace("PYTHON", sys.executable, 1).replace("PICTURE", png(4, 2).hex()))
    path.chmod(0o755)
    change(folder, **wish)
    return Program(str(path), wheel=True)


def change(folder: Path, **wish: Any) -> None:
    """Make another behaviour of it, from its next start on."""
    (folder / "wish.json").write_text(json.dumps(wish))


def starts(program: Program) -> list[int]:
    """Tell the pids of all its starts."""
    path = Path(program.path).with_name("starts.txt")
    return [int(pid) for pid in path.read_text().split()] if path.exists() else []


def orders(program: Program) -> list[dict[str, Any]]:
    """Tell all orders that it got."""
    path = Path(program.path).with_name("orders.txt")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
