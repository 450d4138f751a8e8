# SPDX-License-Identifier: GPL-3.0-or-later
"""`--recipe` and `--serve`: renders a recipe and ends, or serves until it is told to stop.

Runs without Blender.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from batchserver.model.errors import BadInput, Conflict, ServerTaken
from batchserver.model.recipe import Recipe
from batchserver.model.status import BatchStatus, FrameState
from batchserver.reactions.statistics_files import batch_document, job_document
from batchserver.recipe import nothing_to_render

from .client import Client
from .exit_codes import ExitCode
from .farming import who_may
from .keep_on import wait_for_power
from .statistics_text import frames_text
from .terminal import Display, display_for, statistics_text
from .wiring import BatchServer, Settings

REDRAW_EVERY = 0.25


def render(recipe: Recipe | None, settings: Settings, client: Client, *, serve: bool, print_stats: bool, as_json: bool) -> int:
    """Render the recipe and end, or serve; returns the exit code."""
    if recipe is not None and (sentence := nothing_to_render(recipe)):
        raise BadInput(sentence)
    if settings.port and client.is_ours():
        raise ServerTaken(
            f"A Render+ server runs on port {settings.port} already. See what it does with --poll, stop it with --stop, or choose another --port and --data-dir"
        )
    server = BatchServer(settings)
    fresh = not settings.token_path.exists()
    try:
        with _told_to_stop(server):
            web = server.listen()
            server.take_over()
            if not serve:
                _put_others_aside(server, recipe)
            if recipe is not None:
                _submit(server, recipe)
            server.work()
            if server.farm is not None and settings.farm is not None:
                print(who_may(settings.farm, server.farm.port), file=sys.stdout if serve else sys.stderr, flush=True)
            if serve:
                print(f"Render+ server listens on port {web.port} ({', '.join(web.hosts)}); Ctrl+C stops it", flush=True)
                if settings.hosts or settings.require_token:
                    made = "was made now" if fresh else "is"
                    print(f"Everyone but this server's own command line needs the owner's token, which {made} in {settings.token_path}", flush=True)
                while not server.stopping.wait(1.0):
                    pass
                return ExitCode.OK
            return _watch(server, print_stats=print_stats, as_json=as_json)
    finally:
        server.close()


def _put_others_aside(server: BatchServer, recipe: Recipe | None) -> None:
    """Leave unfinished batches of an earlier start waiting, unless it is this recipe's own."""
    for batch in server.dispatcher.board:
        mine = recipe is not None and batch.record.document == _document(recipe)
        if not mine and not batch.record.paused and (batch.running or batch.record.queued):
            server.dispatcher.set_aside(batch)
            print(f"Batch {batch.record.id} ({batch.record.name}) of an earlier start waits; go on with it by --serve", file=sys.stderr)


def _submit(server: BatchServer, recipe: Recipe) -> None:
    own = [batch for batch in server.dispatcher.board if batch.record.document == _document(recipe) and batch.running]
    if own:
        done, total = sum(job.done for job in own[0].jobs), sum(job.total for job in own[0].jobs)
        print(f"Going on with this recipe's unfinished batch: {done} of {total} frames are done", file=sys.stderr)
        server.dispatcher.board.current = own[0].record.id
        server.dispatcher.resume(own[0])
        return
    try:
        server.service.submit(recipe, trusted=True)
    except Conflict as conflict:
        raise Conflict(f"{conflict} (--cancel-batch ID cancels one)") from None
    server.service.start()


def _document(recipe: Recipe) -> str:
    return json.dumps(recipe.document, ensure_ascii=False)


def _watch(server: BatchServer, *, print_stats: bool, as_json: bool) -> int:
    display: Display = display_for(sys.stderr if as_json else sys.stdout, os.environ)
    while True:
        snapshot = json.loads(server.service.snapshot().body)
        display.show(snapshot)
        if snapshot["status"] in (BatchStatus.FINISHED, BatchStatus.CANCELLED) or _only_held(snapshot):
            break
        if server.stopping.wait(REDRAW_EVERY):
            display.finish(snapshot)
            done = snapshot["frames"]
            print(f"Stopped; {done['done']} of {done['total']} frames are done. The same command goes on with the others", file=sys.stderr)
            return ExitCode.INTERRUPTED
    server.reacting.settle(server.stopping)
    snapshot = json.loads(server.service.snapshot().body)
    display.finish(snapshot)
    figures = server.reacting.statistics.batch(snapshot["id"]) if print_stats else None
    if as_json:
        more = {"statistics": {**batch_document(figures), "per_job": [job_document(job) for job in figures.jobs]}} if figures else {}
        print(json.dumps({**snapshot, **more}, indent=2, ensure_ascii=False))
    elif print_stats:
        print(statistics_text(snapshot) + (frames_text(figures) if figures else ""), end="")
    elif snapshot["frames"]["done"]:
        _name_pictures(server, snapshot)
    wait_for_power(server.reacting.machine.power, server.stopping, lambda sentence: print(sentence, file=sys.stderr, flush=True))
    return _code(snapshot)


def _only_held(snapshot: dict[str, Any]) -> bool:
    """Tell whether all that is left waits for a choice, which nobody can make here."""
    left = [job for job in snapshot["jobs"] if job["status"] in ("QUEUED", "RUNNING")]
    return bool(left) and all(job["held"] for job in left)


def _name_pictures(server: BatchServer, snapshot: dict[str, Any]) -> None:
    for job in snapshot["jobs"]:
        if not job["frames"]["done"]:
            continue
        rows = json.loads(server.service.frames(snapshot["id"], job["id"]).body)["frames"]
        files = [path for row in rows if row["state"] == FrameState.DONE for path in row["outputs"]]
        if job["movie"]:
            print(f"{job['name']}: {job['movie']}")
        elif len(files) > 3:
            print(f"{job['name']}: {len(files)} files, {files[0]} to {files[-1]}")
        else:
            for path in files:
                print(f"{job['name']}: {path}")


def _code(snapshot: dict[str, Any]) -> int:
    if snapshot["status"] == BatchStatus.CANCELLED:
        return ExitCode.CANCELLED
    good = all(job["status"] in ("FINISHED", "DISABLED") for job in snapshot["jobs"])
    return ExitCode.OK if good else ExitCode.JOB_FAILED


@contextmanager
def _told_to_stop(server: BatchServer) -> Iterator[None]:
    """Turn Ctrl+C and SIGTERM into a stop that loses nothing; a second Ctrl+C ends at once."""

    def stop(number: int, _: object) -> None:
        if server.stopping.is_set():
            raise KeyboardInterrupt
        server.stopping.set()

    numbers = [signal.SIGINT, signal.SIGTERM]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
