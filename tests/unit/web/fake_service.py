# SPDX-License-Identifier: GPL-3.0-or-later
"""A `Service` of a few lines that notes every call, and a real server around it on a free loopback port. Runs without Blender."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batchserver.model.errors import BadInput, Fault, NotFound, RecipeFaults
from batchserver.model.recipe import Recipe
from batchserver.web.app import App, make_app
from batchserver.web.guard import Guard
from batchserver.web.peer import PeerUser
from batchserver.web.routing import Route
from batchserver.web.server import LOOPBACK, Serving, serve
from batchserver.web.token import Access
from batchserver.web.uploads import Uploads

TOKEN = "t" * 43
BLEND = b"BLENDER-v502" + b"\0" * 500


@dataclass(frozen=True)
class ReadyAnswer:
    """An `Answer`."""

    body: bytes
    etag: str


@dataclass
class FakeService:
    """Notes what it is asked, and answers as little as the routes need. `raises` is raised by the method it names."""

    jobs: int = 2
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    raises: dict[str, Exception] = field(default_factory=dict)
    in_use: set[Path] = field(default_factory=set)
    log: Path = Path("there-is-no-log")
    picture: Path = Path("there-is-no-picture")
    version: int = 1

    def _note(self, name: str, *what: Any) -> None:
        self.calls.append((name, *what))
        if name in self.raises:
            raise self.raises[name]

    def names(self) -> list[str]:
        return [str(call[0]) for call in self.calls]

    def submit(self, recipe: Recipe, *, trusted: bool) -> int:
        self._note("submit", recipe.name, trusted)
        return 7

    def start(self) -> None:
        self._note("start")

    def ready(self) -> tuple[bool, str]:
        self._note("ready")
        return False, "No recipe was submitted."

    def current_name(self) -> str:
        self._note("current_name")
        return "/home/user/a.blend"

    def snapshot(self) -> ReadyAnswer:
        self._note("snapshot")
        return ReadyAnswer(b'{"status": "WAITING"}', f"v{self.version}")

    def job_answer(self, index: int) -> ReadyAnswer:
        self._note("job_answer", index)
        if index >= self.jobs:
            raise BadInput(f"There is no job {index}.")
        return ReadyAnswer(b'{"id": %d}' % index, f"j{index}")

    def cancel(self) -> None:
        self._note("cancel")

    def cancel_current_job(self) -> None:
        self._note("cancel_current_job")

    def cancel_job(self, index: int) -> None:
        self._note("cancel_job", index)
        if index >= self.jobs:
            raise BadInput(f"There is no job {index}.")

    def enqueue(self, recipe: Recipe, *, trusted: bool, name: str) -> int:
        self._note("enqueue", recipe.name, trusted, name)
        return 8

    def list_batches(self) -> list[dict[str, Any]]:
        self._note("list_batches")
        return [{"id": 7, "name": "ä", "status": "WAITING"}]

    def batch(self, batch_id: int) -> ReadyAnswer:
        self._note("batch", batch_id)
        self._known(batch_id)
        return ReadyAnswer(b'{"status": "WAITING"}', "b")

    def batch_job(self, batch_id: int, index: int) -> ReadyAnswer:
        self._note("batch_job", batch_id, index)
        self._known(batch_id)
        return ReadyAnswer(b'{"id": %d}' % index, "bj")

    def move(self, batch_id: int, position: int) -> None:
        self._note("move", batch_id, position)

    def pause(self, batch_id: int) -> None:
        self._note("pause", batch_id)

    def resume(self, batch_id: int) -> None:
        self._note("resume", batch_id)

    def cancel_batch(self, batch_id: int) -> None:
        self._note("cancel_batch", batch_id)
        self._known(batch_id)

    def cancel_batch_job(self, batch_id: int, index: int) -> None:
        self._note("cancel_batch_job", batch_id, index)

    def settle_input(self, batch_id: int, index: int, choice: str) -> None:
        self._note("settle_input", batch_id, index, choice)

    def missing(self, batch_id: int) -> list[dict[str, Any]]:
        self._note("missing", batch_id)
        return [{"index": 0, "name": "Some job", "frames": "1-3", "count": 3}]

    def retry_failed(self, batch_id: int, index: int | None) -> int:
        self._note("retry_failed", batch_id, index)
        return 3

    def frames(self, batch_id: int, index: int) -> ReadyAnswer:
        self._note("frames", batch_id, index)
        return ReadyAnswer(b'{"frames": []}', "f")

    def power(self) -> dict[str, Any] | None:
        self._note("power")
        return None

    def keep_on(self) -> None:
        self._note("keep_on")

    def workers(self) -> list[dict[str, Any]]:
        self._note("workers")
        return [{"id": 3, "name": "alice/old PC", "kind": "sheepit"}]

    def pause_worker(self, worker_id: int) -> None:
        self._note("pause_worker", worker_id)

    def resume_worker(self, worker_id: int) -> None:
        self._note("resume_worker", worker_id)

    def remove_worker(self, worker_id: int) -> None:
        self._note("remove_worker", worker_id)

    def log_path(self, batch_id: int, index: int) -> Path:
        self._note("log_path", batch_id, index)
        return self.log

    def last_picture(self, batch_id: int, index: int | None) -> Path:
        self._note("last_picture", batch_id, index)
        return self.picture

    def blend_in_use(self, path: Path) -> bool:
        return path in self.in_use

    def about(self) -> dict[str, Any]:
        self._note("about")
        return {"name": "Render+", "version": "3.0.0", "recipe_version": 2.2, "uptime": 1.5, "instance": "i", "blender": "/home/user/blender"}

    def _known(self, batch_id: int) -> None:
        if batch_id != 7:
            raise NotFound(f"There is no batch {batch_id}.")


def load_recipe(body: bytes) -> Recipe:
    """Read a recipe as the recipe's room does, without its rules."""
    try:
        document = json.loads(body)
    except ValueError as error:
        raise BadInput(f"The recipe is not JSON: {error}.") from None
    if not isinstance(document, dict) or "name" not in document:
        raise RecipeFaults((Fault("name", "expected a path, found nothing"), Fault("jobs[1].frame_end", "expected a number, found null")))
    return Recipe(document["name"], 2.2, "", ())


