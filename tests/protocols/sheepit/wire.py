# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP as the clients speak it: cookies, redirects, types of answers, multipart bodies. Runs without Blender."""

from __future__ import annotations

import http.client
import secrets
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit
from xml.etree.ElementTree import Element, fromstring

from .generations import Generation

MOST_REDIRECTS = 20
ODD_BOUNDARY = "***232404jkg4220957934FW**"


class BadAnswer(AssertionError):
    """An answer that a real client would not take: it would sit idle for half an hour."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes
    hops: int = 0

    def root(self, tag: str | None = None) -> Element:
        """Read it as the clients do. Raises `BadAnswer`."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip()
        if self.status != 200 or kind != "text/xml":
            raise BadAnswer(f"HTTP {self.status}, {kind!r}: {self.body[:200]!r}")
        found = fromstring(self.body)
        if tag is not None and found.tag != tag:
            raise BadAnswer(f"<{found.tag}>, not <{tag}>")
        return found


class Wire:
    """Requests of one client."""

    def __init__(self, server: str, generation: Generation, timeout: float = 60.0) -> None:
        self.server = server
        self.cookie = ""
        self.redirects: list[str] = []
        self._generation, self._timeout = generation, timeout

    def get(self, path: str) -> Answer:
        """Ask below the server's address, which is put before the path as it is."""
        return self.ask("GET", self.server + path)

    def post(self, url: str, body: bytes, kind: str) -> Answer:
        """Send a body."""
        return self.ask("POST", url, body, kind)

    def send_file(self, url: str, name: str, data: bytes, kind: str) -> Answer:
        """Send a form with a file, in the generation's manner."""
        boundary = secrets.token_hex(16) if self._generation.part_has_type else ODD_BOUNDARY
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        if self._generation.part_has_type:
            head += f"Content-Type: {kind}\r\nContent-Length: {len(data)}\r\n"
        body = head.encode() + b"\r\n" + data + f"\r\n--{boundary}--\r\n".encode()
        joint = "; " if self._generation.part_has_type else ";"
        return self.post(url, body, f"multipart/form-data{joint}boundary={boundary}")

    def ask(self, method: str, url: str, body: bytes | None = None, kind: str = "") -> Answer:
        """Ask, and follow redirects as a GET without a body."""
        for hop in range(MOST_REDIRECTS + 1):
            found = self._once(method, url, body, kind)
            if found.status != 302:
                return Answer(found.status, found.headers, found.body, hop)
            url, method, body = urljoin(url, found.headers["location"]), "GET", None
            self.redirects.append(url)
        raise BadAnswer("Too many follow-up requests: 21")

    def _once(self, method: str, url: str, body: bytes | None, kind: str) -> Answer:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=self._timeout)
        headers = {"User-Agent": self._generation.agent, "Accept": "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"}
        if self.cookie and parts.hostname == urlsplit(self.server).hostname:
            headers["Cookie"] = self.cookie
        if kind:
            headers["Content-Type"] = kind
        try:
            connection.request(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body, headers)
            response = connection.getresponse()
            found = Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
        finally:
            connection.close()
        if "content-type" not in found.headers:
            raise BadAnswer(f"{url}: no Content-Type: a NullPointerException")
        self._keep(found)
        return found

    def _keep(self, answer: Answer) -> None:
        if cookie := answer.headers.get("set-cookie"):
            self.cookie = cookie if self._generation.returns_whole_cookie else cookie.partition(";")[0]
