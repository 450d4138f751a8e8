# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: the same frames through this server and through what a user would run instead, in one run, as ratios.

Runs without Blender; what it starts are real Blenders.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ours
import rivals

STILLS = range(1, 21)


def still_recipe(blend: Path, engine: str, output: Path) -> dict[str, Any]:
    """Make a recipe of 20 stills, a job each."""
    jobs = [
        {"name": f"still {frame}", "blend_file": str(blend), "output": f"{output}{frame}_", "engine": engine, "frame_still": frame, "format": "PNG"}
        for frame in STILLS
    ]
    return {"version": 2.2, "jobs": jobs}


def animation_recipe(blend: Path, last: int, output: Path) -> dict[str, Any]:
    """Make a recipe of one animation."""
    job = {"name": "animation", "blend_file": str(blend), "output": str(output), "animated": True, "frame_start": 1, "frame_end": last, "format": "PNG"}
    return {"version": 2.2, "jobs": [job]}


def stills(program: str, folder: Path, blend: Path, engine: str) -> dict[str, float]:
    """Compare 20 light stills: a Blender each, the floor, ours from a started server."""
    out = folder / "out" / engine
    each = rivals.blender_each(program, blend, list(STILLS), out / "each_")
    floor = rivals.floor(program, blend, list(STILLS), out / "floor_")
    with ours.started(program, folder / f"data-{engine}") as server:
        cold = finished(server.render(still_recipe(blend, engine, out / "ours_")))
        warm = finished(server.render(still_recipe(blend, engine, out / "ours_")))
    return {
        "blender each s": each, "floor s": floor, "ours s": cold, "ours warm s": warm, "times faster": each / cold, "times faster warm": each / warm,
        "of the floor": cold / floor, "of the floor warm": warm / floor,
    }  # fmt: skip


def animation(program: str, folder: Path, blend: Path, last: int) -> dict[str, float]:
    """Compare a long animation with `blender -a`, and look at how true the remaining time was."""
    out = folder / "out" / "animation"
    plain = rivals.blender_animation(program, blend, 1, last, out / "plain_")
    seen: list[tuple[float, int, float, float, float]] = []

    def note(answer: dict[str, Any]) -> None:
        left = answer["remaining"]
        if left:
            seen.append((time.time(), answer["frames"]["done"], left["seconds"], left["low"], left["high"]))

    with ours.started(program, folder / "data-animation") as server:
        before, begun = server.cpu(), time.time()
        mine = finished(server.render(animation_recipe(blend, last, out / "ours_"), each=note))
        cpu = server.cpu() - before
        ended = begun + mine
    again = rivals.blender_animation(program, blend, 1, last, out / "plain_")
    errors = [abs(says - (ended - at)) / (ended - at) for at, done, says, _, _ in seen if 3 <= done <= last * 0.9]
    inside = [low <= ended - at <= high for at, done, _, low, high in seen if 3 <= done <= last * 0.9]
    best = min(plain, again)
    return {
        "blender -a s": best, "ours s": mine, "of blender -a": mine / best, "server cpu": cpu / mine, "remaining: median error": statistics.median(errors),
        "remaining: worst error": max(errors), "remaining: truth in range": sum(inside) / len(inside),
    }  # fmt: skip


def long_list(program: str, folder: Path, blend: Path, count: int = 1000) -> dict[str, float]:
    """Measure what a recipe of 1,000 jobs costs: to accept, to poll while rendering, in memory."""
    jobs = [{"name": f"job {number}", "blend_file": str(blend), "output": f"{folder}/out/long/{number}_", "frame_still": number} for number in range(count)]
    with ours.started(program, folder / "data-long") as server:
        accept = timed(lambda: expect(server.ask("POST", "/batch/recipe", {"version": 2.2, "jobs": jobs})))
        expect(server.ask("POST", "/batch/start", {}))
        time.sleep(3)
        polls = [server.poll() for _ in range(200)]
        memory = server.memory()
        expect(server.ask("DELETE", "/batch"))
    polls.sort()
    return {"accept s": accept, "poll median ms": 1000 * statistics.median(polls), "poll p99 ms": 1000 * polls[197], "server MB": memory / 1e6}


def timed(work: Callable[[], object]) -> float:
    """Run the work; seconds."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def expect(answer: tuple[int, Any]) -> Any:
    """Return an answer that is no error."""
    if answer[0] != 200:
        raise RuntimeError(answer)
    return answer[1]


def finished(rendered: tuple[float, dict[str, Any]]) -> float:
    """Give the seconds of a batch; raise when a job did not finish: a wrong result must not look fast."""
    seconds, answer = rendered
    wrong = [job for job in answer["jobs"] if job["status"] != "FINISHED"]
    if wrong:
        raise RuntimeError(wrong[:3])
    return seconds


def main() -> None:
    """Run the bench on the Blenders named, and print a table for each."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("programs", nargs="*", default=["blender"], help="Blender binaries to compare on")
    parser.add_argument("--frames", type=int, default=200, help="frames of the animation")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    options = parser.parse_args()
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for program in options.programs:
        with tempfile.TemporaryDirectory(prefix="renderplus-bench-") as name:
            folder = Path(name)
            rivals.run(program, "-b", "--factory-startup", "--python", str(rivals.BENCH / "scenes.py"), "--", name)
            figures[program] = measure(program, folder, options.frames)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def measure(program: str, folder: Path, frames: int) -> dict[str, dict[str, float]]:
    """Measure everything on one Blender, printing as it goes."""
    tasks: dict[str, Callable[[], dict[str, float]]] = {
        "20 light stills, Cycles": lambda: stills(program, folder, folder / "cycles.blend", "CYCLES"),
        "20 light stills, Workbench": lambda: stills(program, folder, folder / "workbench.blend", "BLENDER_WORKBENCH"),
        f"{frames}-frame animation, Cycles": lambda: animation(program, folder, folder / "cycles.blend", frames),
        "a list of 1,000 jobs": lambda: long_list(program, folder, folder / "workbench.blend"),
    }
    found = {}
    print(f"\n{program}", flush=True)
    for title, task in tasks.items():
        found[title] = task()
        print(f"  {title}: " + ", ".join(f"{key} {value:.3g}" for key, value in found[title].items()), flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
