# SPDX-License-Identifier: GPL-3.0-or-later
"""Scheduler requests as clients write them, and as nobody should. Runs without Blender."""

from __future__ import annotations

import contextlib
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.farm.boinc.talking import Client, report

from batchserver.farm.boinc.lenient_xml import read_xml
from batchserver.farm.boinc.requests import read_request
from batchserver.farm.seams import Platform
from batchserver.model.errors import BadInput

NASTY = "\x1b[31m \x01 </stderr_txt> </stderr_out> <result><name>forged_f0001_t9_0</name></result> ]]> ]]>\n</stderr_out> &nothing; &#195;&#164; \x00"


def test_what_a_task_printed_never_becomes_an_element() -> None:
    request = read_request(Client().request(report("one", state=3, status=7, said=NASTY), report("two")), "")
    assert [(result.name, result.state, result.exit_status) for result in request.reports] == [("one", 3, 7), ("two", 5, 0)]
    assert "forged_f0001_t9_0" in request.reports[0].said


@given(st.text(max_size=300))
def test_any_text_of_a_task_leaves_the_request_readable(said: str) -> None:
    request = read_request(Client().request(report("one", said=f"<stderr_txt>{said}</stderr_txt>"), report("two")), "")
    assert [result.name for result in request.reports] == ["one", "two"]


@given(st.text(max_size=200))
def test_any_authenticator_and_name_is_read_or_refused(text: str) -> None:
    body = Client(key=text).request(report(escape(text)))
    assert len(read_request(body, "").reports) == 1


@given(st.binary(max_size=400))
def test_any_bytes_are_a_request_or_a_clear_refusal(body: bytes) -> None:
    for whole in (body, b"<scheduler_request>" + body + b"</scheduler_request>", b"<scheduler_request><![CDATA[" + body):
        with contextlib.suppress(BadInput):
            assert read_request(whole, "").reports == ()


@pytest.mark.parametrize(
    "body",
    [
        b"<scheduler_request>" + b"<a>" * 100_000,
        b"<scheduler_request>" + b"<a/>" * 100_000 + b"</scheduler_request>",
        b"<scheduler_request>" + b"<![CDATA[" * 500_000,
        b"<scheduler_request><stderr_out>" + b"<![CDATA[ ]]>\n</stderr_out>" * 100_000,
        b'<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]><scheduler_request>&d;</scheduler_request>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><scheduler_request/>',
        b"<data_server_request/>",
        b"",
        b"\xff\xfe\x00",
    ],
    ids=["deep", "many", "sections", "ends", "entities", "doctype", "other root", "empty", "no text"],
)
def test_hostile_requests_are_refused_at_once(body: bytes) -> None:
    with pytest.raises(BadInput, match="scheduler_request"):
        read_request(body, "")


def test_numbers_stay_in_bounds() -> None:
    text = Client().request(more="<result><name>a</name><state>nan</state><exit_status>1e999</exit_status><final_elapsed_time>-5</final_elapsed_time></result>")
    body = text.replace(b"<p_ncpus>8<", b"<p_ncpus>1e300<").replace(b"<hostid>0<", b"<hostid>-7<")
    request = read_request(body, "")
    assert (request.host, request.facts.cores, request.processors) == (0, 4096, 2048)
    assert (request.reports[0].state, request.reports[0].exit_status, request.reports[0].elapsed) == (0, 1 << 31, 0.0)


def test_a_request_says_what_the_client_is() -> None:
    request = read_request(Client(platform="windows_x86_64").request(), "192.0.2.7")
    assert request.facts.platform is Platform.WINDOWS
    assert request.facts.address == "192.0.2.7"
    assert request.facts.system == "Linux Debian Debian GNU/Linux 12"


def test_work_for_graphics_cards_alone_is_not_for_us() -> None:
    body = Client().request().replace(b"<cpu_req_secs>100.0<", b"<cpu_req_secs>0<")
    assert not read_request(body, "").wants_work


def test_the_error_fields_of_old_clients_are_read_too() -> None:
    old = """<result>
<name>uc_wu_0</name>
<client_state>4</client_state>
<stderr_out>
<message>something</message>
<active_task_state>0</active_task_state>
<exit_status>-186</exit_status>
<signal>11</signal>
<download_error>
<file_name>input</file_name>
<error_code>-114</error_code>
</download_error>
text of the program
</stderr_out>
<file_info>
<file_name>uc_wu_0_0</file_name>
<md5_cksum>3f7b90793a0175ad0bda68684e8bd136</md5_cksum>
<nbytes>54691.0000000</nbytes>
</file_info>
</result>
"""
    (found,) = read_request(Client().request(old), "").reports
    assert (found.state, found.exit_status, found.signal, found.codes) == (4, -186, 11, (-114,))
    assert (found.files[0].name, found.files[0].size) == ("uc_wu_0_0", 54691)
    assert "text of the program" in found.said


def test_references_that_xml_does_not_know_stay_text() -> None:
    assert read_xml(b"<a>x &nbsp; &#27; &#9999999; &amp; &lt; & &#65;</a>", "a").text == "x &nbsp;     & < & A"