def loopback_access() -> Access:
    """Give what a server has that was started without a word about edges."""
    return Access(require_token=False, token=TOKEN, loopback_only=True)


@dataclass(frozen=True)
class Response:
    """An answer as a client reads it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Running:
    """A server that runs, and what a test asks of it."""

    service: FakeService
    serving: Serving
    uploads: Uploads
    data: Path
    stopped: threading.Event

    @property
    def port(self) -> int:
        return self.serving.port

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, *, host: str = "127.0.0.1") -> Response:
        """Ask as http.client does: no header of a browser, and no content type unless the test says so."""
        connection = http.client.HTTPConnection(host, self.port, timeout=20)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Response(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def ask_json(self, method: str, path: str, value: Any, headers: Mapping[str, str] | None = None) -> Response:
        return self.ask(method, path, json.dumps(value), {"Content-Type": "application/json", **(headers or {})})

    def left_behind(self) -> list[Path]:
        """Give what lies in the spool."""
        return list((self.data / "spool").iterdir())


Starter = Callable[..., Running]


@contextmanager
def running(
    data: Path,
    access: Access | None = None,
    *,
    limit: int = 16 * 1024**3,
    peers: PeerUser | None = None,
    hosts: tuple[str, ...] = LOOPBACK,
    extra: tuple[Route, ...] = (),
) -> Iterator[Running]:
    """Run a real server for the length of a with block."""
    service, stopped, uploads = FakeService(), threading.Event(), Uploads(data, limit)
    guard = Guard.of(access or loopback_access(), hosts)
    app = make_app(service, load_recipe, uploads, guard, stopped.set, recipe_schema=b'{"title": "Recipe"}')
    serving = serve(App(guard, uploads, (*app.routes, *extra)), 0, hosts, peers=peers)
    try:
        yield Running(service, serving, uploads, data, stopped)
    finally:
        serving.close()
