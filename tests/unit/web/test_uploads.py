# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads: stored once, whole or not at all, under names that are never paths. Runs without Blender."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.web.fake_service import BLEND, Running, Starter

from batchserver.model.errors import BadInput
from batchserver.web.multipart import boundary_of, copy_first_file
from batchserver.web.spool import Spool, SpoolBuffer
from batchserver.web.uploads import safe_name

RAW = {"Content-Type": "application/octet-stream"}
LARGE = BLEND + os.urandom(700_000)  # over what is held in memory
FORM = {"Content-Type": "multipart/form-data; boundary=XX"}


def form(content: bytes, name: str = "a.blend", *, before: bytes = b"") -> bytes:
    return before + f'--XX\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode() + content + b"\r\n--XX--\r\n"


@pytest.mark.parametrize("content", [BLEND, LARGE, gzip.compress(BLEND, mtime=0), b"\x28\xb5\x2f\xfd" + BLEND])
@pytest.mark.parametrize("kind", ["raw", "form"])
def test_a_blend_is_stored_whole_under_its_hash(server: Running, content: bytes, kind: str) -> None:
    answer = (
        server.ask("POST", "/batch/file?name=My%20Scene.blend", content, RAW)
        if kind == "raw"
        else server.ask("POST", "/batch/file", form(content, "My Scene.blend"), FORM)
    )
    sha256 = hashlib.sha256(content).hexdigest()
    path = server.data / "uploads" / sha256 / "My Scene.blend"
    assert (answer.status, answer.json["path"], answer.json["sha256"], answer.json["size"]) == (200, str(path), sha256, len(content))
    assert path.read_bytes() == content
    assert server.left_behind() == []


def test_a_chunked_body_is_stored_whole(server: Running) -> None:
    answer = server.ask("POST", "/batch/file", iter([LARGE[:10], LARGE[10:300_000], LARGE[300_000:]]), RAW)
    assert answer.status == 200
    assert Path(answer.json["path"]).read_bytes() == LARGE
    assert server.left_behind() == []


def test_a_large_raw_body_is_moved_and_not_copied(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    take = SpoolBuffer.take

    def watched(buffer: SpoolBuffer) -> Path | None:
        taken = take(buffer)
        assert taken is not None
        seen.append(taken.stat().st_ino)
        return taken

    monkeypatch.setattr(SpoolBuffer, "take", watched)
    answer = server.ask("POST", "/batch/file", LARGE, RAW)
    assert [Path(answer.json["path"]).stat().st_ino] == seen


def test_the_file_is_found_among_other_fields(server: Running) -> None:
    before = b'not for us\r\n--XX\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n--X\r\n'
    answer = server.ask("POST", "/batch/file", form(BLEND, before=before + b"\r\n"), FORM)
    assert Path(answer.json["path"]).read_bytes() == BLEND


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", RAW),
        (b"PK\x03\x04 a zip", RAW),
        (b"BLENDE", RAW),
        (gzip.compress(b"no blend", mtime=0), RAW),
        (b"\x1f\x8bnot gzip at all", RAW),
        (b"\0" * 700_000, RAW),
        (form(b""), FORM),
        (form(b"no blend"), FORM),
        (b"--XX--\r\n", FORM),
        (b'--XX\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n--XX--\r\n', FORM),
        (form(BLEND)[:-9], FORM),
        (form(LARGE)[:-700], FORM),
        (b"--XX\r\nA: " + b"a" * 2_000_000, FORM),
        (form(BLEND), {"Content-Type": "multipart/form-data"}),
        (form(BLEND), {"Content-Type": "multipart/form-data; boundary=YY"}),
    ],
)
def test_no_file_no_blend_or_half_of_one_is_400_and_leaves_nothing(server: Running, body: bytes, headers: dict[str, str]) -> None:
    answer = server.ask("POST", "/batch/file", body, headers)
    assert (answer.status, answer.json.keys()) == (400, {"status"})
    assert server.left_behind() == []
    assert list((server.data / "uploads").iterdir()) == []


@pytest.mark.parametrize("kind", ["length", "chunked", "form", "small"])
def test_a_file_over_the_limit_is_413_and_leaves_nothing(start_server: Starter, kind: str) -> None:
    server = start_server(limit=400 if kind == "small" else 600_000)
    body: object = {"length": LARGE, "chunked": iter([LARGE]), "form": form(LARGE[:620_000]), "small": BLEND}[kind]
    answer = server.ask("POST", "/batch/file", body, FORM if kind == "form" else RAW)
    assert (answer.status, answer.json.keys()) == (413, {"status"})
    assert server.left_behind() == []
    assert list((server.data / "uploads").iterdir()) == []


