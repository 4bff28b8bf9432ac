"""Stability over scales: is a word still predicted when the picture is larger or smaller?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from seewhy.core.trace import Trace
from seewhy.metrics._base import Figure, Measurement, Metric, Results, Undefined
from seewhy.metrics._reruns import RerunnableSample, lacks_model, session_of

#: Scales of the picture; 1 is what the model's own processor does.
SIZES = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)


@dataclass(frozen=True)
class ScaleStability(Metric):
    """Whether each word is still the model's first choice at other scales, and how probable.

    A word is the first choice where each of its tokens is, given those before it. Its probability,
    the q_s by which MSEA can weigh scales, is the product of its tokens'. Scale 1 stands among
    them, for a reference answer need not be the model's own. It judges the model: a reviewer's
    objection to MSEA is that the decision may change with the scale. Ours.
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
        """Two values for each scale and word, marks aside."""
        if reason := lacks_model(sample):
            yield from self.undefined(reason)
            return
        places = [at for at, word in enumerate(sample.words) if word.role != "mark"]
        session, seen = session_of(sample), set()
        # The sample's evidence is left alone: which scales it has read decides what methods read.
        for scale in sorted(SIZES, key=lambda scale: scale != 1):
            said, probable = f"said@{scale:g}", f"probability@{scale:g}"
            inputs = session.inputs(scale)
            if inputs.model_sizes in seen:
                yield from (Undefined(f, "scale comes out as another") for f in (said, probable))
                continue
            seen.add(inputs.model_sizes)
            trace = session.read(inputs, ranking_depth=1, candidates=0)
            for at in places:
                tokens = sample.words[at].tokens
                yield Measurement(said, float(_first_choice(trace, tokens)), at)
                chance = math.prod(trace.tokens[token].probability for token in tokens)
                yield Measurement(probable, chance, at)
        if not places:
            yield from self.undefined("no word said")


def _first_choice(trace: Trace, tokens: list[int]) -> bool:
    asked = len(trace.prompt_tokens)
    return all(int(trace.rankings[asked + at, 0]) == trace.tokens[at].id for at in tokens)
