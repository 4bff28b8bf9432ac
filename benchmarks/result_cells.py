"""Figures of the bench in rows of a CSV file, and as cells of Markdown tables."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

FALLING = {"deletion", "deletion-nats", "context-deletion"}
"""Figures with lower values for better methods."""

DETECTION = {
    "auroc": "AUROC ↑",
    "average-precision": "average precision ↑",
    "fpr95": "FPR at 95 % recall ↓",
}
"""Statistics of scores of unsupported words, and their headings."""


@dataclass(frozen=True)
class Row:
    """One figure of one method on one model, and its difference to a reference.

    Attributes:
        suite, model, method, figure: names; a figure has the parameters of its metric.
        group: of words, such as `"role: colour"`; "" for all.
        value, low, high: the estimate and its 95 % interval.
        samples: number of pictures with a value.
        reference: the method for the comparison.
        difference, difference_low, difference_high: paired; NaN for the reference itself.
    """

    suite: str
    model: str
    method: str
    figure: str
    group: str
    value: float
    low: float
    high: float
    samples: int
    reference: str
    difference: float
    difference_low: float
    difference_high: float


def write(rows: Sequence[Row], path: Path) -> None:
    """Write the rows as CSV."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def read(path: Path) -> list[Row]:
    """Read the rows of a CSV file."""
    parsers: dict[str, Callable] = {"float": float, "int": int, "str": str}
    with path.open(newline="") as file:
        return [
            Row(**{f.name: parsers[str(f.type)](line[f.name]) for f in fields(Row)})
            for line in csv.DictReader(file)
        ]


def percent(row: Row | None) -> str:
    """The value and its interval, in per cent; "" without a row."""
    if row is None:
        return ""
    return f"{100 * row.value:.1f} [{100 * row.low:.1f}, {100 * row.high:.1f}]"


def sign(row: Row) -> int:
    return -1 if row.figure.partition("(")[0] in FALLING else 1


def is_comparable(key: tuple[str, ...], row: Row) -> bool:
    return key[0] == row.suite and key[2] == row.model and key[4] == row.figure


def short(value: float) -> str:
    return f"{value:.2f}" if 0 < value < 10 else f"{value:.0f}"


def plain(row: Row) -> str:
    return f"{100 * row.value:.1f}"


def factor(row: Row) -> int:
    """Figures are in per cent, except those in nats."""
    return 1 if row.figure.endswith("-nats") else 100


def places(row: Row) -> int:
    return 2 if row.figure.endswith("-nats") else 1


def advantage(row: Row) -> str:
    """How much better the reference is than a row's method, with its interval."""
    times = -sign(row) * factor(row)
    ends = sorted(times * end for end in (row.difference_low, row.difference_high))
    value, low, high = (f"{end:+.{places(row)}f}" for end in (times * row.difference, *ends))
    return f"{value} [{low}, {high}]".replace("-", "−")


def difference(row: Row) -> str:
    ends = (row.difference, row.difference_low, row.difference_high)
    value, low, high = (f"{100 * end:+.1f}" for end in ends)
    return f"{value} [{low}, {high}]".replace("-", "−")


def judged(row: Row) -> str:
    """The difference in the unit of tables, with its interval and its verdict."""
    if math.isnan(row.difference):
        return ""
    ends = (row.difference, row.difference_low, row.difference_high)
    value, low, high = (f"{factor(row) * end:+.{places(row)}f}" for end in ends)
    return f"{value} [{low}, {high}] {verdict(row)}".replace("-", "−")


def verdict(row: Row) -> str:
    """Whether the interval of the difference excludes 0, and on which side."""
    low, high = sorted(sign(row) * end for end in (row.difference_low, row.difference_high))
    return "yes" if low > 0 else "**no**" if high < 0 else "open"


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
