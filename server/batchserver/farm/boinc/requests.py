# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client's scheduler request says, as values. Runs without Blender."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from xml.etree.ElementTree import Element, tostring

from batchserver.farm.seams import HostFacts, Platform

from .lenient_xml import flag_of, number_of, read_xml, text_of, whole_of

REQUEST_LIMIT = 8 << 20
"""The most bytes of a request: an ordinary one has 8 kB, and each result brings up to 63 kB of what its program printed."""

ANONYMOUS = "anonymous"
"""The platform of a client whose user brought the program (`app_info.xml`)."""

_MOST_RESULTS = 1000
_STDERR_LIMIT = 64 * 1024
_ERROR_CODE = re.compile(r"<error_code>\s*(-?[0-9]{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class SentFile:
    """An output that a client says it has uploaded. `error`: why it could not."""

    name: str
    size: int
    md5: str
    error: str


@dataclass(frozen=True, slots=True)
class Report:
    """A finished result. `codes`: BOINC's own error numbers for files that could not be fetched or sent."""

    name: str
    state: int
    exit_status: int
    elapsed: float
    said: str
    codes: tuple[int, ...] = ()
    signal: int = 0
    files: tuple[SentFile, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnVersion:
    """An app version that a client has; on the anonymous platform, the one that its user made."""

    app: str
    number: int
    platform: str
    plan_class: str


@dataclass(frozen=True, slots=True)
class SchedulerRequest:
    """What a client says and asks."""

    authenticator: str
    host: int
    sequence: int
    version: tuple[int, int, int]
    several_clients: bool
    wants_work: bool
    seconds: float
    idle: float
    platforms: tuple[str, ...]
    key: str
    cpid: str
    facts: HostFacts
    processors: int
    reports: tuple[Report, ...]
    held: tuple[str, ...]
    versions: tuple[OwnVersion, ...]
    preferences: str = ""
    preferences_changed: float = 0.0


def read_request(body: bytes, address: str) -> SchedulerRequest:
    """Read a request. Raises `BadInput`."""
    root = read_xml(body, "scheduler_request")
    major, minor, release = (whole_of(root, f"core_client_{part}", high=99_999) for part in ("major_version", "minor_version", "release"))
    platforms = [text_of(root, "platform_name", limit=64), *(text_of(each, "name", limit=64) for each in root.findall("alt_platform")[:16])]
    wanted = "cpu_req_secs" if root.find("cpu_req_secs") is not None else "work_req_seconds"  # a client may ask for work for graphics cards alone
    return SchedulerRequest(
        authenticator=text_of(root, "authenticator"),
        host=whole_of(root, "hostid"),
        sequence=whole_of(root, "rpc_seqno"),
        version=(major, minor, release),
        several_clients=flag_of(root, "allow_multiple_clients"),
        wants_work=_wants_work(root, wanted),
        seconds=number_of(root, wanted),
        idle=number_of(root, "cpu_req_instances", high=4096),
        platforms=tuple(platform for platform in platforms if platform),
        key=root.findtext("code_sign_key") or "",
        cpid=text_of(root, "host_info", "host_cpid", limit=64),
        facts=_facts(root, platforms, f"BOINC {major}.{minor}.{release}", address),
        processors=_processors(root),
        reports=tuple(_report(each) for each in root.findall("result")[:_MOST_RESULTS]),
        held=tuple(text_of(each, "name") for each in root.findall("other_results/other_result")[:_MOST_RESULTS]),
        versions=tuple(_version(each) for each in root.findall("app_versions/app_version")[:100]),
        preferences=_as_text(root.find("global_preferences")),
        preferences_changed=number_of(root, "global_preferences", "mod_time"),
    )


def _as_text(element: Element | None) -> str:
    return "" if element is None else tostring(element, encoding="unicode").strip()


def _wants_work(root: Element, wanted: str) -> bool:
    asks = number_of(root, wanted) > 0 or number_of(root, "cpu_req_instances") > 0
    return asks and not flag_of(root, "dont_send_work")


def _facts(root: Element, platforms: list[str], client: str, address: str) -> HostFacts:
    host = root.find("host_info")
    if host is None:
        return HostFacts(client=client, address=address)
    system = f"{text_of(host, 'os_name', limit=80)} {text_of(host, 'os_version', limit=120)}".strip()
    platform = _platform(" ".join(platforms) + " " + text_of(host, "os_name"))
    cores, memory = whole_of(host, "p_ncpus", high=4096), whole_of(host, "m_nbytes")
    return HostFacts(text_of(host, "domain_name", limit=80), platform, system, text_of(host, "p_model", limit=120), cores, memory, client, address)


def _platform(words: str) -> Platform:
    lower = words.lower()
    if "windows" in lower:
        return Platform.WINDOWS
    return Platform.MAC if "darwin" in lower else Platform.LINUX


def _processors(root: Element) -> int:
    """Count the processors that the client's user lets BOINC have."""
    share = number_of(root, "working_global_preferences", "global_preferences", "max_ncpus_pct", high=100.0)
    return max(1, int(whole_of(root, "host_info", "p_ncpus", high=4096) * (share or 100.0) / 100.0))


def _report(result: Element) -> Report:
    """Read a result; today's elements, and those that older clients wrote into `<stderr_out>`."""
    output = result.find("stderr_out")
    said = "" if output is None else unescape(tostring(output, encoding="unicode"))[:_STDERR_LIMIT]
    state = "state" if result.find("state") is not None else "client_state"
    within = ("exit_status",) if result.find("exit_status") is not None else ("stderr_out", "exit_status")
    return Report(
        name=text_of(result, "name"),
        state=whole_of(result, state, high=99),
        exit_status=whole_of(result, *within, low=-(1 << 31), high=1 << 31),
        elapsed=number_of(result, "final_elapsed_time", high=1e9),
        said=said,
        codes=tuple(int(code) for code in _ERROR_CODE.findall(said)[:16]),
        signal=whole_of(result, "stderr_out", "signal", high=99),
        files=tuple(_sent(each) for each in result.findall("file_info")[:16]),
    )


def _sent(file: Element) -> SentFile:
    name = text_of(file, "name") or text_of(file, "file_name")
    return SentFile(name, whole_of(file, "nbytes"), text_of(file, "md5_cksum", limit=32).lower(), text_of(file, "error_msg"))


def _version(version: Element) -> OwnVersion:
    number = whole_of(version, "version_num", high=1 << 31)
    return OwnVersion(text_of(version, "app_name"), number, text_of(version, "platform", limit=64), text_of(version, "plan_class", limit=64))
