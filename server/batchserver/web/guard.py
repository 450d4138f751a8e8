# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets in. A recipe can run programs, so the API is a way to run programs as the server's user. Runs without Blender.

Three strangers are kept out, by rules that do not lean on each other:

* another user of this machine: the peer's uid on plain loopback, the token everywhere else (root is another user, too;
  it can read the token). Never an address: behind a proxy or a tunnel everybody is 127.0.0.1;
* a web page in the owner's browser: `Host` (a name that was rebound to 127.0.0.1), `Origin`, `Sec-Fetch-Site` (Fetch
  Metadata, W3C), and for a GET that does something also `Referer`, since an `<img>` sends no `Origin`. No CORS header is ever sent;
* a form of a page: bodies need a content type that no form has, except the multipart upload, which `Origin` guards.

Render+ clients are no browsers: they send none of these headers, and get in.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from batchserver.model.errors import Refused, WrongContentType

from .asked import Asked
from .attempts import Attempts, stranger
from .peer import NOBODY
from .reply import TokenNeeded, TooManyAttempts
from .token import Access

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
GETS_WITH_EFFECTS = frozenset({"/batch/start"})
OPEN_ROUTES = frozenset({"/test"})
ARCHIVE_ROUTE = "/api/v1/files"
UPLOAD_ROUTES = frozenset({"/batch/file", ARCHIVE_ROUTE})
ARCHIVE_TYPES = frozenset({"application/zip", "application/x-zip-compressed"})  # no form can send these

WHERE_IT_IS = "it is in the file 'token' of the data folder, or where --token-file says; send 'Authorization: Bearer TOKEN'"
THROUGH_A_PROXY = "The request came through a proxy, where everybody is 127.0.0.1, so this server"

