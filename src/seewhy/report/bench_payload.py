"""The data of the bench's page: plain numbers and text."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired, TypedDict

# JSON has no tuples: the types in a list of fixed length are in its annotation.
Point = Annotated[list[float | None], (float, float | None, float | None, float | None)]
"""A point of a curve: its position on the axis, the value, and its 95 % interval."""

Difference = Annotated[list[float | None], (float | None, float | None, float | None)]
"""A difference and its 95 % interval."""


class BenchColumn(TypedDict):
    """A figure of a metric. Its values are shown times `scale`; `better` is whether higher is."""

    metric: str
    name: str
    summary: str
    better: bool | None
    unit: str
    scale: int


class BenchCell(TypedDict):
    """A figure of a method: `column` is an index of the payload's columns.

    `low` and `high` are a 95 % interval, `apart` is the difference to the reference method.
    """

    method: str
    column: int
    value: float | None
    low: float | None
    high: float | None
    samples: int
    values: int
    apart: Difference | None
    significant: bool


class BenchGroupCell(BenchCell):
    """A figure of a method on a group of words, such as `"role: colour"`."""

    group: str


class BenchLine(TypedDict):
    """A method's curve."""

    method: str
    points: list[Point]


class BenchCurve(TypedDict):
    """A curve of a metric, method by method."""

    metric: str
    name: str
    lines: list[BenchLine]


class BenchTile(TypedDict):
    """A method's map of a case as a data URI, or why there is none."""

    method: str
    picture: NotRequired[str]
    score: NotRequired[float | None]
    why: NotRequired[str]


class BenchCase(TypedDict):
    """A notable word; `report` is a relative link to its report, or empty."""

    kind: str
    model: str
    data: str
    sample: str
    figure: str
    answer: str
    word: str
    picture: str
    tiles: list[BenchTile]
    report: str


class BenchView(TypedDict):
    """All figures of one model on one data set.

    `answer` says which method leads by the main figure, `elsewhere` in which figures it does not,
    or nothing; methods stand in backticks. `main` is the index of that figure among the payload's
    columns, or null where no figure has a better end.
    """

    model: str
    data: str
    samples: int
    answer: str
    elsewhere: str
    main: int | None
    cells: list[BenchCell]
    curves: list[BenchCurve]
    breakdown: list[BenchGroupCell]
    cases: list[BenchCase]


class BenchReason(TypedDict):
    """Why something was not measured, how often, and the id of one sample."""

    what: str
    where: str
    status: str
    reason: str
    count: int
    example: str


class BenchRun(TypedDict):
    """When and with what the latest run was made."""

    started: NotRequired[str]
    machine: NotRequired[str]
    versions: NotRequired[dict[str, str]]
    suite: NotRequired[str | None]


class BenchPayload(TypedDict):
    """All that the bench's page shows. `methods` holds a summary of each method by its label."""

    reference: str
    settings: dict[str, Any]
    made: BenchRun
    methods: dict[str, str]
    columns: list[BenchColumn]
    views: list[BenchView]
    reasons: list[BenchReason]
