# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives of strangers: unpacked whole and harmless, or refused with a sentence and nothing left. Runs without Blender."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import stat
import struct
import tempfile
import threading
import time
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.web.fake_service import BLEND, TOKEN, Running, Starter

from batchserver.cli.upload_keeping import DAY, UploadKeeper
from batchserver.model.errors import BadInput, RenderPlusError, TooLarge
from batchserver.web import uploads as uploads_module
from batchserver.web.archives import Archive, Bounds, opened
from batchserver.web.owners import is_a_strangers
from batchserver.web.spool import Spool
from batchserver.web.uploads import Uploads

ZIP = {"Content-Type": "application/zip"}
ROOMY = Bounds(10_000_000)
GOOD = {"shots/scene.blend": BLEND, "shots/textures/Holz ä.png": b"wood" * 1000, "lib.txt": b"", "__MACOSX/shots/._scene.blend": b"finder"}


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Make an archive; a name with NUL, or twice, is put in as it is."""
    return packed_entries([(name, content, {}) for name, content in files.items()], method)


def packed_entries(entries: list[tuple[str, bytes, dict[str, int]]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w") as archive:
        warnings.simplefilter("ignore")
        for name, content, attributes in entries:
            info = zipfile.ZipInfo("x")
            info.filename = name  # as it is: ZipInfo would mend it
            info.compress_type = method
            for key, value in attributes.items():
                setattr(info, key, value)
            archive.writestr(info, content)
    return out.getvalue()


def send(server: Running, archive: bytes, query: str = "?name=project.zip", headers: dict[str, str] | None = None) -> Path:
    answer = server.ask("POST", f"/api/v1/files{query}", archive, ZIP | (headers or {}))
    assert answer.status == 200, answer.body
    return Path(answer.json["path"])


def refused(server: Running, archive: bytes, *words: str, status: int = 400, query: str = "") -> str:
    """Ask, and look that it is refused with a sentence and leaves nothing anywhere."""
    before = sorted(server.data.parent.rglob("*"))
    answer = server.ask("POST", f"/api/v1/files{query}", archive, ZIP)
    assert (answer.status, answer.json.keys()) == (status, {"status"}), answer.body
    assert sorted(server.data.parent.rglob("*")) == before
    for word in words:
        assert word in answer.json["status"]
    return str(answer.json["status"])


def unpack(archive: bytes, folder: Path, bounds: Bounds = ROOMY) -> Path:
    """Unpack without a server."""
    path = folder / "a.zip"
    path.write_bytes(archive)
    with opened(path, bounds) as found:
        found.unpack(folder / "new")
    return folder / "new"


# -- good ones -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("more", [b"", os.urandom(700_000)])  # out of memory, and out of the spool
def test_an_archive_is_unpacked_whole_under_its_hash(server: Running, method: int, more: bytes) -> None:
    files = GOOD | {"large.bin": more}
    archive = packed(files, method)
    answer = server.ask("POST", "/api/v1/files?name=project.zip", archive, ZIP)
    sha256 = hashlib.sha256(archive).hexdigest()
    folder = server.data / "uploads" / sha256 / "files"
    assert (answer.status, answer.json["path"], answer.json["sha256"], answer.json["size"]) == (200, str(folder / "shots/scene.blend"), sha256, len(archive))
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert found == {name: content for name, content in files.items() if not name.startswith("__MACOSX")}
    assert server.left_behind() == []


def test_what_is_unpacked_is_for_the_owner_alone_and_never_executable(server: Running) -> None:
    program = (stat.S_IFREG | 0o4777) << 16
    entries = [("a.blend", BLEND, {"external_attr": program}), ("sub/run.sh", b"#!/bin/sh", {"external_attr": program})]
    folder = send(server, packed_entries(entries)).parent
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_archive_is_unpacked_once(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    path = send(server, packed(GOOD))
    (path.parent / "render.png").write_bytes(b"rendered beside it")
    server.service.in_use.add(path)
    monkeypatch.setattr(Archive, "unpack", lambda *_: pytest.fail("it was unpacked again"))
    assert send(server, packed(GOOD), "") == path


def test_what_is_missing_is_mended_but_not_under_a_running_batch(server: Running) -> None:
    path = send(server, packed(GOOD))
    texture, picture = path.parent / "textures" / "Holz ä.png", path.parent / "render.png"
    texture.unlink()
    picture.write_bytes(b"rendered beside it")
    server.service.in_use.add(path)
    assert "Wait for the batch" in refused(server, packed(GOOD), status=409)
    server.service.in_use.clear()
    assert send(server, packed(GOOD)) == path
    assert (texture.read_bytes(), picture.read_bytes()) == (b"wood" * 1000, b"rendered beside it")
    assert server.left_behind() == []


def test_of_several_blends_one_is_named(server: Running) -> None:
    archive = packed({"a/one.blend": BLEND, "b/Zwei ä.BLEND": BLEND + b"2", "c.blend1": b"old"})
    assert send(server, archive, "?blend=b/Zwei%20%C3%A4.BLEND").read_bytes() == BLEND + b"2"
    assert send(server, archive, "?blend=a/one.blend").read_bytes() == BLEND
    refused(server, archive, "2 .blend files", "?blend=", "a/one.blend, b/Zwei ä.BLEND")
    refused(server, archive, "'../one.blend'", "a/one.blend", query="?blend=../one.blend")
    refused(server, packed({"a.png": b"x", "b.blend1": BLEND}), "no .blend in the archive")
    many = refused(server, packed({f"{number:04}.blend": BLEND for number in range(1000)}), "and 980 more")
    assert len(many) < 1000


def test_an_archive_inside_of_the_archive_stays_one(server: Running) -> None:
    inner = packed({"inner.blend": BLEND, "../evil": b"x"})
    folder = send(server, packed({"a.blend": BLEND, "inner.zip": inner})).parent
    assert sorted(path.name for path in folder.iterdir()) == ["a.blend", "inner.zip"]


def test_the_contracts_own_route_takes_no_archive(server: Running) -> None:
    assert server.ask("POST", "/batch/file?name=project.zip", packed(GOOD), ZIP).status == 406
    assert server.ask("POST", "/batch/file", packed(GOOD), {"Content-Type": "application/octet-stream"}).status == 400


# -- whose, and how long -------------------------------------------------------------------------------------------------


class ToldPeer:
    def uid(self, connection: object) -> int | None:
        return None


def test_a_strangers_archive_is_his_and_cannot_bring_the_owners_mark(start_server: Starter) -> None:
    server = start_server(peers=ToldPeer())
    archive = packed({"a.blend": BLEND, ".owner": b"", "files/.owner": b"", "sub/b.blend": BLEND})
    path = send(server, archive, "?blend=a.blend")
    assert is_a_strangers(server.uploads.folder, path)
    assert is_a_strangers(server.uploads.folder, path.parent / "sub" / "b.blend")
    path.write_bytes(BLEND[:-1] + b"x")  # of the same size
    owner = {"Authorization": f"Bearer {TOKEN}"}
    assert send(server, archive, "?blend=a.blend", owner) == path
    assert not is_a_strangers(server.uploads.folder, path)
    assert path.read_bytes() == BLEND  # what the owner sent, not what was made of it
    send(server, archive, "?blend=a.blend")
    assert not is_a_strangers(server.uploads.folder, path)


def test_old_folders_are_removed_in_whole_and_needed_ones_kept_in_whole(server: Running) -> None:
    old, needed = send(server, packed(GOOD)), send(server, packed(GOOD | {"more.txt": b"more"}))
    for blend in (old, needed):
        os.utime(blend.parents[2], (0, 0))
    house = UploadKeeper(server.uploads, 30, needed=lambda: [str(needed)], lock=threading.RLock())
    assert house.clean(time.time()) == 1
    assert not old.parents[2].exists()
    assert (needed.parent / "textures" / "Holz ä.png").exists()
    assert server.left_behind() == []
    assert send(server, packed(GOOD)) == old
    assert house.clean(time.time() + DAY) == 0


def test_a_start_removes_what_a_dead_server_left_half_unpacked(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.open()
    (spool.place() / "a" / "b").mkdir(parents=True)
    spool.open()
    assert list(spool.folder.iterdir()) == []


# -- hostile ones --------------------------------------------------------------------------------------------------------

NAMES = [
    "../evil", "a/../../evil", "/etc/evil", "//host/share/evil", "..\\evil", "a\\..\\..\\evil", "C:\\evil", "C:evil", "c:/evil", "a/./evil", "..", "a//evil",
    "../", "a/..", "\\\\host\\share\\evil", "\\evil", "", "/", "evil\0.png", "\0", "evil\n.png", "a\u2028b", "CON", "con.png", "sub/NUL", "LPT1.txt", "aux .x",
    "com\u00b9", "evil.", "evil ", "a./evil", ".. /evil", "... /evil", "evil.png:stream", "ev?l", "n" * 201, "a/" * 20 + "evil", ("n" * 190 + "/") * 5 + "evil",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_leaves_the_folder_or_is_none_everywhere_is_refused(server: Running, name: str) -> None:
    refused(server, packed({"a.blend": BLEND, name: b"evil"}), "in the archive")


def test_names_that_only_look_strange_are_taken(server: Running) -> None:
    names = ["..a/b..c", "...x", ".hidden", "console.png", "com.png", "nul1.png", "日本/ä ö.png", "e\u0301.png", "~", "-rf", "$HOME", "%2e%2e/x", "a'b;c&d"]
    folder = send(server, packed({"a.blend": BLEND} | dict.fromkeys(names, b"x"))).parent
    assert all((folder / name).read_bytes() == b"x" for name in names)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFDIR])
def test_links_and_devices_are_refused(server: Running, kind: int) -> None:
    entries = [("a.blend", BLEND, {}), ("link", b"/etc/passwd", {"external_attr": (kind | 0o777) << 16}), ("link/evil", b"x", {})]
    refused(server, packed_entries(entries), "'link'", "no plain file")
    refused(server, packed_entries([("a.blend", BLEND, {}), ("link", b"/etc", {"external_attr": 0x400, "create_system": 0})]), "no plain file")


@pytest.mark.parametrize("names", [("b.png", "b.png"), ("b.png", "B.PNG"), ("ä.png", "Ä.png"), ("é", "e\u0301"), ("straße", "STRASSE"), ("T/x", "t/X")])
def test_two_entries_that_some_system_takes_for_one_are_refused(server: Running, names: tuple[str, str]) -> None:
    refused(server, packed_entries([("a.blend", BLEND, {}), *((name, b"x", {}) for name in names)]), "twice")


@pytest.mark.parametrize("names", [("x", "x/y"), ("x/y", "x"), ("X", "x/y/z")])
def test_a_file_that_is_a_folder_too_is_refused(server: Running, names: tuple[str, str]) -> None:
    refused(server, packed_entries([("a.blend", BLEND, {}), *((name, b"x", {}) for name in names)]), "both a file and a folder")


def patched(archive: bytes, what: str, value: int, entry: int = 0) -> bytes:
    """Change a field of an entry, in its local header and in the directory."""
    local, central, form = {"flags": (6, 8, "<H"), "method": (8, 10, "<H"), "crc": (14, 16, "<L"), "packed": (18, 20, "<L"), "size": (22, 24, "<L")}[what]
    out = bytearray(archive)
    for mark, offset in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        at = -1
        for _ in range(entry + 1):
            at = archive.index(mark, at + 1)
        struct.pack_into(form, out, at + offset, value)
    return bytes(out)


@pytest.mark.parametrize("flags", [0x1, 0x40, 0x41, 0x2000])
def test_encrypted_entries_are_refused(server: Running, flags: int) -> None:
    refused(server, patched(packed({"b.png": b"x", "a.blend": BLEND}), "flags", flags), "'b.png'", "encrypted")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 9, 93, 99])
def test_only_deflate_and_no_compression_are_taken(server: Running, method: int) -> None:
    refused(server, patched(packed({"b.png": b"x" * 50, "a.blend": BLEND}), "method", method), "compressed in a way")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize(("what", "value"), [("size", 10), ("size", 0), ("size", 2_000_000), ("packed", 10), ("packed", 0), ("crc", 1)])
def test_headers_that_lie_are_found_out(server: Running, method: int, what: str, value: int) -> None:
    refused(server, patched(packed({"b.png": b"x" * 5000, "a.blend": BLEND}, method), what, value), "damaged")


def test_more_entries_than_the_bound_are_refused_before_any_is_written(server: Running) -> None:
    many = {f"{number:05}": b"" for number in range(20_000)}
    refused(server, packed({"a.blend": BLEND} | many, zipfile.ZIP_STORED), "20001 entries")
    refused(server, packed({"a.blend": BLEND} | {f"{number}/" + "d/" * 15 + "x": b"" for number in range(1000)}), "files and folders")


def test_a_huge_directory_is_not_even_read(server: Running) -> None:
    large = packed_entries([("a.blend", BLEND, {}), *((f"{number:03}", b"", {"comment": b"c" * 60_000}) for number in range(100))])  # type: ignore[dict-item]
    refused(server, large, "directory is larger")


def test_more_bytes_than_the_limit_are_413_whatever_the_headers_say(start_server: Starter, tmp_path: Path) -> None:
    server = start_server(limit=100_000)
    refused(server, packed({"a.blend": BLEND, "b": bytes(60_000), "c": bytes(60_000)}), "larger than the 100000 bytes", status=413)
    with opened(_file(tmp_path / "a.zip", packed({"b": bytes(60_000)})), Bounds(100_000)) as archive:
        archive._bounds = Bounds(50_000)  # as if the directory had not told
        with pytest.raises(TooLarge):
            archive.unpack(tmp_path / "new")
    assert sum(path.stat().st_size for path in (tmp_path / "new").rglob("*")) <= 50_000


def test_a_bomb_is_refused_by_its_ratio_also_when_it_hides_its_size(tmp_path: Path) -> None:
    bomb = packed({"b": bytes(3_000_000)})
    bounds = Bounds(10_000_000, ratio_from=1_000_000)
    with pytest.raises(BadInput, match="200 times"):
        unpack(bomb, tmp_path, bounds)
    assert not (tmp_path / "new").exists()  # what says so itself is not begun
    with opened(_file(tmp_path / "b.zip", bomb), Bounds(10_000_000)) as archive:
        archive._bounds = bounds
        with pytest.raises(BadInput, match="200 times"):
            archive.unpack(tmp_path / "new")
    assert (tmp_path / "new" / "b").stat().st_size <= 1_048_576
    assert (unpack(packed({"b": bytes(900_000)}), _folder(tmp_path / "small"), bounds) / "b").stat().st_size == 900_000


def test_entries_that_share_their_bytes_count_each_time(tmp_path: Path) -> None:
    """Fifield's bomb: many entries of the directory, one body."""
    one = packed({"b": bytes(1_000_000)})
    start = one.index(b"PK\x01\x02")
    end = one.index(b"PK\x05\x06")
    central = one[start:end] + one[start:end].replace(b"b", b"c")
    bomb = one[:start] + central + one[end : end + 8] + struct.pack("<HHLLH", 2, 2, len(central), start, 0)
    with pytest.raises(BadInput):
        unpack(bomb, tmp_path, Bounds(10_000_000, ratio_from=1_500_000))


