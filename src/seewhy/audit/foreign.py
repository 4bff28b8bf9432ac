"""An audit of pictures that a model of the package does not know."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from seewhy.answer_notes import foreign_to, shipped
from seewhy.audit.source import Source, SourceRow
from seewhy.bench.model_specs import ModelSpec
from seewhy.core.errors import ImageError
from seewhy.images import read_image

if TYPE_CHECKING:
    from PIL.Image import Image

ROWS = 3
"""Rows whose pictures are looked at: those of a data set are of one kind."""


def foreign_data(source: Source, model: ModelSpec) -> str:
    """A warning if a model of the package is to diagnose other pictures than drawn scenes.

    Args:
        source: the data set.
        model: the model of the audit.

    Returns:
        Empty for other models and for drawn scenes.
    """
    place = "" if model.pair is None else getattr(model.pair[0].config, "name_or_path", "") or ""
    name = shipped(model.label) or shipped(model.place or None) or shipped(place or None)
    return foreign_to(name, list(_first_pictures(source))) if name else ""


def _first_pictures(source: Source) -> Iterator[Image]:
    rows = (row for row in source.rows() if isinstance(row, SourceRow))
    for row in islice(rows, ROWS):
        for image in row.images:
            try:
                yield read_image(image)
            except ImageError:  # the row will fail, with this reason
                continue
