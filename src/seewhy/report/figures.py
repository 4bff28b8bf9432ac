"""Figures for papers and notebooks, with matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seewhy.core.errors import OutputError, ParameterError
from seewhy.core.record import Record
from seewhy.core.suggestions import give_index
from seewhy.report.colourmaps import DEFAULT, colour_table
from seewhy.report.overlay import overlay
from seewhy.report.payload import view_names
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
    """Draw the picture and, beside it, the maps of words; of several views, one row for each.

    Args:
        record: what to draw.
        words: indices of words of the answer, negative ones from the end; all words that hold a
            letter or digit if not given.
        columns: panels in a row, at least one. Of several views each row begins with the view
            itself, and words that find no room go on in further rows.
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

    panels = _panels(len(record.pictures), units, columns)
    across = max(map(len, panels))
    tallest = max(height / width for width, height in (one.size for one in record.pictures))
    side = 2.2
    figure, axes = pyplot.subplots(
        len(panels),
        across,
        figsize=(across * side, len(panels) * (side * tallest + 0.4)),
        squeeze=False,
        layout="constrained",
    )
    names = view_names(record.pictures)
    for panel in axes.flat:
        panel.set_axis_off()
    for places, row in zip(axes, panels, strict=True):
        for panel, (view, unit) in zip(places, row, strict=False):
            one = record.pictures[view]
            if unit is None:
                panel.imshow(one.image.numpy())
                panel.set_title(names[view], fontsize=9, color="0.45")
            else:
                panel.imshow(overlay(one.image, unit.displays[view], one.base_grid, colourmap))
                number = unit.probability if len(names) == 1 else unit.shares[view]
                panel.set_title(f"{unit.text}  {number:.2f}", fontsize=9, parse_math=False)
    table = ListedColormap((colour_table(colourmap) / 255).tolist(), name=colourmap)
    bar = figure.colorbar(ScalarMappable(cmap=table), ax=axes, shrink=0.8, pad=0.02)
    bar.set_label("evidence, image and text scores scaled together", fontsize=8)
    return figure, axes


def _panels(views: int, units: list[Unit], columns: int) -> list[list[tuple[int, Unit | None]]]:
    """Rows of panels, each a view and the unit to lay over it, or None for the bare view."""
    if views == 1:
        flat = [(0, None), *((0, unit) for unit in units)]
        return [flat[i : i + columns] for i in range(0, len(flat), columns)]
    step = max(columns - 1, 1)
    return [
        [(view, None), *((view, unit) for unit in units[i : i + step])]
        for i in range(0, max(len(units), 1), step)
        for view in range(views)
    ]


def _chosen(units: tuple[Unit, ...], words: Sequence[int] | None) -> list[Unit]:
    if words is None:
        return [unit for unit in units if any(c.isalnum() for c in unit.text)]
    for index in words:
        if not -len(units) <= index < len(units):
            raise ParameterError(
                f"Expected indices of the answer's {len(units)} words, got {index}: "
                f"{give_index(len(units))}."
            )
    return [units[index] for index in words]
