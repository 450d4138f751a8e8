# SPDX-License-Identifier: GPL-3.0-or-later
"""The answer that hands out a frame, with all that any generation of the client needs in it. Runs without Blender."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode
from xml.etree.ElementTree import Element

from starlette.requests import Request

from batchserver.farm.seams import Archive, FarmCounts, Task

from .answers import element
from .chunks import Chunk
from .sessions import Session
from .tasks import frame_text, job_number
from .words import LARGEST, JobStatus

COMMAND_LINE = ".e --factory-startup --disable-autoexec --python-exit-code 7 -noaudio -b .c -o .o -f .f -x 1"
"""The script sets scene and engine, so there is no option for them; where it cannot run there is to be no picture."""

_HOST = re.compile(r"[A-Za-z0-9_.:\[\]%-]{1,300}", re.ASCII)
_PREFIX = re.compile(r"(?:/[A-Za-z0-9_.~-]{1,100}){0,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Offer:
    """A frame for a client, and what comes with it."""

    task: Task
    session: Session
    renderer: Archive
    chunks: Sequence[Chunk]
    needless: Sequence[str]
    counts: FarmCounts
    frames: tuple[int, int]
    gpu: bool


def base_of(request: Request) -> str:
    """Give the address by which a client reached us, also through a proxy that says how. Who lies about it gets a wrong address, and nobody else."""
    said = request.headers
    host = next((word for word in (said.get("x-forwarded-host", ""), said.get("host", "")) if _HOST.fullmatch(word)), "")
    if not host:
        name, port = request.scope.get("server") or ("127.0.0.1", None)
        host = f"[{name}]" if ":" in name else name
        host = f"{host}:{port}" if port else host
    scheme = "https" if said.get("x-forwarded-proto", "").strip().lower() == "https" else request.scope.get("scheme", "http")
    before = said.get("x-forwarded-prefix", "").rstrip("/")
    return f"{scheme}://{host}{before if _PREFIX.fullmatch(before) else ''}"


def document(offer: Offer, base: str) -> Element:
    """Write the answer."""
    root = element("jobrequest", status=JobStatus.OK)
    root.append(_stats(offer))
    root.extend(element("file", md5=md5, action="delete") for md5 in offer.needless if md5 != offer.task.package.scene.md5)
    root.append(_job(offer, base))
    return root


def _stats(offer: Offer) -> Element:
    session, account = offer.frames
    counts = offer.counts
    return element(
        "stats", credits_session=_count(session), credits_total=_count(account), frame_remaining=_count(counts.frames_left),
        waiting_project=_count(counts.batches), connected_machine=_count(counts.workers), renderable_project=_count(max(1, counts.batches)),
    )  # fmt: skip


def _job(offer: Offer, base: str) -> Element:
    task, package = offer.task, offer.task.package
    frame = frame_text(task.frames[0])
    job = element(
        "job", id=job_number(task), use_gpu=int(offer.gpu), archive_md5=package.scene.md5, path=package.blend, frame=frame, synchronous_upload=0,
        validation_url=quote(validation_url(offer, base, frame), safe=""), name=task.name or f"Job {task.job + 1}", password="",
        extras=task.token,  # old clients send it back with the frame, so that it is known without a cookie
    )  # fmt: skip
    chunks = element("chunks")
    chunks.extend(element("chunk", id=chunk.id, md5=chunk.md5) for chunk in offer.chunks)
    job.append(chunks)
    job.append(element("renderer", md5=offer.renderer.md5, commandline=COMMAND_LINE, update_method="remainingtime"))
    job.append(element("script", package.script))
    return job


def validation_url(offer: Offer, base: str, frame: str) -> str:
    """Write where the frame is sent to; clients add to it, and bring no cookie when they know us by another name."""
    query = {"job": job_number(offer.task), "frame": frame, "session": offer.session.id[:16], "token": offer.task.token}
    return f"{base}/server/send_frame.php?{urlencode(query)}"


def _count(number: int) -> int:
    return max(0, min(number, LARGEST))
