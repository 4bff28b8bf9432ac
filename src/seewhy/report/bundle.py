"""An explanation as a folder, written completely or not at all, and read back exactly.

manifest.json      schema version, provenance, every file's SHA-256
explanation.json   prompt, answer, tokens, words and their numbers
maps.safetensors   maps, context and grids, exact
pictures/0.png     each picture, or first frame of each step of a clip, exact
report.html        the page
overlays/03-star.png, or with several views overlays/03-star-0.png, ...: where they are asked for

Folders that older versions wrote are read too (`seewhy.report.migrations`).
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from seewhy.core.display import DISPLAY, Display, expect_display
from seewhy.core.errors import GeometryError, InputError, SchemaError
from seewhy.core.record import Picture, Record
from seewhy.core.record_checks import expect_sound
from seewhy.core.strict_json import parse_object
from seewhy.images.formats import BOMB, DAMAGE, open_picture
from seewhy.report.compact_json import compact_json
from seewhy.report.migrations import SCHEMA_VERSION, method_spec, migrated
from seewhy.report.overlay import overlay
from seewhy.report.page import html
from seewhy.report.record_codec import (
    picture_file,
    provenance_from_json,
    record_from_parts,
    record_to_json,
    record_to_tensors,
)
from seewhy.report.safe_folder import (
    read_checked,
    read_manifest,
    safe_name,
    write_folder,
)
from seewhy.report.spans import spans_of

EXPLANATION, MAPS = "explanation.json", "maps.safetensors"

#: Longest side in pixels of the pictures in `overlays/`. With several views it is
#: divided by the square root of their number, but is at least the second value.
OVERLAY_SIDE, SMALLEST_SIDE = 640, 200


def save_record(
    record: Record,
    folder: str | os.PathLike[str],
    overwrite: bool = False,
    *,
    overlays: bool = False,
    display: Display = DISPLAY,
) -> Path:
    """Write a record and its page to a folder.

    Args:
        record: the explanation.
        folder: the folder to make; missing parents are made too.
        overwrite: replace the folder if it is one that seewhy wrote.
        overlays: also write a picture for each word, with its map laid over it.
        display: the scale of the overlays, and of the page at first (`seewhy.core.display`).

    Returns:
        The folder's absolute path.

    Raises:
        OutputError: if the folder may not be written (`expect_writable`), or if writing fails;
            no partial folder is left.
        UnknownNameError: if there is no such scale.
    """
    expect_display(display)
    description = {"schema": SCHEMA_VERSION, **asdict(record.provenance)}

    def write(work: Path) -> None:
        _write(record, work, overlays, display)

    return write_folder(folder, write, description, overwrite)


def open_record(folder: str | os.PathLike[str]) -> Record:
    """Read back what `save_record` wrote, exactly.

    Everything is checked before the record is returned: `seewhy.core.record_checks`. The overlays
    and the page are not needed and may be missing.

    Raises:
        SchemaError: if seewhy did not write the folder, or it is damaged or was written by a newer
            version.
    """
    source = Path(folder)
    try:
        manifest = read_manifest(source)
        schema = manifest.get("schema")
        if type(schema) is not int or not 1 <= schema <= SCHEMA_VERSION:
            raise SchemaError(
                f"Expected an explanation of schema {SCHEMA_VERSION} or older in {source}, "
                f"got {str(schema)[:40]!r}: update seewhy to read it."
            )
        return _read(source, manifest, schema)
    except SchemaError:
        raise
    except (*DAMAGE, *BOMB, SafetensorError, InputError, GeometryError) as error:
        raise SchemaError(
            f"Expected a complete explanation in {str(source)[:300]}, got one that cannot be read "
            f"({type(error).__name__}: {str(error)[:300]}): make it again."
        ) from error


def _write(record: Record, work: Path, overlays: bool, display: Display) -> None:
    (work / "pictures").mkdir()
    for view, picture in enumerate(record.pictures):
        image = Image.fromarray(picture.image.cpu().numpy())
        # A third of the time of Pillow's own level, and of photographs no larger.
        image.save(work / picture_file(view), compress_level=3)
    (work / MAPS).write_bytes(save_tensors(record_to_tensors(record)))
    (work / EXPLANATION).write_text(compact_json(record_to_json(record)), "utf-8")
    (work / "report.html").write_bytes(html(record, display).encode())
    if overlays:
        _write_overlays(record, work / "overlays", display)


def _read(source: Path, manifest: Mapping[str, Any], schema: int) -> Record:
    provenance = provenance_from_json(manifest)
    explanation, maps = (read_checked(source, name, manifest) for name in (EXPLANATION, MAPS))
    read = {**parse_object(explanation), "family": provenance.family}
    data, tensors = migrated(schema, read, load_tensors(maps))
    images = [
        _image(read_checked(source, picture["file"], manifest), picture)
        for picture in data["pictures"]
    ]
    if schema < 5:
        spec = method_spec(provenance.method, provenance.parameters)
        provenance = replace(provenance, method=spec)
    used = _UsedTensors(tensors)
    record = record_from_parts(data, used, images, provenance)
    if unknown := sorted(set(tensors) - used.names):
        raise SchemaError(
            f"Expected the tensors of a record in {source / MAPS}, got {unknown[0][:80]!r} too: "
            "make it again."
        )
    expect_sound(record)
    return record


class _UsedTensors(Mapping[str, Tensor]):
    """Tensors by name, and which of them were asked for."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = tensors
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> Tensor:
        tensor = self._tensors[name]
        self.names.add(name)
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)


def _image(content: bytes, description: Mapping[str, Any]) -> Tensor:
    """A picture of the size that its description states, which is compared before it is decoded."""
    with open_picture(io.BytesIO(content)) as picture:
        stated = description.get("size", list(picture.size))
        if (picture.format, picture.mode) != ("PNG", "RGB") or list(picture.size) != stated:
            raise SchemaError(
                f"Expected the picture {description['file']} as PNG in RGB of size {stated}, got "
                f"{picture.format} in {picture.mode} of {list(picture.size)}: make it again."
            )
        return _pixels(picture)


def _write_overlays(record: Record, folder: Path, display: Display) -> None:
    folder.mkdir()
    views = len(record.pictures)
    side = max(SMALLEST_SIDE, round(OVERLAY_SIDE / math.sqrt(views)))
    # Resized once, not for each word.
    small = [_resized(picture, side) for picture in record.pictures]
    digits = max(2, len(str(len(record.words) - 1)))
    for index, span in enumerate(spans_of(record).words):
        name = f"{index:0{digits}}-{safe_name(span.text)}"
        maps = span.displayed(display)
        for view, (picture, shown) in enumerate(zip(small, maps, strict=True)):
            suffix = "" if views == 1 else f"-{view:0{len(str(views - 1))}}"
            image = overlay(picture.image, shown, picture.base_grid)
            image.save(folder / f"{name}{suffix}.png", compress_level=3)


def _resized(picture: Picture, side: int) -> Picture:
    """The picture with a longest side of `side` pixels; its grid is resized likewise."""
    width, height = picture.size
    ratio = side / max(width, height)
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    image = Image.fromarray(picture.image.cpu().numpy()).resize(size, Image.Resampling.LANCZOS)
    base_grid = replace(
        picture.base_grid,
        row_edges=picture.base_grid.row_edges * size[1] / height,
        column_edges=picture.base_grid.column_edges * size[0] / width,
    )
    return replace(picture, image=_pixels(image), base_grid=base_grid)


def _pixels(picture: Image.Image) -> Tensor:
    width, height = picture.size
    data = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    return data.view(height, width, 3)
