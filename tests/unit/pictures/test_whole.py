# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentences of files that are not whole, files of other formats, and files made to hurt. Runs without Blender."""

from __future__ import annotations

import os
import random
import shutil
import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchserver.model.errors import RenderPlusError
from batchserver.pictures import NotWhole, Picture, look_at

FOLDER = Path(__file__).parents[2] / "samples" / "pictures"
PNG = FOLDER / "5.2_png_rgba8.png"


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def reason(path: Path, word: str = "") -> str:
    with pytest.raises(NotWhole) as caught:
        look_at(path, word)
    assert isinstance(caught.value, RenderPlusError)
    assert caught.value.path == path
    return caught.value.reason


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, data: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_an_empty_file_says_so(tmp_path: Path) -> None:
    assert "empty (0 bytes)" in reason(write(tmp_path, "a.png", b""))


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    assert "no such file" in reason(tmp_path / "a.png")


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    assert reason(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="named pipes are a matter of POSIX")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "a.png"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)
    try:
        assert "no file" in reason(pipe)
    finally:
        os.close(writer)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_says_so(tmp_path: Path) -> None:
    path = write(tmp_path, "a.png", PNG.read_bytes())
    path.chmod(0)
    assert "Permission denied" in reason(path)


def test_what_a_full_disk_leaves_of_a_png_is_not_whole(tmp_path: Path) -> None:
    """Blender 4.2 and later say `Saved:` and leave 32,768 bytes, or none."""
    whole = png(640, 360, random.Random(7).randbytes(100_000))
    assert look_at(write(tmp_path, "a.png", whole)) == Picture("PNG", 640, 360)
    said = reason(write(tmp_path, "a.png", whole[:32768]))
    assert "cut short" in said
    assert "32768 bytes" in said


@pytest.mark.parametrize("length", [4096, 32768, 65536])
@pytest.mark.parametrize(("suffix", "size"), [(".bmp", 54), (".tga", 18)])
def test_what_a_full_disk_leaves_of_raw_pixels_is_not_whole(tmp_path: Path, suffix: str, size: int, length: int) -> None:
    sample = next(FOLDER.glob(f"3.4_*rgb*{suffix}")).read_bytes()
    head = bytearray(sample[:size])
    if suffix == ".bmp":
        struct.pack_into("<ii", head, 18, 640, 360)
        struct.pack_into("<I", head, 2, 54 + 640 * 360 * 3)
    else:
        struct.pack_into("<HH", head, 12, 640, 360)
    whole = bytes(head) + bytes(640 * 360 * 3)
    assert look_at(write(tmp_path, f"a{suffix}", whole)).width == 640
    assert "cut short" in reason(write(tmp_path, f"a{suffix}", whole[:length]))


def test_another_format_than_the_scenes_says_which(tmp_path: Path) -> None:
    said = reason(PNG, "OPEN_EXR")
    assert "OPEN_EXR" in said
    assert "PNG" in said
    assert "JPEG" in reason(shutil.copyfile(PNG, tmp_path / "a.jpg"))


def test_a_picture_that_begins_with_zeros_was_not_finished(tmp_path: Path) -> None:
    assert "nothing but zeros" in reason(write(tmp_path, "a.exr", bytes(1000)), "OPEN_EXR_MULTILAYER")


def test_what_is_no_picture_is_taken_when_nobody_says_that_it_should_be_one(tmp_path: Path) -> None:
    assert look_at(write(tmp_path, "notes.txt", b"hello")) == Picture("")
    assert look_at(write(tmp_path, "cache.vdb", bytes(100))) == Picture("")
    assert "empty" in reason(write(tmp_path, "cache.vdb", b""))


@pytest.mark.parametrize(
    "data", [b"BM in a text", b"\x01\xdaabc", b"\0\0\x02" + bytes(9) + b"\1\0\1\0\x18\0", b"\0\0\1\xba"], ids=["bmp", "iris", "tga", "mpeg"]
)
def test_a_strange_file_that_begins_a_little_like_a_picture_is_taken(tmp_path: Path, data: bytes) -> None:
    assert look_at(write(tmp_path, "notes.txt", data)) == Picture("")
    assert reason(write(tmp_path, "picture", data))


def test_a_word_of_a_later_blender_lets_the_content_speak(tmp_path: Path) -> None:
    assert look_at(PNG, "SOME_NEW_FORMAT").format == "PNG"


def test_a_picture_without_an_ending_is_recognised(tmp_path: Path) -> None:
    for sample in FOLDER.iterdir():
        assert look_at(shutil.copyfile(sample, tmp_path / "picture")).format == look_at(sample).format, sample.name


