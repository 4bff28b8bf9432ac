"""Rows of a data set become rows of the audit: explained, judged, and every word with a verdict."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from seewhy.audit.failures import Failure, failure_of
from seewhy.audit.schema import FAILED, AnswerRow, Diagnosed
from seewhy.audit.source import BadRow, Source, SourceRow
from seewhy.audit.word_rows import word_rows
from seewhy.models.generation import setting_names

if TYPE_CHECKING:
    from PIL.Image import Image

    from seewhy.core.record import Picture
    from seewhy.explanation import Explanation

THUMBNAIL_SIDE, THUMBNAIL_QUALITY = 320, 80
"""Longest side of a thumbnail in pixels, and the quality of its JPEG."""


class ExplainsAnswers(Protocol):
    """What an audit needs of a model: `seewhy.Explainer`, or an object that answers like it."""

    def explain(self, image: Any = None, prompt: str | None = None, **settings: Any) -> Any:
        """As `seewhy.Explainer.explain`, with `diagnose=True`."""
        ...


def diagnosed_rows(
    explainer: ExplainsAnswers,
    source: Source,
    rows: Sequence[SourceRow],
    settings: Mapping[str, Any],
) -> Iterator[tuple[Diagnosed, Explanation | None]]:
    """Diagnose rows that go through the model together.

    Where that fails, each is tried alone, so that one bad row does not take the others with it.

    Args:
        explainer: the model.
        source: judges the answers.
        rows: all with an answer, or all without.
        settings: of `seewhy.Explainer.explain`.

    Yields:
        For each row what is stored, and its explanation; None for a row that failed.
    """
    started = time.perf_counter()
    explanations: Sequence[Explanation | None] = [None] * len(rows)
    if len(rows) > 1:
        try:
            explanations = explain_together(explainer, rows, settings)
        except Exception as error:  # noqa: BLE001 - each row is tried alone, and tells its own
            failure_of(error)  # an unusable GPU ends the worker here
            started = time.perf_counter()
    together = (time.perf_counter() - started) / len(rows)
    for row, explanation in zip(rows, explanations, strict=True):
        started = time.perf_counter() - together
        try:
            if explanation is None:
                explanation = explain_row(explainer, row, settings)
            found = _diagnosed(source, row, explanation, started)
        except Exception as error:  # noqa: BLE001 - whatever a row does, the others go on
            yield failed(row, failure_of(error), time.perf_counter() - started), None
        else:
            yield found, explanation


def explain_row(
    explainer: ExplainsAnswers, row: SourceRow, settings: Mapping[str, Any]
) -> Explanation:
    """Explain one row with verdicts: its answer, or the model's own.

    Raises:
        SeewhyError: as `seewhy.Explainer.explain`.
    """
    images: Any = list(row.images) or None
    chat = {} if row.messages is None else {"messages": row.messages}
    given = {} if row.answer is None else {"answer": row.answer}
    return explainer.explain(
        images, None if chat else row.prompt, **chat, **given, diagnose=True, **_of(settings, given)
    )


def explain_together(
    explainer: Any, rows: Sequence[SourceRow], settings: Mapping[str, Any]
) -> list[Explanation]:
    """Explain rows in one batch; all have an answer, or none has.

    Raises:
        SeewhyError: as `seewhy.Explainer.explain_batch`.
    """
    given: dict[str, Any] = {}
    if rows[0].answer is not None:
        given["answers"] = [row.answer for row in rows]
    if any(row.messages is not None for row in rows):
        given["messages"] = [row.messages for row in rows]
    return explainer.explain_batch(
        [list(row.images) or None for row in rows],
        [None if row.messages is not None else row.prompt for row in rows],
        chunk_size=len(rows),
        diagnose=True,
        **given,
        **_of(settings, "answers" in given),
    )


def failed(row: SourceRow | BadRow, failure: Failure, seconds: float = 0.0) -> Diagnosed:
    """The stored row of one that could not be diagnosed."""
    is_row = isinstance(row, SourceRow)
    return Diagnosed(
        AnswerRow(
            id=row.id,
            image=_image_name(row) if is_row else "",
            prompt=(row.prompt or "") if is_row else "",
            answer="",
            generated=is_row and row.answer is None,
            status=FAILED,
            reason=failure.reason,
            detail=failure.detail,
            seconds=seconds,
        )
    )


def thumbnail(image: Image) -> bytes:
    """A small JPEG of an RGB picture; smaller pictures keep their size."""
    small = image.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    content = io.BytesIO()
    small.save(content, "JPEG", quality=THUMBNAIL_QUALITY)
    return content.getvalue()


def _diagnosed(
    source: Source, row: SourceRow, explanation: Explanation, started: float
) -> Diagnosed:
    judged = source.judge(row, explanation.answer)
    words = tuple(word_rows(row.id, explanation, judged))
    image = explanation.images[0] if explanation.views else None
    width, height = (0, 0) if image is None else image.size
    return Diagnosed(
        AnswerRow(
            id=row.id,
            image=_image_name(row),
            prompt=explanation.prompt,
            answer=explanation.answer,
            generated=row.answer is None,
            score=json.dumps(dict(judged.score)) if judged.score else "",
            thumbnail=b"" if image is None else thumbnail(image),
            width=width,
            height=height,
            grid=_edges(explanation.views[0]) if explanation.views else "",
            seconds=time.perf_counter() - started,
        ),
        words,
    )


def _edges(view: Picture) -> str:
    """The edges of a view's cells as `AnswerRow.grid` has them."""
    edges = {"rows": view.base_grid.row_edges, "columns": view.base_grid.column_edges}
    return json.dumps({n: [round(float(edge), 2) for edge in found] for n, found in edges.items()})


def _of(settings: Mapping[str, Any], given: object) -> dict[str, Any]:
    """The settings of a call; those of generation are left out where an answer is given."""
    unused = {"generation", *setting_names()} if given else ()
    return {name: value for name, value in settings.items() if name not in unused}


def _image_name(row: SourceRow) -> str:
    """The path of the first picture; "" if the row holds its bytes."""
    first = next(iter(row.images), b"")
    return str(first) if isinstance(first, Path | str) else ""
