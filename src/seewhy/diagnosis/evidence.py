"""What a diagnosis is given: an answer, the attribution of its words, and other pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seewhy.core.geometry import Box
from seewhy.core.text import Word


@dataclass(frozen=True)
class WordEvidence:
    """What an attribution says of one word of the answer.

    Attributes:
        view: the view with the highest value of its map.
        box: its place there: left, top, right, bottom in pixels around the cells above half of the
            map's maximum; None for an empty map.
        visual_share: of what it took, the part from the pictures, in [0, 1]; None if not measured.
        prompt: relevance of each word of the prompt.
        answer: relevance of each word of the answer; zeros for itself and later words.
    """

    view: int
    box: Box | None
    visual_share: float | None
    prompt: tuple[float, ...]
    answer: tuple[float, ...]


@dataclass(frozen=True)
class Answered:
    """An answer to diagnose.

    Attributes:
        words: of the answer, marks included.
        prompt_words: of the prompt.
        evidence: one for each word of the answer.
        others: pictures that show something else, at least one; RGB Pillow images of any size.
    """

    words: tuple[Word, ...]
    prompt_words: tuple[Word, ...]
    evidence: tuple[WordEvidence, ...]
    others: Sequence[Any]
