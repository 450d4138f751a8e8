# SPDX-License-Identifier: GPL-3.0-or-later
"""The archives that clients fetch, keep and delete, whole and in pieces. Runs without Blender."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest
from protocols.sheepit.client import SheepItClient
from protocols.sheepit.generations import G1, G3
from protocols.sheepit.renderer import JobFailed
from unit.farm.sheepit.fake_desk import FakeDesk
from unit.farm.sheepit.gateways import Gateway

from batchserver.farm.sheepit import chunks, job_routes


def test_archives_of_batches_that_are_over_are_deleted_and_others_are_not(client: SheepItClient, desk: FakeDesk) -> None:
    client.work(client.request_job())
    foreign = "0" * 32
    client.held.append(foreign)
    scene, renderer = desk.package.scene, desk.renderers.found
    assert renderer is not None
    assert client.held == [renderer.md5, scene.md5, foreign]
    client.request_job()
    assert client.held == [renderer.md5, scene.md5, foreign]
    other = scene.path.with_name("other.zip")
    other.write_bytes(b"another scene")
    scene.path.unlink()
    desk.package = replace(desk.package, scene=replace(scene, path=other, md5="1" * 32, size=13))
    client.request_job()
    assert client.held == [renderer.md5, foreign]


def test_downloads_are_whole_or_from_a_place_on_and_only_for_who_has_a_frame(client: SheepItClient, desk: FakeDesk, gateway: Gateway, tmp_path: Path) -> None:
    job = client.request_job()
    scene = desk.package.scene
    whole = client.wire.get(f"/server/archive.php?type=job&job={job.id}")
    assert whole.body == scene.path.read_bytes()
    assert whole.headers["content-length"] == str(scene.size)
    assert whole.headers["accept-ranges"] == "bytes"
    stranger = gateway.client(tmp_path / "stranger", host="stranger")
    stranger.log_in()
    for path in (
        f"archive.php?type=job&job={job.id}", f"archive.php?type=binary&job={job.id}", f"download_binary.php?job={job.id}",
        f"download_chunk.php?chunk={job.chunks[0][0]}", "archive.php?type=job&job=1002", "archive.php", "download_chunk.php?chunk=../../x",
    ):  # fmt: skip
        assert stranger.wire.get(f"/server/{path}").status == 404
    assert client.wire.get(f"/server/archive.php?type=other&job={job.id}").status == 404
    scene.path.unlink()
    assert client.wire.get(f"/server/archive.php?type=job&job={job.id}").status == 404
    with pytest.raises(JobFailed, match="type 9"):
        client.download(client.request_job())


def test_a_range_is_sent(client: SheepItClient, desk: FakeDesk, gateway: Gateway) -> None:
    job = client.request_job()
    with socket.create_connection(("127.0.0.1", gateway.port)) as asking:
        head = [
            f"GET /server/archive.php?type=job&job={job.id} HTTP/1.1",
            "Host: x",
            f"Cookie: {client.wire.cookie}",
            "Range: bytes=10-19",
            "Connection: close",
        ]
        asking.sendall("\r\n".join([*head, "Connection: close", "", ""]).encode())
        said = b"".join(iter(lambda: asking.recv(65536), b""))
    assert said.startswith(b"HTTP/1.1 206")
    assert said.endswith(b"\r\n\r\n" + desk.package.scene.path.read_bytes()[10:20])


def test_chunks_are_the_archive_in_order(gateway: Gateway, desk: FakeDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "SMALLEST", 1000)
    client = gateway.client(tmp_path / "client", G3)
    client.log_in()
    job = client.request_job()
    assert len(job.chunks) == -(-desk.package.scene.size // 1000) > 20
    assert client.work(job) == 0
    with Gateway(desk) as restarted:  # it does not read the archive again
        desk.package.scene.path.write_bytes(bytes(desk.package.scene.size))
        client.wire.server = restarted.url
        assert client.request_job().chunks == job.chunks


def test_old_clients_do_not_wait_for_pieces_of_large_archives(gateway: Gateway, desk: FakeDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_routes, "QUICKLY_CUT", 10)
    client = gateway.client(tmp_path / "client", G1)
    client.log_in()
    assert client.request_job().chunks == ()
