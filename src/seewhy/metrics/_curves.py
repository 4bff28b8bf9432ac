"""Insertion and deletion: how a word's probability falls as what it rests on is taken away.

Shared by the four metrics of that kind, on pictures and on the text before a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from seewhy.functional.curves import area_under, between, falling_order, first_of
from seewhy.functional.perturbation import Fill
from seewhy.metrics._base import Figure, Measurement, Metric, Results, Undefined
from seewhy.metrics._perturbation import (
    answer_log_probabilities,
    blank_reading,
    original_log_probabilities,
    replace_pixels,
    word_log_probability,
)
from seewhy.metrics._reruns import RerunnableSample, session_of, valid_words
from seewhy.metrics._sample import seed_for, word_heatmap

#: The shares taken away (deletion) or shown (insertion), both ends included.
FRACTIONS = tuple(step / 10 for step in range(11))

#: In nats: what a word must owe to all that is taken away, for its curve to be normalised.
MIN_DROP_NATS = 0.1


@dataclass(frozen=True, eq=False)
class Curve:
    """A word's log-probability along the fractions.

    Attributes:
        values: float64 `[point]`, nats, at `FRACTIONS`.
        full: nats, with everything there.
        bare: nats, with everything taken away.
    """

    values: Tensor
    full: float
    bare: float


def curve_figures(name: str, what: str, *, deletion: bool) -> tuple[Figure, ...]:
    """The figures of a metric of this kind.

    Args:
        name: of the metric; its figures begin with it.
        what: what is taken away or shown, such as `"the map's brightest pixels"`.
        deletion: low areas are good, else high ones.
    """
    doing = f"{what} are taken away" if deletion else f"only {what} are shown"
    good = not deletion
    points = tuple(
        Figure(
            f"{name}-curve@{fraction:.1f}",
            f"Normalised log-probability of the word with the first {fraction:.0%}.",
            None,
        )
        for fraction in FRACTIONS
    )
    return (
        Figure(name, f"Area of the normalised log-probability curve as {doing}.", good),
        Figure(f"{name}-nats", f"Mean change of log-probability as {doing}.", good, "nats"),
        Figure(f"{name}-probability", f"Area of the probability curve as {doing}.", good),
        *points,
    )


def measurements(name: str, curve: Curve, word: int) -> Results:
    """What a curve comes to, under the figures of `curve_figures`."""
    points = [f"{name}-curve@{fraction:.1f}" for fraction in FRACTIONS]
    at = torch.tensor(FRACTIONS, dtype=torch.float64)
    nats = float(area_under(curve.values - curve.full, at))
    yield Measurement(f"{name}-nats", nats, word)
    yield Measurement(f"{name}-probability", float(area_under(curve.values.exp(), at)), word)
    if curve.full - curve.bare < MIN_DROP_NATS:
        reason = "word as probable with all taken away"
        yield from (Undefined(figure, reason) for figure in (name, *points))
        return
    heights = between(curve.values, curve.bare, curve.full)
    yield Measurement(name, float(area_under(heights, at)), word)
    for point, height in zip(points, heights.tolist(), strict=True):
        yield Measurement(point, height, word)


def on_picture(metric: Metric, sample: RerunnableSample, fill: Fill, *, deletion: bool) -> Results:
    """Measure what taking away or showing the map's brightest pixels does to each selected word.

    Yields:
        Measurements and what is undefined, under the metric's figures from `curve_figures`.
    """
    words = yield from valid_words(metric, sample)
    if not words:
        return
    full = original_log_probabilities(sample)
    bare_picture, bare = blank_reading(sample, fill)
    picture = sample.image
    under, over = (picture, bare_picture) if deletion else (bare_picture, picture)

    def variants() -> Iterator:
        for at in words:
            heatmap = word_heatmap(sample, at)
            order = falling_order(heatmap, seed_for(sample, "ties"))
            for fraction in FRACTIONS[1:-1]:
                first = first_of(order, round(fraction * len(order)))
                yield replace_pixels(under, over, first.view(heatmap.shape))

    inner = len(FRACTIONS) - 2
    values = answer_log_probabilities(sample, variants()).view(len(words), inner, -1)
    ends = (full, bare) if deletion else (bare, full)
    for at, own in zip(words, values, strict=True):
        whole = torch.stack([ends[0], *own, ends[1]])
        yield from measurements(metric.name, _curve(sample, at, whole, full, bare), at)


def on_context(metric: Metric, sample: RerunnableSample, *, deletion: bool) -> Results:
    """Measure what dropping or keeping the most relevant words before each selected word does.

    The context tokens are the prompt's own and those of the answer before the word; the word's
    relevance for each is the sum over its tokens.

    Yields:
        As `on_picture`.
    """
    words = yield from valid_words(metric, sample)
    if not words:
        return
    asked = len(sample.evidence.trace.prompt_tokens)
    text = asked + len(sample.evidence.trace.tokens)
    context = sample.context.cpu()
    places: list[tuple[int, list[int]]] = []
    drops: list[Tensor] = []
    for at in words:
        tokens = sample.words[at].tokens
        before = asked + tokens[0]
        relevance = context[tokens, :before].sum(0)
        if before < 2:
            yield from metric.undefined("fewer than two context tokens")
            continue
        if not bool(relevance.isfinite().all()):
            yield from metric.undefined("context not finite")
            continue
        order = falling_order(relevance, seed_for(sample, "ties", before))
        counts = [round(fraction * before) for fraction in FRACTIONS]
        known: dict[int, int] = {}  # short contexts reach some counts twice: they are read once
        for count in dict.fromkeys(counts):
            dropped = torch.zeros(text, dtype=torch.bool)
            first = first_of(order, count)
            dropped[:before] = first if deletion else ~first
            known[count] = len(drops)
            drops.append(dropped)
        places.append((at, [known[count] for count in counts]))
    if not places:
        return
    values = session_of(sample).log_probabilities_without(torch.stack(drops))
    for at, rows in places:
        own = values[rows]
        full, bare = (own[0], own[-1]) if deletion else (own[-1], own[0])
        yield from measurements(metric.name, _curve(sample, at, own, full, bare), at)


def _curve(
    sample: RerunnableSample, word: int, values: Tensor, full: Tensor, bare: Tensor
) -> Curve:
    tokens = sample.words[word].tokens
    return Curve(
        word_log_probability(values, tokens),
        float(word_log_probability(full, tokens)),
        float(word_log_probability(bare, tokens)),
    )
