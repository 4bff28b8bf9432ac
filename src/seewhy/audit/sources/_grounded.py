"""What the grounding sets share: a text of their own, whose phrases have regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from seewhy.audit.source import Judged
from seewhy.audit.sources._words import Phrase, find_phrases, phrase_truths
from seewhy.datasets._words import Tagger

ANSWERS = ("reference", "model")
"""Values of the option `answers`: the set's own text is explained, or the model answers."""


def judge_phrases(
    answer: str,
    phrases: Sequence[Mapping[str, Any]],
    masks: Tensor | None,
    regions: Sequence[tuple[int, ...]],
    tagger: Tagger,
    reference: str,
) -> Judged:
    """The truths of the phrases of an answer.

    Of the reference, each phrase counts where it stands. In any other answer, a phrase counts where
    its words stand next to each other. The score says how many were found.

    Args:
        answer: the text.
        phrases: of the reference, each with "text", "start" and "end"; "category" may be there.
        masks: bool `[region, height, width]`, or None.
        regions: of each phrase, indices of masks; empty for none.
        tagger: tells nouns, adjectives and prepositions apart.
        reference: the set's own text.
    """
    shift = answer.find(reference) if reference else -1
    if shift >= 0:
        spans = [(p["start"] + shift, p["end"] + shift) for p in phrases]
    else:
        spans = find_phrases(answer, [p["text"] for p in phrases])
    found = [
        Phrase(*span, own, number, True, str(phrase.get("category", "")))
        for number, (span, phrase, own) in enumerate(zip(spans, phrases, regions, strict=True))
        if span is not None
    ]
    truths, groups = phrase_truths(answer, found, tagger)
    score = {"phrases": len(phrases), "found": len(found)}
    return Judged(truths, masks, groups, score)


def found_share(scores: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The fraction of the set's phrases that stand in the answers."""
    phrases = sum(score["phrases"] for score in scores)
    return {"phrases found": sum(score["found"] for score in scores) / phrases} if phrases else {}
