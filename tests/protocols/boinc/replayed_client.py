# SPDX-License-Identifier: GPL-3.0-or-later
"""A BOINC client as its contract has it, without its waiting: it speaks at once, checks what it gets, and runs the app in a slot's folder.

Runs without Blender itself.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, fromstring
from xml.sax.saxutils import escape

from protocols.boinc.real_client import NO_CACHE

_BLOCK = 128


@dataclass
class Finished:
    """A result that is to be reported."""

    name: str
    state: int
    exit_status: int
    said: str
    files: list[tuple[str, int, str]] = field(default_factory=list)


@dataclass
class ReplayedClient:
    """A client with a folder of its own. `project` is the master URL with a slash at its end."""

    folder: Path
    project: str
    key: str
    blender: Path | None = None
    platform: str = "x86_64-pc-linux-gnu"
    cpid: str = ""
    host: int = 0
    sequence: int = 0
    public_key: str = ""
    held: dict[str, Element] = field(default_factory=dict)
    finished: list[Finished] = field(default_factory=list)
    reply: Element = field(default_factory=lambda: Element("scheduler_reply"))

    def __post_init__(self) -> None:
        self.port = urlsplit(self.project).port or 80  # a server that starts again may have another
        (self.folder / "projects" / "farm").mkdir(parents=True)
        self.cpid = self.cpid or hashlib.md5(str(self.folder).encode()).hexdigest()
        page = self.get(self.project)[1].decode()
        marks = re.findall(r"^<scheduler>(.*)</scheduler>$", page, re.MULTILINE)
        assert re.findall(r'^<link rel="boinc_scheduler" href="(.*)">$', page, re.MULTILINE) == marks
        self.scheduler = marks[0]

    # --- what it says -----------------------------------------------------------------------------------

    def call(self, *, work: bool = True) -> Element:
        """Report what is finished, tell what it has, ask for work, and take the answer in."""
        reports = "".join(map(_reported, self.finished))
        done = {each.name for each in self.finished}
        others = "".join(f"<other_result><name>{name}</name></other_result>\n" for name in self.held if name not in done)
        key = f"<code_sign_key>\n{self.public_key}\n</code_sign_key>\n" if self.public_key else ""
        body = f"""<scheduler_request>
    <authenticator>{escape(self.key)}</authenticator>
    <hostid>{self.host}</hostid>
    <rpc_seqno>{self.sequence}</rpc_seqno>
    <core_client_major_version>7</core_client_major_version>
    <core_client_minor_version>20</core_client_minor_version>
    <core_client_release>5</core_client_release>
    <work_req_seconds>{float(work)}</work_req_seconds>
    <cpu_req_secs>{float(work)}</cpu_req_secs>
    <platform_name>{self.platform}</platform_name>
{key}<host_info>
    <domain_name>{self.folder.name}</domain_name>
    <host_cpid>{self.cpid}</host_cpid>
    <p_ncpus>1</p_ncpus>
    <m_nbytes>16000000000.000000</m_nbytes>
    <os_name>Linux</os_name>
