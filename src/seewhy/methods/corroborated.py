"""Corroborated: where a place says the word, and the word rests on the place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from seewhy.core.attribution import Attribution
from seewhy.core.errors import ParameterError
from seewhy.functional.power_mean import expect_exponent, power_mean
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods.attn_lrp import AttnLRP
from seewhy.methods.intra_modal import IntraModal

BASE = IntraModal(window=None)
RELEVANCE = AttnLRP()


@dataclass(frozen=True)
class Corroborated(Method):
    r"""The power mean of two methods' displays: what a place says, and what the word rests on.

    $$A_i[v] = h_i M_q(a_i[v], d_i[v]) = h_i \Big(\frac{a_i[v]^q + d_i[v]^q}{2}\Big)^{1/q}$$

    The logit lens tells what a place says, not whether it was heard: a second cat lights up all
    the same. Relevance carried back from the logit tells what was heard, not what it said: it
    finds the place by which a word was decided, crumbs of it elsewhere included. Both are scaled
    to [0, 1] together with the context, so that a word which the text explains is faint in both;
    h, the top of the base's scale, brings the mean back to its unit, so that words compare.
    The exponent is chosen on scenes of the training split (`seewhy bench --suite ablation`).
    Its maps are peaked: it leads its base at Otsu's threshold, and trails it at a fixed 0.5.
    Costs what its parts cost: for AttnLRP a backward pass a token, attention computed in full.

    Source: ours; the parts are Liang et al. (2025), without the filter, and Achtibat et al. (2024).

    Attributes:
        base: tells what a place says: any method.
        relevance: tells what the word rests on: any method.
        exponent: q, in (0, 1]: 1 is the arithmetic mean, towards 0 the geometric.
    """

    name: ClassVar = "corroborated"
    summary: ClassVar = (
        "Power mean of MSEA with ARC and of AttnLRP: what a place shows and the word depends on."
    )
    citations: ClassVar = ("seewhy2026",)
    needs: ClassVar = frozenset()  # nothing beside what its parts need
    contrastive: ClassVar = True
    licence: ClassVar = RELEVANCE.licence

    base: Method = BASE
    relevance: Method = RELEVANCE
    exponent: float = 0.3

    def __post_init__(self) -> None:
        for name in ("base", "relevance"):
            if not isinstance(part := getattr(self, name), Method):
                raise ParameterError(
                    f"Expected {name} as a method, got {part!r}: give its name to "
                    "seewhy.methods.create, or make it first."
                )
        expect_exponent(self.exponent)

    @property
    def ranking_depth(self) -> int:
        """The deeper of its parts'."""
        return max(self.base.ranking_depth, self.relevance.ranking_depth)

    @property
    def further_scales(self) -> tuple[float, ...]:
        """Those of its parts."""
        return tuple(dict.fromkeys(self.base.further_scales + self.relevance.further_scales))

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`.

        Raises:
            ParameterError: if words are contrasted and a part cannot.
        """
        if evidence.trace.foils is not None and not self.can_contrast:
            uncontrastive = next(part.name for part in self.parts if not part.can_contrast)
            raise ParameterError(
                f"Expected parts that contrast words, got {uncontrastive}: leave out the "
                "contrast, or take one such as logit-lens or attn-lrp."
            )
        lens, relevance = self.base.attribute(evidence), self.relevance.attribute(evidence)
        # The base's unit: how strong a word's evidence is tells words apart, and no display does.
        high = lens.high.where(lens.high > 0, 1.0)
        unit = torch.zeros_like(high)
        # A part that pays for every token has none for others; half a map would mislead.
        selected = [place - evidence.explained.start for place in evidence.selected]
        unit[selected] = high[selected]
        maps = tuple(
            power_mean(a, d.to(a.device), self.exponent) * unit[:, None, None]
            for a, d in zip(lens.display, relevance.display, strict=True)
        )
        weights = relevance.context_display.to(lens.context.device)
        context = power_mean(lens.context_display, weights, self.exponent) * unit[:, None]
        return Attribution(maps, context, torch.zeros_like(high), high, lens.scales)
