# SPDX-License-Identifier: GPL-3.0-or-later
"""Real mail servers on loopback, with TLS and a login, and some that misbehave. Runs without Blender."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from batchserver.reactions.mail_providers import Route, Security

USER, PASSWORD = "me@example.org", "s3cret-swordfish"


class Box:
    """Keeps what comes in; `answer` is what the server says to a whole mail, `delay` the seconds before it (ended by `hurry`)."""

    def __init__(self, answer: str = "250 OK") -> None:
        self.mails: list[Envelope] = []
        self.answer = answer
        self.tries = 0

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        self.tries += 1
        if self.answer == "drop":
            server.transport.abort()
            return "451 gone"
        if self.answer.startswith("250"):
            self.mails.append(envelope)
        answer, self.answer = self.answer, "250 OK" if self.answer.startswith("4") else self.answer
        return answer


def _check(server: object, session: object, envelope: object, mechanism: str, data: object) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


class _Server(Controller):
    """Greets itself at its start without asking for a certificate that it could trust."""

    def _trigger_server(self) -> None:
        with socket.create_connection((self.hostname, self.port), 5) as plain:
            if self.ssl_context is None:
                plain.recv(1024)
                return
            trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
            with trusting.wrap_socket(plain) as wrapped:
                wrapped.recv(1024)


class Certificates:
    """A certificate authority of our own."""

    def __init__(self) -> None:
        self._authority = trustme.CA()
        self._server = self._authority.issue_cert("localhost")

    def of_server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server.configure_cert(context)
        return context

    def of_client(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context


@contextmanager
def mail_server(box: Box, security: Security, certificates: Certificates, *, offers_tls: bool = True) -> Iterator[Route]:
    """Run a mail server; gives the way to it."""
    context = certificates.of_server()
    options: dict[str, Any] = {"authenticator": _check, "auth_required": offers_tls, "auth_require_tls": False}
    if security is Security.STARTTLS and offers_tls:
        options |= {"tls_context": context, "require_starttls": True}
    if security is Security.SSL:
        options["ssl_context"] = context
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = _Server(box, hostname="127.0.0.1", port=port, **options)
    server.start()
    try:
        yield Route("localhost", port, security)
    finally:
        server.stop()


@contextmanager
def silent_server() -> Iterator[int]:
    """Run a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held: list[socket.socket] = []

        def take() -> None:
            try:
                while True:
                    held.append(listener.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for one in held:
            one.close()
