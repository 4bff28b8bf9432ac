"""The data of an audit's page: plain numbers and text."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

# JSON has no tuples: the types in a list of fixed length are in its annotation.
PeakXY = Annotated[list[float], (float, float)]
"""A position in pixels of the picture."""


class AuditRate(TypedDict):
    """A share with its 95 % interval; null where there is nothing to count."""

    count: int
    total: int
    value: float | None
    low: float | None
    high: float | None


class AuditEstimate(TypedDict):
    """A figure with its 95 % interval; null where it is not defined."""

    value: float | None
    low: float | None
    high: float | None


class AuditGroup(TypedDict):
    """Words with one key; `unsupported` is of words, `untrue` of those `known`."""

    key: str
    words: int
    answers: int
    unsupported: AuditRate
    support: float
    known: int
    untrue: int
    sources: dict[str, int]
    roles: dict[str, int]


class AuditCause(TypedDict):
    """A word that is said without the picture, and the earlier word that it follows from.

    `part` is "answer", "prompt" or "" for no single word; `rate` is of answers; `sentence` is the
    same in words.
    """

    follows: str
    part: str
    lemma: str
    role: str
    rate: AuditRate
    known: int
    untrue: int
    sentence: str
    habit: bool


class AuditDetection(TypedDict):
    """How well support tells words that the truth supports from others."""

    words: int
    untrue: int
    answers: int
    auroc: AuditEstimate
    average_precision: AuditEstimate
    false_positive_rate: AuditEstimate


class AuditGrounding(TypedDict):
    """How well maps lie on true regions, in one group of words."""

    group: str
    pointing: AuditRate
    words: int
    iou: AuditEstimate


class AuditReason(TypedDict):
    """Why answers could not be diagnosed, how often, and the id and error of the first."""

    reason: str
    count: int
    example: str
    detail: str


class AuditTotals(TypedDict):
    """Counts of answers and words; `groups` says how many rows each table has in all."""

    done: int
    failed: int
    generated: int
    words: int
    seconds: float
    groups: dict[str, int]
    causes: int
    causes_left_out: int


class AuditMap(TypedDict):
    """A displayed map in 8 bit, row by row, base64."""

    height: int
    width: int
    data: str


class AuditAnswer(TypedDict):
    """An answer that holds one of the worst words.

    `picture` is a data URI or "", `width` and `height` are those of the original in pixels,
    `rows` and `columns` the edges of its maps' cells in these pixels, empty for equal cells over
    the whole picture; `report` is a link to the saved report or "".
    """

    id: str
    image: str
    prompt: str
    text: str
    picture: str
    width: int
    height: int
    rows: list[float]
    columns: list[float]
    report: str


class AuditWord(TypedDict):
    """One of the worst words; `answer` is an index of the payload's answers.

    `start` and `end` count characters (code points) of the answer's text.
    """

    answer: int
    word: int
    text: str
    start: int
    end: int
    lemma: str
    role: str
    category: str
    group: str
    probability: float
    support: float
    source: str
    sentence: str
    visual_share: float | None
    follows: str
    follows_part: str
    supported: bool | None
    peak: PeakXY | None
    map: AuditMap | None


class AuditPayload(TypedDict):
    """All that an audit's page shows.

    `sources` and `meanings` are by source of a verdict, `scores` are the benchmark's figures by
    name, `made` says how the audit was made, `files` are links by name, `worst_shown` is how many
    of `worst` are the worst of all: those behind them are examples of single rows.
    """

    schema: int
    finding: str
    made: dict[str, Any]
    files: dict[str, str]
    totals: AuditTotals
    meanings: dict[str, str]
    sources: dict[str, AuditRate]
    with_unsupported: AuditRate
    causes: list[AuditCause]
    tables: dict[str, list[AuditGroup]]
    scores: dict[str, float | None]
    detection: AuditDetection | None
    grounding: list[AuditGrounding]
    reasons: list[AuditReason]
    worst: list[AuditWord]
    worst_shown: int
    answers: list[AuditAnswer]
    colours: dict[str, str]
