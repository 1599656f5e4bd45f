"""What an image file says of itself before it is decoded.

Decoders are lenient: they fill what a JPEG lacks with grey, take the first of several pictures
and allocate whatever size a header claims. What they would guess is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO

from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from mer_utils.extras import require

#: Pixels of the largest picture that is read; a header may claim any number.
MAX_PIXELS = 64 * 1024**2
COPY = "copy the file again from the original data set, or leave its clip out of the table"
REWRITE = "write it anew as a PNG of 8 bits per channel with one picture"
INKS = "inks (CMYK) are turned into red, green and blue"
LEFT_OUT, TURNED = "the transparency channel is left out", "turned as the EXIF note says"
_TIFF = (b"II*\0", b"MM\0*")
# Of a TIFF, by number in its directory.
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _COLOURS = 256, 257, 258, 259, 262
_ORIENTATION, _PLANES, _EXTRA = 274, 284, 338
# Other notes than these turn nothing.
_TURNS = range(2, 9)
_AS_JPEG = (6, 7)
_WHITE_IS_ZERO, _OF_INKS, _KNOWN_COLOURS = 0, 5, (0, 1, 2, 3, 5, 6)


# Bytes that fill a JPEG up before its end mark lack nothing.
_FILLED = re.compile(r"\b[1-9] extraneous bytes before marker 0xd9")
# Marks of a JPEG: of its frame, of which two are progressive, and what ends a scan's data.
_FRAMES, _PROGRESSIVE = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}, (0xC2, 0xCA)
_SCAN, _END = 0xDA, 0xD9
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


class Refused(ValueError):
    """Why an image file is not read, and what to do about it."""

    def __init__(self, reason: str, remedy: str = COPY) -> None:
        super().__init__(reason)
        self.reason, self.remedy = reason, remedy


def inspect(data: bytes) -> list[str]:
    """Say what reading an image file changes, by its header; the content counts, not the name.

    Raises
    ------
    Refused
        If it is cut off, no JPEG, PNG, BMP or TIFF, too large, or holds several pictures.
    """
    if not data:
        raise Refused("the file is empty")
    if data[:4] in _TIFF:
        return _inspect_tiff(data)
    if missing := _missing_end(data):
        raise Refused(missing)
    try:
        with Image.open(BytesIO(data), formats=("JPEG", "PNG", "BMP")) as header:
            several = getattr(header, "is_animated", False)
            inks = header.mode == "CMYK"
            transparent = "A" in header.mode or "transparency" in header.info
            size = header.size
            # Asked for a note that it lacks, a PNG would be decoded.
            turned = "exif" in header.info and header.getexif().get(_ORIENTATION) in _TURNS
    except Image.DecompressionBombError:
        size, several, transparent, turned = (MAX_PIXELS + 1, 1), False, False, False
        inks = False
    except Exception as error:  # damaged headers raise many kinds
        changed = data.startswith(b"\x89PNG") and not data.startswith(b"\x89PNG\r\n\x1a\n")
        why = "its line ends were changed, as by a transfer in text mode" if changed else ""
        raise Refused(why or "not a readable image: no JPEG, PNG, BMP or TIFF") from error
    _require_one(size[0], size[1], bool(several))
    return [LEFT_OUT] * transparent + [TURNED] * turned + [INKS] * inks


def _require_one(width: int, height: int, several: bool) -> None:
    if width * height > MAX_PIXELS:
        raise Refused(f"more than {MAX_PIXELS:,} pixels", "make it smaller")
    if several:
        raise Refused("it holds several pictures", REWRITE)


def _missing_end(data: bytes) -> str | None:
    if data.startswith(b"\xff\xd8") and not _has_jpeg_end(data):
        return "the JPEG is cut off"
    if data.startswith(b"\x89PNG") and b"IEND" not in data:
        return "the PNG is cut off"
    if data.startswith(b"BM") and len(data) < (declared := int.from_bytes(data[2:6], "little")):
        return f"the BMP is cut off ({len(data)} of {declared} bytes)"
    return None


def _has_jpeg_end(data: bytes) -> bool:
    """Look for the end mark behind the header, where a thumbnail may have one of its own."""
    *_, (_, at) = _segments(data)
    return data.rfind(b"\xff\xd9", at) >= 0


def require_whole(data: bytes) -> None:
    """Refuse a JPEG whose pixels end early or are damaged, though it has its end mark.

    OpenCV and Pillow fill them with grey; the former says so, if at all, where no program hears it.

    Raises
    ------
    Refused
        Saying what libjpeg warns of, or that scans are missing, of which it says nothing.
    """
    if not data.startswith(b"\xff\xd8"):
        return
    jpeg = require("simplejpeg", "images")
    try:
        inks = jpeg.decode_jpeg_header(data)[2] in ("CMYK", "YCCK")
        # An eighth of the size: all that is asked for is whether it unpacks.
        jpeg.decode_jpeg(data, "CMYK" if inks else "GRAY", min_height=1, min_width=1, strict=True)
    except ValueError as warning:
        said = str(warning)
        if "Corrupt JPEG data" in said and not _FILLED.search(said):
            raise Refused(f"damaged or cut off: {said}") from warning
    try:
        lacks = _lacks_scans(data)
    except (IndexError, ValueError):  # a damaged header, over which libjpeg passes
        lacks = True
    if lacks:
        raise Refused("damaged or cut off: scans of the JPEG are missing")


def _lacks_scans(data: bytes) -> bool:
    """Tell whether a JPEG ends before every bit of every coefficient was sent."""
    due, sent, progressive, at = set[int](), dict[tuple[int, int], int](), False, 2
    while True:
        for mark, place in _segments(data, at):
            if mark in _FRAMES:
                due.update(data[place + 10 : place + 10 + 3 * data[place + 9] : 3])
                progressive = mark in _PROGRESSIVE
            at = place
        if data[at + 1 : at + 2] != bytes([_SCAN]):
            return sum(bit == 0 for bit in sent.values()) < 64 * len(due)
        end = at + 5 + 2 * data[at + 4]
        # Writers of sequential ones care little about what stands here.
        first, last, bits = data[end : end + 3] if progressive else (0, 63, 0)
        for component in data[at + 5 : end : 2]:
            sent |= {(component, number): bits & 15 for number in range(first, last + 1)}
        after = _AFTER_SCAN.search(data, end + 3)
        at = after.start() if after else len(data)


def _segments(data: bytes, at: int = 2) -> Iterator[tuple[int, int]]:
    """Yield mark and place of a JPEG's segments before a scan or the end, and where that is."""
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] not in (_SCAN, _END):
        yield data[at + 1], at
        alone = data[at + 1] in (0x01, 0xFF) or 0xD0 <= data[at + 1] <= 0xD8
        fill = data[at + 1] == 0xFF
        at += 1 if fill else 2 if alone else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    yield 0, at


