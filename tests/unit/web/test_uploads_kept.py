# SPDX-License-Identifier: GPL-3.0-or-later
"""Old uploads go, needed ones stay, and everybody knows whose a file is. Runs without Blender."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from unit.web.fake_service import BLEND, TOKEN, Running, Starter

from batchserver.cli.housekeeping import Chore, Housekeeping
from batchserver.cli.upload_keeping import DAY, UploadKeeper
from batchserver.web.owners import is_a_strangers

RAW = {"Content-Type": "application/octet-stream"}
FORM = {"Content-Type": "multipart/form-data; boundary=XX"}


class ToldPeer:
    def uid(self, connection: object) -> int | None:
        return None


def send(server: Running, content: bytes, name: str = "a.blend", headers: dict[str, str] | None = None) -> Path:
    answer = server.ask("POST", f"/batch/file?name={name}", content, RAW | (headers or {}))
    assert answer.status == 200, answer.body
    return Path(answer.json["path"])


def age(blend: Path, days: float) -> None:
    then = time.time() - days * DAY
    os.utime(blend, (then, then))
    os.utime(blend.parent, (then, then))


def house(server: Running, *needed: Path, days: int = 30) -> UploadKeeper:
    return UploadKeeper(server.uploads, days, needed=lambda: [str(path) for path in needed], lock=threading.RLock())


def test_old_uploads_are_removed_new_and_needed_ones_are_not(server: Running) -> None:
    old, new, needed = (send(server, BLEND + text) for text in (b"old", b"new", b"needed"))
    for blend in (old, needed):
        age(blend, 31)
    age(new, 29)
    assert house(server, needed).clean(time.time()) == 1
    assert (old.parent.exists(), new.exists(), needed.exists()) == (False, True, True)
    assert server.left_behind() == []


def test_a_file_that_is_sent_again_is_young_again_but_its_own_time_stays(server: Running) -> None:
    blend = send(server, BLEND)
    age(blend, 400)
    before = blend.stat().st_mtime_ns  # a running batch looks at it
    assert send(server, BLEND) == blend
    assert blend.stat().st_mtime_ns == before
    assert house(server).clean(time.time()) == 0
    assert blend.exists()


def test_of_one_content_under_two_names_a_needed_one_keeps_both(server: Running) -> None:
    one, other = send(server, BLEND, "one.blend"), send(server, BLEND, "other.blend")
    age(one, 400)
    assert house(server, other).clean(time.time()) == 0
    assert house(server).clean(time.time()) == 2
    assert list(server.uploads.folder.iterdir()) == []


def test_needed_is_asked_under_the_lock_that_keeps_new_batches_out(server: Running) -> None:
    age(send(server, BLEND), 400)
    events: list[str] = []

    @contextlib.contextmanager
    def lock() -> Iterator[None]:
        events.append("locked")
        yield
        events.append("free")

    def needed() -> list[str]:
        events.append("asked")
        return []

    server.uploads.remove_unused(time.time(), needed, lock())
    assert events == ["locked", "asked", "free"]


def test_strange_things_among_the_uploads_harm_nobody(server: Running) -> None:
    (server.uploads.folder / "a file").write_bytes(b"x")
    (server.uploads.folder / "empty").mkdir()
    os.utime(server.uploads.folder / "empty", (0, 0))
    assert house(server).clean(time.time()) == 0
    assert [path.name for path in server.uploads.folder.iterdir()] == ["a file"]


def test_the_thread_cleans_at_its_start_and_ends_when_told(server: Running) -> None:
    blend = send(server, BLEND)
    age(blend, 400)
    cleaning = Housekeeping([Chore(house(server).clean, "%d went", "")])
    cleaning.start()
    for _ in range(200):
        if not blend.exists():
            break
        time.sleep(0.02)
    cleaning.stop()
    assert not blend.exists()


def test_zero_days_keep_uploads_for_ever(server: Running) -> None:
    blend = send(server, BLEND)
    age(blend, 4000)
    assert house(server, days=0).clean(time.time()) == 0
    assert blend.exists()


# -- whose ----------------------------------------------------------------------------------------------------------------


def test_a_strangers_upload_is_his_until_the_owner_sends_the_same(start_server: Starter) -> None:
    server = start_server(peers=ToldPeer())  # a system that tells no users: only the token makes an owner
    uploads = server.uploads.folder
    blend = send(server, BLEND)
    assert is_a_strangers(uploads, blend)
    assert send(server, BLEND, headers={"Authorization": f"Bearer {TOKEN}"}) == blend
    assert not is_a_strangers(uploads, blend)
    send(server, BLEND)  # and a stranger cannot take it back
    assert not is_a_strangers(uploads, blend)


def test_what_comes_in_a_form_or_as_a_large_body_is_the_owners_too(server: Running) -> None:
    form = b'--XX\r\nContent-Disposition: form-data; name="file"; filename="f.blend"\r\n\r\n' + BLEND + b"\r\n--XX--\r\n"
    paths = [Path(server.ask("POST", "/api/v1/files", form, FORM).json["path"]), send(server, BLEND + os.urandom(600_000))]
    assert not any(is_a_strangers(server.uploads.folder, path) for path in paths)


def test_no_way_to_name_a_strangers_file_hides_whose_it_is(start_server: Starter, tmp_path: Path) -> None:
    server = start_server(peers=ToldPeer())
    uploads, blend = server.uploads.folder, send(server, BLEND)
    link, folder = tmp_path / "link.blend", tmp_path / "folder"
    link.symlink_to(blend)
    folder.symlink_to(uploads, target_is_directory=True)
    ways = [link, folder / blend.relative_to(uploads), blend.parent / ".." / blend.relative_to(uploads), uploads / "." / blend.relative_to(uploads)]
    assert all(is_a_strangers(uploads, way) for way in ways)
    elsewhere = tmp_path / "own.blend"
    elsewhere.write_bytes(BLEND)
    assert not is_a_strangers(uploads, elsewhere)
    assert not is_a_strangers(uploads, tmp_path / "uploads" / "not there.blend")
