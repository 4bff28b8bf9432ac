"""The verdicts in a page's payload."""

from __future__ import annotations

from typing import TypedDict

from seewhy.core.verdict import Change, Verdict
from seewhy.report.payload_numbers import Box, short


class ChangeData(TypedDict):
    """Something that was changed, and the word's log-probability with each variant of it.

    Where it was a place, `view` and `box` say which; where it was an earlier word, `part` is
    "prompt" or "answer", `word` the word's index there, and `replacement` what stood in its place.
    """

    kind: str
    log_probabilities: list[float]
    view: int | None
    box: Box | None
    part: str
    word: int | None
    replacement: str


class VerdictData(TypedDict):
    """What a word of the answer rests on; see `seewhy.core.verdict.Verdict`.

    `part` is "prompt" or "answer" and `follows` the index of the word there that it follows from;
    `noun` is the index of the word of the answer whose verdict it shares.
    """

    support: float
    source: str
    sentence: str
    role: str
    log_probability: float
    visual_share: float | None
    changes: list[ChangeData]
    part: str
    follows: int | None
    noun: int | None


def verdict_data(verdict: Verdict | None) -> VerdictData | None:
    """The data of a word's verdict.

    Raises:
        ValueError: if a number is NaN or infinite.
    """
    if verdict is None:
        return None
    because = verdict.because
    return {
        "support": short(verdict.support),
        "source": verdict.source,
        "sentence": verdict.sentence,
        "role": verdict.role,
        "log_probability": short(because.log_probability),
        "visual_share": None if because.visual_share is None else short(because.visual_share),
        "changes": [_change(change) for change in because.changes],
        "part": because.part,
        "follows": because.follows,
        "noun": because.noun,
    }


def _change(change: Change) -> ChangeData:
    return {
        "kind": change.kind,
        "log_probabilities": [short(value) for value in change.log_probabilities],
        "view": change.view,
        "box": None if change.box is None else [short(edge) for edge in change.box],
        "part": change.part,
        "word": change.word,
        "replacement": change.replacement,
    }
