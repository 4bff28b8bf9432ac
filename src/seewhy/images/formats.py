"""The formats of pictures that are read, wherever a picture file is opened.

Pillow knows further formats. Some of them start other programs (EPS and PS start Ghostscript) or
hand the file to code of the platform (WMF) or of plugins (BUFR, GRIB, HDF5). None of these is
reachable here, whatever a file's name says. Every module of this package opens files by
`open_picture`; `tests/architecture` checks that none calls `Image.open`.
"""

from __future__ import annotations

import os
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from PIL import Image, ImageFile

from seewhy.core.errors import ImageError

FORMATS = (
    *("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "DIB", "TIFF", "JPEG2000"),
    *("PPM", "ICO", "TGA", "PCX", "SGI"),
)
"""Raster formats that Pillow decodes without other programs."""

OTHER_PROGRAMS = ("EPS", "WMF", "EMF", "BUFR", "GRIB", "HDF5", "FPX", "MIC")
"""Formats of Pillow that start other programs, or code of the platform or of plugins."""

# What Pillow's decoders raise on damaged files, besides UnidentifiedImageError (an OSError).
DAMAGE = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError),
    *(AttributeError, MemoryError, RuntimeError, struct.error, zlib.error),
)

# Python keeps one list of filters for all threads: two that change it at once can leave it changed
# for good.
_FILTERS = threading.RLock()


def _after_fork() -> None:
    """In a forked process, a lock of a thread that it does not have would never be released."""
    global _FILTERS
    _FILTERS = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

BOMB = (Image.DecompressionBombWarning, Image.DecompressionBombError)
"""What is raised where a picture has more pixels than `PIL.Image.MAX_IMAGE_PIXELS`."""


@contextmanager
def open_picture(file: Path | IO[bytes]) -> Iterator[ImageFile.ImageFile]:
    """Open a picture file in one of `FORMATS`; its pixels are not read yet.

    Warnings about metadata are silenced in the block.

    Raises:
        PIL.UnidentifiedImageError: if it is in none of these formats.
        PIL.Image.DecompressionBombWarning, PIL.Image.DecompressionBombError: if it has more pixels
            than `PIL.Image.MAX_IMAGE_PIXELS`.
        OSError: if it cannot be read. Damaged files raise any of `DAMAGE`.
    """
    Image.init()
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about metadata, which does not change pixels
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(file, formats=[f for f in FORMATS if f in Image.OPEN]) as picture:
            yield picture


def expect_no_bomb(size: tuple[int, int]) -> None:
    """Check the size of a frame, before it is decoded: Pillow checks that of the first alone.

    Raises:
        PIL.Image.DecompressionBombError: if it has more pixels than
            `PIL.Image.MAX_IMAGE_PIXELS`.
    """
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and size[0] * size[1] > limit:
        raise Image.DecompressionBombError(f"{size[0]} x {size[1]} pixels")


def bomb(name: str) -> str:
    """The message for a picture of too many pixels."""
    return (
        f"Expected a picture of at most {Image.MAX_IMAGE_PIXELS:,} pixels, got {name} with more: "
        "such files can fill the memory. Scale it down, or raise PIL.Image.MAX_IMAGE_PIXELS if you "
        "trust it."
    )


def expect_decodable(picture: Image.Image) -> None:
    """Refuse a picture that was opened elsewhere, and would start another program when it is read.

    Raises:
        ImageError: if it is of one of `OTHER_PROGRAMS` and not read yet.
    """
    if picture.format in OTHER_PROGRAMS and getattr(picture, "tile", None):
        raise ImageError(
            f"Expected a picture of pixels, got one of format {picture.format} that is not read "
            "yet: reading it starts another program. Call its method load() if you trust it, or "
            "convert it to PNG."
        )
