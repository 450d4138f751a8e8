# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request, as typed values over its WSGI environ. Runs without Blender."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, BinaryIO, cast
from urllib.parse import parse_qs
from wsgiref.types import WSGIEnvironment

from batchserver.model.errors import BadInput, TooLarge, WrongContentType

from .peer import NOBODY
from .spool import SpoolBuffer

JSON_LIMIT = 32 * 1024 * 1024
"""Most bytes of a JSON body: a recipe of 1,000 jobs takes about one and a half million. It is held in memory, since it may hold a password."""

PEER, TRUSTED, SPOOLED = "renderplus.peer", "renderplus.trusted", "renderplus.spooled"  # our keys in the environ; a header cannot set them


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: what the guard and the routes need of it."""

    environ: WSGIEnvironment

    def header(self, name: str) -> str | None:
        """Give a header's value, None when it was not sent; sent twice, the values joined by a comma."""
        value = self.environ.get("HTTP_" + name.upper().replace("-", "_"))
        return None if value is None else str(value)

    @property
    def method(self) -> str:
        """Give the method, upper case."""
        return str(self.environ["REQUEST_METHOD"]).upper()

    @property
    def path(self) -> str:
        """Give the path, percent-decoded."""
        return str(self.environ.get("PATH_INFO", "")) or "/"

    @property
    def port(self) -> int:
        """Give the port that we listen on."""
        return int(self.environ["SERVER_PORT"])

    @property
    def peer(self) -> int | None:
        """Give the user at the other end, as `PeerUser.uid` does; a server that did not look gives `NOBODY`."""
        return cast("int | None", self.environ.get(PEER, NOBODY))

    @property
    def address(self) -> str:
        """Give the address at the other end, a proxy's where there is one; empty when it is not known."""
        return str(self.environ.get("REMOTE_ADDR") or "")

    @property
    def trusted(self) -> bool:
        """Tell whether the guard knows the asker as the owner."""
        return self.environ.get(TRUSTED) is True

    @property
    def content_type(self) -> str:
        """Give the body's media type without its parameters, lower case; empty when none was sent."""
        return str(self.environ.get("CONTENT_TYPE", "")).partition(";")[0].strip().lower()

    @property
    def length(self) -> int:
        """Give the body's size in bytes."""
        return int(self.environ.get("CONTENT_LENGTH") or 0)

    @property
    def stream(self) -> BinaryIO:
        """Give the body, to be read once."""
        return cast(BinaryIO, self.environ["wsgi.input"])

    @property
    def spooled(self) -> SpoolBuffer | None:
        """Give the body's file in the spool folder, None when it has none."""
        found = self.environ.get(SPOOLED)
        return found if isinstance(found, SpoolBuffer) else None

    def query(self, name: str) -> str:
        """Give a parameter of the query string, empty when it is not there."""
        return parse_qs(str(self.environ.get("QUERY_STRING", ""))).get(name, [""])[-1]

    def json_bytes(self) -> bytes:
        """Read a JSON body. Raises `WrongContentType`, `TooLarge`, and `BadInput` for one that ends early."""
        if self.content_type != "application/json":
            raise WrongContentType(f"The content type is {self.content_type or 'missing'}; send it as application/json.")
        if self.length > JSON_LIMIT:
            raise TooLarge(f"The body has {self.length} bytes; JSON may have {JSON_LIMIT} here.")
        body = self.stream.read(self.length)
        if len(body) < self.length:
            raise BadInput("The body ends before the length that was announced.")
        return body

    def json_object(self, *, known: frozenset[str]) -> dict[str, Any]:
        """Read a JSON body that is an object of known keys; an empty body is an empty object."""
        if self.length == 0:
            return {}
        try:
            found = json.loads(self.json_bytes())
        except (ValueError, RecursionError) as error:
            raise BadInput(f"The body is not JSON: {error}.") from None
        if not isinstance(found, dict):
            raise BadInput("The body is not a JSON object.")
        if unknown := found.keys() - known:
            raise BadInput(f"Unknown: {', '.join(sorted(unknown))[:200]}; known here: {', '.join(sorted(known))}.")
        return found
