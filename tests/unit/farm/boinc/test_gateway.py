# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes over real HTTP: pages, downloads with ranges, uploads in pieces. Runs without Blender."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.farm.boinc.fake_desk import TOKEN
from unit.farm.boinc.live import Live, live_gateway
from unit.farm.boinc.talking import Client, names, output_of, token_of

from batchserver.farm.boinc.uploads import read_header
from batchserver.farm.seams import PICTURE_LIMIT, Delivered, Platform, Verdict

PICTURE = b"\x89PNG" + bytes(range(256)) * 100
PARTS = ["<name>", "</name>", "<nbytes>", "</nbytes>", "<offset>", "</offset>", "1e99", "-1", "nan", "a_f0001_t1_0", "\x00", "\n", "0" * 40]
MD5 = hashlib.md5(PICTURE).hexdigest()


@pytest.fixture(scope="module")
def one_live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live_gateway(tmp_path_factory.mktemp("gateway")) as live:
        yield live


@pytest.fixture
def live(one_live: Live) -> Live:
    desk = one_live.desk
    desk.queue, desk.slowed, desk.next_verdict = [], False, Delivered(Verdict.ACCEPTED)
    for found in (desk.delivered, desk.given_back, desk.seconds):
        found.clear()
    return one_live


def leased(live: Live) -> Element:
    """Let a client of its own lease a frame."""
    live.desk.queue = [4]
    answer = live.ask("POST", "/boinc/cgi/scheduler", Client(several=True).request())
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, "text/xml")
    return fromstring(answer.body)


def header(reply: Element, offset: int = 0, size: int = len(PICTURE), md5: str = MD5, token: str | None = None) -> str:
    """Write an upload's header as the client does."""
    output = output_of(reply)
    return f"""<data_server_request>
    <core_client_major_version>7</core_client_major_version>
<file_upload>
<file_info>
<name>{output}</name>
<xml_signature>
{token_of(reply, output) if token is None else token}</xml_signature>
<max_nbytes>{PICTURE_LIMIT}</max_nbytes>
</file_info>
<nbytes>{size}</nbytes>
<md5_cksum>{md5}</md5_cksum>
<offset>{offset}</offset>
<data>
"""


# --- pages ----------------------------------------------------------------------------------------------


def test_the_master_page_has_both_marks_at_the_beginning_of_a_line(live: Live) -> None:
    lines = live.ask("GET", "/boinc/", Host="farm.example:7778").text.splitlines()
    url = "http://farm.example:7778/boinc/cgi/scheduler"
    assert f'<link rel="boinc_scheduler" href="{url}">' in lines
    assert f"<scheduler>{url}</scheduler>" in lines
    assert live.ask("GET", "/boinc/", Host='a"><scheduler>x').text.count("<scheduler>") == 1


def test_behind_something_that_does_tls_the_urls_are_https(live: Live) -> None:
    page = live.ask("GET", "/boinc/", Host="farm.example", X_Forwarded_Proto="https").text
    assert "<scheduler>https://farm.example/boinc/cgi/scheduler</scheduler>" in page
    assert "javascript" not in live.ask("GET", "/boinc/", X_Forwarded_Proto="javascript").text


def test_the_configuration_says_that_accounts_are_the_owners(live: Live) -> None:
    config = fromstring(live.ask("GET", "/boinc/get_project_config.php").body)
    assert config.find("account_creation_disabled") is not None
    assert "x86_64-pc-linux-gnu" in [each.text for each in config.iter("platform_name")]
    refused = fromstring(live.ask("GET", "/boinc/create_account.php?email_addr=a&passwd_hash=b&user_name=c").body)
    assert (refused.tag, refused.findtext("error_num")) == ("error", "-208")


def test_name_and_token_give_a_key_that_works(live: Live) -> None:
    digest = hashlib.md5(f"{TOKEN}alice".encode()).hexdigest()
    found = fromstring(live.ask("GET", f"/boinc/lookup_account.php?email_addr=Alice&passwd_hash={digest}").body)
    key = found.findtext("authenticator") or ""
    assert TOKEN not in key
    assert len(key) < 256
    reply = fromstring(live.ask("POST", "/boinc/cgi/scheduler", Client(key=key, several=True).request()).body)
    assert reply.findtext("user_name") == "Alice"