_READING = frozenset({"GET", "HEAD"})
_OF_A_PROXY = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via")
_UPLOAD_TYPES = frozenset({"application/octet-stream", "application/x-blender", "multipart/form-data"})
_NETLOC = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Guard:
    """The rules of one server.

    `names` are the host names that are ours, an IPv6 address in brackets. `any_address`: the server listens on every address
    of this machine, so any numeric address may be ours (a rebound name is never numeric). `own_uid`: the server's user, None
    where the system has no such number. `attempts`: the wrong tokens so far.
    """

    access: Access
    names: frozenset[str] = LOOPBACK_NAMES
    any_address: bool = False
    own_uid: int | None = None
    attempts: Attempts = field(default_factory=Attempts, compare=False)

    @classmethod
    def of(cls, access: Access, hosts: Iterable[str]) -> Guard:
        """Make the guard of a server that listens on `hosts` (as --host names them)."""
        asked = {host.strip("[]").lower() for host in hosts}
        names = {f"[{host}]" if ":" in host else host for host in asked}
        uid = os.geteuid() if os.name == "posix" else None
        return cls(access, LOOPBACK_NAMES | names, bool(asked & {"", "0.0.0.0", "::", "*"}), uid)

    def check(self, asked: Asked) -> bool:
        """Let a request in and tell whether it is the owner's; raise `Refused`, `TokenNeeded`, `TooManyAttempts` or `WrongContentType`."""
        self._check_host(asked)
        self._check_origin(asked)
        if asked.method not in _READING or asked.path in GETS_WITH_EFFECTS:
            self._check_intent(asked)
        trusted = self._check_person(asked)
        if asked.method not in _READING:
            check_content_type(asked)
        return trusted

    def _check_host(self, asked: Asked) -> None:
        host = asked.header("Host")
        if host is None or not self._is_ours(host, asked.port):
            raise Refused(f"This server is not {(host or 'nameless')[:100]!r}: it is asked as localhost:{asked.port}, or by a name given to it with --host.")

    def _check_origin(self, asked: Asked) -> None:
        origin = asked.header("Origin")
        if origin is not None and not self._is_own_page(origin, asked.port):
            raise Refused(f"Pages of {origin[:100]!r} may not use this server.")

    def _check_intent(self, asked: Asked) -> None:
        """Refuse a change that another site's page, or a browser that only looks ahead, asks for."""
        if (asked.header("Sec-Fetch-Site") or "none") not in ("same-origin", "none"):
            raise Refused("Another site's page may not make this server do anything.")
        if asked.method not in _READING:
            return
        referer = asked.header("Referer")
        if referer is not None and not self._is_own_page(referer, asked.port):
            raise Refused("A link or picture of another site may not make this server do anything.")
        if any(word in (asked.header("Sec-Purpose") or asked.header("Purpose") or "").lower() for word in ("prefetch", "prerender", "preview")):
            raise Refused("Your browser only looks ahead; open the address to make the server do this.")

    def _check_person(self, asked: Asked) -> bool:
        """Tell whether the owner asks: by the token, or on plain loopback by the user whose connection it is.

        Where the system does not tell users (`peer` is None), everybody of this machine is let in, and only the token makes an owner.
        """
        proxied = self._came_through_a_proxy(asked)
        by_token = self.access.needs_token or proxied
        told = asked.peer is not None and self.own_uid is not None
        if not by_token and told and asked.peer == self.own_uid:
            return True
        if self._shows_the_token(asked):
            return True
        if by_token and asked.path in OPEN_ROUTES:
            return False
        if by_token:
            raise TokenNeeded(f"{'This server' if self.access.needs_token else THROUGH_A_PROXY} needs its owner's token: {WHERE_IT_IS}.")
        if told:
            who = "a program that is gone" if asked.peer == NOBODY else f"another user (uid {asked.peer})"
            raise Refused(f"This server works for the user who started it (uid {self.own_uid}), not for {who}.")
        return False

    def _came_through_a_proxy(self, asked: Asked) -> bool:
        return any(asked.header(name) is not None for name in _OF_A_PROXY)

    def _shows_the_token(self, asked: Asked) -> bool:
        """Compare the token that was shown, if one was. A wrong one, and one that comes too soon after others, is refused; on open routes it only counts."""
        shown = asked.header("Authorization")
        if shown is None or not shown.lower().startswith("bearer "):
            return False
        who = stranger(asked.address, asked.peer)
        wait = self.attempts.wait(who)
        right = wait <= 0 and self.access.is_owner(shown)
        if right:
            self.attempts.right(who)
        elif wait <= 0:
            self.attempts.wrong(who)
        if right or asked.path in OPEN_ROUTES:
            return right
        raise TooManyAttempts(wait) if wait > 0 else TokenNeeded(f"That is not the token of this server's owner: {WHERE_IT_IS}.")

    def _is_ours(self, netloc: str, port: int) -> bool:
        match = _NETLOC.fullmatch(netloc.lower())
        if match is None or int(match[2] or 80) != port:
            return False
        return match[1] in self.names or (self.any_address and _is_numeric(match[1]))

    def _is_own_page(self, url: str, port: int) -> bool:
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and self._is_ours(parts.netloc, port)


def check_content_type(asked: Asked) -> None:
    """Refuse a body whose content type is not what the route takes: nothing that a form, or a page unasked, can send."""
    if not asked.length:
        return
    if asked.path in UPLOAD_ROUTES:
        if asked.content_type not in _UPLOAD_TYPES and not (asked.path == ARCHIVE_ROUTE and asked.content_type in ARCHIVE_TYPES):
            ways = f"send a .blend as application/octet-stream or multipart/form-data, a ZIP of one to {ARCHIVE_ROUTE} as application/zip"
            raise WrongContentType(f"The content type is {asked.content_type or 'missing'}; {ways}.")
    elif asked.content_type != "application/json":
        raise WrongContentType(f"The content type is {asked.content_type or 'missing'}; send it as application/json.")


def only_loopback(hosts: Iterable[str]) -> bool:
    """Tell whether a server on these hosts (as --host names them) can be reached from this machine only.

    Any name but `localhost` counts as reachable from elsewhere, whatever it resolves to today.
    """
    return all(host.lower() == "localhost" or (_is_numeric(host) and ipaddress.ip_address(host.strip("[]")).is_loopback) for host in hosts)


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
