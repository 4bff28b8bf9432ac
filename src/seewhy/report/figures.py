"""Figures for papers and notebooks, with matplotlib."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seewhy.core.errors import OutputError, ParameterError
from seewhy.core.record import Record
from seewhy.report.colourmaps import DEFAULT, colour_table
from seewhy.report.overlay import overlay
from seewhy.report.units import Unit, word_units

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot(
    record: Record,
    words: Sequence[int] | None = None,
    *,
    columns: int = 5,
    colourmap: str = DEFAULT,
) -> tuple[Figure, Any]:
    """Draw the picture and, beside it, the maps of words.

    Args:
        record: what to draw.
        words: indices of words of the answer, negative ones from the end; all words that hold a
            letter or digit if not given.
        columns: panels in a row, at least one.
        colourmap: a name from `seewhy.report.colourmaps.NAMES`.

    Returns:
        The figure and its axes, `[rows, columns]`; a caller may save or change both.

    Raises:
        ParameterError: if an index or `columns` is out of range.
        OutputError: if matplotlib is not installed.
    """
    units = _chosen(word_units(record), words)
    if columns < 1:
        raise ParameterError(f"Expected at least one column, got {columns}.")
    try:
        from matplotlib import pyplot
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import ListedColormap
    except ImportError as error:
        raise OutputError(
            "Expected matplotlib for figures, got none: pip install 'seewhy[plot]'."
        ) from error

    width, height = record.size
    columns = min(columns, len(units) + 1)
    rows = math.ceil((len(units) + 1) / columns)
    side = 2.2
    figure, axes = pyplot.subplots(
        rows,
        columns,
        figsize=(columns * side, rows * (side * height / width + 0.4)),
        squeeze=False,
        layout="constrained",
    )
    for panel in axes.flat:
        panel.set_axis_off()
    axes.flat[0].imshow(record.image.numpy())
    axes.flat[0].set_title("picture", fontsize=9, color="0.45")
    for panel, unit in zip(axes.flat[1:], units, strict=False):
        panel.imshow(overlay(record.image, unit.display, record.canvas, colourmap))
        panel.set_title(f"{unit.text}  {unit.probability:.2f}", fontsize=9, parse_math=False)
    table = ListedColormap((colour_table(colourmap) / 255).tolist(), name=colourmap)
    bar = figure.colorbar(ScalarMappable(cmap=table), ax=axes, shrink=0.8, pad=0.02)
    bar.set_label("evidence, image and text scores scaled together", fontsize=8)
    return figure, axes


def _chosen(units: tuple[Unit, ...], words: Sequence[int] | None) -> list[Unit]:
    if words is None:
        return [unit for unit in units if any(c.isalnum() for c in unit.text)]
    for index in words:
        if not -len(units) <= index < len(units):
            raise ParameterError(
                f"Expected indices of the answer's {len(units)} words, got {index}: "
                f"give 0 to {len(units) - 1}."
            )
    return [units[index] for index in words]
