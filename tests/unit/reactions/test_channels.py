# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels, sent to a real HTTP receiver on loopback that is well, refuses, dawdles or points elsewhere. Runs without Blender."""

from __future__ import annotations

import json
import threading
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.header import decode_header, make_header
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from unit.reactions.batch_facts import FAILED, FINISHED, batch_facts, failed_job, job_facts
from unit.reactions.test_mail import png

from batchserver.reactions.channels.reaction import ChannelReaction, Post, make_channel_reaction
from batchserver.reactions.channels.transport import Transport
from batchserver.reactions.facts import BatchFacts, ReactionProblem
from batchserver.reactions.secret_keeper import SecretKeeper

TOKEN = "t0ken-swordfish"


@dataclass
class Receiver:
    """What came in, and what is answered in turn (200 afterwards)."""

    port: int = 0
    answers: list[int] = field(default_factory=list)
    came: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.came.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            answer = receiver.answers.pop(0) if receiver.answers else 200
            if answer == 0:
                receiver.hold.wait(10)
                return
            self.send_response(answer)
            if 300 <= answer < 400:
                self.send_header("Location", "file:///etc/passwd")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield receiver
    receiver.hold.set()
    server.shutdown()
    thread.join()
    server.server_close()


def sent(channels: list[dict[str, Any]], *jobs: Any, event: Any = FINISHED, timeout: float = 5.0) -> ChannelReaction:
    """Send to the channels as a server does that took their recipe."""
    reaction, batch = prepared(channels, *jobs, timeout=timeout)
    assert reaction.wants(event, batch)
    reaction.react(event, batch)
    return reaction


def prepared(channels: list[dict[str, Any]], *jobs: Any, timeout: float = 5.0) -> tuple[ChannelReaction, BatchFacts]:
    keeper = SecretKeeper()
    secrets = {f"channels[{index}].{key}": raw[key] for index, raw in enumerate(channels) for key in ("url", "token") if raw.get(key)}
    keeper.keep(7, secrets)
    kept = [{key: value for key, value in raw.items() if key not in ("url", "token")} for raw in channels]
    batch = batch_facts(*jobs, reactions={"notifications": {"channels": kept, "_left_out": sorted(secrets)}}, server="http://127.0.0.1:7777")
    return make_channel_reaction(keeper, post=Post(Transport(timeout), pauses=(0.0, 0.0), wait=lambda _: None)), batch


def test_each_service_gets_its_message_with_the_picture_where_it_takes_one(receiver: Receiver, tmp_path: Path) -> None:
    picture = png(tmp_path / "still_ä.png")
    kinds = [("webhook", "/hook"), ("ntfy", "/sub/topic"), ("gotify", ""), ("discord", "/d"), ("slack", "/s"), ("telegram", "")]
    channels = [{"kind": kind, "url": receiver.url + path, "token": TOKEN, "to": "42"} for kind, path in kinds]
    sent(channels, job_facts(0, "Öl @everyone <!channel>", pictures=(picture,)), failed_job())
    came = dict(zip([kind for kind, _ in kinds], receiver.came, strict=True))
    assert [path for path, _, _ in came.values()] == ["/hook", "/sub/topic", "/message", "/d", "/s", f"/bot{TOKEN}/sendPhoto"]
    hook = json.loads(came["webhook"][2])
    assert (hook["event"], hook["title"], hook["ok"], hook["link"]) == (
        "finished", "shot.blend: 1 of 2 jobs failed", False, "http://127.0.0.1:7777/api/v1/batches/7",
    )  # fmt: skip
    assert b64decode(hook["picture"]["base64"]) == picture.read_bytes()
    assert came["webhook"][1]["authorization"] == came["ntfy"][1]["authorization"] == f"Bearer {TOKEN}"
    assert came["ntfy"][2] == picture.read_bytes()
    assert "Öl @everyone" in str(make_header(decode_header(came["ntfy"][1]["message"])))
    assert came["gotify"][1]["x-gotify-key"] == TOKEN
    assert json.loads(came["gotify"][2])["priority"] == 8
    assert picture.read_bytes() in came["discord"][2]
    assert b'"allowed_mentions": {"parse": []}' in came["discord"][2]
    assert "&lt;!channel&gt;" in json.loads(came["slack"][2])["text"]
    assert picture.read_bytes() in came["telegram"][2]
    assert "Öl".encode() in came["telegram"][2]


