# SPDX-License-Identifier: GPL-3.0-or-later
"""How each service wants a message: a request for each. Texts are data there: no mention, link or markup of a job's name is obeyed.

Runs without Blender.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from batchserver.reactions.facts import ReactionProblem
from batchserver.reactions.report import Report
from batchserver.reactions.small_pictures import SmallPicture

from .transport import Request, form, host_of

_JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of a recipe, its secrets put back."""

    index: int
    kind: str
    url: str = field(repr=False)
    token: str = field(repr=False)
    to: str = ""


Make = Callable[[Channel, Report, SmallPicture | None], Request]


def webhook(channel: Channel, report: Report, picture: SmallPicture | None) -> Request:
    """Write all that is known as JSON; a small picture as base64."""
    document: dict[str, Any] = {
        "event": report.kind.value, "batch": report.batch, "title": report.headline, "text": report.text(), "ok": report.well, "link": report.link,
        "figures": dict(report.figures),
        "jobs": [
            {"name": job.name, "status": job.status, "frames": job.frames, "time": job.seconds, "failure": job.failure, "way_out": job.way_out}
            for job in report.jobs
        ],
        "pictures": [str(path) for path in report.pictures],
        "picture": {"name": picture.name, "type": f"image/{picture.kind}", "base64": b64encode(picture.data).decode()} if picture else None,
    }  # fmt: skip
    return _json(channel.url, document, _bearer(channel), picture=picture is not None)


def ntfy(channel: Channel, report: Report, picture: SmallPicture | None) -> Request:
    """Publish to a topic; with a picture the texts stand in headers."""
    priority = 3 if report.well else 4
    tags = ["white_check_mark"] if report.well else ["warning"]
    parts = urlsplit(channel.url)
    folder, _, topic = parts.path.rstrip("/").rpartition("/")
    if not topic:
        raise ReactionProblem("the channel's url has no topic; write https://ntfy.sh/your-topic")
    if picture is not None:
        headers = {"Title": _header(report.headline), "Message": _header(_cut(report.text(), 1500).replace("\n", "\\n")), "Filename": picture.name}
        headers |= {"Priority": str(priority), "Tags": ",".join(tags), "Content-Type": f"image/{picture.kind}"}
        return Request(channel.url, picture.data, headers | _bearer(channel), picture=True)
    document = {"topic": topic, "title": report.headline, "message": _cut(report.text(), 3500), "priority": priority, "tags": tags}
    return _json(urlunsplit((parts.scheme, parts.netloc, f"{folder}/", parts.query, "")), document, _bearer(channel))


def gotify(channel: Channel, report: Report, picture: SmallPicture | None) -> Request:
    """Send to a Gotify server; it takes no pictures."""
    _needs(channel.token, "token", "the application's token")
    document = {"title": report.headline, "message": _cut(report.text(), 8000), "priority": 5 if report.well else 8}
    return _json(channel.url.rstrip("/") + "/message", document, {"X-Gotify-Key": channel.token})


def discord(channel: Channel, report: Report, picture: SmallPicture | None) -> Request:
    """Send to a webhook of Discord: an embed, with the picture in it."""
    embed: dict[str, Any] = {"title": _cut(report.headline, 250), "description": _cut(report.text(), 4000), "color": 0x2E7D32 if report.well else 0xC62828}
    document: dict[str, Any] = {"username": "Render+", "embeds": [embed], "allowed_mentions": {"parse": []}}
    if picture is None:
        return _json(channel.url, document, {})
    embed["image"] = {"url": f"attachment://{picture.name}"}
    body, kind = form({"payload_json": json.dumps(document)}, "files[0]", picture)
    return Request(channel.url, body, {"Content-Type": kind}, picture=True)


def slack(channel: Channel, report: Report, picture: SmallPicture | None) -> Request:
    """Send to an incoming webhook of Slack; it takes no pictures."""
    text = f"{report.headline}\n{report.text()}".replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _json(channel.url, {"text": _cut(text, 3500), "mrkdwn": False}, {})


def telegram(channel: Channel, report: Report, picture: SmallPicture | None) -> Request:
    """Send by a bot of Telegram: a photo with a caption, or a text."""
    _needs(channel.token, "token", "the bot's token")
    _needs(channel.to, "to", "the chat's number")
    base = (channel.url or "https://api.telegram.org").rstrip("/") + f"/bot{quote(channel.token, safe=':')}"
    text = f"{report.headline}\n{report.text()}"
    if picture is None:
        return _json(f"{base}/sendMessage", {"chat_id": channel.to, "text": _cut(text, 4000)}, {})
    body, kind = form({"chat_id": channel.to.replace("\r", "").replace("\n", ""), "caption": _cut(text, 1000)}, "photo", picture)
    return Request(f"{base}/sendPhoto", body, {"Content-Type": kind}, picture=True)


SERVICES: Mapping[str, Make] = {"webhook": webhook, "ntfy": ntfy, "gotify": gotify, "discord": discord, "slack": slack, "telegram": telegram}


def request_for(channel: Channel, report: Report, picture: SmallPicture | None) -> Request:
    """Make the request of a channel. Raises `ReactionProblem`."""
    if channel.kind not in SERVICES:
        raise ReactionProblem(f"there is no channel of the kind {channel.kind!r}")
    if channel.url or channel.kind != "telegram":
        host_of(channel.url)
    return SERVICES[channel.kind](channel, report, picture)


def _json(url: str, document: Mapping[str, Any], headers: Mapping[str, str], *, picture: bool = False) -> Request:
    return Request(url, json.dumps(document).encode(), {"Content-Type": _JSON, **headers}, picture)


def _bearer(channel: Channel) -> dict[str, str]:
    return {"Authorization": f"Bearer {channel.token}"} if channel.token else {}


def _header(text: str) -> str:
    """Write a text for a header as RFC 2047 has it."""
    return text if text.isascii() and text.isprintable() else f"=?UTF-8?B?{b64encode(text.encode()).decode()}?="


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _needs(value: str, key: str, what: str) -> None:
    if not value:
        raise ReactionProblem(f"the channel's {key} is missing: {what}")
