# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows one batch: starts it, asks how it is, cancels, and finds it again after a restart.

Every method runs in the worker's thread, and those of the batch give the new `Running` as a whole. Runs without Blender.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..sentences import sentence
from .client import ConnectionProblem, Refusal, ServerGone
from .data_folder import read_address
from .pictures import frames_done, newest_picture, showable
from .remote import House, Remote
from .running_state import Phase, Running, is_over, message_of
from .starts import Start, Starts

MISSES = 3
"""So many polls in a row go unanswered before the server counts as gone."""

WORKERS_SECONDS = 2.0
"""Time between two looks at who renders."""

REVIVE_SECONDS = 60.0
"""A server that dies again sooner than this is not started again by itself."""


@dataclass(frozen=True, slots=True)
class Post:
    """What Start posts: the recipe of a saved copy."""

    start: Start
    recipe: Mapping[str, Any]


class Watch:
    """The batch that this Blender looks at, from the far side."""

    def __init__(self, house: House, stopping: threading.Event, clock: Callable[[], float] = time.time) -> None:
        self._stopping = stopping
        self._clock = clock
        self._remote = Remote(house, stopping)
        self.state = Running()
        self._etag = ""
        self._misses = 0
        self._revived = -REVIVE_SECONDS
        self._stopped_by_hand = False
        self._looked_at_workers = 0.0
        self._looked_for_picture: tuple[float, Mapping[str, Any] | None] = (0.0, None)

    @property
    def starts(self) -> Starts:
        """The starts of the data folder in use."""
        return Starts(self._remote.house.data)

    def use(self, house: House) -> None:
        """Follow the preferences: another data folder is another server, and another token file another way to it."""
        before = self._remote.house
        if (house.data, house.token_file) != (before.data, before.token_file):
            self._remote.close()
            self._remote = Remote(house, self._stopping)
        self._remote.house = house

    def start(self, post: Post) -> Running:
        """Reach a server, give it the batch, and tidy up. Raises `ConnectionProblem`."""
        if self.state.key and self.state.phase is Phase.FINISHED:
            self.starts.mark(self.state.key, closed=True)
        try:
            self._save(post.start)
            client = self._remote.reach()
            document = client.ask("POST", f"/api/v1/batches?name={quote(post.start.name)}", post.recipe).document or {}
        except ConnectionProblem:
            self.starts.remove(post.start.key)
            raise
        started = replace(post.start, batch=int(document["id"]))
        self._save(started)
        self._tidy()
        self._follow(started)
        return self.poll()

    def poll(self) -> Running:
        """Ask how the batch is. A server that is gone is started again once, and goes on with the batch."""
        if not self.state.batch:
            return self.state
        try:
            answer = self._remote.ask("GET", f"/api/v1/batches/{self.state.batch}", etag=self._etag)
        except Refusal as refusal:
            return self._forgotten(refusal)
        except ConnectionProblem as problem:
            return self._missed(problem)
        self._misses = 0
        if answer.document is not None:
            self._etag = answer.etag
            self._take(answer.document)
        self._look_at_workers()
        return self.state

    def change_worker(self, worker: int, action: str) -> Running:
        """Pause, resume or remove one of the other machines. Raises `ConnectionProblem`."""
        self._remote.ask("POST", f"/api/v1/workers/{worker}/{action}", {})
        self._looked_at_workers = 0.0
        return self.poll()

    def find(self, source: str, key: str = "") -> Running:
        """Look for a batch that was started from this .blend, or for one of another that runs. Starts no server."""
        open_ones = self.starts.open_ones()
        unfinished = [start for start in open_ones if not start.over]
        own = [start for start in open_ones if (key and start.key == key) or (source and start.source == source)]
        for start in [*own, *unfinished]:
            self._follow(start)
            if start.over and (answer := self.starts.read_answer(start.key)):
                self._take(answer)
            found = self.poll()
            if found.phase is not Phase.IDLE:
                return found
        self.state = Running()
        return self.state

    def resume(self) -> Running:
        """Start the server again when it is gone; it goes on with the batch. Raises `ConnectionProblem`."""
        self._remote.reach()
        self._stopped_by_hand = False
        self._misses, self._etag = 0, ""
        return self.poll()

    def cancel(self) -> Running:
        """Cancel the batch; a server that is gone is started for it, since it would go on some day. Raises `ConnectionProblem`."""
        if self.state.phase is Phase.LOST:
            self.resume()
        self._remote.ask("DELETE", f"/api/v1/batches/{self.state.batch}")
        return self.poll()

    def cancel_job(self, index: int) -> Running:
        """Cancel one job; the batch goes on. Raises `ConnectionProblem`."""
        self._remote.ask("DELETE", f"/api/v1/batches/{self.state.batch}/jobs/{index}")
        return self.poll()

    def settle_input(self, index: int, choice: str) -> Running:
        """Say what becomes of a job whose .blend changed since Start. Raises `ConnectionProblem`."""
        self._remote.ask("POST", f"/api/v1/batches/{self.state.batch}/jobs/{index}/input", {"choice": choice})
        return self.poll()

    def pause(self, *, paused: bool) -> Running:
        """Hand out no more frames of the batch, or go on. Raises `ConnectionProblem`."""
        self._remote.ask("PATCH", f"/api/v1/batches/{self.state.batch}", {"paused": paused})
        return self.poll()

    def look_at_power(self) -> Running:
        """Ask what becomes of the computer after a batch. A server that does not answer is left alone: it may be switched off by now."""
        try:
            answer = self._remote.ask("GET", "/api/v1/power").document or {}
        except ConnectionProblem:
            return self.state
        if self.state.snapshot is not None and self.state.snapshot.get("power") != answer.get("power"):
            self.state = replace(self.state, snapshot={**self.state.snapshot, "power": answer.get("power")})
        return self.state

    def keep_on(self) -> Running:
        """Stop the countdown to sleep or power-off."""
        self._remote.ask("DELETE", "/api/v1/power")
        return self.look_at_power()

    def retry(self, index: int | None) -> Running:
        """Render failed frames again, of all jobs or of one. Raises `ConnectionProblem`."""
        client = self._remote.reach()
        client.ask("POST", f"/api/v1/batches/{self.state.batch}/retry", {} if index is None else {"job": index})
        self.starts.mark(self.state.key, over=False, closed=False)
        self._etag = ""
        self.state = replace(self.state, phase=Phase.RUNNING, error="")
        return self.poll()

    def close(self, *, keep_server: bool) -> Running:
        """Put the result away; without `keep_server` a server that has nothing to do ends."""
        self.starts.mark(self.state.key, closed=True)
        self.state = Running()
        self._etag = ""
        if not keep_server:
            self.stop_idle_server()
        return self.state

    def stop_idle_server(self) -> None:
        """End the server if it has nothing to do."""
        if not self._is_anything_unfinished():
            self._remote.stop_server()

    def stop_server(self) -> Running:
        """End the server; what is not done waits for the next one. Raises `ServerGone` when there is none."""
        self._stopped_by_hand = True
        if not self._remote.stop_server():
            raise ServerGone(sentence("No render server is running"))
        if self.state.phase in (Phase.STARTING, Phase.RUNNING):
            self.state = replace(self.state, phase=Phase.LOST, message="The server was stopped; the batch goes on when it is started again")
        return self.state

    def fetch_log(self, index: int) -> Path:
        """Fetch the log of the session that rendered a job; gives its file. Raises `ConnectionProblem`."""
        answer = self._remote.ask("GET", f"/api/v1/batches/{self.state.batch}/jobs/{index}/log", file=True)
        path = self.starts.place(self.state.key) / f"job_{index}.log"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(answer.body)
        except OSError as error:
            raise ConnectionProblem(sentence("The log could not be written to {path}: {why}", path=path, why=error.strerror)) from error
        return path

    def end(self) -> None:
        """Let go of the server, which lives on."""
        self._remote.close()

    # --- inside -----------------------------------------------------------------------------------------

    def _save(self, start: Start) -> None:
        try:
            self.starts.save(start)
        except OSError as error:
            raise ConnectionProblem(
                sentence("{folder} cannot be written to ({why}); choose another data folder", folder=self.starts.folder, why=error.strerror)
            ) from error

    def _follow(self, start: Start) -> None:
        self._etag, self._misses, self._looked_for_picture = "", 0, (0.0, None)
        self.state = Running(Phase.RUNNING, message="Waits for the server", batch=start.batch, key=start.key, source=start.source, outputs=start.outputs)

    def _take(self, document: dict[str, Any]) -> None:
        over = is_over(document)
        address = read_address(self._remote.house.data)
        picture = self._picture(document, over=over)
        self.state = replace(
            self.state, phase=Phase.FINISHED if over else Phase.RUNNING, snapshot=document, message=message_of(document), error="",
            picture=picture, preview=self.state.preview if picture == self.state.picture else showable(picture),
            instance=address.instance if address else "",
        )  # fmt: skip
        if over:
            start = self.starts.read(self.state.key)
            if start is not None and not start.over:
                self.starts.keep_answer(self.state.key, document)
                self.starts.mark(self.state.key, over=True)

    def _look_at_workers(self) -> None:
        """Ask who renders, now and then while a batch runs. A server that does not know of workers is not asked for long."""
        now = self._clock()
        if self.state.phase is not Phase.RUNNING or 0 <= now - self._looked_at_workers < WORKERS_SECONDS:
            return
        self._looked_at_workers = now
        try:
            told = (self._remote.ask("GET", "/api/v1/workers").document or {}).get("workers")
        except ConnectionProblem:
            return  # the poll says what there is to say
        found = tuple(_still(worker) for worker in told if isinstance(worker, dict)) if isinstance(told, list) else ()
        if found != self.state.workers:
            self.state = replace(self.state, workers=found)

    def _picture(self, document: Mapping[str, Any], *, over: bool) -> str | None:
        """Find the newest picture, at most once in a second, and only when a frame came."""
        looked, known = self._looked_for_picture
        now = self._clock()
        if frames_done(document) == frames_done(known) or (now - looked < 1 and not over):
            return self.state.picture
        self._looked_for_picture = (now, document)
        try:
            return newest_picture(document, known, self._frames) or self.state.picture
        except ConnectionProblem:
            return self.state.picture

    def _frames(self, index: int) -> list[dict[str, Any]]:
        answer = self._remote.ask("GET", f"/api/v1/batches/{self.state.batch}/jobs/{index}/frames")
        return list((answer.document or {}).get("frames", ()))

    def _missed(self, problem: ConnectionProblem) -> Running:
        self._misses += 1
        if self.state.phase is Phase.FINISHED:
            return self.state
        now = self._clock()
        if self._misses >= MISSES and not self._stopped_by_hand and self.state.snapshot is not None and now - self._revived > REVIVE_SECONDS:
            self._revived = now
            try:
                return self.resume()
            except ConnectionProblem as again:
                problem = again
        if self._misses >= MISSES or self.state.snapshot is None:
            kept = self.state.message if self._stopped_by_hand else "The render server is gone; Go On starts it again, and the batch goes on where it was"
            self.state = replace(self.state, phase=Phase.LOST, message=kept, error="" if self._stopped_by_hand else str(problem))
        return self.state

    def _forgotten(self, refusal: Refusal) -> Running:
        """A server that does not know the batch has another ledger; whatever else it refuses is told."""
        if refusal.status == 404:  # the batch, not the route
            self.starts.mark(self.state.key, closed=True)
            self.state = Running(error="" if self.state.snapshot is None else sentence("The server does not know the batch any more"))
        else:
            self.state = replace(self.state, error=str(refusal))
        return self.state

    def _batches(self) -> list[dict[str, Any]]:
        return list((self._remote.ask("GET", "/api/v1/batches").document or {}).get("batches", ()))

    def _is_anything_unfinished(self) -> bool:
        try:
            return any(not is_over(batch) for batch in self._batches())
        except ConnectionProblem:
            return False

    def _tidy(self) -> None:
        try:
            unfinished = {int(batch["id"]) for batch in self._batches() if not is_over(batch)}
        except (ConnectionProblem, KeyError, ValueError):
            return
        self.starts.remove_old(self._clock(), unfinished)


def _still(worker: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is another time at each look and nobody reads."""
    return {key: value for key, value in worker.items() if key != "heard"}
