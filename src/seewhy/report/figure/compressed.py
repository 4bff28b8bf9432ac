"""Large files made small: their pictures as JPEG, which matplotlib cannot write into PDF or SVG.

Drawings and small figures keep every value of every pixel. Photographs do not compress without
loss, and a page of them takes megabytes.
"""

from __future__ import annotations

import base64
import io
import re
import struct
import zlib

from PIL import Image

from seewhy.images.formats import open_picture

#: Bytes from which a file's pictures are JPEG, and their quality.
LARGE, QUALITY = 500_000, 92

_SVG_PICTURE = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")
_START = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*\Z")
_TABLE = re.compile(rb"xref\s+0 (\d+)\s+")
_ENTRY = re.compile(rb"(\d{10}) \d{5} ([nf])")
_OBJECT = re.compile(rb"\d+ 0 obj\n<<(.*?)>>\nstream\r?\n", re.DOTALL)
_TRAILER = re.compile(rb"trailer\s.*\Z", re.DOTALL)


def small_svg(svg: str) -> str:
    """An SVG whose pictures are JPEG if it is large."""
    if len(svg) <= LARGE:
        return svg

    def replaced(match: re.Match[str]) -> str:
        image = _read(base64.b64decode(match[1]))
        if not _is_photograph(image):
            return match[0]
        return f"data:image/jpeg;base64,{base64.b64encode(_jpeg(image)).decode()}"

    return _SVG_PICTURE.sub(replaced, svg)


def small_pdf(pdf: bytes) -> bytes:
    """A PDF of matplotlib whose pictures are JPEG if it is large.

    One that is written in another way than expected is returned as it is.
    """
    if len(pdf) <= LARGE or (offsets := _offsets(pdf)) is None:
        return pdf
    ends = dict(zip(sorted(offsets), [*sorted(offsets)[1:], _table_start(pdf)], strict=True))
    parts, moved = [pdf[: min(offsets)]], {}
    at = min(offsets)
    for offset in sorted(offsets):
        content = _with_jpeg(pdf[offset : ends[offset]])
        moved[offset] = at
        parts.append(content)
        at += len(content)
    table = [b"xref\n0 %d\n0000000000 65535 f \n" % (len(offsets) + 1)]
    table += [b"%010d 00000 n \n" % moved[offset] for offset in offsets]
    trailer = _TRAILER.search(pdf, _table_start(pdf))
    assert trailer is not None
    ending = re.sub(rb"startxref\s+\d+", b"startxref\n%d" % at, trailer[0])
    return b"".join([*parts, *table, ending])


def _table_start(pdf: bytes) -> int:
    """Where the table of objects begins; -1 if it is not found."""
    found = _START.search(pdf)
    return int(found[1]) if found else -1


def _offsets(pdf: bytes) -> list[int] | None:
    """Where each object begins, by number; None for a table of another form."""
    start = _table_start(pdf)
    head = _TABLE.match(pdf, start) if start > 0 else None
    if head is None:
        return None
    entries = _ENTRY.findall(pdf, head.end(), head.end() + 20 * int(head[1]))
    if len(entries) != int(head[1]) or any(kind != b"n" for _, kind in entries[1:]):
        return None
    return [int(offset) for offset, _ in entries[1:]]


def _with_jpeg(content: bytes) -> bytes:
    """An object of a PDF, as JPEG if it is a picture in RGB."""
    head = _OBJECT.match(content)
    if head is None or not all(
        word in head[1]
        for word in (b"/Subtype /Image", b"/ColorSpace /DeviceRGB", b"/FlateDecode", b"/Predictor")
    ):
        return content
    width, height = (int(_number(head[1], name)) for name in (b"Width", b"Height"))
    # What PDF calls a predictor is the filter of PNG, so the stream is the data of a PNG.
    image = _read(_png(width, height, content[head.end() :]))
    jpeg = _jpeg(image)
    number = content[: content.index(b" ")]
    described = (
        b"%s 0 obj\n<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB "
        b"/BitsPerComponent 8 /Filter /DCTDecode /Length %d >>\nstream\n%s\nendstream\nendobj\n"
    )
    return described % (number, width, height, len(jpeg), jpeg)


def _number(head: bytes, name: bytes) -> bytes:
    found = re.search(rb"/" + name + rb" (\d+)", head)
    assert found is not None
    return found[1]


def _png(width: int, height: int, stream: bytes) -> bytes:
    """A PNG of a deflated stream and what follows it."""
    inflater = zlib.decompressobj()
    inflater.decompress(stream)
    data = stream[: len(stream) - len(inflater.unused_data)]

    def chunk(name: bytes, held: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + held))
        return struct.pack(">I", len(held)) + name + held + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


def _read(data: bytes) -> Image.Image:
    with open_picture(io.BytesIO(data)) as image:
        image.load()
        return image


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=QUALITY, subsampling=0)
    return out.getvalue()


def _is_photograph(image: Image.Image) -> bool:
    """Whether it is a picture rather than the colour bar, which is one row."""
    return image.height > 1
