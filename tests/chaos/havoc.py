# SPDX-License-Identifier: GPL-3.0-or-later
"""Havoc: a batch is rendered while its server and its Blenders are killed at random moments and files are damaged, and every promise is checked.

All that is random follows from a seed; when a kill strikes depends on the machine. Runs without Blender itself.
"""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from chaos.pixels import fingerprint
from end_to_end.scenes import job, recipe
from end_to_end.server_under_test import ServerUnderTest, hidden_folders, server_command, server_environment, until

from blenders import RealBlender

ORPHAN_SECONDS = 5.0
"""Longest time that a Blender may outlive its server on a machine that does other things too."""

STALE_SECONDS = 120.0
"""Longest time without a new frame before the run counts as hung."""

SPARED_AFTER = 40.0
"""Seconds without a new frame after which nothing is killed until there is one: on a busy machine a Blender may need longer than the next kill takes."""

DONE = (
    "SELECT job.place, frame.number, frame.lease_id, frame.outputs FROM frame JOIN job ON job.id = frame.job_id WHERE job.batch_id = {batch} AND state = 'done'"
)


@dataclass
class Toll:
    """What was done, and what came of it."""

    kills: Counter[str] = field(default_factory=Counter)
    planted: int = 0
    rounds: int = 0
    frames: int = 0
    attempts: Counter[str] = field(default_factory=Counter)
    longest_orphan: float = 0.0
    seconds: float = 0.0

    @property
    def killed(self) -> int:
        """Count the kills."""
        return sum(self.kills.values())

    def facts(self) -> dict[str, Any]:
        """Give the figures for a report."""
        return {
            "kills": dict(self.kills), "killed": self.killed, "planted": self.planted, "rounds": self.rounds, "frames": self.frames,
            "attempts": dict(self.attempts), "longest_orphan_seconds": round(self.longest_orphan, 2), "seconds": round(self.seconds, 1),
        }  # fmt: skip


