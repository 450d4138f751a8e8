# SPDX-License-Identifier: GPL-3.0-or-later
"""What waitress does differently for us, at its own seams (parser, channel and task classes of waitress 3). Runs without Blender.

* The user at the other end is asked for when a connection arrives, once.
* A body that is large, or of unknown length, is judged by its headers before any of it is stored.
* Uploads are spooled to the data folder under a name, so that they are moved, not copied. JSON never is: it may hold a password.
* A request that takes too long to arrive, an answer that nobody reads, and more connections than one stranger needs are cut off.
* Errors of waitress itself are JSON, like all others; and who is refused while still sending can read why.
"""

from __future__ import annotations

import copy
import ipaddress
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.receiver import ChunkedReceiver, FixedStreamReceiver
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, WSGITask

from .app import App
from .asked import JSON_LIMIT, PEER, SPOOLED, Asked
from .attempts import stranger
from .guard import UPLOAD_ROUTES
from .peer import PeerUser
from .reply import SAFETY, NoRoom, Reply, json_reply, trouble
from .spool import IN_MEMORY, SpoolBuffer

LINGER = 5.0
"""Seconds in which a refused client may still send what nobody reads, before its connection is cut."""

ARRIVES_WITHIN = 30.0
"""Seconds that a request's headers may take to arrive, and a body that nobody vouched for yet."""

READ_WITHIN = 60.0
"""Seconds for which an answer may stand still because its client does not read."""

PER_STRANGER = 40
"""Connections that another machine, or another user of this one, may hold at a time; the owner may hold all."""

