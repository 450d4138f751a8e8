# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that poll at a fixed pace over kept connections, as a program of their own: their work must not count as the server's.

Usage: python bench/pollers.py PORT CLIENTS POLLS_A_SECOND_EACH PATH; ends when its stdin does, and prints its figures as JSON.
A poll that is late is not dropped: the next ones follow at once, so the pace is kept as long as the server can. Runs without Blender.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import threading
import time


class Client:
    """One kept connection; sends the ETag that it has, as the add-on does."""

    def __init__(self, port: int, path: str) -> None:
        self._address = ("127.0.0.1", port)
        self._path = path
        self._etag = b""
        self._socket: socket.socket | None = None
        self.seconds: list[float] = []
        self.statuses: dict[str, int] = {}

    def poll(self) -> None:
        """Ask once; what goes wrong is counted, and the next poll connects anew."""
        begun = time.perf_counter()
        try:
            status = self._ask()
        except OSError as error:
            status = type(error).__name__
            self._socket = None
        self.seconds.append(time.perf_counter() - begun)
        self.statuses[status] = self.statuses.get(status, 0) + 1

    def _ask(self) -> str:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=20)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        port = self._address[1]
        known = b"If-None-Match: " + self._etag + b"\r\n" if self._etag else b""
        self._socket.sendall(f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode() + known + b"\r\n")
        head, body = self._receive(b"")
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b": ")
            if name.lower() == b"content-length":
                length = int(value)
            elif name.lower() == b"etag":
                self._etag = value
        status = head[9:12].decode()
        while status != "304" and len(body) < length:
            body += self._more()
        return status

    def _receive(self, got: bytes) -> tuple[bytes, bytes]:
        while b"\r\n\r\n" not in got:
            got += self._more()
        head, _, body = got.partition(b"\r\n\r\n")
        return head, body

    def _more(self) -> bytes:
        assert self._socket is not None
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionResetError
        return data

    def run(self, pause: float, first: float, over: threading.Event) -> None:
        """Poll at the pace until it is over."""
        due = time.perf_counter() + first
        while not over.wait(max(0.0, due - time.perf_counter())):
            self.poll()
            due += pause


def main() -> None:
    """Poll until stdin ends."""
    port, clients, pace, path = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
    over = threading.Event()
    made = [Client(port, path) for _ in range(clients)]
    threads = [threading.Thread(target=client.run, args=(1 / pace, number / pace / clients, over)) for number, client in enumerate(made)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    select.select([sys.stdin], [], [])
    over.set()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    seconds = sorted(second for client in made for second in client.seconds)
    statuses: dict[str, int] = {}
    for client in made:
        for status, count in client.statuses.items():
            statuses[status] = statuses.get(status, 0) + count
    errors = sum(count for status, count in statuses.items() if status not in ("200", "304"))
    print(json.dumps({
        "polls": len(seconds), "polls a second": len(seconds) / took, "errors": errors, "statuses": statuses, "median ms": 1000 * seconds[len(seconds) // 2],
        "p99 ms": 1000 * seconds[int(len(seconds) * 0.99)], "worst ms": 1000 * seconds[-1],
    }))  # fmt: skip


if __name__ == "__main__":
    main()
