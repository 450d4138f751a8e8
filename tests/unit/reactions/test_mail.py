# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail, sent to real servers on loopback that are well, refuse, drop, dawdle or offer no encryption. Runs without Blender."""

from __future__ import annotations

import email
import email.policy
import struct
import zlib
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from unit.reactions.batch_facts import FAILED, FINISHED, FRAME_FAILED, batch_facts, failed_job, job_facts
from unit.reactions.mail_servers import PASSWORD, USER, Box, Certificates, mail_server, silent_server

from batchserver.model.records import Times
from batchserver.reactions.accounts import Passwords
from batchserver.reactions.facts import BatchFacts, ReactionProblem
from batchserver.reactions.mail import MailReaction, make_mail_reaction
from batchserver.reactions.mail_message import compose
from batchserver.reactions.mail_providers import PROVIDERS, Route, Security, route
from batchserver.reactions.mail_sending import Sender
from batchserver.reactions.report import report
from batchserver.reactions.room import Room
from batchserver.reactions.secret_keeper import SecretKeeper
from batchserver.reactions.small_pictures import SMALL, small_pictures


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    return Certificates()


def png(path: Path, extra: int = 0) -> Path:
    """Write a small PNG, padded by an unknown chunk."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"paDd", b"x" * extra) + chunk(b"IEND", b""))
    return path


def mail_wish(way: Route | None = None, **changes: Any) -> dict[str, Any]:
    wish = {"enabled": True, "user": USER, "ssl": True, "to": "Zoë Ünal <zoe@example.org>, b@example.org", "server": "", "port": 0, "security": "", "from": ""}
    return wish | ({"server": way.host, "port": way.port, "security": way.security.value} if way else {}) | changes


def batch_with(wish: dict[str, Any], *jobs: Any, left: tuple[str, ...] = ()) -> BatchFacts:
    return batch_facts(*jobs, reactions={"notifications": {"mail": wish, "_left_out": list(left)}})


def reaction(certificates: Certificates, password: str = PASSWORD, timeout: float = 5.0, pauses: tuple[float, ...] = (0.0, 0.0)) -> MailReaction:
    keeper = SecretKeeper()
    keeper.keep(7, {"mail.pass": password} if password else {})
    sender = Sender(timeout=timeout, pauses=pauses, wait=lambda _: None, context=certificates.of_client)
    return make_mail_reaction(keeper, {}, ring=lambda _service, _user: None, sender=sender)


def read(box: Box) -> EmailMessage:
    content = box.mails[0].content
    assert isinstance(content, bytes)
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.SSL, Security.PLAIN])
def test_a_mail_with_figures_failures_and_pictures_arrives(certificates: Certificates, tmp_path: Path, security: Security) -> None:
    box = Box()
    small, large = png(tmp_path / "Größe 1.png"), png(tmp_path / "large.png", SMALL)
    jobs = (job_facts(0, "Gold", pictures=(small,)), job_facts(1, "Öl", times=Times(1000.0, 1020.0)), failed_job(2, pictures=(large,)))
    with mail_server(box, security, certificates) as way:
        batch = batch_with(mail_wish(way), *jobs)
        mail = reaction(certificates)
        assert mail.wants(FINISHED, batch)
        mail.react(FINISHED, batch)
        mail.react(FINISHED, batch)
    assert len(box.mails) == 1
    assert box.mails[0].rcpt_tos == ["zoe@example.org", "b@example.org"]
    message = read(box)
    assert message["To"].addresses[0].display_name == "Zoë Ünal"
    assert message["From"] == "Render+ <me@example.org>"
    assert message["Subject"] == "Render+: shot.blend: 1 of 3 jobs failed"
    assert message["Date"].datetime
    assert message["Message-ID"].endswith("@example.org>")
    text, page = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert page is not None
    for part in (text.get_content(), page.get_content()):
        for words in ("1 h 02 min", "24 of 30", "Average for each frame", "2 min 35 s", "Average for each job", "1 min 00 s", "Öl, 20 s", "Gold, 1 min 40 s",
                      "Blender ran out of memory.", "Use smaller textures.", str(large)):  # fmt: skip
            assert words in part, words
    assert "Glass &amp; &lt;Water&gt;" in page.get_content()
    sent = [part for part in message.walk() if part.get_content_maintype() == "image"]
    assert sent[0].get_content_type() == "image/png"
    assert sent[0].get_content() == small.read_bytes()
    assert f"cid:{sent[0]['Content-ID'][1:-1]}" in page.get_content()
    assert PASSWORD not in message.as_string()


def test_a_refused_login_is_said_without_the_password_and_not_tried_again(certificates: Certificates) -> None:
    box = Box()
    with mail_server(box, Security.STARTTLS, certificates) as way, pytest.raises(ReactionProblem, match=r"refused the login \(535\)") as problem:
        reaction(certificates, "wrong-hunter2").react(FINISHED, batch_with(mail_wish(way)))
    assert "hunter2" not in str(problem.value)
    assert box.mails == []


def test_nothing_is_sent_in_the_clear_when_starttls_is_missing(certificates: Certificates) -> None:
    box = Box()
    with mail_server(box, Security.PLAIN, certificates, offers_tls=False) as way, pytest.raises(ReactionProblem, match="does not offer STARTTLS"):
        reaction(certificates).react(FINISHED, batch_with(mail_wish(replace(way, security=Security.STARTTLS))))
    assert box.mails == []


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.SSL])
def test_a_certificate_of_nobody_knows_whom_is_refused(certificates: Certificates, security: Security) -> None:
    box = Box()
    with mail_server(box, security, certificates) as way, pytest.raises(ReactionProblem, match=r"certificate of .* is not right"):
        reaction(Certificates()).react(FINISHED, batch_with(mail_wish(way)))
    assert box.mails == []


def test_a_connection_dropped_while_the_mail_is_taken_is_not_tried_again(certificates: Certificates) -> None:
    box = Box("drop")
    with mail_server(box, Security.STARTTLS, certificates) as way, pytest.raises(ReactionProblem, match=r"dropped the connection .* may have been sent"):
        reaction(certificates).react(FINISHED, batch_with(mail_wish(way)))
    assert box.tries == 1


def test_a_server_that_is_busy_is_asked_again(certificates: Certificates) -> None:
    box = Box("451 later")
    with mail_server(box, Security.SSL, certificates) as way:
        reaction(certificates).react(FINISHED, batch_with(mail_wish(way)))
    assert (box.tries, len(box.mails)) == (2, 1)


@pytest.mark.parametrize("security", list(Security))
def test_a_server_that_says_nothing_costs_the_time_limit(certificates: Certificates, security: Security) -> None:
    with silent_server() as port, pytest.raises(ReactionProblem, match=r"did not answer within 0.2 s|dropped"):
        reaction(certificates, timeout=0.2, pauses=()).react(FINISHED, batch_with(mail_wish(Route("127.0.0.1", port, security))))


def test_one_mail_for_the_first_failure_and_one_for_the_end(certificates: Certificates) -> None:
    box, said = Box(), list[str]()
    with mail_server(box, Security.SSL, certificates) as way:
        batch = batch_with(mail_wish(way), job_facts(0), failed_job())
        room = Room([reaction(certificates)], gather=lambda _: batch, say=lambda _, sentence: said.append(sentence))
        room.start()
        for event in (FRAME_FAILED, FAILED, FRAME_FAILED, FINISHED):
            room(event)
        assert room.settle(20)
        room.close(5)
    assert said == []
    subjects = [email.message_from_bytes(mail.content, policy=email.policy.default)["Subject"] for mail in box.mails if isinstance(mail.content, bytes)]
    assert subjects == ["Render+: shot.blend: Glass & <Water>, frame 12 failed", "Render+: shot.blend: 1 of 2 jobs failed"]


@pytest.mark.parametrize("name", ["x\r\nBcc: evil@example.org", "x\nSubject: y", "x\u2028y", "x\x00y", "\udc80"])
def test_no_name_makes_a_header(name: str) -> None:
    batch = batch_with(mail_wish(), job_facts(0, name))
    message = compose(report(FINISHED, replace(batch, name=name)), mail_wish(), (), 0.0)
    again = email.message_from_bytes(message.as_bytes(), policy=email.policy.default)
    assert again["Bcc"] is None
    assert len(again.get_all("Subject") or []) == 1


@pytest.mark.parametrize("to", ["", "nobody", "a@b\r\nBcc: c@d", "a b@c", "@x", "a@"])
def test_an_address_that_is_none_is_refused(to: str) -> None:
    with pytest.raises(ReactionProblem, match=r"notifications\.mail\.to"):
        compose(report(FINISHED, batch_facts()), mail_wish(to=to), (), 0.0)


def test_a_strangers_batch_sends_nothing(certificates: Certificates) -> None:
    batch = batch_with(mail_wish())
    assert reaction(certificates).wants(FINISHED, batch)
    assert not reaction(certificates).wants(FINISHED, replace(batch, trusted=False))
    assert not reaction(certificates).wants(FINISHED, batch_with(mail_wish(enabled=False)))


def test_a_batch_whose_password_went_with_its_server_says_that_mail_is_off(certificates: Certificates) -> None:
    batch = batch_with(mail_wish(Route("localhost", 1, Security.SSL)), left=("mail.pass",))
    assert "only in the recipe" in reaction(certificates, "").off(batch)
    assert reaction(certificates).off(batch) == ""
    with pytest.raises(ReactionProblem, match=r"no password for me@example\.org is known"):
        reaction(certificates, "").react(FINISHED, batch)


def test_the_password_comes_from_recipe_environment_file_or_keyring(tmp_path: Path) -> None:
    keeper, file = SecretKeeper(), tmp_path / "password"
    file.write_text("of the file\n")
    file.chmod(0o600)
    ring = {("Render+ mail", USER): "of the ring", ("Render+ mail mail.example.org", USER): "of the host"}
    find = lambda environ, path=None: Passwords(keeper, environ, path, lambda *asked: ring.get(asked)).find(7, USER, "mail.example.org")  # noqa: E731
    assert find({}) == "of the host"
    assert find({}, file) == find({"RENDERPLUS_MAIL_PASSWORD_FILE": str(file)}) == "of the file"
    assert find({"RENDERPLUS_MAIL_PASSWORD": "of the environment"}, file) == "of the environment"
    keeper.keep(7, {"mail.pass": "of the recipe"})
    assert find({"RENDERPLUS_MAIL_PASSWORD": "x"}) == "of the recipe"
    assert "of the recipe" not in repr(keeper)
    keeper.keep(7, {})
    file.chmod(0o644)
    with pytest.raises(ReactionProblem, match="can be read by others"):
        find({}, file)


@pytest.mark.parametrize(
    ("wish", "way"),
    [
        ({"user": "a@gmail.com"}, Route("smtp.gmail.com", 465, Security.SSL)),
        ({"user": "a@icloud.com"}, Route("smtp.mail.me.com", 587, Security.STARTTLS)),
        ({"user": "x", "server": "smtp.office365.com"}, Route("smtp.office365.com", 587, Security.STARTTLS)),
        ({"server": "mail.studio.org"}, Route("mail.studio.org", 465, Security.SSL)),
        ({"server": "mail.studio.org", "ssl": False}, Route("mail.studio.org", 587, Security.STARTTLS)),
        ({"server": "mail.studio.org:587"}, Route("mail.studio.org", 587, Security.STARTTLS)),
        ({"server": "mail.studio.org", "ssl": False, "port": 25}, Route("mail.studio.org", 25, Security.STARTTLS)),
        ({"server": "[::1]:2525", "security": "plain"}, Route("::1", 2525, Security.PLAIN)),
    ],
)
def test_the_way_is_settled_by_provider_port_and_words(wish: dict[str, Any], way: Route) -> None:
    assert route(wish) == way


def test_an_unknown_provider_asks_for_the_server() -> None:
    with pytest.raises(ReactionProblem, match=r"name it in notifications\.mail\.server"):
        route({"user": "a@studio.org"})
    assert all(way.security is not Security.PLAIN for way, _ in PROVIDERS.values())


def test_only_small_png_and_jpeg_go_as_they_are(tmp_path: Path) -> None:
    small, fake = png(tmp_path / "a.png"), tmp_path / "b.png"
    fake.write_bytes(b"v/1\x01 an EXR")
    assert [picture.path for picture in small_pictures([fake, tmp_path / "gone.png", small, small], 1)] == [small]