@pytest.mark.parametrize(
    "query", ["", "email_addr=alice", f"email_addr=alice&passwd_hash={'0' * 32}", "email_addr=%00&passwd_hash=%ff", f"email_addr=nobody&passwd_hash={'0' * 32}"]
)
def test_any_other_name_or_digest_gives_none_and_does_not_say_which_was_wrong(live: Live, query: str) -> None:
    refused = fromstring(live.ask("GET", f"/boinc/lookup_account.php?{query}").body)
    assert (refused.findtext("error_num"), refused.findtext("error_msg")) == ("-206", "There is no such account, or this is not its token")
    live.desk.slowed = True
    assert fromstring(live.ask("GET", f"/boinc/lookup_account.php?email_addr=a&passwd_hash={'0' * 32}").body).findtext("error_num") == "-183"


# --- the scheduler --------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"nonsense", b"<scheduler_request>\x00\xff", b"<a>" * 50_000], ids=["empty", "nonsense", "cut off", "deep"])
def test_any_request_is_answered_with_200(live: Live, body: bytes) -> None:
    got = live.ask("POST", "/boinc/cgi/scheduler", body)
    assert got.status == 200
    assert "is no scheduler_request" in (fromstring(got.body).findtext("message") or "")


def test_a_request_of_many_megabytes_is_refused(live: Live) -> None:
    assert live.ask("POST", "/boinc/cgi/scheduler", b" " * (9 << 20)).status == 413


# --- downloads ------------------------------------------------------------------------------------------


def test_inputs_are_sent_whole_and_from_where_a_client_was_cut_off(live: Live) -> None:
    reply = leased(live)
    files = {file.findtext("name"): file for file in reply.findall("file_info")}
    paths = {ref.findtext("open_name"): files[ref.findtext("file_name")] for ref in reply.findall("workunit/file_ref")}
    for opened, file in paths.items():
        path = "/" + (file.findtext("url") or "").split("/", 3)[3]
        got = live.ask("GET", path)
        assert (got.status, hashlib.md5(got.body).hexdigest(), opened) == (200, file.findtext("md5_cksum"), opened)
    scene = "/" + (paths["scene.zip"].findtext("url") or "").split("/", 3)[3]
    rest = live.ask("GET", scene, Range="bytes=9000-")
    assert (rest.status, len(rest.body), rest.headers["content-range"]) == (206, 1000, "bytes 9000-9999/10000")


def test_the_program_and_the_renderer_are_sent(live: Live) -> None:
    reply = leased(live)
    assert live.desk.renderers.archives.get(Platform.LINUX) is None
    (file,) = [file for file in reply.findall("file_info") if file.find("file_signature") is not None]
    got = live.ask("GET", "/" + (file.findtext("url") or "").split("/", 3)[3])
    assert got.body.startswith(b"#!/bin/sh\n")
    assert hashlib.md5(got.body).hexdigest() == file.findtext("md5_cksum")


@pytest.mark.parametrize(
    "path",
    ["task/{id}/wrong/scene.zip", "task/999/{token}/scene.zip", "task/{big}/{token}/scene.zip", "task/x/{token}/scene.zip",
     "task/{id}/{token}/../../etc/passwd", "task/{id}/{token}/other", "app/renderplus.sh", "app/..%2Fgateway.py", "app/renderer_0000000000000000.zip"],
    ids=["token", "task", "big", "word", "path", "name", "plain", "dots", "no renderer"],
)  # fmt: skip
def test_nothing_else_is_sent(live: Live, path: str) -> None:
    reply = leased(live)
    number = max(live.desk.tasks)
    assert names(reply)
    filled = path.format(id=number, token=live.desk.tasks[number].token, big=10**30)
    assert live.ask("GET", f"/boinc/download/{filled}").status == 404


def test_a_scene_that_is_gone_is_404_and_no_fault_of_ours(live: Live, tmp_path: Path) -> None:
    reply = leased(live)
    (url,) = [file.findtext("url") or "" for file in reply.findall("file_info") if (file.findtext("name") or "").startswith("scene_")]
    scene = live.desk.package.scene.path
    scene.rename(tmp_path / "moved")
    try:
        assert live.ask("GET", "/" + url.split("/", 3)[3]).status == 404
    finally:
        (tmp_path / "moved").rename(scene)


# --- uploads --------------------------------------------------------------------------------------------


def test_a_whole_upload_is_delivered_once(live: Live) -> None:
    reply = leased(live)
    assert live.size(output_of(reply)) == 0
    assert live.upload(header(reply), PICTURE) == 0
    number = max(live.desk.tasks)
    assert live.desk.delivered == [(number, 4, PICTURE)]
    assert live.size(output_of(reply)) >= len(PICTURE), "a client whose answer was lost must not send it again"
    assert live.upload(header(reply), PICTURE) == 0
    assert len(live.desk.delivered) == 1


