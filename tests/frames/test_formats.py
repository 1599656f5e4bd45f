"""Pictures of every kind that may lie in a folder: read by a stated rule, or refused."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import pytest
from helpers import raises
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mer_utils.datasets import integrity
from mer_utils.errors import MerError
from mer_utils.frames import layout, read_clip, read_picture

pytestmark = pytest.mark.scenario("A")

GREY = np.add.outer(np.arange(30), 5 * np.arange(40)).astype(np.uint8)
COLOUR = np.dstack([GREY, 255 - GREY, np.full_like(GREY, 60)])
INKS = "inks (CMYK) are turned into red, green and blue"
LEFT_OUT = ("the transparency channel is left out",)


def coded(image, kind="PNG", mode=None, **options):
    file = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image, mode)
    image.save(file, kind, **options)
    return file.getvalue()


def by_opencv(ending, image):
    return cv2.imencode(ending, image if image.ndim == 2 else image[..., ::-1])[1].tobytes()


def turned(value):
    note = Image.Exif()
    note[0x112] = value
    return note


def with_alpha(image, alpha=GREY):
    return np.dstack([image, alpha])


PALETTE = Image.fromarray(COLOUR).quantize(16)
READ = {
    "a palette": (coded(PALETTE), np.array(PALETTE.convert("RGB")), ()),
    "a palette of TIFF": (coded(PALETTE, "TIFF"), np.array(PALETTE.convert("RGB")), ()),
    "one bit": (coded(Image.fromarray(GREY > 99)), np.where(GREY > 99, 255, 0)[..., None], ()),
    "grey in BMP": (coded(GREY, "BMP"), GREY[..., None], ()),
    "packed TIFF": (coded(COLOUR, "TIFF", compression="tiff_lzw"), COLOUR, ()),
    "inks": (coded(Image.fromarray(COLOUR).convert("CMYK"), "TIFF"), COLOUR, (INKS,)),
    "transparency": (coded(with_alpha(COLOUR), mode="RGBA"), COLOUR, LEFT_OUT),
    "grey and transparency": (
        coded(with_alpha(GREY), mode="LA"),
        np.repeat(GREY[..., None], 3, 2),
        LEFT_OUT,
    ),
    "16 bits": (
        by_opencv(".png", COLOUR.astype(np.uint16) * 257),
        COLOUR,
        ("16 bits per channel are divided by 257",),
    ),
    "16 bits of TIFF": (
        by_opencv(".tif", GREY.astype(np.uint16) * 257),
        GREY[..., None],
        ("16 bits per channel are divided by 257",),
    ),
    "bytes after the end": (coded(COLOUR) + bytes(2000), COLOUR, ()),
}


@pytest.mark.parametrize("name", READ)
def test_what_is_read_is_the_picture_and_what_was_changed_is_said(tmp_path, name):
    data, expected, changes = READ[name]
    (tmp_path / "a.jpg").write_bytes(data)  # the content counts, not the name
    found = read_picture(tmp_path / "a.jpg")
    assert found.image.dtype == np.uint8
    np.testing.assert_array_equal(found.image, expected)
    assert found.changes == changes


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize(("value", "quarters"), [(0, 0), (1, 0), (3, 2), (6, 3), (8, 1), (9, 0)])
def test_a_picture_is_turned_as_its_note_says(tmp_path, kind, value, quarters):
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    (tmp_path / "a").write_bytes(coded(COLOUR, kind, exif=turned(value), **options))
    found = read_picture(tmp_path / "a")
    off = np.abs(found.image.astype(int) - np.rot90(COLOUR, quarters))
    assert off.max() <= (4 if kind == "JPEG" else 0)
    assert found.changes == (("turned as the EXIF note says",) if quarters else ())


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width, height):
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def damaged_tiff():
    data = bytearray(coded(COLOUR, "TIFF", compression="tiff_lzw"))
    data[len(data) // 2 : len(data) // 2 + 200] = bytes(200)
    return bytes(data)


def with_thumbnail():
    """A JPEG cut off behind the small one in its header, which has an end mark of its own."""
    note = turned(1)
    whole = coded(COLOUR, "JPEG", exif=note.tobytes() + coded(GREY[:8, :8], "JPEG"))
    return whole[: whole.index(b"\xff\xd9") + 100]


def cut_and_ended(data):
    return data[:-60] + b"\xff\xd9"


def without_last_scans(data, number):
    """A progressive JPEG cut exactly between two scans, and given its end mark."""
    for _ in range(number):
        data = data[: data.rindex(b"\xff\xda")]
    return data + b"\xff\xd9"


JPEG = coded(COLOUR, "JPEG")
SCANS = coded(COLOUR, "JPEG", progressive=True)
INKED = coded(Image.fromarray(COLOUR).convert("CMYK"), "JPEG")
OTHER = Image.fromarray(255 - COLOUR)
REFUSED = {
    "12 bits in 16": (by_opencv(".png", GREY.astype(np.uint16) * 16), "no value above"),
    "8 bits in 16": (by_opencv(".tif", GREY.astype(np.uint16)), "no value above"),
    "floats": (by_opencv(".tif", GREY.astype(np.float32)), "float32"),
    "signed": (by_opencv(".tif", GREY.astype(np.int16)), "int16"),
    "pages": (coded(COLOUR, "TIFF", save_all=True, append_images=[OTHER]), "several pictures"),
    "animated": (coded(COLOUR, save_all=True, append_images=[OTHER]), "several pictures"),
    "two in a JPEG": (
        coded(COLOUR, "MPO", save_all=True, append_images=[OTHER]),
        "several pictures",
    ),
    "GIF": (coded(COLOUR, "GIF"), "no JPEG, PNG, BMP or TIFF"),
    "WebP": (coded(COLOUR, "WEBP"), "no JPEG, PNG, BMP or TIFF"),
    "transparency of TIFF": (coded(with_alpha(COLOUR), "TIFF", mode="RGBA"), "transparency"),
    "text mode": (coded(COLOUR).replace(b"\r\n", b"\n"), "text mode"),
    "no pixels": (bomb(0, 0), "no JPEG"),
    "a bomb": (bomb(30_000, 30_000), "more than"),
    "a huge bomb": (bomb(2**31 - 1, 2**31 - 1), "more than"),
    "damage in TIFF": (damaged_tiff(), "damaged"),
    "cut JPEG": (JPEG[:-2], "cut off"),
    "cut JPEG with thumbnail": (with_thumbnail(), "cut off"),
    "cut JPEG with an end mark": (cut_and_ended(JPEG), "premature end"),
    "cut JPEG of inks": (cut_and_ended(INKED), "premature end"),
    "holes in a JPEG": (JPEG[:-60] + bytes(20) + JPEG[-40:], "Corrupt JPEG data"),
    **{f"{n} scans lack": (without_last_scans(SCANS, n), "scans") for n in (1, 4, 9)},
    "JPEG in TIFF": (coded(COLOUR, "TIFF", compression="jpeg"), "packed as a JPEG"),
    "cut PNG": (coded(COLOUR)[:-12], "cut off"),
    "cut BMP": (coded(COLOUR, "BMP")[:-1], "cut off"),
    "cut TIFF": (coded(COLOUR, "TIFF")[:-1], "TIFF"),
    "nothing": (b"", "empty"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_rule_reads_is_refused_with_the_reason(tmp_path, name):
    data, said = REFUSED[name]
    (tmp_path / "a.png").write_bytes(data)
    with raises("undecodable frame", "a.png", said):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("tail", [b"", bytes(100), bytes(5000), b"trailer" * 90])
@pytest.mark.parametrize("data", [JPEG, JPEG[:-2] + bytes(3) + JPEG[-2:], SCANS, coded(COLOUR)])
def test_a_check_and_a_decoder_agree_about_what_follows_the_end(tmp_path, data, tail):
    (tmp_path / "a").write_bytes(data + tail)
    assert integrity.glance(tmp_path / "a", "damaged frame", "a") is None
    assert read_picture(tmp_path / "a").image.shape == COLOUR.shape


SEEDS = [data for data, *_ in (*READ.values(), *REFUSED.values()) if data] + [JPEG]
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 60), st.binary(max_size=6)), min_size=1, max_size=4
)


def edited(data, edits, reach):
    """Replace runs of bytes, within the first `reach` of them."""
    for where, length, new in edits:
        at = int(where * min(len(data), reach))
        data = data[:at] + new + data[at + length :]
    return data


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(SEEDS), EDITS, st.sampled_from([200, 10**9]))
def test_any_file_is_read_twice_alike_or_refused_and_what_is_read_passes_a_check(
    seed, edits, reach
):
    with TemporaryDirectory() as folder:
        frames = [Path(folder, f"img{number}.png") for number in (1, 2)]
        frames[0].write_bytes(edited(seed, edits, reach))
        frames[1].write_bytes(coded(COLOUR))
        listing = layout.list_frames(folder)
        faults = integrity.clip_faults(Path(folder), listing, 1, 2, decode=True)
        errors = [problem for problem in faults if problem.severity == "error"]
        try:
            clip = read_clip(frames)
        except MerError as error:
            refused = error.kind
        else:
            np.testing.assert_array_equal(clip, read_clip(frames))
            refused = "no motion" if (clip[0] == clip[1]).all() else None
        assert (refused is None) == (not errors)
        assert refused in (None, "no motion", "undecodable frame", "bad frames")
