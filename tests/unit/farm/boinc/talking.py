# SPDX-License-Identifier: GPL-3.0-or-later
"""A BOINC client for tests that says what it is told to, and reads replies as the real one does. Runs without Blender."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring
from xml.sax.saxutils import escape

from unit.farm.boinc.fake_desk import TOKEN, FakeDesk

from batchserver.farm.boinc.application import Applications
from batchserver.farm.boinc.deliveries import Deliveries
from batchserver.farm.boinc.keys import load_keys
from batchserver.farm.boinc.replies import Project
from batchserver.farm.boinc.scheduler import Scheduler
from batchserver.farm.seams import Speech

PROJECT = Project("http://127.0.0.1:7778/boinc/")


@dataclass
class Client:
    """What a client holds between its requests."""

    key: str = TOKEN
    host: int = 0
    sequence: int = 0
    platform: str = "x86_64-pc-linux-gnu"
    version: tuple[int, int, int] = (7, 20, 5)
    cpid: str = "7b995d2f8051818d7663da2efaa87d05"
    several: bool = False
    code_sign_key: str = ""
    held: list[str] = field(default_factory=list)

    def request(self, *results: str, work: float = 100.0, more: str = "") -> bytes:
        """Write a request as 7.20.5 does, in its order."""
        major, minor, release = self.version
        own_key = f"<code_sign_key>\n{self.code_sign_key}\n</code_sign_key>\n" if self.code_sign_key else ""
        held = "".join(f"<other_result>\n <name>{name}</name>\n <app_version>0</app_version>\n</other_result>\n" for name in self.held)
        return f"""<scheduler_request>
    <authenticator>{escape(self.key)}</authenticator>
    <hostid>{self.host}</hostid>
    <rpc_seqno>{self.sequence}</rpc_seqno>
    <core_client_major_version>{major}</core_client_major_version>
    <core_client_minor_version>{minor}</core_client_minor_version>
    <core_client_release>{release}</core_client_release>
    <allow_multiple_clients>{int(self.several)}</allow_multiple_clients>
    <dont_send_work>0</dont_send_work>
    <work_req_seconds>{work}</work_req_seconds>
    <cpu_req_secs>{work}</cpu_req_secs>
    <cpu_req_instances>0.000000</cpu_req_instances>
    <platform_name>{self.platform}</platform_name>
{own_key}<working_global_preferences>
<global_preferences>
   <max_ncpus_pct>50.000000</max_ncpus_pct>
</global_preferences>
</working_global_preferences>
<host_info>
    <domain_name>attic</domain_name>
    <host_cpid>{self.cpid}</host_cpid>
    <p_ncpus>8</p_ncpus>
    <p_model>A &amp; B</p_model>
    <m_nbytes>25276063744.000000</m_nbytes>
    <os_name>Linux Debian</os_name>
    <os_version>Debian GNU/Linux 12</os_version>
</host_info>
{"".join(results)}{more}<app_versions>
</app_versions>
<other_results>
{held}</other_results>
</scheduler_request>
""".encode()


def report(
    name: str, *, state: int = 5, status: int = 0, said: str = "", elapsed: float = 2.0, file: tuple[str, int, str] | None = None, error: str = ""
) -> str:
    """Write a finished result."""
    section = f"<![CDATA[\n{said}\n]]>\n" if said else ""
    sent = f"<file_info><name>{file[0]}</name><nbytes>{file[1]}.000000</nbytes><md5_cksum>{file[2]}</md5_cksum></file_info>" if file else ""
    return f"""<result>
    <name>{name}</name>
    <final_elapsed_time>{elapsed}</final_elapsed_time>
    <exit_status>{status}</exit_status>
    <state>{state}</state>
<stderr_out>
<core_client_version>7.20.5</core_client_version>
{section}</stderr_out>
{sent}
</result>
"""


class House:
    """A scheduler over a fake desk, and what its client remembers."""

    def __init__(self, folder: Path, **options: float) -> None:
        self.desk = FakeDesk(folder)
        self.client = Client()
        self.options = options
        self.begin()

    def begin(self) -> None:
        """Start the gateway's parts, as a start of the server does."""
        store = self.desk.store(Speech.BOINC)
        self.keys = load_keys(store)
        self.deliveries = Deliveries(self.desk, store)
        self.applications = Applications(self.desk, self.keys, store)
        self.scheduler = Scheduler(self.desk, self.keys, store, self.applications, self.deliveries, **self.options)

    def ask(self, *results: str, client: Client | None = None, work: float = 100.0, more: str = "") -> Element:
        """Send a request, and take the answer in as a client does."""
        who = client or self.client
        answer = self.scheduler.answer(who.request(*results, work=work, more=more), "127.0.0.1", PROJECT)
        reply = fromstring(answer)
        assert reply.tag == "scheduler_reply"
        assert float(reply.findtext("next_rpc_delay") or 0) > 0, "a client that is not told when to ask again sleeps for hours"
        if reply.find("hostid") is not None:
            who.host, who.sequence = int(reply.findtext("hostid") or 0), 0
        elif who.host:
            who.sequence += 1
        if reply.find("code_sign_key") is not None:
            who.code_sign_key = (reply.findtext("code_sign_key") or "").strip()
        reported = re.findall(r"<result>\s*<name>([^<]*)", "".join(results))
        who.held = [name for name in who.held if name not in reported] + names(reply)
        return reply


def names(reply: Element) -> list[str]:
    """List the results that a reply hands out."""
    return [result.findtext("name") or "" for result in reply.findall("result")]


def messages(reply: Element) -> str:
    """Give all messages of a reply."""
    return "\n".join(message.text or "" for message in reply.findall("message"))


def output_of(reply: Element, number: int = 0) -> str:
    """Name the output of a result."""
    return reply.findall("result")[number].findtext("file_ref/file_name") or ""


def token_of(reply: Element, output: str) -> str:
    """Give the word that goes with an upload."""
    return next(file.findtext("xml_signature") or "" for file in reply.findall("file_info") if file.findtext("name") == output).strip()