def test_bytes_behind_a_jpegs_end_do_no_harm(tmp_path: Path) -> None:
    data = (FOLDER / "5.2_jpeg_rgb.jpg").read_bytes()
    assert look_at(write(tmp_path, "a.jpg", data + bytes(512))) == Picture("JPEG", 32, 18)


def test_an_exr_without_its_table_was_not_finished(tmp_path: Path) -> None:
    """OpenEXR writes the table of offsets last of all."""
    data = bytearray((FOLDER / "3.4_exr_half_none.exr").read_bytes())
    first = struct.pack("<Q", len(data) - 18 * (8 + 32 * 8))
    table = data.index(first)
    data[table + 17 * 8 : table + 18 * 8] = bytes(8)
    assert "was not finished" in reason(write(tmp_path, "a.exr", bytes(data)))


def deep_exr(samples: int) -> bytes:
    def attribute(name: str, kind: str, value: bytes) -> bytes:
        return f"{name}\0{kind}\0".encode() + struct.pack("<i", len(value)) + value

    box = struct.pack("<iiii", 0, 0, 3, 0)
    header = struct.pack("<II", 20000630, 2 | 0x800) + b"".join(
        (
            attribute("compression", "compression", b"\x02"), attribute("dataWindow", "box2i", box), attribute("displayWindow", "box2i", box),
            attribute("type", "string", b"deepscanline"), attribute("chunkCount", "int", struct.pack("<i", 1)),
        )
    ) + b"\0"  # fmt: skip
    chunk_at = len(header) + 8
    return header + struct.pack("<Q", chunk_at) + struct.pack("<iQQQ", 0, 16, samples, samples) + bytes(16 + samples)


def test_a_deep_exr_is_whole_with_its_last_sample(tmp_path: Path) -> None:
    data = deep_exr(64)
    assert look_at(write(tmp_path, "a.exr", data)) == Picture("OPEN_EXR", 4, 1)
    assert "cut short" in reason(write(tmp_path, "a.exr", data[:-1]))


