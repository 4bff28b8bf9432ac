"""Insertion and deletion curves, on pictures and on the text before a word.

Shared by the four metrics of that kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from seewhy.functional.curves import area_under, between, falling_order, first_of
from seewhy.metrics._base import Figure, Measurement, Metric, Results, Undefined
from seewhy.metrics._perturbation import (
    Fill,
    answer_log_probabilities,
    blank_reading,
    original_log_probabilities,
    replace_pixels,
    word_log_probability,
)
from seewhy.metrics._reruns import RerunnableSample, session_of, valid_words
from seewhy.metrics._sample import seed_for, word_heatmap

#: The shares that are removed (deletion) or shown (insertion), both ends included.
FRACTIONS = tuple(step / 10 for step in range(11))

#: In nats: the least drop with everything removed, for a curve to be normalised.
MIN_DROP_NATS = 0.1


@dataclass(frozen=True, eq=False)
class Curve:
    """A word's log-probability along the fractions.

    Attributes:
        values: float64 `[point]`, nats, at `FRACTIONS`.
        full: nats, with nothing removed.
        blank: nats, with everything removed.
    """

    values: Tensor
    full: float
    blank: float


def curve_figures(name: str, what: str, *, deletion: bool) -> tuple[Figure, ...]:
    """The figures of a metric of this kind.

    Args:
        name: of the metric; its figures begin with it.
        what: what is removed or shown, such as `"the map's brightest pixels"`.
        deletion: whether low areas are good; else high ones are.
    """
    change = f"{what} are taken away" if deletion else f"only {what} are shown"
    higher_is_better = not deletion
    points = tuple(
        Figure(
            f"{name}-curve@{fraction:.1f}",
            f"Normalised log-probability of the word with the first {fraction:.0%}.",
            None,
        )
        for fraction in FRACTIONS
    )
    return (
        Figure(
            name, f"Area of the normalised log-probability curve as {change}.", higher_is_better
        ),
        Figure(
            f"{name}-nats", f"Mean change of log-probability as {change}.", higher_is_better, "nats"
        ),
        Figure(
            f"{name}-probability", f"Area of the probability curve as {change}.", higher_is_better
        ),
        *points,
    )


def measurements(name: str, curve: Curve, word: int) -> Results:
    """The values of the figures of `curve_figures` for one curve."""
    points = [f"{name}-curve@{fraction:.1f}" for fraction in FRACTIONS]
    fractions = torch.tensor(FRACTIONS, dtype=torch.float64)
    nats = float(area_under(curve.values - curve.full, fractions))
    yield Measurement(f"{name}-nats", nats, word)
    probability = float(area_under(curve.values.exp(), fractions))
    yield Measurement(f"{name}-probability", probability, word)
    if curve.full - curve.blank < MIN_DROP_NATS:
        reason = "word as probable with all taken away"
        yield from (Undefined(figure, reason) for figure in (name, *points))
        return
    heights = between(curve.values, curve.blank, curve.full)
    yield Measurement(name, float(area_under(heights, fractions)), word)
    for point, height in zip(points, heights.tolist(), strict=True):
        yield Measurement(point, height, word)


def on_picture(metric: Metric, sample: RerunnableSample, fill: Fill, *, deletion: bool) -> Results:
    """Curves of each selected word as the map's brightest pixels are removed or shown.

    Yields:
        Measurements and what is undefined, under the metric's figures from `curve_figures`.
    """
    words = yield from valid_words(metric, sample)
    if not words:
        return
    full = original_log_probabilities(sample)
    blank_picture, blank = blank_reading(sample, fill)
    picture = sample.image
    start, end = (picture, blank_picture) if deletion else (blank_picture, picture)

    def variants() -> Iterator:
        for word in words:
            heatmap = word_heatmap(sample, word)
            order = falling_order(heatmap, seed_for(sample, "ties"))
            for fraction in FRACTIONS[1:-1]:
                first = first_of(order, round(fraction * len(order)))
                yield replace_pixels(start, end, first.view(heatmap.shape))

    inner = len(FRACTIONS) - 2
    values = answer_log_probabilities(sample, variants()).view(len(words), inner, -1)
    ends = (full, blank) if deletion else (blank, full)
    for word, inner_values in zip(words, values, strict=True):
        curve_values = torch.stack([ends[0], *inner_values, ends[1]])
        yield from measurements(metric.name, _curve(sample, word, curve_values, full, blank), word)


def on_context(metric: Metric, sample: RerunnableSample, *, deletion: bool) -> Results:
    """Curves of each selected word as the most relevant context tokens are dropped or kept.

    The context tokens are the prompt's own and those of the answer before the word; the word's
    relevance for each is the sum over its tokens.

    Yields:
        As `on_picture`.
    """
    words = yield from valid_words(metric, sample)
    if not words:
        return
    trace, context = sample.evidence.trace, sample.context.cpu()
    rows: dict[int, list[int]] = {}
    drops: list[Tensor] = []
    for word in words:
        before = len(trace.prompt_tokens) + sample.words[word].tokens[0]
        relevance = context[sample.words[word].tokens, :before].sum(0)
        if before < 2:
            yield from metric.undefined("fewer than two context tokens")
            continue
        if not bool(relevance.isfinite().all()):
            yield from metric.undefined("context not finite")
            continue
        order = falling_order(relevance, seed_for(sample, "ties", before))
        counts = [round(fraction * before) for fraction in FRACTIONS]
        row_of: dict[int, int] = {}  # short contexts have some counts twice: they are read once
        for count in dict.fromkeys(counts):
            row_of[count] = len(drops)
            drops.append(_dropped(order, count, len(trace.text_tokens), deletion=deletion))
        rows[word] = [row_of[count] for count in counts]
    if not rows:
        return
    all_values = session_of(sample).log_probabilities_without(torch.stack(drops))
    for word, rows_of_word in rows.items():
        values = all_values[rows_of_word]
        full, blank = (values[0], values[-1]) if deletion else (values[-1], values[0])
        yield from measurements(metric.name, _curve(sample, word, values, full, blank), word)


def _dropped(order: Tensor, count: int, text: int, *, deletion: bool) -> Tensor:
    """bool `[text]`: the context tokens that are left out, the first `count` or all others."""
    first = first_of(order, count)
    dropped = torch.zeros(text, dtype=torch.bool)
    dropped[: len(order)] = first if deletion else ~first
    return dropped


def _curve(
    sample: RerunnableSample, word: int, values: Tensor, full: Tensor, blank: Tensor
) -> Curve:
    tokens = sample.words[word].tokens
    return Curve(
        word_log_probability(values, tokens),
        float(word_log_probability(full, tokens)),
        float(word_log_probability(blank, tokens)),
    )
