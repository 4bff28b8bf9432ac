"""What a verdict says, in plain English with its numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from seewhy.core.text import Word
from seewhy.core.verdict import Verdict
from seewhy.diagnosis.verdicts import would_hardly_say

UNDER = "under 1 %"
"""A probability that is not zero and rounds to it."""


def with_sentences(
    verdicts: Mapping[int, Verdict], words: Sequence[Word], prompt_words: Sequence[Word]
) -> dict[int, Verdict]:
    """The verdicts with their sentences.

    Args:
        verdicts: by index among the answer's words.
        words: of the answer.
        prompt_words: of the prompt.
    """
    texts = {"answer": [w.text for w in words], "prompt": [w.text for w in prompt_words]}
    return {
        index: replace(verdict, sentence=_sentence(index, verdicts, texts))
        for index, verdict in verdicts.items()
    }


def _sentence(
    index: int, verdicts: Mapping[int, Verdict], texts: Mapping[str, Sequence[str]]
) -> str:
    verdict = verdicts[index]
    because = verdict.because
    if because.noun is not None:
        name = texts["answer"][because.noun]
        return f"Belongs to '{name}', which {_rests(verdict, verdicts)}. {_said_here(verdict)}."
    if verdict.source == "repeats" and because.follows is not None:
        name, mention = texts["answer"][because.follows], verdicts[because.follows]
        rests = _rests(mention, verdicts)
        return f"Picks up the earlier '{name}', which {rests}. {_said_here(verdict)}."
    return _of_source(verdict, verdicts, texts)


def _rests(verdict: Verdict, verdicts: Mapping[int, Verdict]) -> str:
    """What a word rests on; of a repeated one what its first mention does."""
    while verdict.source == "repeats" and verdict.because.follows is not None:
        verdict = verdicts[verdict.because.follows]
    return _RESTS[verdict.source]


_RESTS = {
    "picture": "rests on the picture",
    "repeats": "picks up a still earlier mention",
    "words": "was said without the picture",
    "misread": "rests on another place of the picture than its own",
    "unclear": "is unclear",
}


def _of_source(
    verdict: Verdict, verdicts: Mapping[int, Verdict], texts: Mapping[str, Sequence[str]]
) -> str:
    if verdict.source == "picture":
        return f"Rests on the picture. {_said_here(verdict)}."
    if verdict.source == "misread":
        return (
            "Needs the picture, but its own place neither brings it nor is missed: it may be "
            f"misread. {_said_here(verdict)}."
        )
    if verdict.source == "words":
        cause = _cause(verdict, verdicts, texts)
        return f"Said without the picture all the same. {_said_here(verdict)}.{cause}"
    if verdict.source == "repeats":
        return f"Picks up an earlier word. {_said_here(verdict)}."
    if would_hardly_say(verdict.because.log_probability):
        return f"Unclear: the model itself would hardly say it here. {_said_here(verdict)}."
    return f"Unclear: what was changed does not decide it. {_said_here(verdict)}."


def _said_here(verdict: Verdict) -> str:
    """Such as "99 % here, 2 % with 6 other pictures, 1 % on grey"."""
    because = verdict.because
    parts = [f"{_percent([because.log_probability])} here"]
    for change in because.changes:
        if change.kind in _PLACES:
            text = _PLACES[change.kind].format(count=len(change.log_probabilities))
            parts.append(f"{_percent(change.log_probabilities)} {text}")
    return ", ".join(parts)


_PLACES = {
    "other-pictures": "with {count} other pictures",
    "grey": "on grey",
    "place-removed": "without its place",
    "place-kept": "with its place alone",
    "place-turned": "with its place upside down",
    "hues-turned": "in other colours",
    "upside-down": "upside down",
    "mirrored": "mirrored",
}


def _cause(
    verdict: Verdict, verdicts: Mapping[int, Verdict], texts: Mapping[str, Sequence[str]]
) -> str:
    """What the word follows from, and what it was without that."""
    because = verdict.because
    if because.follows is None:
        made = any(change.part for change in because.changes)
        return " No single earlier word that was changed takes it away: habit." if made else ""
    change = next(c for c in because.changes if (c.part, c.word) == (because.part, because.follows))
    name, where = texts[because.part][because.follows], _where(because.part)
    before = "" if change.before is None else f" instead of {_percent([change.before])}"
    how = f"with '{change.replacement}' in its place" if change.replacement else "without it"
    rests = ""
    if because.part == "answer" and because.follows in verdicts:
        rests = f" '{name}' itself {_rests(verdicts[because.follows], verdicts)}."
    left = _percent(change.log_probabilities)
    return f" It follows '{name}'{where}: {left} {how}{before}.{rests}"


def _where(part: str) -> str:
    return " of the prompt" if part == "prompt" else ""


def _percent(log_probabilities: Sequence[float]) -> str:
    """The mean probability.

    >>> _percent([0.0, float("-inf")]), _percent([-7.0])
    ('50 %', 'under 1 %')
    """
    mean = sum(map(math.exp, log_probabilities)) / len(log_probabilities)
    return UNDER if mean < 0.005 else f"{100 * mean:.0f} %"