_SENTENCES = {
    413: "The body is larger than this route takes.",
    431: "The request has too many headers.",
    501: "This transfer encoding is not understood.",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that stands before the request is whole, in waitress's place for errors."""

    reply: Reply


class Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """A request while it arrives."""

    adj: Any
    body_rcv: Any
    content_length: int
    error: Any
    expect_continue: bool

    def __init__(self, adj: Any, channel: Channel) -> None:
        super().__init__(adj)
        self._channel = channel
        self.cut_short = False
        self.begun = time.monotonic()
        self.vouched = False

    def parse_header(self, header_plus: bytes) -> None:
        """Read the headers; then decide about the body."""
        super().parse_header(header_plus)
        self.expect_continue = self.expect_continue and self.body_rcv is not None
        if self.body_rcv is None:
            return
        asked = self._asked()
        if self.chunked or self.content_length > IN_MEMORY:
            refused = self._channel.app.early(asked)
            if refused is not None:
                self._refuse(refused)
                return
            self.vouched = True
        self.adj = copy.copy(self.adj)
        self.adj.max_request_body_size = self._channel.app.body_limit(asked) + 1
        held = IN_MEMORY if asked.path in UPLOAD_ROUTES else JSON_LIMIT + 1
        buffer = SpoolBuffer(self._channel.app.uploads.spool, held)
        self.body_rcv = ChunkedReceiver(buffer) if self.chunked else FixedStreamReceiver(self.content_length, buffer)

    def received(self, data: bytes) -> int:
        """Take what arrived; a full disk is an answer, not an exception in the server's loop."""
        try:
            taken: int = super().received(data)
        except OSError as error:
            self._refuse(trouble(NoRoom(f"The body cannot be stored in the data folder: {error.strerror}.")))
            self.completed = True
            return len(data)
        if self.error is not None and self.headers_finished:
            self.cut_short = True
        return taken

    def spooled(self) -> SpoolBuffer | None:
        """Give the body's buffer."""
        return self.body_rcv.getbuf() if self.body_rcv is not None else None

    def _refuse(self, reply: Reply) -> None:
        self.close()
        self.body_rcv = None  # which waitress takes for "no body to wait for"
        self.content_length = 0
        self.expect_continue = False
        self.connection_close = True
        self.error = Refusal(reply)
        self.cut_short = True

    def _asked(self) -> Asked:
        environ = {"HTTP_" + name: value for name, value in self.headers.items()}
        environ |= {
            "REQUEST_METHOD": self.command.upper(),
            "PATH_INFO": "/" + self.path.lstrip("/"),
            "SERVER_PORT": str(self._channel.server.effective_port),
            "CONTENT_TYPE": self.headers.get("CONTENT_TYPE", ""),
            "CONTENT_LENGTH": str(self.content_length or 1),  # chunked: at least something
            "REMOTE_ADDR": self._channel.addr[0],
            PEER: self._channel.peer,
        }
        return Asked(environ)


class Task(WSGITask):  # type: ignore[misc]
    """A request that is handed to the app, with who asks and where its body lies."""

    def get_environment(self) -> dict[str, Any]:
        """Add our keys to the environ."""
        environ: dict[str, Any] = super().get_environment()
        environ[PEER] = self.channel.peer
        environ[SPOOLED] = self.request.spooled()
        return environ

    def set_close_on_finish(self) -> None:
        """Keep the connection after a 304, which waitress would close for want of a length that it may not have."""
        kept = self.status.startswith("304") and self.version == "1.1" and self.request.headers.get("CONNECTION", "").lower() != "close"
        if not kept:
            super().set_close_on_finish()


class Trouble(ErrorTask):  # type: ignore[misc]
    """An answer to what never became a request."""

    def execute(self) -> None:
        """Say in JSON what was wrong, and end the connection."""
        reply = self._reply()
        self.request.close()  # what was received of its body goes before the answer
        self.status = f"{reply.status} {HTTPStatus(reply.status).phrase}"
        self.response_headers.extend([*reply.headers, *SAFETY])
        self.set_close_on_finish()
        self.content_length = len(reply.body)
        self.channel.linger = getattr(self.request, "cut_short", False)
        self.write(b"" if getattr(self.request, "command", "") == "HEAD" else reply.body)

    def _reply(self) -> Reply:
        error = self.request.error
        if isinstance(error, Refusal):
            return error.reply
        if error.code == 400:
            return json_reply({"status": f"This is no HTTP request: {error.body}."}, 400)
        return json_reply({"status": _SENTENCES.get(error.code, "The server met a fault of its own; its log has the details.")}, error.code)


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection. `peer` is the user at its other end."""

    request: Parser | None
    task_class = Task
    error_task_class = Trouble

    def __init__(self, server: Listener, sock: socket.socket, addr: Any, adj: Any, map: dict[int, Any] | None = None) -> None:
        self.app = server.app
        self.peer = server.peers.uid(sock)
        self.linger = False
        self._linger_until: float | None = None
        self.parser_class: Callable[[Any], Parser] = lambda adj: Parser(adj, self)
        self.who = stranger(addr[0], self.peer)
        super().__init__(server, sock, addr, adj, map=map)
        self.will_close = server.is_crowded_by(self)

    def readable(self) -> bool:
        """Go on reading while lingering, and end that in time. waitress asks this at every turn of its loop."""
        if self._linger_until is None:
            if self._dawdles():  # `will_close` would wait until the client reads
                self._end()
                return False
            return bool(super().readable())
        if time.monotonic() > self._linger_until:
            self._end()
            return False
        return True

    def writable(self) -> bool:
        """Have nothing more to write while lingering."""
        return self._linger_until is None and bool(super().writable())

    def handle_read(self) -> None:
        """Throw away what still arrives while lingering."""
        if self._linger_until is None:
            super().handle_read()
            return
        try:
            gone = not self.socket.recv(self.adj.recv_bytes)
        except BlockingIOError:
            return
        except OSError:
            gone = True
        if gone:
            self._end()

    def handle_close(self) -> None:
        """Close; but after an answer to an unfinished body, first let the client read the answer.

        Closing with unread data in the socket sends a reset, which throws the answer away at the other end.
        """
        if self.linger and self._linger_until is None and self.connected:
            try:
                self.socket.shutdown(socket.SHUT_WR)
                self._linger_until = time.monotonic() + LINGER
                return
            except OSError:
                pass
        self._end()

    def _dawdles(self) -> bool:
        """Tell whether the client keeps us waiting: with its request, or with reading the answer (a thread waits for it then)."""
        request = self.request
        if request is not None and not request.vouched and time.monotonic() - request.begun > ARRIVES_WITHIN:
            return True
        return bool(self.requests and self.total_outbufs_len and time.time() - self.last_activity > READ_WITHIN)

    def cancel(self) -> None:
        """Drop requests that wait, with their bodies."""
        for request in self.requests:
            request.close()
        super().cancel()

    def _end(self) -> None:
        self.linger = False
        if self.request is not None:  # cut short by the client: leave nothing behind
            self.request.close()
            self.request = None
        super().handle_close()


class Listener(TcpWSGIServer):  # type: ignore[misc]
    """A listening socket."""

    channel_class = Channel

    def __init__(self, app: App, peers: PeerUser, sock: socket.socket, **parts: Any) -> None:
        self.app = app
        self.peers = peers
        self._own_uid = os.geteuid() if os.name == "posix" else None
        where = (sock.family, sock.type, sock.proto, sock.getsockname())
        super().__init__(app, _sock=sock, bind_socket=False, sockinfo=where, **parts)

    def is_crowded_by(self, channel: Channel) -> bool:
        """Tell whether the stranger behind a new connection holds enough of them; users that nobody tells of are not counted on loopback."""
        ours = channel.peer is None or channel.peer == self._own_uid
        address = str(channel.addr[0]).partition("%")[0]
        if ours and ipaddress.ip_address(address).is_loopback:
            return False
        held: list[Channel] = list(self.active_channels.values())
        return len([other for other in held if other.who == channel.who]) > PER_STRANGER
