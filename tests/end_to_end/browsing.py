# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Chromium, and the site that it is led to: what tests of hostile pages share. Runs without Blender."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-popup-blocking",
    "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable",
    "--host-resolver-rules=MAP rebound.example 127.0.0.1",
)
SECONDS = 60


@contextmanager
def other_site(page: str) -> Iterator[tuple[str, dict[str, str], threading.Event]]:
    """Serve a hostile page from a port of its own; give its address, what it posts to /done, and when it did."""
    said: dict[str, str] = {}
    done = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(page.encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            said.update({name: values[0] for name, values in parse_qs(body).items()})
            self._answer(b"")
            done.set()

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", said, done
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def browser(chromium: str, address: str) -> Iterator[None]:
    """Open an address in a Chromium with an empty profile, and end exactly that one."""
    profile = tempfile.mkdtemp(prefix="renderplus-chromium-")
    process = subprocess.Popen(
        [chromium, *FLAGS, f"--user-data-dir={profile}", address],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "HOME": profile},
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # its own session: the browser and its helpers, nobody else
        process.wait(20)
        shutil.rmtree(profile, ignore_errors=True)


def soon(condition: Callable[[], bool], seconds: float = SECONDS) -> bool:
    waiter = threading.Event()
    for _ in range(int(seconds / 0.05)):
        if condition():
            return True
        waiter.wait(0.05)
    return False
