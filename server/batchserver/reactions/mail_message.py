# SPDX-License-Identifier: GPL-3.0-or-later
"""A report becomes a mail: headers, a text part, an HTML part, and small pictures inside it. Runs without Blender."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, getaddresses, make_msgid
from typing import Any

from .facts import ReactionProblem
from .report import Report, one_line
from .small_pictures import SmallPicture

_MOST_RECEIVERS = 50


def compose(report: Report, mail: Mapping[str, Any], pictures: Sequence[SmallPicture], now: float) -> EmailMessage:
    """Write the mail that a recipe's `notifications.mail` asks for. Raises `ReactionProblem`."""
    receivers = addresses(str(mail.get("to") or ""), "notifications.mail.to")
    user = str(mail.get("user") or "")
    sender = addresses(str(mail.get("from") or "") or (user if "@" in user else ""), "notifications.mail.from")[0]
    message = EmailMessage(policy=SMTP)
    message["From"] = sender if sender.display_name else Address("Render+", sender.username, sender.domain)
    message["To"] = receivers
    message["Subject"] = one_line(f"Render+: {report.headline}", 200)
    message["Date"] = formatdate(now)
    message["Message-ID"] = make_msgid(domain=sender.domain)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_text(report))
    ids = [make_msgid(domain="renderplus.invalid") for _ in pictures]
    message.add_alternative(_html(report, pictures, ids), subtype="html")
    body = message.get_body(("html",))
    if isinstance(body, EmailMessage):
        for picture, cid in zip(pictures, ids, strict=True):
            body.add_related(picture.data, "image", picture.kind, cid=cid, filename=picture.name, disposition="inline")
    return message


def addresses(text: str, key: str) -> list[Address]:
    """Read addresses that are separated by commas. Raises `ReactionProblem`."""
    found = []
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        raise ReactionProblem(f"{key} has a line break or another control character in it")
    for name, address in getaddresses([text.replace(";", ",")]):
        local, at, domain = address.rpartition("@")
        if not (local and at and domain) or any(letter.isspace() for letter in address):
            raise ReactionProblem(f"{key} has something in it that is no mail address; write name@example.org")
        try:
            found.append(Address(one_line(name, 80), local, domain.encode("idna").decode("ascii")))
        except (ValueError, UnicodeError):
            raise ReactionProblem(f"{key} has something in it that is no mail address; write name@example.org") from None
    if not found:
        raise ReactionProblem(
            f"{key} is empty; write who the mail is for" if key.endswith("to") else f"{key} is empty, and notifications.mail.user is no address"
        )
    return found[:_MOST_RECEIVERS]


def _text(report: Report) -> str:
    lines = [report.headline, "", *(f"{name}: {value}" for name, value in report.figures), ""]
    for job in report.jobs:
        lines.append(f"* {job.name}: {job.status}, frames {job.frames}{', ' + job.seconds if job.seconds else ''}")
        lines += [f"    {words}" for words in (job.failure, job.way_out) if words]
    lines += [f"… and {report.more_jobs} more jobs"] if report.more_jobs else []
    lines += ["", *(one_line(str(path)) for path in report.pictures[:10])]
    lines += [report.link] if report.link else []
    return "\n".join(lines) + "\n"


def _html(report: Report, pictures: Sequence[SmallPicture], ids: Sequence[str]) -> str:
    e = html.escape
    figures = "".join(f"<tr><td>{e(name)}</td><td><b>{e(value)}</b></td></tr>" for name, value in report.figures)
    rows = []
    for job in report.jobs:
        rows.append(f"<tr><td>{e(job.name)}</td><td>{e(job.status)}</td><td>{e(job.frames)}</td><td>{e(job.seconds)}</td></tr>")
        if job.failure:
            rows.append(f'<tr><td colspan="4" style="color:#a00">{e(job.failure)}<br><i>{e(job.way_out)}</i></td></tr>')
    shown = "".join(
        f'<p><img src="cid:{cid[1:-1]}" alt="{e(picture.name)}" style="max-width:100%"><br><small>{e(one_line(str(picture.path)))}</small></p>'
        for picture, cid in zip(pictures, ids, strict=True)
    )
    sent = {picture.path for picture in pictures}
    named = "".join(f"<p><small>{e(one_line(str(path)))}</small></p>" for path in report.pictures[:10] if path not in sent)
    more = f"<p>… and {report.more_jobs} more jobs</p>" if report.more_jobs else ""
    link = f'<p><a href="{e(report.link)}">{e(report.link)}</a></p>' if report.link else ""
    return (
        f'<!DOCTYPE html><html><head><meta charset="utf-8"></head><body style="font-family:sans-serif">'
        f'<h2 style="color:{"#070" if report.well else "#a00"}">{e(report.headline)}</h2><table>{figures}</table>'
        f'<table cellpadding="4"><tr><th>Job</th><th>State</th><th>Frames</th><th>Time</th></tr>{"".join(rows)}</table>{more}{shown}{named}{link}</body></html>'
    )
