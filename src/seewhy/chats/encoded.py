"""Pictures inside a text: `data:` URLs and base64, decoded up to a size."""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

from seewhy.chats.limits import expect_decoded_size
from seewhy.core.errors import ImageError

STARTS = (
    *(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*", b"\0\0\0\x0cjP"),
    *(b"\xffO\xffQ", b"\0\0\1\0", b"P4\n", b"P5\n", b"P6\n", b"\x1aE\xdf\xa3"),
)
"""First bytes of PNG, JPEG, GIF, WebP, BMP, TIFF, JPEG 2000, ICO, PPM and Matroska."""

LONGEST_PATH = 4096
"""Characters of the longest path; a longer text is none."""
_ALPHABET = re.compile(r"[A-Za-z0-9+/_\-\s%]+={0,2}\s*")
_LEAST = 32
"""Characters of the shortest encoded picture: a name of a file is not taken for one."""


def is_data_url(text: str) -> bool:
    """Whether a text is a `data:` URL.

    Example:
        >>> is_data_url(" DATA:image/png;base64,iVBORw0KGgo=")
        True
    """
    return text[:64].lstrip()[:5].lower() == "data:"


def media_type(text: str) -> str:
    """The media type of a `data:` URL in lower case; empty without one.

    Example:
        >>> media_type("data:image/PNG;name=a.png;base64,AAAA")
        'image/png'
    """
    return text.strip()[5:].partition(",")[0].partition(";")[0].strip().lower()


def decoded_url(text: str) -> bytes:
    """The bytes of a `data:` URL, with or without a media type, in base64 or with escapes.

    Raises:
        ImageError: if it has no comma, is no base64, is text, or is too large.

    Example:
        >>> decoded_url("data:image/png;name=a.png;base64,aGk="), decoded_url("data:,h%69")
        (b'hi', b'hi')
    """
    head, comma, data = text.strip()[5:].partition(",")
    if not comma or len(head) > 1000:
        raise ImageError(
            f"Expected a data: URL such as data:image/png;base64,..., got {text[:60]!r}: it has "
            "no comma before the data."
        )
    kind = media_type(text)
    if kind.startswith(("text/", "audio/", "model/")) or kind in ("application/pdf",):
        raise ImageError(
            f"Expected a picture in a data: URL, got one of type {kind!r}: give a picture."
        )
    if any(parameter.strip().lower() == "base64" for parameter in head.split(";")[1:]):
        return decoded_base64(data)
    if head.strip().lower() == "base64":  # the semicolon is left out now and then
        return decoded_base64(data)
    expect_decoded_size(len(data) if "%" not in data else len(data) - 2 * data.count("%"))
    plain = unquote_to_bytes(data)
    # Some writers leave out the word base64.
    return decoded_base64(data) if looks_encoded(data) else plain


def looks_encoded(text: str) -> bool:
    """Whether a text is a picture in base64, by the first bytes that it stands for.

    Example:
        >>> looks_encoded("/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcG"), looks_encoded("/9j/a.jpg")
        (True, False)
    """
    start = text[:4096].strip()
    if len(start) < _LEAST or not _ALPHABET.fullmatch(start):
        return False
    try:
        first = _bytes_of(start[:256], strict=False)
    except ValueError:
        return False
    return first.startswith(STARTS) or b"ftyp" in first[4:12]


def decoded_base64(text: str) -> bytes:
    """The bytes of base64 of either alphabet, with or without padding, line breaks and escapes.

    Raises:
        ImageError: if it is no base64, is empty or too large.

    Example:
        >>> decoded_base64("aG\\nk"), decoded_base64("_-8"), decoded_base64("aGk%3D")
        (b'hi', b'\\xff\\xef', b'hi')
    """
    expect_decoded_size(len(text) * 3 // 4)
    try:
        data = _bytes_of(text)
    except ValueError as error:
        raise ImageError(
            f"Expected a picture in base64, got {text[:40]!r}, which is none ({error}): give the "
            "picture's path, or encode it again."
        ) from error
    if not data:
        raise ImageError("Expected a picture in base64, got an empty text: give the picture.")
    return data


def _bytes_of(text: str, *, strict: bool = True) -> bytes:
    """Decode base64; a text that is cut off is decoded as far as it goes, unless `strict`.

    Raises:
        ValueError: if it is no base64.
    """
    if "%" in text:
        text = unquote_to_bytes(text).decode("ascii")
    plain = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    if not plain.isascii():
        raise ValueError("a character that base64 does not have")
    if not strict:
        plain = plain[: len(plain) // 4 * 4]
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error
