# SPDX-License-Identifier: GPL-3.0-or-later
"""The far side of the connection: finds the server or starts it, and speaks of one batch.

All of it runs in the worker's thread, and may take its time. Runs without Blender.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..sentences import sentence
from . import server_copy, server_process
from .client import Client, ConnectionProblem, Refusal, ServerGone, Stranger
from .data_folder import Address, make_private, read_address, read_token
from .server_process import Launch

START_SECONDS = 30.0
"""How long a server may take until it answers; a slow disk and a cold start included."""


@dataclass(frozen=True, slots=True)
class House:
    """Where things stand for one Blender: read on the main thread, used by the worker's. Without `token_file` the token is the data folder's."""

    data: Path
    port: int
    blender: str
    code: Path
    version: str
    token_file: Path | None = None


class Remote:
    """Reaches the server of the user's data folder."""

    def __init__(self, house: House, stopping: threading.Event) -> None:
        self.house = house
        self._stopping = stopping
        self._client: Client | None = None
        self._instance = ""
        self._process: subprocess.Popen[bytes] | None = None

    def connected(self) -> Client | None:
        """Give a client of the server that runs already, None when none runs."""
        address = read_address(self.house.data)
        if address is None:
            self._drop()
            return None
        if self._client is not None and self._instance == address.instance:
            return self._client
        self._drop()
        if self._is_ours(address):
            self._client, self._instance = Client(address.port, read_token(self.house.data, self.house.token_file)), address.instance
        return self._client

    def reach(self) -> Client:
        """Give a client of the running server; start one when none runs. Raises `ConnectionProblem`."""
        client = self.connected()
        address = read_address(self.house.data)
        if client is not None and address is not None:
            if not _is_older(address.version, self.house.version) or self._is_busy(client):
                return client
            self.stop_server()  # an older one that has nothing to do makes room
        return self._launch()

    def ask(self, method: str, path: str, document: object = None, *, etag: str = "", file: bool = False) -> Any:
        """Ask the server that runs; never starts one. Raises `ConnectionProblem`."""
        client = self.connected()
        if client is None:
            raise ServerGone(sentence("The render server is not running"))
        try:
            return client.ask(method, path, document, etag=etag, file=file)
        except ServerGone:
            self._drop()
            raise

    def stop_server(self, seconds: float = 15.0) -> bool:
        """End the server, and wait until it is gone; a running batch stays resumable. Tells whether there was one."""
        client = self.connected()
        if client is None:
            return False
        address = read_address(self.house.data)
        client.ask("DELETE", "/server")
        self._drop()
        self._wait(lambda: read_address(self.house.data) != address, seconds)
        if self._process is not None:
            self._wait(lambda: self._process is None or self._process.poll() is not None, seconds)
        return True

    def close(self) -> None:
        """Let go of the connection; the server lives on."""
        self._drop()
        if self._process is not None and self._process.poll() is None:
            self._process.returncode = 0  # it outlives us on purpose: no warning about that

    # --- inside -----------------------------------------------------------------------------------------

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client, self._instance = None, ""

    def _is_ours(self, address: Address) -> bool:
        """Ask without the token: an address file that a crash left may lead to a stranger by now."""
        client = Client(address.port, timeout=5)
        try:
            about = client.ask("GET", "/test").document or {}
        except ConnectionProblem:
            return False
        finally:
            client.close()
        return about.get("instance") == address.instance

    def _is_busy(self, client: Client) -> bool:
        document = client.ask("GET", "/api/v1/batches").document or {}
        return any(batch.get("status") in ("RUNNING", "WAITING") for batch in document.get("batches", ()))

    def _launch(self) -> Client:
        house = self.house
        self._check_port()
        try:
            make_private(house.data)
        except OSError as error:
            raise ConnectionProblem(
                sentence("The data folder {folder} cannot be made ({why}); choose another in the preferences of Render+", folder=house.data, why=error.strerror)
            ) from error
        copy = server_copy.make_copy(house.code, house.data, house.version, server_copy.find_packages())
        environment = server_process.server_environment(os.environ, copy.packages)
        python = server_process.find_python(environment, sys.version_info[:2])
        launch = Launch(house.data, house.port, house.blender, token_file=house.token_file)
        self._process = server_process.start(server_process.server_command(python, copy, launch), environment, house.data)
        client = self._wait_for_server(self._process)
        server_copy.remove_unused(house.data, copy)
        return client

    def _wait_for_server(self, process: subprocess.Popen[bytes]) -> Client:
        found = self._wait(lambda: self.connected() is not None or process.poll() is not None, START_SECONDS)
        client = self.connected()
        if client is not None:  # ours, or that of another Blender which was faster
            return client
        if found and process.poll() is not None:
            raise ConnectionProblem(
                server_process.last_words(self.house.data) or sentence("The render server ended at once (code {code})", code=process.returncode)
            )
        process.kill()
        raise ConnectionProblem(
            sentence(
                "The render server did not answer within {seconds:.0f} seconds; see {log}", seconds=START_SECONDS, log=server_process.start_log(self.house.data)
            )
        )

    def _check_port(self) -> None:
        """Raise a sentence when somebody else listens on the port."""
        port = self.house.port
        if not port:
            return
        try:
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
        except OSError:
            return
        client = Client(port, timeout=5)
        try:
            theirs = str((client.ask("GET", "/test").document or {}).get("name", "")).startswith("Render+")
        except Refusal:
            theirs = True  # it speaks our language, to another user
        except (Stranger, ServerGone):
            theirs = False
        finally:
            client.close()
        if theirs:
            raise Stranger(
                sentence("A Render+ server of another user or data folder uses port {port}; choose another port in the preferences of Render+", port=port)
            )
        raise Stranger(sentence("Another program uses port {port}; choose another port in the preferences of Render+", port=port))

    def _wait(self, ready: Callable[[], bool], seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > end or self._stopping.wait(0.05):
                return False
        return True


def _is_older(theirs: str, ours: str) -> bool:
    return _numbers(theirs) < _numbers(ours)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
