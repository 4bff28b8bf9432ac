"""Pictures of a page, made small enough that the page stays small."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable

from PIL import Image

from seewhy.images.formats import BOMB, DAMAGE, open_picture

BUDGET = 5_000_000
"""Bytes of all pictures of a page; in the page they take a third more."""

SIDE_MAX, SIDE_MIN = 384, 96
"""Longest side in pixels of a picture that is encoded again."""

QUALITY = 80

_SIGNATURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


def data_uris(thumbnails: Iterable[bytes]) -> list[str]:
    """Pictures as data URIs that together keep to the budget.

    Each has an equal part of the budget. A picture that is larger is encoded again, smaller. One
    that is no JPEG or PNG becomes "": the page then says that there is none.

    Args:
        thumbnails: JPEG or PNG files.

    Returns:
        One for each, in order.
    """
    listed = list(thumbnails)
    part = BUDGET // max(1, len(listed))
    return [_data_uri(thumbnail, part) for thumbnail in listed]


def _data_uri(thumbnail: bytes, limit: int) -> str:
    medium = next((m for start, m in _SIGNATURES.items() if thumbnail.startswith(start)), None)
    if medium is None:
        return ""
    if len(thumbnail) > limit:
        thumbnail, medium = _smaller(thumbnail, limit), "image/jpeg"
    encoded = base64.b64encode(thumbnail).decode()
    return f"data:{medium};base64,{encoded}" if thumbnail else ""


def _smaller(thumbnail: bytes, limit: int) -> bytes:
    """A picture as a JPEG of at most `limit` bytes; nothing where it cannot be read or made so."""
    try:
        with open_picture(io.BytesIO(thumbnail)) as opened:
            picture = opened.convert("RGB")
    except (*DAMAGE, *BOMB):
        return b""
    side = SIDE_MAX
    while side >= SIDE_MIN:
        copy = picture.copy()
        copy.thumbnail((side, side), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        copy.save(buffer, "JPEG", quality=QUALITY)
        if buffer.tell() <= limit:
            return buffer.getvalue()
        side = side * 3 // 4
    return b""
