"""What the results of a model and data set say: which method leads, by how much, and where not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from seewhy.bench.cells import Cell, compared_with
from seewhy.bench.plan import MODEL_LABEL
from seewhy.bench.results import Column, Results
from seewhy.bench.writers import PERCENT, heading, number, spread

MAIN_FIGURES = ("f1-iou", "object-iou")
"""The main figure by name, best first; else it is the first one with a better end."""

MOST_NAMED = 4
"""Figures that are named where another method is the best."""


@dataclass(frozen=True)
class Answer:
    """The answer for one model and data set.

    Attributes:
        main: the main figure, by which methods are sorted; None where none has a better end.
        text: which method leads, by how much, and whether that may be chance; labels of methods
            stand in backticks.
        elsewhere: in which other figures it is the best, and in which not; may be empty.
    """

    main: Column | None
    text: str
    elsewhere: str = ""


def answer_of(results: Results, view: tuple[str, str], listed: Sequence[Cell]) -> Answer:
    """The answer for one model and data set.

    Args:
        results: with rows, or without: then of two methods that are not the reference no paired
            difference is known, and their intervals are compared.
        view: the model's and the data set's label.
        listed: the cells of all words.
    """
    own = [
        cell
        for cell in listed
        if (cell.model, cell.data) == view
        and cell.column.curve is None
        and cell.column.higher_is_better is not None
        and cell.method != MODEL_LABEL
        and not math.isnan(cell.value)
    ]
    columns = list(dict.fromkeys(cell.column for cell in own))
    if not columns:
        return Answer(None, "No figure of these results has a better end: nothing leads.")
    main = _main(columns)
    ranked = _ranked(own, main)
    first = ranked[0]
    if len(ranked) == 1:
        return Answer(main, _of_one(first))
    text = _lead(results, first, ranked[1])
    return Answer(main, text, _elsewhere(own, columns, main, first))


def _main(columns: Sequence[Column]) -> Column:
    by_name = {column.name: column for column in reversed(columns)}
    return next((by_name[name] for name in MAIN_FIGURES if name in by_name), columns[0])


def _ranked(listed: Sequence[Cell], column: Column) -> list[Cell]:
    """The cells of a figure, best first; of equals in the order of the methods."""
    sign = -1 if column.higher_is_better else 1
    return sorted((c for c in listed if c.column == column), key=lambda cell: sign * cell.value)


def _of_one(cell: Cell) -> str:
    return (
        f"Only `{cell.method}` has a value of {_name(cell.column)}: {_value(cell)}. Nothing is "
        f"compared. {_counted(cell)}"
    )


def _lead(results: Results, first: Cell, second: Cell) -> str:
    """Who leads, by how much, and whether that is more than chance."""
    column = first.column
    if first.value == second.value:
        both = f"`{first.method}` and `{second.method}` are equal: {_value(first)}."
        return f"By {_name(column)}, {both} {_counted(first)}"
    head = (
        f"By {_name(column)}, `{first.method}` leads: {_value(first)}; next is "
        f"`{second.method}` with {_value(second)}."
    )
    return f"{head} {_difference(results, first, second)} {_counted(first)}"


def _difference(results: Results, first: Cell, second: Cell) -> str:
    found = _paired(results, first, second)
    if found is None:
        if first.low > second.high or first.high < second.low:
            return "Their intervals do not overlap."
        return "Their intervals overlap: these tables do not settle which of the two is better."
    value, low, high = (_signed(end, first.column) for end in found)
    told = f"On the same words the difference is {value} {_unit(first.column)} [{low}, {high}]"
    if found[1] <= 0 <= found[2]:
        return f"{told}: the interval includes 0, so which of the two is better is open."
    return f"{told}: the interval excludes 0."


def _paired(results: Results, first: Cell, second: Cell) -> tuple[float, float, float] | None:
    """First minus second on the words that both have, with its interval; None where not known."""
    if second.method == results.reference:
        return _interval(first)
    if first.method == results.reference:
        known = _interval(second)
        return None if known is None else (-known[0], -known[2], -known[1])
    again = compared_with(results, second.method, first)
    return None if again is None else _interval(again)


def _interval(cell: Cell) -> tuple[float, float, float] | None:
    value, low, high = cell.difference, cell.difference_low, cell.difference_high
    return None if value is None or low is None or high is None else (value, low, high)


def _elsewhere(listed: Sequence[Cell], columns: Sequence[Column], main: Column, first: Cell) -> str:
    """In which other figures the method does not lead, and who does."""
    others = []
    compared = 0
    for column in columns:
        ranked = _ranked(listed, column)
        own = next((cell for cell in ranked if cell.method == first.method), None)
        if column == main or len(ranked) < 2 or own is None:
            continue
        compared += 1
        if own.value != ranked[0].value:
            others.append(f"{heading(column)} (`{ranked[0].method}`, {_bare(ranked[0])})")
    if not compared:
        return ""
    if not others:
        return f"It is also the best in all {compared} other figures."
    more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
    return (
        f"Of {compared} other figures it is the best in {compared - len(others)}; not in "
        f"{', '.join(others[:MOST_NAMED])}{more}."
    )


def _name(column: Column) -> str:
    summary = f" ({column.summary.rstrip('.')})" if column.summary else ""
    return f"{column.name}{summary}"


def _value(cell: Cell) -> str:
    return f"{_bare(cell)} {spread(cell)}"


def _bare(cell: Cell) -> str:
    unit = _unit(cell.column, plural=False)
    return f"{number(cell.value, cell.column.unit)}{f' {unit}' if unit else ''}"


def _unit(column: Column, *, plural: bool = True) -> str:
    if column.unit in PERCENT:
        return "points" if plural else "%"
    return column.unit


def _signed(value: float, column: Column) -> str:
    text = number(abs(value), column.unit)
    return f"{'−' if value < 0 else '+'}{text}"


def _counted(cell: Cell) -> str:
    return f"({cell.samples} samples, {cell.values} values.)"
