"""A record with a verdict for each of its words."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from seewhy.core.errors import ParameterError
from seewhy.core.record import Record
from seewhy.core.trace import Trace
from seewhy.diagnosis.diagnose import diagnose
from seewhy.diagnosis.evidence import Answered, WordEvidence
from seewhy.images import Clip, read_image
from seewhy.models.session import Session
from seewhy.report.spans import TextSpan, spans_of

if TYPE_CHECKING:
    from PIL.Image import Image

OTHERS = 6
"""How many drawn scenes stand for other pictures where none are given."""


def diagnosed(
    record: Record,
    session: Session,
    trace: Trace,
    others: Sequence[Any] | None = None,
    words: Collection[int] | None = None,
) -> Record:
    """The record with a verdict for each word that says something.

    Args:
        record: an explained answer.
        session: the model, its pictures and the answer.
        trace: the answer.
        others: pictures that show something else, as `read_image` takes them; None takes drawn
            scenes. Those that equal a picture of the prompt are left out.
        words: indices of the words to diagnose, None for all. Those that their verdicts refer to
            get one too; the others keep the verdict that the record has.

    Raises:
        ParameterError: if all of them do.
    """
    prompt = len(record.prompt_words)
    answered = Answered(
        record.words,
        record.prompt_words,
        tuple(_evidence(span, prompt, len(record.words)) for span in spans_of(record).words),
        drawn_pictures() if others is None else _read_others(others, session),
    )
    before = {} if words is None else dict(enumerate(record.verdicts or ()))
    verdicts = before | diagnose(session, trace, answered, words)
    return replace(record, verdicts=tuple(map(verdicts.get, range(len(record.words)))))


def _read_others(others: Sequence[Any], session: Session) -> tuple[Image, ...]:
    """Other pictures, without those that equal one of the prompt's: they would change nothing.

    Raises:
        ParameterError: if none is left.
    """
    own = [medium for medium in session.source.media if not isinstance(medium, Clip)]
    read = tuple(
        other
        for other in map(read_image, others)
        if not any(other.size == o.size and other.tobytes() == o.tobytes() for o in own)
    )
    if not read:
        raise ParameterError(
            f"Expected other_pictures that show something else, got {len(others)} equal to the "
            "explained one: give others, or leave them out to take drawn scenes."
        )
    return read


def _evidence(span: TextSpan, prompt: int, words: int) -> WordEvidence:
    relevance = [0.0] * (prompt + words)
    for index, value in span.context:
        relevance[index] = value
    return WordEvidence(
        view=span.best_view,
        box=span.boxes[span.best_view],
        visual_share=span.visual_share,
        prompt=tuple(relevance[:prompt]),
        answer=tuple(relevance[prompt:]),
    )


@cache
def drawn_pictures() -> tuple[Image, ...]:
    """Drawn scenes with several things each, the same at every call."""
    from PIL.Image import fromarray

    from seewhy.testbed.scenes import draw, scene

    return tuple(fromarray(draw(scene(index, seed=7)).image) for index in range(100, 100 + OTHERS))
