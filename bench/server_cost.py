# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server itself costs: a long animation beside `blender -a`, the remaining time's truth, a list of 1,000 jobs. Runs without Blender."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import ours
import rivals


def measure(program: str, frames: int = 200) -> dict[str, dict[str, float]]:
    """Measure both, printing as it goes."""
    with tempfile.TemporaryDirectory(prefix="renderplus-bench-") as name:
        folder = Path(name)
        rivals.run(program, "-b", "--factory-startup", "--python", str(rivals.BENCH / "scenes.py"), "--", name, "cycles", "workbench")
        found = {
            f"{frames}-frame animation": animation(program, folder, folder / "cycles.blend", frames),
            "a list of 1,000 jobs": long_list(program, folder, folder / "workbench.blend"),
        }
    for title, figures in found.items():
        print(f"  {title}: " + ", ".join(f"{key} {value:.3g}" for key, value in figures.items()), flush=True)
    return found


def animation(program: str, folder: Path, blend: Path, last: int) -> dict[str, float]:
    """Compare a long animation with `blender -a`, and look at how true the remaining time was."""
    out = folder / "out" / "animation"
    job = {"name": "animation", "blend_file": str(blend), "output": f"{out}/ours_", "animated": True, "frame_start": 1, "frame_end": last, "format": "PNG"}
    plain = rivals.blender_animation(program, blend, 1, last, out / "plain_")
    seen: list[tuple[float, int, float, float, float]] = []

    def note(answer: dict[str, Any]) -> None:
        left = answer["remaining"]
        if left:
            seen.append((time.time(), answer["frames"]["done"], left["seconds"], left["low"], left["high"]))

    with ours.started(program, folder / "data-animation") as server:
        before, begun = server.cpu(), time.time()
        mine = finished(server.render({"version": 2.2, "jobs": [job]}, each=note))
        cpu = server.cpu() - before
        ended = begun + mine
    best = min(plain, rivals.blender_animation(program, blend, 1, last, out / "plain_"))
    found = {"blender -a s": best, "ours s": mine, "of blender -a": mine / best, "server cpu": cpu / mine}
    told = [(at, says, low, high) for at, done, says, low, high in seen if 3 <= done <= last * 0.9]
    if told:
        errors = [abs(says - (ended - at)) / (ended - at) for at, says, _, _ in told]
        inside = [low <= ended - at <= high for at, _, low, high in told]
        found |= {"remaining: median error": statistics.median(errors), "remaining: truth in range": sum(inside) / len(inside)}
    return found


def long_list(program: str, folder: Path, blend: Path, count: int = 1000) -> dict[str, float]:
    """Measure what a recipe of 1,000 jobs costs: to accept, to poll while rendering, in memory."""
    jobs = [{"name": f"job {number}", "blend_file": str(blend), "output": f"{folder}/out/long/{number}_", "frame_still": number} for number in range(count)]
    with ours.started(program, folder / "data-long") as server:
        begun = time.perf_counter()
        expect(server.ask("POST", "/batch/recipe", {"version": 2.2, "jobs": jobs}))
        accept = time.perf_counter() - begun
        expect(server.ask("POST", "/batch/start", {}))
        time.sleep(3)
        polls = sorted(server.poll() for _ in range(200))
        memory = server.memory()
        expect(server.ask("DELETE", "/batch"))
    return {"accept s": accept, "poll median ms": 1000 * statistics.median(polls), "poll p99 ms": 1000 * polls[197], "server MB": memory / 1e6}


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
