# SPDX-License-Identifier: GPL-3.0-or-later
"""Strangers send anything: no fault of ours comes of it, and nothing that was not handed out is taken. Runs without Blender."""

from __future__ import annotations

import http.client
import string
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from protocols.sheepit.client import SheepItClient
from unit.farm.sheepit.fake_desk import FakeDesk, FakeStore
from unit.farm.sheepit.gateways import Gateway

from batchserver.farm.sheepit.answers import element, xml
from batchserver.farm.sheepit.arguments import Arguments
from batchserver.farm.sheepit.client_xml import LIMIT, held_archives
from batchserver.farm.sheepit.logins import platform_of
from batchserver.farm.sheepit.sessions import Sessions
from batchserver.farm.sheepit.troubles import told
from batchserver.farm.sheepit.words import ENDPOINTS

PATHS = ("config.php", *(name for _, name in ENDPOINTS))
NAMES = ("job", "frame", "token", "type", "chunk", "login", "password", "os", "version", "rendertime", "remainingtime", "ram_max", "extras", "wait", "session")
MD5 = "a" * 32
WORDS = st.text(st.characters(codec="utf-8"), max_size=20)
STRANGE_NAMES = st.sampled_from(("../../x.png", "/etc/passwd", "C:\\\\x.exe", "a" * 900))

BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><cache><file md5="&b;"/></cache>'
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><cache><file md5="&a;"/></cache>'


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, FakeDesk, SheepItClient]]:
    """One gateway for all of it, with a client that has a frame."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "server").mkdir()
    desk = FakeDesk(folder / "server", frames=[1])
    with Gateway(desk) as gateway:
        client = gateway.client(folder / "client")
        client.log_in()
        client.request_job()
        yield gateway, desk, client


def send(gateway: Gateway, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type", ""), answer.read()
    finally:
        connection.close()


@settings(max_examples=60)
@given(
    method=st.sampled_from(("GET", "POST")), name=st.sampled_from(PATHS), slashes=st.sampled_from(("/", "//", "///")),
    query=st.dictionaries(st.sampled_from(NAMES), WORDS | st.sampled_from(("1001", "0001", "-1", "1e9", "9" * 30)), max_size=5),
    body=st.binary(max_size=200) | st.sampled_from((b"", BOMB, b"<cache>", b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n')),
    kind=st.sampled_from(("", "application/xml", "multipart/form-data", "multipart/form-data; boundary=b", "multipart/form-data; boundary=", "x" * 300)),
    cookie=st.sampled_from(("", "PHPSESSID=", "PHPSESSID=" + "a" * 43, ";;;=,", "x" * 5000)),
)  # fmt: skip
def test_anything_that_a_stranger_sends_is_answered_and_changes_nothing(
    house: tuple[Gateway, FakeDesk, SheepItClient], method: str, name: str, slashes: str, query: dict[str, str], body: bytes, kind: str, cookie: str
) -> None:
    gateway, desk, _ = house
    status, content_type, _ = send(gateway, method, f"{slashes}server/{name}?{urlencode(query)}", body, {"Content-Type": kind, "Cookie": cookie})
    assert status in (200, 404)
    assert content_type.startswith(("text/xml", "text/plain"))
    assert (desk.delivered, desk.back, desk.progressed, desk.frames, len(desk.workers)) == ([], [], [], [], 1)
    assert not desk.tasks[1].over


@settings(max_examples=40)
@given(
    name=st.sampled_from(("send_frame.php", "error.php")), frame=st.sampled_from(("0001", "1", "2", "", "\u0661", "0001x")),
    file=st.text(st.characters(codec="utf-8", exclude_characters='"\r\n'), max_size=30) | STRANGE_NAMES,
    part=st.sampled_from(("files", "upload", "")), data=st.binary(max_size=100),
)  # fmt: skip
def test_names_of_files_reach_no_place_but_the_tasks_own(
    house: tuple[Gateway, FakeDesk, SheepItClient], name: str, frame: str, file: str, part: str, data: bytes
) -> None:
    """The parts are not called `file`, so a picture of the right frame that ends well is the only thing that could be taken."""
    gateway, desk, client = house
    before = sorted(path for path in desk.folder.rglob("*") if "incoming" not in str(path))
    body = f'--b\r\nContent-Disposition: form-data; name="{part}"; filename="{file}"\r\n\r\n'.encode() + data + b"\r\n--b--\r\n"
    query = urlencode({"job": "1002", "frame": frame, "token": "token-1"})
    status, _, _ = send(gateway, "POST", f"/server/{name}?{query}", body, {"Content-Type": "multipart/form-data; boundary=b", "Cookie": client.wire.cookie})
    assert status == 200
    assert desk.delivered == []
    assert sorted(path for path in desk.folder.rglob("*") if "incoming" not in str(path)) == before


@pytest.mark.parametrize("name", ["../x.png", "/etc/x", "C:\\x", "", "a" * 900], ids=["above", "root", "drive", "none", "long"])
def test_a_picture_is_called_as_we_call_it(name: str, client: SheepItClient, desk: FakeDesk) -> None:
    assert client.send(client.request_job(), name, b"no picture").root("jobvalidate").get("status") == "302"
    assert {path.name for path in desk.folder.iterdir()} == {"scene.zip", "renderer.zip", "incoming-1"}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_other_methods_are_refused(method: str, house: tuple[Gateway, FakeDesk, SheepItClient]) -> None:
    gateway, desk, client = house
    for name in ("request_job.php", "logout.php", "send_frame.php"):
        assert send(gateway, method, f"/server/{name}", headers={"Cookie": client.wire.cookie})[0] == 405
    assert desk.left == []


@pytest.mark.parametrize("path", ["/server", "/server/", "/server/x.php", "/server/config.php/x", "/server/../tasks", "/server/%00", "/server/config.php%0a"])
def test_there_is_nothing_else_below(path: str, house: tuple[Gateway, FakeDesk, SheepItClient]) -> None:
    assert send(house[0], "GET", path)[0] == 404


@pytest.mark.parametrize("host", ['evil"><x>', "a b", "", "x" * 400], ids=["markup", "space", "none", "long"])
def test_a_strange_host_is_not_repeated(host: str, client: SheepItClient, gateway: Gateway) -> None:
    headers = {"Cookie": client.wire.cookie, "User-Agent": "Java/17", "Host": host}
    status, _, body = send(gateway, "POST", "/server/request_job.php", b"<cache/>", headers)
    assert status in (200, 400)  # h11 itself refuses some
    if status == 200:
        assert f"127.0.0.1%3A{gateway.port}".encode() in body


def test_a_body_that_is_too_long_is_refused(client: SheepItClient, gateway: Gateway, desk: FakeDesk) -> None:
    headers = {"Cookie": client.wire.cookie}
    assert b'status="204"' in send(gateway, "POST", "/server/request_job.php", b"<cache>" + b" " * LIMIT, headers)[2]
    assert b'status="104"' in send(gateway, "POST", "/server/config.php", b"x" * 70_000, headers)[2]
    assert desk.tasks == {}


@pytest.mark.parametrize(
    "body", [BOMB, OUTSIDE, b"<cache>" * 5000, b"\xff\xfe", b'<?xml version="1.0" encoding="nonsense"?><cache/>', b"<cache", b"x" * (LIMIT + 1)]
)
def test_xml_of_strangers_means_nothing(body: bytes) -> None:
    assert held_archives(body) == frozenset()


def test_what_a_client_holds_is_read_from_both_forms() -> None:
    assert held_archives(b'<?xml version="1.0" encoding="UTF-8" standalone="no"?><cache><file md5="' + MD5.upper().encode() + b'"/></cache>') == {MD5}
    assert held_archives(b'<cache>\n   <file md5="%b"/><file md5="../x"/><file/></cache>' % MD5.encode()) == {MD5}
    assert held_archives(b"<cache/>") == held_archives(b"") == frozenset()


@given(st.binary(max_size=300))
def test_any_bytes_are_read_as_xml_or_not(body: bytes) -> None:
    assert isinstance(held_archives(body), frozenset)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_becomes_xml_that_is_read_again(text: str, attribute: str) -> None:
    root = fromstring(bytes(xml(element("x", text, name=attribute)).body))
    kept = "".join(letter for letter in attribute if letter in string.ascii_letters)
    assert kept == "".join(letter for letter in root.attrib["name"] if letter in string.ascii_letters)


@given(st.text(max_size=60))
def test_any_text_is_a_number_or_none(text: str) -> None:
    said = Arguments({"x": text, "os": text, "bits": text})
    assert said.whole("x") is None or text.strip().lstrip("-").isdecimal()
    assert said.amount("x") >= 0
    assert said.seconds("x") is None or said.seconds("x") >= 0  # type: ignore[operator]
    assert platform_of(said) is None or text.strip().lower() in ("linux", "windows", "mac")


@given(st.lists(st.text(max_size=100), max_size=4))
def test_any_cookie_is_no_session(cookies: list[str]) -> None:
    assert Sessions(FakeStore(), lambda: 0.0).find(cookies) is None


@given(st.one_of(st.none(), st.integers()), st.binary(max_size=200))
def test_any_error_is_told(kind: int | None, log: bytes) -> None:
    found = told(kind, "alice/pc", 1, log)
    assert found.why is None or found.why.sentence


def test_memory_of_another_release_is_left_alone(tmp_path: Path) -> None:
    store = FakeStore()
    store.put("session:old", {"worker": 1})
    store.put("session:odd", [1, 2])
    assert Sessions(store, lambda: 0.0).of_worker(1) == []