</host_info>
{reports}<app_versions>
</app_versions>
<other_results>
{others}</other_results>
</scheduler_request>
"""
        status, answer = self.post(self.scheduler, body.encode())
        assert status == 200, answer
        return self._take_in(fromstring(answer))

    def _take_in(self, reply: Element) -> Element:
        self.reply = reply
        self.sequence += 1 if self.host else 0
        if (host := reply.findtext("hostid")) is not None:
            self.host, self.sequence = int(host), 0
        if (key := reply.findtext("code_sign_key")) is not None:
            self.public_key = key.strip()
        for acknowledged in reply.findall("result_ack"):
            self.held.pop(acknowledged.findtext("name") or "", None)
            self.finished = [each for each in self.finished if each.name != acknowledged.findtext("name")]
        for result in reply.findall("result"):
            self.held[result.findtext("name") or ""] = reply
        return reply

    # --- what it does -----------------------------------------------------------------------------------

    def round(self) -> list[Finished]:
        """Call, render and upload all that it was given, and note it for the next call."""
        self.call()
        waiting = [name for name in self.held if name not in {each.name for each in self.finished}]
        for name in waiting:
            self.finished.append(self.render(name))
        return list(self.finished)

    def render(self, name: str) -> Finished:
        """Download what a task needs, run the app, and upload its picture."""
        reply = self.held[name]
        result = next(each for each in reply.findall("result") if each.findtext("name") == name)
        workunit = next(each for each in reply.findall("workunit") if each.findtext("name") == result.findtext("wu_name"))
        files = {file.findtext("name") or "": file for file in reply.findall("file_info")}
        slot = self.folder / "slots" / name
        shutil.rmtree(slot, ignore_errors=True)
        slot.mkdir(parents=True)
        program = ""
        for ref in [*reply.findall("app_version/file_ref"), *workunit.findall("file_ref")]:
            file = files[ref.findtext("file_name") or ""]
            path = self.download(file, signed=ref in reply.findall("app_version/file_ref"))
            if ref.find("main_program") is not None:
                assert file.find("executable") is not None
                path.chmod(0o755)
                program = f"../../projects/farm/{path.name}"
            elif ref.find("copy_file") is not None:
                shutil.copyfile(path, slot / (ref.findtext("open_name") or ""))
            else:
                (slot / (ref.findtext("open_name") or "")).write_text(f"<soft_link>../../projects/farm/{path.name}</soft_link>\n")
        environment = {**os.environ, **NO_CACHE} | ({"RENDERPLUS_BLENDER": str(self.blender)} if self.blender else {})
        words = (workunit.findtext("command_line") or "").split()
        done = subprocess.run([program, *words], cwd=slot, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)
        said = f"<stderr_txt>\n{done.stderr.decode(errors='replace')[-60_000:]}\n</stderr_txt>"
        if done.returncode or not (slot / "boinc_finish_called").exists():
            return Finished(name, 3, done.returncode, said)
        ref = result.find("file_ref")
        assert ref is not None
        picture = (slot / (ref.findtext("open_name") or "")).read_bytes()
        return self.deliver(name, files[ref.findtext("file_name") or ""], picture, said)

    def deliver(self, name: str, file: Element, picture: bytes, said: str = "") -> Finished:
        """Upload a picture; a refusal for good is reported as real clients do: as a success, with an error in the file."""
        status, answer = self.upload(file, picture)
        assert status == 200
        assert b"<status>0<" in answer or b"<status>-1<" in answer, answer
        output = file.findtext("name") or ""
        return Finished(name, 5, 0, said, [(output, len(picture), hashlib.md5(picture).hexdigest())])

    def upload(self, file: Element, picture: bytes) -> tuple[int, bytes]:
        """Send a picture to the place that its file names."""
        header = f"""<data_server_request>
    <core_client_major_version>7</core_client_major_version>
<file_upload>
<file_info>
<name>{file.findtext("name")}</name>
<xml_signature>
{(file.findtext("xml_signature") or "").strip()}</xml_signature>
<max_nbytes>{file.findtext("max_nbytes")}</max_nbytes>
</file_info>
<nbytes>{len(picture)}</nbytes>
<md5_cksum>{hashlib.md5(picture).hexdigest()}</md5_cksum>
<offset>0</offset>
<data>
"""
        return self.post(file.findtext("url") or "", header.encode() + picture)

    def download(self, file: Element, *, signed: bool) -> Path:
        """Fetch a file unless it is there, and check its size, its MD5 and its signature."""
        path = self.folder / "projects" / "farm" / (file.findtext("name") or "")
        if not path.exists():
            status, content = self.get(file.findtext("url") or "")
            assert status == 200, file.findtext("url")
            path.write_bytes(content)
        content = path.read_bytes()
        md5 = hashlib.md5(content).hexdigest()
        assert (len(content), md5) == (int(file.findtext("nbytes") or 0), file.findtext("md5_cksum"))
        if signed:
            assert self._signed(file) == md5, "RSA key check failed"
        return path

    def _signed(self, file: Element) -> str:
        numbers = bytes.fromhex("".join(self.public_key.split()[1:-1]))
        modulus, exponent = int.from_bytes(numbers[:_BLOCK], "big"), int.from_bytes(numbers[_BLOCK:], "big")
        signature = int("".join((file.findtext("file_signature") or "").split()).rstrip("."), 16)
        block = pow(signature, exponent, modulus).to_bytes(_BLOCK, "big")
        assert block.startswith(b"\x00\x01\xff")
        return block.split(b"\x00", 2)[2].decode()

    # --- HTTP -------------------------------------------------------------------------------------------

    def get(self, url: str) -> tuple[int, bytes]:
        return self._ask("GET", url, None)

    def post(self, url: str, body: bytes) -> tuple[int, bytes]:
        return self._ask("POST", url, body)

    def _ask(self, method: str, url: str, body: bytes | None) -> tuple[int, bytes]:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", self.port, timeout=60)
        try:
            connection.request(method, parts.path, body, {"Content-Type": "application/x-www-form-urlencoded"} if body else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def _reported(result: Finished) -> str:
    sent = "".join(
        f"<file_info><name>{name}</name><nbytes>{size}.000000</nbytes><md5_cksum>{md5}</md5_cksum></file_info>\n" for name, size, md5 in result.files
    )
    return f"""<result>
    <name>{result.name}</name>
    <final_elapsed_time>1.000000</final_elapsed_time>
    <exit_status>{result.exit_status}</exit_status>
    <state>{result.state}</state>
<stderr_out>
<core_client_version>7.20.5</core_client_version>
<![CDATA[
{result.said}
]]>
</stderr_out>
{sent}</result>
"""