def test_the_same_contents_are_stored_once_under_both_names(server: Running) -> None:
    paths = [Path(server.ask("POST", f"/batch/file?name={name}", BLEND, RAW).json["path"]) for name in ("a.blend", "a.blend", "b.blend")]
    assert [path.name for path in paths] == ["a.blend", "a.blend", "b.blend"]
    assert len({path.stat().st_ino for path in paths}) == 1


def test_a_file_that_a_batch_renders_is_409_and_says_where_it_is(server: Running) -> None:
    path = server.ask("POST", "/batch/file?name=a.blend", BLEND, RAW).json["path"]
    server.service.in_use.add(Path(path))
    answer = server.ask("POST", "/batch/file?name=a.blend", BLEND, RAW)
    assert (answer.status, answer.json["path"]) == (409, path)
    assert server.ask("POST", "/batch/file?name=a.blend", BLEND + b"another version", RAW).status == 200
    assert Path(path).read_bytes() == BLEND


def test_a_stored_file_that_was_changed_is_mended_but_not_under_a_running_batch(server: Running) -> None:
    path = Path(server.ask("POST", "/api/v1/files?name=a.blend", BLEND, RAW).json["path"])
    path.write_bytes(b"BLENDER saved over")
    server.service.in_use.add(path)
    assert server.ask("POST", "/api/v1/files?name=a.blend", BLEND, RAW).status == 409
    assert path.read_bytes() == b"BLENDER saved over"
    server.service.in_use.clear()
    assert server.ask("POST", "/api/v1/files?name=a.blend", BLEND, RAW).status == 200
    assert path.read_bytes() == BLEND


def test_a_full_disk_is_507_with_a_sentence(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(spool: Spool) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "create", full)
    for body in (BLEND, LARGE, iter([LARGE])):
        answer = server.ask("POST", "/batch/file", body, RAW)
        assert answer.status == 507
        assert "No space left" in answer.json["status"]
    monkeypatch.setattr(Spool, "free", lambda spool: 1000)
    assert "1000 bytes free" in server.ask("POST", "/batch/file", LARGE, RAW).json["status"]


def test_a_start_removes_what_a_dead_server_left_half_received(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.open()
    path, file = spool.create()
    file.close()
    assert path.exists()
    spool.open()
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a.blend", "a.blend"),
        ("Szene ä 日本.BLEND", "Szene ä 日本.blend"),
        ("../../etc/passwd", "passwd.blend"),
        ("C:\\Users\\me\\a.blend", "a.blend"),
        ("..", "scene.blend"),
        ("", "scene.blend"),
        (".blend", "scene.blend"),
        ("a\0b\n.blend", "a_b_.blend"),
        ("CON.blend", "_CON.blend"),
        ("{blend}##.blend", "_blend___.blend"),
        ("a.blend1", "a.blend1.blend"),
    ],
)
def test_a_name_becomes_one_plain_name(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.text())
def test_no_name_leaves_its_folder(name: str) -> None:
    safe = safe_name(name)
    assert safe.endswith(".blend")
    assert not set(safe) & set('/\\\0:*?"<>|')
    assert not safe.startswith(".")
    assert len(os.fsencode(safe)) <= 127
    assert safe_name(safe) == safe


@given(st.binary(max_size=300), st.integers(1, 40), st.binary(max_size=40))
def test_a_form_gives_its_file_back_however_it_is_cut(content: bytes, size: int, preamble: bytes) -> None:
    if b"--XX" in content or b"--XX" in preamble:
        return
    out = io.BytesIO()
    assert copy_first_file(_Trickle((preamble + b"\r\n" if preamble else b"") + form(content), size), b"XX", out.write) == "a.blend"
    assert out.getvalue() == content


@given(st.binary(max_size=400), st.integers(1, 50))
def test_a_broken_form_is_refused_and_never_crashes(body: bytes, size: int) -> None:
    with pytest.raises(BadInput):
        copy_first_file(_Trickle(body, size), b"XX", lambda _: None)


@given(st.integers(0, 200))
def test_a_form_that_is_cut_short_anywhere_is_refused(at: int) -> None:
    whole = form(b"BLENDER" + b"x" * 100)
    end = whole.rindex(b"\r\n--XX") + 6
    with pytest.raises(BadInput):
        copy_first_file(io.BytesIO(whole[: min(at, end - 1)]), b"XX", lambda _: None)


def test_a_boundary_may_be_quoted() -> None:
    assert boundary_of('multipart/form-data; charset=utf-8; boundary="a b"') == b"a b"


class _Trickle:
    """Gives at most `size` bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        self._file = io.BytesIO(data)
        self._size = size

    def read(self, size: int = -1, /) -> bytes:
        return self._file.read(min(size, self._size))