def test_without_a_picture_texts_go_as_json(receiver: Receiver) -> None:
    sent([{"kind": "ntfy", "url": receiver.url + "/topic"}, {"kind": "telegram", "url": receiver.url, "token": "1:a", "to": "42"}], failed_job(), event=FAILED)
    (ntfy_path, _, ntfy), (telegram_path, _, telegram) = receiver.came
    assert (ntfy_path, telegram_path) == ("/", "/bot1:a/sendMessage")
    assert json.loads(ntfy)["topic"] == "topic"
    assert "Use smaller textures." in json.loads(ntfy)["message"]
    assert json.loads(telegram)["chat_id"] == "42"


def test_a_refused_picture_costs_the_picture_and_not_the_message(receiver: Receiver, tmp_path: Path) -> None:
    receiver.answers = [413]
    sent([{"kind": "ntfy", "url": receiver.url + "/topic"}], job_facts(0, pictures=(png(tmp_path / "a.png"),)))
    assert [path for path, _, _ in receiver.came] == ["/topic", "/"]


def test_a_busy_service_is_asked_again_and_not_for_ever(receiver: Receiver) -> None:
    receiver.answers = [503, 429]
    sent([{"kind": "slack", "url": receiver.url}])
    assert len(receiver.came) == 3
    receiver.answers = [503] * 9
    with pytest.raises(ReactionProblem, match=r"Channel 0 \(slack\) got no message: 127.0.0.1 takes no message now \(503\)"):
        sent([{"kind": "slack", "url": receiver.url}])
    assert len(receiver.came) == 6


def test_a_slow_service_costs_its_time_and_is_not_sent_to_twice(receiver: Receiver) -> None:
    receiver.answers = [0]
    with pytest.raises(ReactionProblem, match=r"did not answer within 0.3 s; the message may have come through"):
        sent([{"kind": "slack", "url": receiver.url + "/slow"}, {"kind": "slack", "url": receiver.url + "/quick"}], timeout=0.3)
    assert [path for path, _, _ in receiver.came] == ["/slow", "/quick"]


@pytest.mark.parametrize(("answer", "words"), [(401, "check the channel's token"), (302, "not followed"), (307, "not followed"), (404, "the channel's url")])
def test_a_refusal_is_said_without_secrets_and_redirects_are_not_followed(receiver: Receiver, answer: int, words: str) -> None:
    receiver.answers = [answer]
    with pytest.raises(ReactionProblem, match=words) as problem:
        sent([{"kind": "telegram", "url": receiver.url, "token": TOKEN, "to": "1"}])
    assert TOKEN not in str(problem.value)
    assert len(receiver.came) == 1


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/x", "gopher://x", "http://", "", "http://a b/", "http://x\r\ny/", "data:,x", "//x"])
def test_only_http_addresses_are_taken(url: str) -> None:
    with pytest.raises(ReactionProblem, match="no http or https address"):
        sent([{"kind": "webhook", "url": url}])


def test_a_batch_gets_one_message_of_each_kind(receiver: Receiver) -> None:
    reaction, batch = prepared([{"kind": "slack", "url": receiver.url}], failed_job())
    for event in (FAILED, FAILED, FINISHED, FINISHED):
        if reaction.wants(event, batch):
            reaction.react(event, batch)
    assert len(receiver.came) == 2


def test_a_strangers_batch_reaches_nobody(receiver: Receiver) -> None:
    reaction, batch = prepared([{"kind": "slack", "url": receiver.url}])
    assert not reaction.wants(FINISHED, replace(batch, trusted=False))
    assert not reaction.wants(FINISHED, prepared([{"kind": "slack", "url": "x", "enabled": False}])[1])


def test_a_channel_whose_address_went_with_its_server_says_so() -> None:
    _, batch = prepared([{"kind": "slack", "url": "http://x"}])
    empty = make_channel_reaction(SecretKeeper())
    assert "never stored" in empty.off(batch)[0]
    with pytest.raises(ReactionProblem, match=r"Channel 0 \(slack\) got no message: .*send the recipe again"):
        empty.react(FINISHED, batch)


def test_apprise_sends_where_it_is_installed(receiver: Receiver) -> None:
    sent([{"kind": "apprise", "url": receiver.url.replace("http://", "json://") + "/a"}], failed_job())
    assert json.loads(receiver.came[0][2])["title"] == "shot.blend: 1 of 1 job failed"
    with pytest.raises(ReactionProblem, match="none that apprise understands"):
        sent([{"kind": "apprise", "url": "nonsense://" + TOKEN}])
