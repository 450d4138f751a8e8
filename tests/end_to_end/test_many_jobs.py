# SPDX-License-Identifier: GPL-3.0-or-later
"""A batch of a thousand jobs is accepted, rendered and polled by a small server. Runs without Blender itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psutil
from end_to_end.scenes import LIGHT, job, recipe
from end_to_end.server_under_test import ServerUnderTest

from blenders import RealBlender

JOBS = 1000
MOST_BYTES = 80_000_000


def test_a_thousand_jobs_are_polled_whole_while_they_render_and_the_server_stays_small(
    any_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path
) -> None:
    light = make_blend(any_blender, "light", LIGHT)
    jobs = [job(light, tmp_path / "out" / f"{index}_", name=f"job {index}", frames="1-10", size=[64, 36]) for index in range(JOBS)]
    with ServerUnderTest(tmp_path, any_blender.program) as server:
        server.good("POST", "/batch/recipe", recipe(*jobs))
        answer = server.poll()
        assert answer["status"] == "WAITING"
        assert [facts["id"] for facts in answer["jobs"]] == list(range(JOBS))
        assert server.process is not None
        process, largest = psutil.Process(server.process.pid), 0
        server.good("GET", "/batch/start")

        def look(answer: dict[str, object]) -> bool:
            nonlocal largest
            largest = max(largest, process.memory_info().rss)
            assert len(json.loads(json.dumps(answer["jobs"]))) == JOBS
            return bool(answer["jobs"][40]["status"] == "FINISHED")  # type: ignore[index]

        answer = server.wait_for(look, 90, "forty jobs are done", pause=0.0)
        assert answer["status"] == "RUNNING"
        assert all(facts["status"] == "FINISHED" for facts in answer["jobs"][:40]), "in the order of the list"
        assert answer["jobs"][-1]["status"] == "QUEUED"
        assert server.good("GET", f"/batch/jobs/{JOBS - 1}")["name"] == f"job {JOBS - 1}"
        assert server.ask("GET", f"/batch/jobs/{JOBS}").status == 400
        server.good("DELETE", "/batch")
        server.wait_for_end(10, look)
        assert 0 < largest < MOST_BYTES, f"the server took {largest / 1e6:.0f} MB"
