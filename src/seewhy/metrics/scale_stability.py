"""Scale stability: whether words are still predicted at other scales of the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from seewhy.core.trace import Trace
from seewhy.metrics._base import Figure, Measurement, Metric, Results, Undefined
from seewhy.metrics._reruns import RerunnableSample, lacks_model, session_of
from seewhy.models.scales import are_twins

#: Scales of the picture; 1 is the size that the processor gives.
SIZES = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)


@dataclass(frozen=True)
class ScaleStability(Metric):
    """Whether each word is still the model's first choice at other scales, and its probability.

    A word is the first choice if each of its tokens is, given those before it. Its probability,
    the q_s that MSEA can use as weights, is the product over its tokens. Scale 1 is included,
    because a reference answer need not be the model's own. It evaluates the model: a reviewer's
    objection to MSEA is that the prediction may change with the scale. Ours.
    """

    name: ClassVar[str] = "scale-stability"
    summary: ClassVar[str] = "Whether words are still the model's first choice at other scales."
    citations: ClassVar[tuple[str, ...]] = ("liang2025intramodal",)
    needs: ClassVar[frozenset[str]] = frozenset({"model"})
    of_model: ClassVar[bool] = True
    figures: ClassVar[tuple[Figure, ...]] = tuple(
        figure
        for scale in SIZES
        for figure in (
            Figure(f"said@{scale:g}", f"The word is the first choice at scale {scale:g}."),
            Figure(f"probability@{scale:g}", f"Its probability at scale {scale:g}."),
        )
    )

    def measure(self, sample: RerunnableSample) -> Results:
        """Two values for each scale and word, without punctuation marks."""
        if reason := lacks_model(sample):
            yield from self.undefined(reason)
            return
        words = [index for index, word in enumerate(sample.words) if word.role != "mark"]
        session, seen = session_of(sample), set()
        # The sample's evidence is not used: its scales must not depend on this metric.
        for scale in sorted(SIZES, key=lambda scale: scale != 1):
            figures = f"said@{scale:g}", f"probability@{scale:g}"
            inputs = session.inputs(scale)
            if any(are_twins(inputs.model_sizes, sizes) for sizes in seen):
                yield from (Undefined(f, "scale comes out as another") for f in figures)
                continue
            seen.add(inputs.model_sizes)
            trace = session.read(inputs, ranking_depth=1, candidates=0)
            for index in words:
                tokens = sample.words[index].tokens
                yield Measurement(figures[0], float(_first_choice(trace, tokens)), index)
                probability = math.prod(trace.tokens[token].probability for token in tokens)
                yield Measurement(figures[1], probability, index)
        if not words:
            yield from self.undefined("no word said")


def _first_choice(trace: Trace, tokens: list[int]) -> bool:
    prompt = len(trace.prompt_tokens)
    return all(int(trace.rankings[prompt + index, 0]) == trace.tokens[index].id for index in tokens)