def test_unpacking_ends_in_time(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="longer than -1 seconds"):
        unpack(packed(GOOD), tmp_path, replace(ROOMY, seconds=-1.0))


@pytest.mark.parametrize("body", [b"", b"PK", b"PK\x03\x04", b"BLENDER" + b"\0" * 600, b"PK\x05\x06" + bytes(18), b"\x1f\x8b" * 50, BLEND + packed(GOOD)])
def test_what_is_no_archive_is_refused(server: Running, body: bytes) -> None:
    refused(server, body)


@pytest.mark.parametrize("content", [b"", b"BLENDE", b"PK\x03\x04", b"\x1f\x8bnot gzip", b"#!/bin/sh"])
def test_a_blend_that_is_none_is_refused(server: Running, content: bytes) -> None:
    refused(server, packed({"sub/a.blend": content, "x": b"x"}), "a.blend in the archive is not a .blend")
    path = send(server, archive := packed({"a.blend": BLEND, "b.blend": content}), "?blend=a.blend")
    refused(server, archive, "b.blend in the archive is not a .blend", query="?blend=b.blend")
    assert path.exists()


def test_a_cut_archive_is_refused_wherever_it_is_cut(server: Running) -> None:
    whole = packed(GOOD)
    for end in range(1, len(whole), 97):
        refused(server, whole[:end])


