# SPDX-License-Identifier: GPL-3.0-or-later
"""Which server takes the mail of which address, on which port, and how it encrypts. Runs without Blender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .facts import ReactionProblem


class Security(StrEnum):
    """How the way to a mail server is encrypted; PLAIN is only used when the recipe says so in this word."""

    STARTTLS = "starttls"
    SSL = "ssl"
    PLAIN = "plain"


PORTS = {Security.STARTTLS: 587, Security.SSL: 465, Security.PLAIN: 25}


@dataclass(frozen=True, slots=True)
class Route:
    """A mail server and the way to it."""

    host: str
    port: int
    security: Security


_SSL = Security.SSL
_TLS = Security.STARTTLS
PROVIDERS: Mapping[str, tuple[Route, tuple[str, ...]]] = {
    "Gmail": (Route("smtp.gmail.com", 465, _SSL), ("gmail.com", "googlemail.com")),
    "Outlook": (Route("smtp-mail.outlook.com", 587, _TLS), ("outlook.com", "hotmail.com", "live.com", "msn.com")),
    "Microsoft 365": (Route("smtp.office365.com", 587, _TLS), ("onmicrosoft.com",)),
    "Yahoo": (Route("smtp.mail.yahoo.com", 465, _SSL), ("yahoo.com", "ymail.com", "yahoo.de", "yahoo.co.uk", "yahoo.fr")),
    "iCloud": (Route("smtp.mail.me.com", 587, _TLS), ("icloud.com", "me.com", "mac.com")),
    "GMX": (Route("mail.gmx.net", 465, _SSL), ("gmx.de", "gmx.net", "gmx.at", "gmx.ch")),
    "GMX (international)": (Route("mail.gmx.com", 465, _SSL), ("gmx.com",)),
    "WEB.DE": (Route("smtp.web.de", 465, _SSL), ("web.de",)),
    "mailbox.org": (Route("smtp.mailbox.org", 465, _SSL), ("mailbox.org",)),
    "Posteo": (Route("posteo.de", 465, _SSL), ("posteo.de", "posteo.net")),
    "Fastmail": (Route("smtp.fastmail.com", 465, _SSL), ("fastmail.com", "fastmail.fm")),
    "Zoho": (Route("smtp.zoho.com", 465, _SSL), ("zoho.com", "zohomail.com")),
}
"""Presets: the way to each provider, and the domains of its addresses."""


def route(mail: Mapping[str, Any]) -> Route:
    """Settle the way that a recipe's `notifications.mail` asks for. Raises `ReactionProblem`."""
    host, port = _host_and_port(str(mail.get("server") or ""), int(mail.get("port") or 0))
    domain = str(mail.get("user") or "").rpartition("@")[2].lower()
    known = [way for way, domains in PROVIDERS.values() if (way.host == host.lower() if host else domain in domains)]
    word = str(mail.get("security") or "")
    if not host and not known:
        raise ReactionProblem(f"no mail server is known for addresses of {domain or 'nobody'}; name it in notifications.mail.server")
    if known and not word and not port:
        return known[0]
    asked = Security(word) if word else _guessed(mail, port)
    return Route(host or known[0].host, port or PORTS[asked], asked)


def _guessed(mail: Mapping[str, Any], port: int) -> Security:
    """`ssl` false is STARTTLS: a recipe that says no more than that must not send a password in the clear."""
    by_port = {465: Security.SSL, 587: Security.STARTTLS}
    return by_port.get(port) or (Security.SSL if mail.get("ssl", True) else Security.STARTTLS)


def _host_and_port(server: str, port: int) -> tuple[str, int]:
    host, colon, number = server.strip().rpartition(":")
    if colon and number.isascii() and number.isdigit() and (":" not in host or host.endswith("]")):
        return host.strip("[]"), port or int(number)
    return server.strip().strip("[]"), port
