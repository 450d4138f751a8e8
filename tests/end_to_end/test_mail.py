# SPDX-License-Identifier: GPL-3.0-or-later
"""A real render, told by mail over STARTTLS to a real mail server. Runs without Blender itself."""

from __future__ import annotations

import email
import email.policy
import re
import sqlite3
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import trustme
from end_to_end.scenes import LIGHT, job, recipe
from end_to_end.server_under_test import ServerUnderTest, until
from unit.reactions.mail_servers import PASSWORD, USER, Box, mail_server

from batchserver.reactions.mail_providers import Security
from blenders import RealBlender


class OwnAuthority:
    """A certificate authority that the server's process is told to trust, as a studio's own would be."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.file = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(str(self.file))

    def of_server(self) -> ssl.SSLContext:
        """Make the mail server's side."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert("localhost").configure_cert(context)
        return context


def test_a_batch_with_a_failure_is_told_with_its_figures_and_pictures(any_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    blend, out, box, authority = make_blend(any_blender, "light", LIGHT), tmp_path / "out", Box(), OwnAuthority(tmp_path)
    jobs = (job(blend, out / "good_", name="Turntable", frames="1-4"), job(blend, out / "bad_", name="Close", camera="No camera"))
    with (
        mail_server(box, Security.STARTTLS, authority) as way,
        ServerUnderTest(tmp_path, any_blender.program, environ={"SSL_CERT_FILE": str(authority.file)}) as server,
    ):  # type: ignore[arg-type]
        mail = {"enabled": True, "user": USER, "pass": PASSWORD, "to": "zoe@example.org", "server": f"{way.host}:{way.port}", "security": "starttls"}
        server.run(recipe(*jobs) | {"notifications": {"mail": mail}})
        server.wait_for_end(120)
        until(lambda: len(box.mails) == 2, 60, "a mail for the failure, and one at the end")
        assert server.poll()["messages"] == []
    failure, end = (read(mail.content) for mail in box.mails)
    assert "Close" in text_of(failure, "plain")
    for part in ("plain", "html"):
        text = text_of(end, part)
        assert "Turntable" in text
        assert 'no camera "No camera"' in text.replace("&quot;", '"').replace("&#34;", '"')
        assert re.search(r"fastest", text, re.IGNORECASE)
        assert re.search(r"slowest", text, re.IGNORECASE)
    pictures = [part for part in end.walk() if part.get_content_maintype() == "image"]
    assert [part.get_content_type() for part in pictures] == ["image/png"]
    assert pictures[0].get_content() == (out / "good_0004.png").read_bytes()
    assert PASSWORD not in Path(server.output).read_text(errors="replace")
    with sqlite3.connect(server.data / "ledger.sqlite") as ledger:
        assert not any(PASSWORD in line for line in ledger.iterdump())


def read(content: bytes | str | None) -> EmailMessage:
    """Read a mail as it came."""
    assert isinstance(content, bytes)
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(message: EmailMessage, kind: str) -> str:
    """Give the plain or the HTML text."""
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())