def test_a_full_disk_is_507_and_leaves_nothing(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Spool, "free", lambda spool: 5000)
        assert "5000 bytes free" in refused(server, packed({"a.blend": BLEND, "zeros": bytes(60_000)}), status=507)

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("batchserver.web.archives.os.fsync", full)
    for more in (b"", os.urandom(700_000)):
        refused(server, packed({"a.blend": BLEND, "b": more}), "No space left", status=507)


def test_a_name_that_the_disk_does_not_take_is_400(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def choosy(path: Path) -> None:
        raise OSError(36, "File name too long")

    monkeypatch.setattr("batchserver.web.archives._new_file", choosy)
    refused(server, packed({"a.blend": BLEND}), "'a.blend'", "File name too long")


def test_one_archive_is_unpacked_at_a_time(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads_module, "WAIT", 0.01)
    with server.uploads._unpacking:
        refused(server, packed(GOOD), "Another archive", status=409)
    send(server, packed(GOOD))


# -- anything at all -----------------------------------------------------------------------------------------------------


def _file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


@contextlib.contextmanager
def _fresh_uploads() -> Iterator[tuple[Path, Uploads]]:
    with tempfile.TemporaryDirectory() as temporary:
        uploads = Uploads(Path(temporary) / "house" / "data", 1_000_000)
        uploads.open()
        yield Path(temporary), uploads


def _stays_inside(archive: bytes) -> None:
    """Keep it or refuse it with a sentence, and nothing else; whatever else is raised would be a 500."""
    with _fresh_uploads() as (outside, uploads):
        try:
            stored = uploads.keep_archive(io.BytesIO(archive), None, len(archive), "", lambda _: False, owner=False)
        except RenderPlusError:
            stored = None
        kept = list(uploads.folder.iterdir())
        assert kept == ([] if stored is None else [uploads.folder / hashlib.sha256(archive).hexdigest()])
        assert stored is None or stored.path.is_relative_to(kept[0] / "files")
        assert list(uploads.spool.folder.iterdir()) == []
        assert {path.relative_to(outside).as_posix() for path in outside.rglob("*") if not path.is_relative_to(uploads.folder)} == {
            "house", "house/data", "house/data/spool",
        }  # fmt: skip
        assert not any(path.is_symlink() or (path.is_file() and path.stat().st_mode & 0o111) for path in outside.rglob("*"))


_MUTATED = packed({"a.blend": BLEND[:40], "sub/b.png": b"x" * 100, "c": b"yz"})
_LETTERS = st.sampled_from([*"ab.-/\\:\0 CON", "..", "../", "/", "é", "\u2028"])


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_do_nothing(body: bytes) -> None:
    _stays_inside(body)
    _stays_inside(b"PK\x03\x04" + body)
    _stays_inside(_MUTATED[: _MUTATED.index(b"PK\x01\x02")] + body + _MUTATED[-22:])


@settings(max_examples=250, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(_MUTATED) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_mutated_archive_does_nothing_worse(changes: list[tuple[int, int]]) -> None:
    out = bytearray(_MUTATED)
    for place, value in changes:
        out[place] = value
    _stays_inside(bytes(out))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(_LETTERS, max_size=6).map("".join), max_size=4), st.integers(0, 2**32 - 1))
def test_no_name_and_no_attributes_lead_out(names: list[str], attributes: int) -> None:
    _stays_inside(packed_entries([("a.blend", BLEND, {}), *((name, b"evil", {"external_attr": attributes}) for name in names)]))
