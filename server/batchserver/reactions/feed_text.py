# SPDX-License-Identifier: GPL-3.0-or-later
"""A batch becomes an RSS 2.0 feed: an item for each job, for feed readers in RSS's own elements, for browsers in XHTML that the style sheet shows.

Runs without Blender.
"""

from __future__ import annotations

import html
import io
import mimetypes
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedgenerator

from batchserver.model.status import BatchStatus, JobStatus

from . import feed_words as words
from .facts import BatchFacts, JobFacts
from .feed_style import MARK, style_address
from .report import one_line

REFRESH = 5
"""Seconds after which a browser looks at the feed of a running batch again."""

_IDS = uuid.UUID("5d0c6b0e-6f0e-4d0b-9a57-0f5f6a1c6a55")
_XHTML = "http://www.w3.org/1999/xhtml"


def feed_text(batch: BatchFacts, here: Path, now: float, pictures: Mapping[int, str], local: words.Local = time.localtime) -> bytes:
    """Write the feed that belongs at `here`. `pictures` are the addresses of small pictures, seen from there, by the jobs' places."""
    link = f"{batch.server}/api/v1/batches/{batch.id}" if batch.server else here.as_uri()
    progress = words.progress_line(batch, now, local)
    feed = _Feed(
        title=f"Render+: {words.headline(batch)}", link=link, description=progress, language="en", ttl="1",
        stylesheets=[feedgenerator.Stylesheet(style_address(), "text/css", None)], batch=batch, progress=progress, built=_date(now),
    )  # fmt: skip
    for job in batch.jobs:
        _add(feed, batch, job, pictures.get(job.job.index, ""), link, local)
    text = io.StringIO()
    feed.write(text, "utf-8")
    return text.getvalue().encode("utf-8")


def item_id(batch: BatchFacts, index: int) -> str:
    """Name a job of a batch once and for all, also for a server that was started again."""
    return f"urn:uuid:{uuid.uuid5(_IDS, f'{batch.created!r}/{batch.id}/{index}')}"


def _add(feed: Any, batch: BatchFacts, job: JobFacts, picture: str, link: str, local: words.Local) -> None:
    at, newest = words.happened(job), _newest(job)
    lines = [words.frames_line(job), words.settings_line(job.job), words.times_line(job, local), words.why_line(job)]
    name = one_line(job.job.name, 120)
    shown = f'<p><img src="{html.escape(picture)}" alt="{html.escape(name)}"></p>' if picture else ""
    feed.add_item(
        title=f"{name}: {job.status.value.lower()}, {lines[0]}", link=newest.as_uri() if newest else f"{link}/jobs/{job.job.index}" if batch.server else link,
        description=shown + "".join(f"<p>{html.escape(line)}</p>" for line in lines if line), pubdate=None if at is None else _date(at),
        unique_id=item_id(batch, job.job.index), unique_id_is_permalink=False, categories=(job.status.value,),
        enclosures=_enclosures(newest), job=job, name=name, lines=lines, picture=picture,
    )  # fmt: skip


def _newest(job: JobFacts) -> Path | None:
    return next((path for path in reversed(job.pictures) if path.is_absolute()), None)


def _enclosures(path: Path | None) -> tuple[Any, ...]:
    """Name the newest file in full, where it is there and of a known kind."""
    kind = mimetypes.guess_type(path.name)[0] if path else None
    try:
        return (feedgenerator.Enclosure(path.as_uri(), str(path.stat().st_size), kind),) if path and kind else ()
    except OSError:
        return ()


def _date(at: float) -> datetime:
    return datetime.fromtimestamp(int(at), UTC)


class _Feed(feedgenerator.Rss201rev2Feed):  # type: ignore[misc]  # it comes without types
    """RSS 2.0 with a part in XHTML for browsers, in the channel and in each item."""

    def rss_attributes(self) -> dict[str, str]:
        return {"version": self._version, "xmlns:h": _XHTML}

    def latest_post_date(self) -> datetime:
        built: datetime = self.feed["built"]
        return built

    def add_stylesheets(self, handler: Any) -> None:
        handler.processingInstruction(MARK[2:].decode(), "written by the Render+ server, and written over")
        super().add_stylesheets(handler)

    def add_root_elements(self, handler: Any) -> None:
        super().add_root_elements(handler)
        batch: BatchFacts = self.feed["batch"]
        handler.addQuickElement("generator", "Render+")
        handler.startElement("h:div", {"class": batch.status.value})
        if batch.status is BatchStatus.RUNNING:
            handler.addQuickElement("h:meta", None, {"http-equiv": "refresh", "content": str(REFRESH)})
        handler.addQuickElement("h:h1", words.headline(batch))
        handler.addQuickElement("h:p", self.feed["progress"])
        handler.addQuickElement("h:progress", None, {"value": str(words.percent(batch)), "max": "100"})
        for message in batch.messages[:10]:
            handler.addQuickElement("h:p", one_line(message), {"class": "dim"})
        handler.endElement("h:div")

    def add_item_elements(self, handler: Any, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        job: JobFacts = item["job"]
        handler.startElement("h:div", {"class": job.status.value})
        if item["picture"]:
            handler.startElement("h:a", {"class": "picture", "href": item["picture"]})
            handler.addQuickElement("h:img", None, {"src": item["picture"], "alt": item["name"], "loading": "lazy"})
            handler.endElement("h:a")
        handler.startElement("h:div", {"class": "words"})
        handler.addQuickElement("h:h2", item["name"])
        handler.startElement("h:p", {})
        handler.addQuickElement("h:b", job.status.value)
        handler.characters(item["lines"][0])
        handler.endElement("h:p")
        for line, kind in zip(item["lines"][1:], ("dim", "dim", "why"), strict=True):
            if line:
                handler.addQuickElement("h:p", line, {"class": kind})
        if job.status is JobStatus.RUNNING and job.total:
            handler.addQuickElement("h:progress", None, {"value": str(words.settled(job)), "max": str(job.total)})
        handler.endElement("h:div")
        handler.endElement("h:div")
