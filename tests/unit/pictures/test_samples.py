# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that real Blenders wrote are whole, and no beginning of them is. Runs without Blender."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchserver.pictures import NotWhole, Picture, look_at

FOLDER = Path(__file__).parents[2] / "samples" / "pictures"
SAMPLES = sorted(FOLDER.iterdir())
BIG = (96, 64)
SMALL = (32, 18)
FORMATS = {
    ".png": "PNG", ".jpg": "JPEG", ".exr": "OPEN_EXR", ".tif": "TIFF", ".bmp": "BMP", ".tga": "TARGA", ".hdr": "HDR", ".webp": "WEBP",
    ".cin": "CINEON", ".dpx": "DPX", ".jp2": "JPEG2000", ".j2c": "JPEG2000", ".rgb": "IRIS", ".mp4": "MPEG4", ".mov": "QUICKTIME",
    ".mkv": "MKV", ".webm": "WEBM", ".avi": "AVI", ".ogv": "OGG", ".flv": "FLASH", ".mpg": "MPEG", ".vob": "MPEG",
}  # fmt: skip
WITHOUT_SIZE = {"OGG", "MPEG"}  # it stands in the codec's own header, or in none
WORDS = {"OPEN_EXR": ("OPEN_EXR", "OPEN_EXR_MULTILAYER"), "TARGA": ("TARGA", "TARGA_RAW"), "AVI": ("FFMPEG", "AVI_JPEG"), "MPEG4": ("FFMPEG",)}


def end_of_tga_pixels(data: bytes) -> int:
    """A TGA of version 1 ends with its pixels; one of version 2 that is cut exactly there cannot be told from it.

    The writer of Blender 4.2 and later (OpenImageIO) has the start of its extension area there: the last four bytes
    before the footer's second number tell where it is.
    """
    return int.from_bytes(data[-26:-22], "little")


# Where the format truly allows a shorter file to be whole: the lengths of which that is so.
ALLOWED = {
    "TARGA": lambda data: {end_of_tga_pixels(data)} if data.endswith(b"TRUEVISION-XFILE.\0") else set(),
    "MPEG": lambda data: set(range(12, len(data))),  # a stream of packs, without an end mark
}


def allowed(path: Path) -> set[int]:
    return ALLOWED.get(FORMATS[path.suffix], lambda _data: set())(path.read_bytes())


def is_whole(folder: Path, name: Path, data: bytes) -> bool:
    """Look at other bytes under a sample's name."""
    path = folder / f"cut{name.suffix}"
    path.write_bytes(data)
    try:
        look_at(path)
    except NotWhole as raised:
        problem = raised
    else:
        return True
    assert str(path) in str(problem)
    assert re.search(r"^(?:is|was|has|should|does|became|cannot) .{8,}", problem.reason)
    return False


def test_there_are_samples_of_every_format_and_few_bytes() -> None:
    assert {path.suffix for path in SAMPLES} == set(FORMATS)
    assert max(path.stat().st_size for path in SAMPLES) < 20_000
    assert sum(path.stat().st_size for path in SAMPLES) < 600_000


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_what_a_blender_wrote_is_whole(path: Path) -> None:
    name = FORMATS[path.suffix]
    size = (None, None) if name in WITHOUT_SIZE else BIG if name == "JPEG2000" else SMALL
    assert look_at(path) == Picture(name, *size)
    for word in WORDS.get(name, (name,)):
        assert look_at(path, word).format == name


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_no_beginning_of_a_whole_file_is_whole(path: Path, tmp_path: Path) -> None:
    """Cuts at every byte of the head and the tail, and at forty places between: an unfinished write ends anywhere."""
    data = path.read_bytes()
    cuts = {*range(40), *range(len(data) - 40, len(data)), *range(0, len(data), max(1, len(data) // 40))}
    whole = {cut for cut in cuts if 0 <= cut < len(data) and is_whole(tmp_path, path, data[:cut])}
    assert whole <= allowed(path)


@pytest.mark.parametrize("path", [path for path in SAMPLES if path.suffix == ".tga"], ids=lambda path: path.name)
def test_the_one_cut_that_a_tga_allows_is_at_the_end_of_its_pixels(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    assert {cut for cut in range(len(data)) if is_whole(tmp_path, path, data[:cut])} == allowed(path)


@given(st.sampled_from(SAMPLES), st.data())
@settings(max_examples=300, deadline=None)
def test_no_chosen_beginning_is_whole(tmp_path_factory: pytest.TempPathFactory, path: Path, draw: st.DataObject) -> None:
    data = path.read_bytes()
    cut = draw.draw(st.integers(0, len(data) - 1).filter(lambda cut: cut not in allowed(path)))
    assert not is_whole(tmp_path_factory.getbasetemp(), path, data[:cut])


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_file_whose_beginning_never_reached_the_disk_is_not_whole(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    assert not is_whole(tmp_path, path, bytes(len(data)))


SEVERAL_CHUNKS = re.compile(r"\.png|\.jpg|exr_half_(?:none|rle|zip|zips)\.|exr_stereo|exr_cycles|oiio_exr")


@pytest.mark.parametrize("path", [path for path in SAMPLES if SEVERAL_CHUNKS.search(path.name)], ids=lambda path: path.name)
def test_a_file_whose_second_half_is_zeros_is_not_whole(path: Path, tmp_path: Path) -> None:
    """A machine that lost its power may leave the right length and no data: it shows where the half holds some structure.

    It does not in an EXR of one chunk, a TIFF with its directory first, or raw pixels: zeros are data there.
    """
    data = path.read_bytes()
    half = len(data) // 2
    assert not is_whole(tmp_path, path, data[:half] + bytes(len(data) - half))


@given(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 7)), min_size=1, max_size=6))
@settings(max_examples=800, deadline=2000)
def test_no_flipped_bit_makes_it_fail_or_hang(tmp_path_factory: pytest.TempPathFactory, path: Path, flips: list[tuple[int, int]]) -> None:
    data = bytearray(path.read_bytes())
    for place, bit in flips:
        # Half of the flips go to the head, where the structure is.
        at = place % len(data) if place & 1 else place % min(len(data), 128)
        data[at] ^= 1 << bit
    is_whole(tmp_path_factory.getbasetemp(), path, bytes(data))


@given(st.sampled_from(SAMPLES), st.integers(0, 400), st.binary(min_size=1, max_size=16))
@settings(max_examples=400, deadline=2000)
def test_no_strange_number_makes_it_fail_or_hang(tmp_path_factory: pytest.TempPathFactory, path: Path, at: int, other: bytes) -> None:
    data = path.read_bytes()
    is_whole(tmp_path_factory.getbasetemp(), path, data[:at] + other + data[at + len(other) :])


@pytest.mark.parametrize("path", [path for path in SAMPLES if path.suffix == ".png"], ids=lambda path: path.name)
def test_every_flipped_bit_of_a_png_shows(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    for at in range(8, len(data), 17):
        assert not is_whole(tmp_path, path, data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
