"""Reading an uploaded picture or clip: sizes are checked before anything is decoded.

What a file is, is found by its content; its name decides nothing.
"""

from __future__ import annotations

import io
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from seewhy.app.errors import RequestError, bad_request
from seewhy.app.limits import Limits
from seewhy.core.errors import ClipError, ImageError, InputError

if TYPE_CHECKING:
    from PIL.Image import Image

    from seewhy.images import Clip

ANIMATED = {"GIF": ".gif", "WEBP": ".webp", "PNG": ".png", "AVIF": ".avif"}
"""Formats of pictures that may move, and endings of the files that are written to read them."""

CLIP_FRAMES = 16
"""Frames of a clip that are kept, at most."""

PICTURE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
"""Brands of files that begin as videos do, but hold pictures."""

_ONE_AT_A_TIME = threading.Lock()
"""Decoding takes much memory: one file at a time."""


def read_upload(content: bytes, name: str, limits: Limits, folder: Path) -> Image | Clip:
    """Read a picture or clip.

    Args:
        content: of the file.
        name: what errors call it.
        limits: of pixels.
        folder: for a file that is removed again; clips are read from files.

    Raises:
        RequestError: with 413 if it has too many pixels.
        InputError: if it is neither, or is damaged.
    """
    if not content:
        raise bad_request("Expected a picture or a clip, got an empty file: choose another.")
    from seewhy.images import read_image

    with _ONE_AT_A_TIME:
        if _looks_like_video(content):
            return _clip(content, ".video", name, limits, CLIP_FRAMES, folder)
        kind, size, frames = _header(content, name)
        expect_few_pixels(size, limits)
        if kind in ANIMATED and frames > 1:
            most = max(1, min(CLIP_FRAMES, limits.pixels // max(1, size[0] * size[1])))
            return _clip(content, ANIMATED[kind], name, limits, most, folder)
        return read_image(content)


def expect_few_pixels(size: tuple[int, int], limits: Limits) -> None:
    """Raise `RequestError` with 413 if a picture of this size has too many pixels."""
    if size[0] * size[1] > limits.pixels:
        raise RequestError(
            413,
            "too-large",
            f"Expected a picture of at most {limits.pixels:,} pixels, got {size[0]:,} x "
            f"{size[1]:,}: scale it down.",
        )


def _header(content: bytes, name: str) -> tuple[str, tuple[int, int], int]:
    """Format, size and number of frames; no pixel is decoded."""
    from PIL import UnidentifiedImageError

    from seewhy.images.formats import BOMB, DAMAGE, FORMATS, bomb, open_picture

    try:
        with open_picture(io.BytesIO(content)) as picture:
            is_animated = picture.format in ANIMATED
            frames = getattr(picture, "n_frames", 1) if is_animated else 1
            return str(picture.format), picture.size, frames
    except BOMB as error:
        raise RequestError(413, "too-large", bomb(name)) from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"Expected a picture in one of {', '.join(FORMATS)}, or a clip, got {name!r}, which is "
            "none of them: convert it to PNG or JPEG."
        ) from error
    except DAMAGE as error:
        raise ImageError(
            f"Expected a complete picture, got {name!r}, which is damaged or cut short: choose "
            "another file."
        ) from error


def _clip(content: bytes, ending: str, name: str, limits: Limits, most: int, folder: Path) -> Clip:
    from seewhy.images import read_clip

    with tempfile.NamedTemporaryFile(suffix=ending, dir=folder) as file:
        file.write(content)
        file.flush()
        try:
            clip = read_clip(file.name, max_frames=most)
        except InputError as error:
            # The error names the file that was written here: the client knows its own.
            raise ClipError(str(error).replace(file.name, name)) from error
    expect_few_pixels((clip.size[0] * len(clip), clip.size[1]), limits)
    return clip


def _looks_like_video(content: bytes) -> bool:
    """Whether the first bytes are those of a container of videos."""
    start = content[:16]
    if start[4:8] == b"ftyp":
        return start[8:12] not in PICTURE_BRANDS
    return (
        start.startswith((b"\x1aE\xdf\xa3", b"OggS", b"FLV", b"\x30\x26\xb2\x75", b"\0\0\1\xba"))
        or (start[:4] == b"RIFF" and start[8:12] == b"AVI ")
        or (start[:1] == b"G" and content[188:189] == b"G" and content[376:377] == b"G")
    )