def jpeg_precision(head: bytes) -> int | None:
    """Return the bits of each channel of a JPEG, None where its first bytes do not say."""
    if not head.startswith(b"\xff\xd8"):
        return None
    found = (head[at + 4 : at + 5] for mark, at in _segments(head) if mark in _FRAMES)
    return next((bits[0] for bits in found if bits), None)


def _inspect_tiff(data: bytes) -> list[str]:
    try:
        tags = ImageFileDirectory_v2(data[:8])
        file = BytesIO(data)
        file.seek(tags.next)
        tags.load(file)
        width, height = int(tags[_WIDTH]), int(tags[_HEIGHT])
        deep = max(tags.get(_BITS, (1,))) > 8
        colours, packing = tags.get(_COLOURS), tags.get(_COMPRESSION, 1)
    except Exception as error:  # damaged directories raise many kinds
        raise Refused("not a readable image: a damaged TIFF") from error
    _require_one(width, height, bool(tags.next))
    if _EXTRA in tags:
        raise Refused("a TIFF with transparency, which readers mix with its colours", REWRITE)
    if colours not in _KNOWN_COLOURS or (
        deep and (colours == _WHITE_IS_ZERO or tags.get(_PLANES, 1) != 1)
    ):
        raise Refused("a TIFF whose colours are kept in an unusual way", REWRITE)
    if packing in _AS_JPEG:
        raise Refused("a TIFF packed as a JPEG, of whose damage readers say nothing", REWRITE)
    if packing != 1:  # OpenCV passes over what it cannot unpack
        try:
            with Image.open(BytesIO(data), formats=("TIFF",)) as whole:
                whole.load()
        except Exception as error:
            raise Refused("the TIFF is damaged, or packed in an unusual way", REWRITE) from error
    inks = [INKS] * (colours == _OF_INKS)
    return inks + [TURNED] * (tags.get(_ORIENTATION) in _TURNS)
