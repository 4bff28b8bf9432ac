"""Reading the files of a data set: indices, pictures, masks.

An index that cannot be read raises a DatasetError that names the position. A picture or mask that
cannot be read raises a SampleError for its sample only; the same cause gives the same reason.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from seewhy.core.errors import DatasetError, ImageError, SampleError
from seewhy.images import read_image
from seewhy.images.formats import BOMB, DAMAGE, open_picture

MASK_MODES = ("1", "L", "P", "I", "I;16", "I;16L", "I;16B")
"""Pillow modes with one integer per pixel; with a palette, the indices count, not the colours."""


def unusable(reason: str, detail: str) -> SampleError:
    """The error for a sample that cannot be used.

    Args:
        reason: the message; such samples are counted by it.
        detail: what was expected and what was read; a note of the error.
    """
    error = SampleError(reason)
    error.add_note(detail)
    return error


def expect_files(folder: Path, names: Sequence[str], layout: str) -> list[Path]:
    """The paths of files in a folder.

    Raises:
        DatasetError: if one is missing.
    """
    for name in names:
        if not (folder / name).is_file():
            raise DatasetError(
                f"Expected {name} in {folder}, got no such file: the folder must hold {layout}."
            )
    return [folder / name for name in names]


def read_json(path: Path) -> Any:
    """A JSON file's content.

    Raises:
        DatasetError: if it is not JSON in UTF-8; the message names line and column.
    """
    return parse_json(_text(path), str(path), 0)


def read_json_lines(path: Path) -> list[tuple[int, Any]]:
    """A JSON Lines file's values, each with its line number from 1; empty lines are skipped.

    Raises:
        DatasetError: if a line is not JSON, or the file not UTF-8.
    """
    lines = enumerate(_text(path).splitlines(), start=1)
    return [(n, parse_json(line, str(path), n - 1)) for n, line in lines if line.strip()]


def parse_json(text: str, name: str, above: int) -> Any:
    """Parse JSON; `above` is the number of lines before it in the file, for the error message."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DatasetError(
            f"Expected JSON in {name}, got something else at line {above + error.lineno}, column "
            f"{error.colno} ({error.msg}): correct it, or get the file again."
        ) from error
    except RecursionError as error:
        raise DatasetError(
            f"Expected an index in {name}, got JSON nested too deep to read: get the file again."
        ) from error


def malformed(path: Path, place: str, expected: str, got: object) -> DatasetError:
    """The error for an index with valid JSON of another structure."""
    shown = repr(got)
    shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
    return DatasetError(
        f"Expected {expected} at {place} of {path}, got {shown}: correct the index."
    )


def read_picture(path: Path) -> Image.Image:
    """An upright RGB picture.

    Raises:
        SampleError: "image missing" or "image broken".
    """
    if not path.is_file():
        raise unusable("image missing", f"Expected a picture at {path}, got no file.")
    try:
        return read_image(path)
    except ImageError as error:
        raise unusable("image broken", str(error)) from error


def read_values(path: Path, image: Image.Image) -> np.ndarray:
    """A mask file's numbers, int64 `[height, width]`, in the image's size.

    Raises:
        SampleError: "mask missing", "mask broken", "mask not of single numbers" or
            "mask of another size".
    """
    if not path.is_file():
        raise unusable("mask missing", f"Expected a mask at {path}, got no file.")
    try:
        with open_picture(path) as file:
            mode = file.mode
            values = np.asarray(file)
    except (*DAMAGE, *BOMB) as error:
        raise unusable("mask broken", f"Expected a picture at {path}, got: {error}") from error
    if mode not in MASK_MODES or values.ndim != 2:
        raise unusable(
            "mask not of single numbers",
            f"Expected one number a pixel in {path}, got mode {mode}: save it as 8 bit grey.",
        )
    if values.shape != image.size[::-1]:
        raise unusable(
            "mask of another size",
            f"Expected {image.width} x {image.height} pixels as the image's, got "
            f"{values.shape[1]} x {values.shape[0]} in {path}.",
        )
    return values.astype(np.int64)


def masks_of(values: np.ndarray, numbers: Sequence[int]) -> Tensor:
    """bool `[region, height, width]`: the pixels of each of `numbers`; a region may be empty."""
    regions = torch.tensor(list(numbers), dtype=torch.int64)
    return torch.from_numpy(values)[None] == regions[:, None, None]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"Expected text in UTF-8 in {path}, got other bytes at {error.start}: get it again."
        ) from error
    except OSError as error:
        raise DatasetError(
            f"Expected to read {path}, got {error.strerror}: check its permissions."
        ) from error
