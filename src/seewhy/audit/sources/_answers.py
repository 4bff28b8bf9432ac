"""Given answers: read from a file of their own and joined to the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seewhy.audit.source import BadRow, SourceRow
from seewhy.audit.sources._fields import BROKEN, as_bad_row, expect_object, text_field
from seewhy.audit.sources._stream import entries
from seewhy.core.errors import SampleError

NONE = "no answer is given"
"""The reason of rows that the file of answers does not answer."""
SURPLUS = "an answer without a row, or a second one"
"""The reason of answers that belong to no row."""
OTHER = "the answer is to another question"
"""The reason of answers in the place of a row with another question."""

TEXTS = ("answer", "response", "caption", "text", "model_prediction", "prediction", "output")
"""Names of the field with the answer, the first that is there counts."""


@dataclass(frozen=True)
class Answer:
    """One answer of the file.

    Attributes:
        key: what names its row; None for an unreadable one.
        place: where it stands, such as "answers line 3".
        text: the answer.
        entry: the whole line.
        bad: why it cannot be used, or None.
    """

    key: str | None
    place: str
    text: str = ""
    entry: Mapping[str, Any] | None = None
    bad: BadRow | None = None


def read_answers(path: Path, key: Callable[[Mapping[str, Any]], str]) -> Iterator[Answer]:
    """The answers of a file of JSON Lines or a JSON array, in order.

    Args:
        path: the file.
        key: gives what names an answer's row; raises `SampleError`.
    """
    for entry in entries(path):
        place = f"answers {entry.place}"
        if entry.problem:
            yield Answer(None, place, bad=BadRow(place, BROKEN, entry.problem))
            continue
        try:
            value = expect_object(entry.value, "an answer")
            name = key(value)
        except SampleError as error:
            yield Answer(None, place, bad=as_bad_row(place, error))
            continue
        try:
            yield Answer(name, place, text_field(value, *TEXTS), value)
        except SampleError as error:
            yield Answer(name, place, "", value, as_bad_row(place, error))


def joined(
    rows: Iterable[SourceRow | BadRow],
    answers: Iterator[Answer],
    row_key: Callable[[SourceRow], str],
    adopt: Callable[[SourceRow, Answer], SourceRow],
    *,
    surplus: bool = True,
) -> Iterator[SourceRow | BadRow]:
    """Rows with their answers.

    Both are read once. In equal order, memory stays bounded; answers that come too early are kept
    until their row comes.

    Args:
        rows: bad rows pass through.
        answers: of `read_answers`.
        row_key: what names the answer of a row.
        adopt: gives the row with the answer.
        surplus: whether answers that are left at the end are bad rows; False for a part of the
            rows.
    """
    waiting: dict[str, Answer] = {}
    second: list[Answer] = []

    def answer_of(name: str) -> Iterator[Answer | BadRow]:
        """Bad answers on the way, then the answer."""
        if name in waiting:
            yield waiting.pop(name)
            return
        for answer in answers:
            if answer.key is None:
                yield answer.bad or BadRow(answer.place, BROKEN)
            elif answer.key == name:
                yield answer
                return
            elif answer.key in waiting:
                second.append(answer)
            else:
                waiting[answer.key] = answer

    for row in rows:
        if isinstance(row, BadRow):
            yield row
            continue
        found = None
        for found in answer_of(row_key(row)):
            if isinstance(found, BadRow):
                yield found
        yield _with(row, found if isinstance(found, Answer) else None, adopt)
    left = [*waiting.values(), *second, *answers]
    yield from (answer.bad for answer in left if answer.bad and answer.key is None)
    if surplus:
        named = (answer for answer in left if answer.key is not None)
        yield from (BadRow(a.place, SURPLUS, f"Of {a.key}: {a.text[:80]}") for a in named)


def in_turn(
    rows: Iterable[SourceRow | BadRow],
    answers: Iterator[Answer],
    row_key: Callable[[SourceRow], str],
    adopt: Callable[[SourceRow, Answer], SourceRow],
    *,
    surplus: bool = True,
) -> Iterator[SourceRow | BadRow]:
    """Rows with the answers in the same place; each must be to the row's question.

    A bad row uses up an answer, too. Arguments as of `joined`.
    """
    for row in rows:
        answer = next(answers, None)
        if isinstance(row, BadRow):
            yield row
        elif answer is not None and answer.key != row_key(row) and not answer.bad:
            yield BadRow(
                row.id, OTHER, f"Expected {row_key(row)!r} at {answer.place}, got {answer.key!r}."
            )
        else:
            yield _with(row, answer, adopt)
    if surplus:
        yield from (a.bad or BadRow(a.place, SURPLUS, a.text[:80]) for a in answers)


def _with(
    row: SourceRow, answer: Answer | None, adopt: Callable[[SourceRow, Answer], SourceRow]
) -> SourceRow | BadRow:
    if answer is None:
        return BadRow(row.id, NONE, "The file of answers has none for this row.")
    if answer.bad is not None:
        return replace(answer.bad, id=row.id, detail=f"{answer.place}: {answer.bad.detail}")
    return adopt(row, answer)
