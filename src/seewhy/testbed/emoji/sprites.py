"""Pictures of the kinds, cut out, in several drawing styles.

The styles are free emoji sets; `sprites/NOTICE.md` names their makers and licences. One more,
OpenMoji, is for measuring on a style that no model saw. Its licence (CC BY-SA) is not ours to pass
on, so it is not shipped: `python -m seewhy.testbed.emoji.build_sprites` makes it from its package.
"""

from __future__ import annotations

import io
import os
import zipfile
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from seewhy.core.errors import SeewhyError
from seewhy.testbed.emoji.kinds import KINDS, SIGN

STYLES = ("fluent", "flat", "noto", "fxemoji", "twemoji", "emojione")
UNSEEN_STYLE = "openmoji"
MORE_STYLES = ("noto-v1", "streamline", "contrast", "monotone")
"""Styles of no scene: more to learn sight from."""
INKED = ("contrast", "monotone")
"""Those of black ink on white."""
SIDE = 144
"""Pixels of a sprite's longer side."""
FOLDER = Path(__file__).parent / "sprites"
VARIABLE = "SEEWHY_OPENMOJI"
"""Environment variable with the path of the zip file of the unseen style."""
FOLDER_VARIABLE = "SEEWHY_MORE_STYLES"
"""Environment variable with the folder of the zip files of `MORE_STYLES`."""


def has_unseen_style() -> bool:
    """Whether the sprites of the unseen style are at hand."""
    return _archive_path(UNSEEN_STYLE).is_file()


@cache
def styles_of(kind: str) -> tuple[str, ...]:
    """The shipped styles that have a kind.

    >>> styles_of("cat")
    ('fluent', 'flat', 'noto', 'fxemoji', 'twemoji', 'emojione')
    """
    return _having(kind, STYLES)


def expect_more_styles() -> None:
    """Make sure that all of `MORE_STYLES` are at hand.

    Raises:
        SeewhyError: if one is not.
    """
    for style in MORE_STYLES:
        if not _archive_path(style).is_file():
            raise SeewhyError(
                f"Expected the sprites of the style {style} in {_archive_path(style)}, got none: "
                "make them with `python -m seewhy.testbed.emoji.build_sprites` and set "
                f"{FOLDER_VARIABLE} to their folder."
            )


@cache
def more_styles_of(kind: str) -> tuple[str, ...]:
    """Those of `MORE_STYLES` that are at hand and have a kind."""
    return _having(kind, tuple(s for s in MORE_STYLES if _archive_path(s).is_file()))


def _having(kind: str, styles: tuple[str, ...]) -> tuple[str, ...]:
    file = _file(kind)
    return tuple(style for style in styles if file in _names(style))


@lru_cache(maxsize=4096)
def sprite(kind: str, style: str) -> np.ndarray:
    """A kind's picture, uint8 `[height, width, 4]`: red, green, blue, opacity; not writable.

    Args:
        kind: of `KINDS`, except the sign.
        style: of `styles_of(kind)`, or `UNSEEN_STYLE`.

    Raises:
        SeewhyError: if the style isn't at hand or has no such kind.
    """
    try:
        data = _archive(style).read(_file(kind))
    except KeyError:
        raise SeewhyError(
            f"Expected a kind that the style {style} has, got {kind!r}: choose one of "
            f"{', '.join(styles_of(kind)) or 'another kind'}."
        ) from None
    pixels = np.array(Image.open(io.BytesIO(data)).convert("RGBA"))
    pixels.flags.writeable = False
    return pixels


def _file(kind: str) -> str:
    if kind == SIGN or kind not in KINDS:
        raise SeewhyError(f"Expected a kind with a sprite, got {kind!r}: see KINDS, without sign.")
    return f"{KINDS[kind].codepoint}.webp"


def _archive_path(style: str) -> Path:
    if style == UNSEEN_STYLE and os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE])
    if style in MORE_STYLES:
        return Path(os.environ.get(FOLDER_VARIABLE, FOLDER)) / f"{style}.zip"
    return FOLDER / f"{style}.zip"


@cache
def _archive(style: str) -> zipfile.ZipFile:
    path = _archive_path(style)
    if not path.is_file():
        raise SeewhyError(
            f"Expected the sprites of {style} at {path}, found no file: "
            + (
                f"make them with `python -m seewhy.testbed.emoji.build_sprites` and set {VARIABLE}."
                if style == UNSEEN_STYLE
                else f"choose one of {', '.join(STYLES)}."
            )
        )
    return zipfile.ZipFile(path)


@cache
def _names(style: str) -> frozenset[str]:
    return frozenset(_archive(style).namelist())
