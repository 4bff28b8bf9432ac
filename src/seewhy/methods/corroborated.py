"""Corroborated: logit lens evidence that the model also used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from seewhy.core.attribution import Attribution
from seewhy.core.errors import ParameterError
from seewhy.core.geometry import resample
from seewhy.functional.power_mean import expect_exponent, power_mean
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods.attn_lrp import AttnLRP
from seewhy.methods.intra_modal import IntraModal

BASE = IntraModal(window=None)
RELEVANCE = AttnLRP()


@dataclass(frozen=True)
class Corroborated(Method):
    r"""The power mean of the displays of two methods, a lens method and a relevance method.

    $$A_i[v] = h_i M_q(a_i[v], d_i[v]) = h_i \Big(\frac{a_i[v]^q + d_i[v]^q}{2}\Big)^{1/q}$$

    The logit lens shows evidence for a word, whether the model used it or not: a second cat is as
    bright as the first. Relevance propagated from the logit shows what the model used, and is also
    a little bright in unrelated places. Both are scaled to [0, 1] together with the context, so a
    word that the text explains has low values in both; h, the upper end of the base's range, gives
    the mean the base's unit, so that words can be compared. The exponent is chosen on scenes of
    the training split (`seewhy bench --suite ablation`). Compared with its base, overlap is better
    at Otsu's threshold and worse at a fixed 0.5. The cost is that of its parts: for AttnLRP one
    backward pass per token.

    Patents: it contains AttnLRP, which is patented, with patents in force in the USA and in Canada,
    and free for personal and scientific use only. With another `relevance` it does not.

    Source: ours; the parts are Liang et al. (2025), without the filter, and Achtibat et al. (2024).

    Attributes:
        base: evidence for a word: any method.
        relevance: what the prediction depends on: any method.
        exponent: q, in (0, 1]: 1 is the arithmetic mean, towards 0 the geometric.
    """

    name: ClassVar = "corroborated"
    summary: ClassVar = (
        "Power mean of MSEA with ARC and of AttnLRP: evidence for the word that the model used."
    )
    citations: ClassVar = ("seewhy2026",)
    needs: ClassVar = frozenset()  # only the needs of its parts
    contrastive: ClassVar = True

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
        """The larger one of its parts."""
        return max(self.base.ranking_depth, self.relevance.ranking_depth)

    @property
    def further_scales(self) -> tuple[float, ...]:
        """Those of its parts."""
        return tuple(dict.fromkeys(self.base.further_scales + self.relevance.further_scales))

    @property
    def reads_visual_states(self) -> bool:
        """Whether both parts do: what depends on the question in one is seen in the mean."""
        return all(part.reads_visual_states for part in self.parts)

    @property
    def subtracts_words(self) -> bool:
        """Whether a part does."""
        return any(part.subtracts_words for part in self.parts)

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`.

        Raises:
            ParameterError: if the trace has foils and a part cannot contrast words.
        """
        if evidence.trace.foils is not None and not self.can_contrast:
            uncontrastive = next(part.name for part in self.parts if not part.can_contrast)
            raise ParameterError(
                f"Expected parts that contrast words, got {uncontrastive}: leave out the "
                "contrast, or take parts such as logit-lens and attn-lrp."
            )
        lens, relevance = self.base.attribute(evidence), self.relevance.attribute(evidence)
        # The base's unit: displays alone would not show how strong a word's evidence is.
        high = lens.high.where(lens.high > 0, 1.0)
        unit = torch.zeros_like(high)
        # A part may have no map of other tokens: a mean with an empty map would be wrong.
        selected = [position - evidence.explained.start for position in evidence.selected]
        unit[selected] = high[selected]
        native = evidence.trace.inputs.base_grids
        sources, targets = relevance.grids or native, lens.grids or native
        maps = tuple(
            power_mean(a, resample(d.to(a), source, target), self.exponent) * unit[:, None, None]
            for a, d, source, target in zip(
                lens.display, relevance.display, sources, targets, strict=True
            )
        )
        weights = relevance.context_display.to(lens.context.device)
        context = power_mean(lens.context_display, weights, self.exponent) * unit[:, None]
        return Attribution(maps, context, torch.zeros_like(high), high, lens.scales, grids=targets)