class Havoc:
    """Renders the same batch round after round under kills, and compares each round with an undisturbed one."""

    def __init__(self, folder: Path, blender: RealBlender, blend: Path, *, kills: int, seed: int, frames: int = 24) -> None:
        self.folder = folder
        self.blender = blender
        self.toll = Toll()
        self._blend = blend
        self._wanted = kills
        self._frames = frames
        self._random = random.Random(seed)
        self._temp = folder / "temp"
        self._temp.mkdir(parents=True)
        self._expected: dict[str, str] = {}
        self._sealed: dict[tuple[int, int], tuple[int, str]] = {}
        self._done_at_last_death = -1

    def run(self) -> Toll:
        """Do it all; raises AssertionError when a promise is broken."""
        begun = time.monotonic()
        self._expected = self._undisturbed()
        while self.toll.killed < self._wanted:
            self._round(self.toll.rounds)
            self.toll.rounds += 1
        self.toll.seconds = time.monotonic() - begun
        return self.toll

    # --- the batch --------------------------------------------------------------------------------------

    def _recipe(self, out: Path) -> dict[str, Any]:
        last = self._frames
        return recipe(
            job(self._blend, out / "png" / "a_", frames=f"1-{last}"),
            job(self._blend, out / "exr" / "b_", frames=f"1-{last // 2}", format="OPEN_EXR"),
            job(self._blend, out / "falling" / "c_", scene="Falling", frames=f"1-{last // 2}"),
            job(self._blend, out / "cycles" / "d_", frames=f"1-{last}", engine="CYCLES", cycles={"samples": 6, "device": "CPU"}),
        )

    def _undisturbed(self) -> dict[str, str]:
        out = self.folder / "undisturbed"
        path = self.folder / "undisturbed.json"
        path.write_text(json.dumps(self._recipe(out)))
        command = server_command("--recipe", path, "--port", "0", "--data-dir", self.folder / "quiet", "--blender", self.blender.program)
        done = subprocess.run(command, env=server_environment(self.folder), capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return pictures(out)

    # --- a round ----------------------------------------------------------------------------------------

    def _round(self, number: int) -> None:
        out = self.folder / f"round-{number}"
        wanted = self._recipe(out)
        self._sealed, self._done_at_last_death = {}, -1
        server = ServerUnderTest(self.folder, self.blender.program, environ={"TMPDIR": str(self._temp)})
        with server:
            batch = int(server.good("POST", "/api/v1/batches", wanted)["id"])
            for spared in self._while_unfinished(server, batch):
                if self.toll.killed < self._wanted and not spared:
                    self._strike(server, batch, out)
            self._check_end(server, batch, out)
            assert server.stop() == 0
        self._nothing_is_left(server, out)
        shutil.rmtree(out)

    def _while_unfinished(self, server: ServerUnderTest, batch: int) -> Iterator[bool]:
        """Go on until the batch is over, and tell whether to spare it now; fail when nothing gets done for too long."""
        newest, since = -1, time.monotonic()
        while True:
            answer = server.good("GET", f"/api/v1/batches/{batch}")
            if answer["status"] == "FINISHED":
                return
            done = answer["frames"]["done"]
            if done != newest:
                newest, since = done, time.monotonic()
            assert time.monotonic() - since < STALE_SECONDS, f"nothing gets done: {answer}"
            server.blenders()  # so that none is forgotten
            yield time.monotonic() - since > SPARED_AFTER
            time.sleep(0.02 if self.toll.killed < self._wanted else 0.2)

    def _strike(self, server: ServerUnderTest, batch: int, out: Path) -> None:
        if self._random.random() < 0.85:  # in the middle of the work; else at any moment, while Blender starts for instance
            self._wait_for_work(server, batch)
        time.sleep(self._random.choice((0.0, self._random.uniform(0, 0.2), self._random.uniform(0, 1.5))))
        sessions = server.blenders()
        # A frame whose Blender dies three times is FAILED, as it should be: let one frame get done between two such deaths.
        done = server.good("GET", f"/api/v1/batches/{batch}")["frames"]["done"]
        may_die = bool(sessions) and done > self._done_at_last_death
        kind = self._random.choice(("server", "server", "session", "crash", "both") if may_die else ("server",))
        if kind in ("session", "crash"):
            self._done_at_last_death = done
            self._end_session(sessions, signal.SIGKILL if kind == "session" else signal.SIGSEGV)
        else:
            if kind == "both":
                self._end_session(sessions, signal.SIGKILL)
            self._end_server(server, batch, out)
        self.toll.kills[kind] += 1

    @staticmethod
    def _wait_for_work(server: ServerUnderTest, batch: int) -> None:
        def renders() -> bool:
            answer = server.good("GET", f"/api/v1/batches/{batch}")
            return bool(answer["status"] == "FINISHED" or any(job["frames"]["rendering"] for job in answer["jobs"]))

        until(renders, STALE_SECONDS, "a frame renders", pause=0.01)

    def _end_session(self, sessions: list[psutil.Process], how: signal.Signals) -> None:
        with contextlib.suppress(psutil.Error, IndexError):
            self._random.choice(sessions).send_signal(how)

    def _end_server(self, server: ServerUnderTest, batch: int, out: Path) -> None:
        server.kill()
        begun = time.monotonic()
        until(lambda: not server.blenders(), ORPHAN_SECONDS, "every Blender ends with its server", pause=0.02)
        self.toll.longest_orphan = max(self.toll.longest_orphan, time.monotonic() - begun)
        self._check_sealed(server, batch)
        self._damage(out)
        server.start()

    def _damage(self, out: Path) -> None:
        """Cut what is not sealed, as a power cut may leave it, and plant half a file where a picture will be."""
        for hidden in hidden_folders(out):
            for path in [path for path in hidden.rglob("*") if path.is_file()]:
                if self._random.random() < 0.5:
                    with open(path, "r+b") as file:
                        file.truncate(path.stat().st_size // 2)
                    self.toll.planted += 1
        missing = [name for name in self._expected if not (out / name).exists()]
        if missing and self._random.random() < 0.5:
            path = out / self._random.choice(missing)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"\x89PNG\r\n\x1a\n half a picture")
            self.toll.planted += 1

    # --- what must be so --------------------------------------------------------------------------------

    def _check_sealed(self, server: ServerUnderTest, batch: int) -> None:
        """See that what was done once is done for ever, by the same attempt, with the same bytes."""
        now = {(place, number): (lease, outputs) for place, number, lease, outputs in server.rows(DONE.format(batch=batch))}
        for which, before in self._sealed.items():
            assert now.get(which) == before, f"frame {which} was done, and then was not, or was done anew"
        self._sealed = now

    def _check_end(self, server: ServerUnderTest, batch: int, out: Path) -> None:
        answer = server.good("GET", f"/api/v1/batches/{batch}")
        assert [each["status"] for each in answer["jobs"]] == ["FINISHED"] * len(answer["jobs"]), answer["jobs"]
        self._check_sealed(server, batch)
        of_batch = f"FROM attempt JOIN job ON job.id = attempt.job_id WHERE job.batch_id = {batch}"
        assert not server.rows(f"SELECT frame, sum(good) AS whole {of_batch} GROUP BY job_id, frame HAVING whole != 1"), "a frame was not done exactly once"
        for good, count in server.rows(f"SELECT good, count(*) {of_batch} GROUP BY good"):
            self.toll.attempts["good" if good else "bad"] += count
        self.toll.frames += answer["frames"]["done"]
        found = pictures(out)
        too_many, missing = sorted(set(found) - set(self._expected)), sorted(set(self._expected) - set(found))
        assert (too_many, missing) == ([], []), "files that should not be there, and files that should"
        different = [name for name in found if found[name] != self._expected[name]]
        assert not different, f"other pixels than undisturbed: {different}"

    def _nothing_is_left(self, server: ServerUnderTest, out: Path) -> None:
        assert not server.blenders(), "a Blender goes on"
        assert not hidden_folders(out), "an attempt's folder is left"
        assert not list((server.data / "temp").glob("*")), "a session's folder is left"
        left = [path.name for path in self._temp.iterdir()]
        assert not left, f"temporary files are left: {left}"


def pictures(folder: Path) -> dict[str, str]:
    """Fingerprint every file below a folder, by its path in it."""
    return {str(path.relative_to(folder)): fingerprint(path) for path in sorted(folder.rglob("*")) if path.is_file()}
