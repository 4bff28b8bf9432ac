"""Explanations of one small picture, and how far the maps of two of them are apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from painting import noise
from seewhy.explainer import Explainer
from seewhy.explanation import Explanation
from seewhy.models import load

PICTURE = noise(60, 40)
PROMPT = "What is this?"


def explained(model: Any, processor: Any, method: str, answer: str | None = None) -> Explanation:
    """Explain a given answer, or one of four tokens that the model writes."""
    settings: dict[str, Any] = {"max_new_tokens": 4} if answer is None else {"answer": answer}
    return Explainer(load((model, processor))).explain(PICTURE, PROMPT, method=method, **settings)


def distance(one: Explanation, other: Explanation) -> float:
    """The largest difference of maps, context weights and probabilities of the same answer."""
    assert one.answer == other.answer
    assert one.method == other.method
    largest = 0.0
    for a, b in zip(one.tokens, other.tokens, strict=True):
        assert [word.index for word, _ in a.context] == [word.index for word, _ in b.context]
        pairs = [*zip(a.heatmaps, b.heatmaps, strict=True), (a.probability, b.probability)]
        pairs += [(x, y) for (_, x), (_, y) in zip(a.context, b.context, strict=True)]
        largest = max([largest, *(float(np.abs(x - y).max()) for x, y in pairs)])
    return largest