def test_an_upload_that_was_cut_off_goes_on_where_it_stopped(live: Live) -> None:
    reply = leased(live)
    head = header(reply)
    live.cut_off(head, PICTURE[:10_000], len(head) + len(PICTURE))
    have = live.size(output_of(reply))
    assert 0 < have <= 10_000
    assert live.upload(header(reply, offset=have), PICTURE[have:]) == 0
    assert [picture for _, _, picture in live.desk.delivered] == [PICTURE]


def test_an_upload_beyond_what_is_here_is_tried_again(live: Live) -> None:
    reply = leased(live)
    assert live.upload(header(reply, offset=500), PICTURE[500:]) == 1
    assert live.desk.delivered == []


def test_a_damaged_upload_is_thrown_away_and_tried_again(live: Live) -> None:
    reply = leased(live)
    assert live.upload(header(reply), PICTURE[:-1] + b"x") == 1
    assert live.upload(header(reply), PICTURE[:-1]) == 1
    assert live.size(output_of(reply)) == 0
    assert live.desk.delivered == []
    assert live.upload(header(reply), PICTURE) == 0


def test_a_picture_that_the_desk_does_not_believe_is_refused_for_good(live: Live) -> None:
    reply = leased(live)
    live.desk.next_verdict = Delivered(Verdict.REJECTED, "it has other pixels", "wrong_size")
    got = live.ask("POST", "/boinc/cgi/file_upload_handler", header(reply).encode() + PICTURE)
    assert "<status>-1</status>" in got.text
    assert "it has other pixels" in got.text


def test_a_late_picture_is_acknowledged_and_not_even_wanted(live: Live) -> None:
    reply = leased(live)
    live.desk.end(max(live.desk.tasks))
    assert live.size(output_of(reply)) == PICTURE_LIMIT
    assert live.upload(header(reply), PICTURE) == 0
    assert live.desk.delivered == []


def test_the_time_of_a_frame_counts_from_the_machines_last_one(live: Live) -> None:
    live.desk.queue = [1, 2]
    client = Client(several=True)
    reply = fromstring(live.ask("POST", "/boinc/cgi/scheduler", client.request()).body)
    second = Element("scheduler_reply")
    second.extend([each for each in reply if each is not reply.findall("result")[0]])
    live.desk.now += 30
    assert live.upload(header(reply), PICTURE) == 0
    live.desk.now += 12
    assert live.upload(header(second), PICTURE) == 0
    assert live.desk.seconds == [30.0, 12.0]


@pytest.mark.parametrize(
    ("change", "by"),
    [(r"<xml_signature>[^<]*", "<xml_signature>0000"), (r"<max_nbytes>\d+", "<max_nbytes>999999999999"), (r"_t(\d+)_0", "_t999_0"),
     (r"<nbytes>\d+", "<nbytes>99999999999"), (r"<nbytes>\d+", "<nbytes>0"), (r"<md5_cksum>\w+", "<md5_cksum>zz"), (r"<offset>\d+", "<offset>-5"),
     (r"<offset>\d+", "<offset>1e999"), (r"<name>[^<]*</name>", "")],
    ids=["signature", "limit", "task", "too large", "nothing", "md5", "offset", "endless", "no name"],
)  # fmt: skip
def test_an_upload_that_was_not_agreed_on_is_refused(live: Live, change: str, by: str) -> None:
    reply = leased(live)
    assert live.upload(re.sub(change, by, header(reply), count=1), PICTURE) == -1
    assert live.desk.delivered == []


@pytest.mark.parametrize(
    "body",
    ["", "<get_file_size></get_file_size>", "<get_file_size>../../etc/passwd</get_file_size>", "x" * 20_000, "\x00<data>\n"],
    ids=["empty", "no name", "a path", "long", "no header"],
)
def test_any_other_body_is_refused_in_the_clients_words(live: Live, body: str) -> None:
    assert live.upload(body) == -1


def test_more_bytes_than_announced_are_refused(live: Live) -> None:
    reply = leased(live)
    assert live.upload(header(reply), PICTURE + b"more") == -1
    assert live.desk.delivered == []


@settings(max_examples=60)
@given(st.lists(st.sampled_from(PARTS), max_size=30))
def test_any_header_is_read_or_none(parts: list[str]) -> None:
    found = read_header("".join(parts) + "<max_nbytes>5</max_nbytes><md5_cksum>" + "0" * 32 + "</md5_cksum>")
    assert found is None or (0 <= found.offset <= found.size and found.name.isascii())
