# SPDX-License-Identifier: GPL-3.0-or-later
"""Many SheepIt clients in one program: some wait for work by long-poll, some take frames and upload pictures as fast as they are told.

Usage: python bench/farm_clients.py PORT SECRETS_FILE IDLE BUSY FRAMES SECONDS; prints its figures as JSON. A program of its own: its work must
not count as the server's. The picture is a plain one of 64 x 64 pixels; nothing is rendered. Runs without Blender.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import struct
import sys
import time
import zlib
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlencode, urljoin, urlsplit

SIZE = 64
BOUNDARY = "renderplus-bench"
MACHINES = 50
"""Machines that share an account."""


def picture() -> bytes:
    """Write a grey PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes([90, 90, 90, 255]) * SIZE for _ in range(SIZE))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", SIZE, SIZE, 8, 6, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


PICTURE = picture()
CONFIG, JOB = "/server/config.php", "/server/request_job.php"


@dataclass
class Seen:
    """What all clients saw."""

    held: int = 0
    most_held: int = 0
    frames: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    first: float | None = None
    lease_seconds: list[float] = field(default_factory=list)
    upload_seconds: list[float] = field(default_factory=list)

    def error(self, what: str) -> None:
        """Count something that should not be."""
        self.errors[what] = self.errors.get(what, 0) + 1


@dataclass
class Client:
    """One client on one kept connection."""

    port: int
    name: str
    secret: str
    host: str
    seen: Seen
    cookie: str = ""
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"", kind: str = "application/xml") -> tuple[int, dict[str, str], str]:
        """Send a request and read its answer."""
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        cookie = f"Cookie: {self.cookie}\r\n" if self.cookie else ""
        lines = (f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "User-Agent: Java/17", f"Content-Type: {kind}", f"Content-Length: {len(body)}")
        head = "\r\n".join(lines) + f"\r\n{cookie}\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in answer[1:] if line)}
        text = (await reader.readexactly(int(headers.get("content-length", 0)))).decode(errors="replace")
        if headers.get("connection", "") == "close":
            writer.close()
            self.streams = None
        return int(answer[0].split()[1]), headers, text

    async def log_in(self) -> None:
        """Log in and keep the cookie."""
        form = urlencode({"login": self.name, "password": self.secret, "cpu_cores": 2, "os": "linux", "ram": 8 << 20, "bits": "64bit",
                          "version": "6.22306.0", "hostname": self.host, "ui": "GuiText", "hwid": self.host})  # fmt: skip
        _, headers, text = await self.ask("POST", CONFIG, form.encode(), "application/x-www-form-urlencoded")
        if 'status="0"' not in text:
            raise ValueError(f"login: {text[:80]}")
        self.cookie = headers["set-cookie"].split(";")[0]

    async def next_job(self) -> str:
        """Ask for work, through as many redirections as it takes; gives the answer's XML."""
        method, path = "POST", f"{JOB}?computemethod=1&network_dl=0&network_up=0&cpu_cores=2&ram_max=8000000&rendertime_max=-1"
        body = b"<cache/>"
        for _ in range(21):
            self.seen.held += 1
            self.seen.most_held = max(self.seen.most_held, self.seen.held)
            try:
                status, headers, text = await self.ask(method, path, body)
            finally:
                self.seen.held -= 1
            if status not in (302, 307):
                return text
            where = urlsplit(urljoin(path, headers["location"]))
            method, path, body = "GET", where.path + (f"?{where.query}" if where.query else ""), b""
        return ""

    async def upload(self, job: str, text: str) -> str:
        """Upload the picture of a job's frame."""
        url = urlsplit(unquote(unescape(_attribute(text, "validation_url"))))
        name = f"{job}_{_attribute(text, 'frame')}.png"
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: image/png\r\n\r\n'
        body = head.encode() + PICTURE + f"\r\n--{BOUNDARY}--\r\n".encode()
        _, _, answer = await self.ask("POST", f"{url.path}?{url.query}&rendertime=1&memoryused=1000", body, f"multipart/form-data; boundary={BOUNDARY}")
        return answer


def _attribute(text: str, name: str) -> str:
    match = re.search(rf'\b{name}="([^"]*)"', text)
    if match is None:
        raise ValueError(f"no {name} in {text[:80]}")
    return match[1]


async def wait_idly(client: Client, over: asyncio.Event) -> None:
    """Wait for work that never comes, until it is over."""
    while not over.is_set():
        try:
            text = await client.next_job()
            status = _attribute(text, "status") if text else "none"
            client.seen.answers[status] = client.seen.answers.get(status, 0) + 1
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            client.seen.error(f"idle: {type(error).__name__} {error}"[:120])
            await asyncio.sleep(1)


async def render(client: Client, over: asyncio.Event) -> None:
    """Take frames and upload pictures, until it is over."""
    seen = client.seen
    while not over.is_set():
        try:
            begun = time.perf_counter()
            text = await client.next_job()
            if "<job " not in text:
                continue
            leased = time.perf_counter()
            seen.first = seen.first or time.time()
            job = _attribute(text[text.index("<job ") :], "id")
            answer = await client.upload(job, text)
            if 'status="0"' not in answer:
                seen.error(f"upload: {answer[-60:]}")
                continue
            seen.frames += 1
            seen.lease_seconds.append(leased - begun)
            seen.upload_seconds.append(time.perf_counter() - leased)
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            seen.error(f"busy: {type(error).__name__} {error}"[:120])
            client.streams = None


async def main(port: int, secrets: dict[str, str], idle: int, busy: int, frames: int, seconds: float) -> None:
    """Log all in, let them work, print what they saw."""
    seen, names = Seen(), sorted(secrets)
    clients = [Client(port, names[n // MACHINES], secrets[names[n // MACHINES]], f"host{n}", seen) for n in range(idle + busy)]
    begun = time.perf_counter()
    for group in range(0, len(clients), 20):
        await asyncio.gather(*(client.log_in() for client in clients[group : group + 20]))
    logged_in = time.perf_counter() - begun
    over, began = asyncio.Event(), time.perf_counter()
    work = [asyncio.create_task(wait_idly(client, over)) for client in clients[:idle]]
    work += [asyncio.create_task(render(client, over)) for client in clients[idle:]]
    while time.perf_counter() - began < seconds and not (frames and seen.frames >= frames):
        await asyncio.sleep(0.1)
    took = time.perf_counter() - began if seen.first is None else time.time() - seen.first
    over.set()
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    print(json.dumps({
        "first": seen.first, "log-ins": len(clients), "log-ins a second": len(clients) / logged_in, "waiting at once": seen.most_held, "frames": seen.frames,
        "frames a second": seen.frames / took, "errors": seen.errors, "answers": seen.answers, "seconds": took,
        "lease median ms": 1000 * statistics.median(seen.lease_seconds or [0]), "upload median ms": 1000 * statistics.median(seen.upload_seconds or [0]),
        "upload worst ms": 1000 * max(seen.upload_seconds or [0]),
    }))  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()), int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]), float(sys.argv[6])))