def riff(form: bytes, *parts: tuple[bytes, bytes]) -> bytes:
    body = form + b"".join(kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for kind, data in parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_an_animated_webp_is_whole_with_its_frames(tmp_path: Path) -> None:
    canvas = b"\x02\0\0\0" + (99).to_bytes(3, "little") + (49).to_bytes(3, "little")
    data = riff(b"WEBP", (b"VP8X", canvas), (b"ANIM", bytes(6)), (b"ANMF", bytes(25)))
    assert look_at(write(tmp_path, "a.webp", data)) == Picture("WEBP", 100, 50)
    assert "cut short" in reason(write(tmp_path, "a.webp", data[:-2]))
    assert "no picture" in reason(write(tmp_path, "a.webp", riff(b"WEBP", (b"VP8X", canvas), (b"ANIM", bytes(6)))))


def box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", 8 + len(data)) + kind + data


def test_an_avif_is_whole_with_its_data(tmp_path: Path) -> None:
    """No Blender here writes AVIF: made by hand after ISO/IEC 23008-12."""
    size = box(b"ispe", struct.pack(">III", 0, 40, 30))
    meta = box(b"meta", bytes(4) + box(b"iprp", box(b"ipco", size)))
    data = box(b"ftyp", b"avif" + bytes(4)) + meta + box(b"mdat", bytes(20))
    assert look_at(write(tmp_path, "a.avif", data), "AVIF") == Picture("AVIF", 40, 30)
    assert "cut short" in reason(write(tmp_path, "a.avif", data[:-1]))
    assert "not finished" in reason(write(tmp_path, "a.avif", data[:-28]))


def test_a_movie_without_its_index_was_not_finished(tmp_path: Path) -> None:
    data = box(b"ftyp", b"isom" + bytes(4)) + box(b"mdat", bytes(100))
    assert "moov" in reason(write(tmp_path, "a.mp4", data), "FFMPEG")


def test_a_matroska_that_ffmpeg_did_not_close_was_not_finished(tmp_path: Path) -> None:
    data = (FOLDER / "5.2_movie_mkv.mkv").read_bytes()
    at = data.index(b"\x18\x53\x80\x67") + 4
    assert "never written" in reason(write(tmp_path, "a.mkv", data[:at] + b"\x01" + b"\xff" * 7 + data[at + 8 :]))


def test_a_dv_is_whole_frames(tmp_path: Path) -> None:
    """Made by hand: the smallest real one has 120,000 bytes."""
    frame = b"\x1f\x07\0\x3f" + bytes(120_000 - 4)
    assert look_at(write(tmp_path, "a.dv", frame * 3)) == Picture("DV", 720, 480)
    assert "cut short" in reason(write(tmp_path, "a.dv", frame * 2 + frame[:32768]))


def test_an_old_hdr_without_coding_is_walked_too(tmp_path: Path) -> None:
    head = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 3 +X 10\n"
    pixel, again = b"\x10\x20\x30\x80", b"\1\1\1\x09"
    data = head + pixel * 10 + pixel + again + pixel * 10
    assert look_at(write(tmp_path, "a.hdr", data)) == Picture("HDR", 10, 3)
    assert "2 of 3 scan lines" in reason(write(tmp_path, "a.hdr", data[:-4]))


@given(st.binary(max_size=400), st.sampled_from(["", ".png", ".tga", ".exr", ".hdr", ".mkv", ".flv"]))
@settings(max_examples=500, deadline=None)
def test_no_bytes_make_it_fail(tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str) -> None:
    path = write(tmp_path_factory.getbasetemp(), f"noise{suffix}", data)
    try:
        look_at(path)
    except NotWhole:
        return


BEGINNINGS = [path.read_bytes()[:12] for path in sorted(FOLDER.iterdir())]


@given(st.sampled_from(BEGINNINGS), st.binary(max_size=600))
@settings(max_examples=800, deadline=2000)
def test_no_bytes_behind_a_signature_make_it_fail(tmp_path_factory: pytest.TempPathFactory, head: bytes, data: bytes) -> None:
    test_no_bytes_make_it_fail.hypothesis.inner_test(tmp_path_factory, head + data, "")  # type: ignore[attr-defined]


def hostile_files() -> dict[str, bytes]:
    """Tables that point to themselves or claim to be endless, over two megabytes of filling."""
    filling = bytes(2 << 20)
    tiff_entries = b"".join(struct.pack("<HHII", tag, 4, 500_000, 8) for tag in (273, 279))
    tiff = (
        b"II*\0"
        + struct.pack("<I", 8)
        + b"".join(
            struct.pack("<H", 4)
            + struct.pack("<HHII", 256, 4, 1, 5)
            + struct.pack("<HHII", 257, 4, 1, 5)
            + tiff_entries
            + struct.pack("<I", 8 + 54 * (number + 1))
            for number in range(4000)
        )
    )
    exr_box = struct.pack("<iiii", 0, 0, 1 << 19, 1 << 19)
    exr = (
        struct.pack("<II", 20000630, 2)
        + b"".join(
            name + struct.pack("<i", len(value)) + value
            for name, value in ((b"compression\0compression\0", b"\0"), (b"dataWindow\0box2i\0", exr_box), (b"displayWindow\0box2i\0", exr_box))
        )
        + b"\0"
        + struct.pack("<Q", 400) * 250_000
    )
    return {
        "a.tif": tiff + filling,
        "a.exr": exr + filling,
        "b.exr": struct.pack("<II", 20000630, 2 | 0x1000) + b"a\0b\0\0\0\0\0\0" * 250_000,
        "a.jpg": b"\xff\xd8" + b"\xff\xe0\0\2" * 140_000,
        "b.jpg": b"\xff\xd8" + b"\xff" * (1 << 18),
        "a.mkv": b"\x1a\x45\xdf\xa3\x80" + b"\xec\x80" * 150_000,
        "a.mp4": box(b"ftyp", b"isom") + struct.pack(">I4s", 8, b"free") * 60_000,
        "a.ogv": (b"OggS" + bytes(23)) * 40_000,
        "a.webp": riff(b"WEBP", *[(b"JUNK", b"")] * 60_000),
        "a.hdr": b"#?RADIANCE\n\n-Y 1000000 +X 1\n" + b"\1\1\1\0" * 100_000,
        "a.tga": struct.pack("<BBB9xHHBB", 0, 0, 10, 65535, 65535, 8, 0) + b"\0" * (1 << 19),
        "a.png": b"\x89PNG\r\n\x1a\n" + png(4, 4, b"x")[8:33] + chunk(b"tEXt", b"") * 30_000,
    }  # fmt: skip


@pytest.mark.parametrize("name", hostile_files())
def test_a_file_made_to_hurt_takes_little_time_and_memory(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name, hostile_files()[name])
    tracemalloc.start()
    began = time.perf_counter()
    reason(path)
    took, peak = time.perf_counter() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert took < 20.0  # tracemalloc slows it down several times; a quadratic walk needs hours
    assert peak < 4 << 20


def test_a_large_file_is_not_held_in_memory(tmp_path: Path) -> None:
    path = write(tmp_path, "a.png", png(4000, 3000, bytes(40 << 20)))
    tracemalloc.start()
    assert look_at(path) == Picture("PNG", 4000, 3000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
