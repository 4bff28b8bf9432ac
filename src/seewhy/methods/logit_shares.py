"""Logit shares: what the predicting position took from each place through attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from seewhy.core.attribution import Attribution
from seewhy.core.errors import ParameterError
from seewhy.core.geometry import flatten
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._scores import answer_range, scale_view
from seewhy.methods._shares import densities, shares_of

MAX_FOCUS = 10


@dataclass(frozen=True)
class LogitShares(Method):
    r"""The positive shares of a token's logit that places hand over through attention.

    $$a_l[p] = \sum_h \big(A_{l,h}[P, p]\, \langle V_{l,h}[p], u_{l,h} \rangle\big)_+, \quad
      M[v] = \sum_l a_l[v] + \sum_x \sum_l a_l[x]\, R_l[x, v]$$

    A is the attention from the position P that predicts the token, V are the values, and u is the
    token's unembedding row brought back through the final norm and the output projection. Without
    the cut at 0, the shares of all positions, of the layers' other parts and of biases add up to
    the logit (before a soft cap). R passes what was taken from a text position x on to what x read
    in lower layers, in proportion to A[x, p] <V[p], u>_+^q. Shares are amounts: a visual token's is
    divided by its area, and several grids over the same pixels are added.

    Forward only: queries are kept where text is, keys and values are generation's own, so memory
    and time beside generation are small, and no pass is added.

    The context is what was taken from the conversation's words and not passed on to places, divided
    among them by a rollout over all layers of the positive shares. The strongest word is shown as
    bright as the text's part of all that was taken, the others in proportion.

    Source: direct logit attribution (Elhage et al. 2021) by source position, as in the logit
    contributions of Ferrando et al. (2023); rollout after Abnar and Zuidema (2020). Ours: the
    second hop, its exponent, densities, the context's division, and reading it from generation.

    Attributes:
        hops: 2, or 1 without what text positions pass on.
        focus: q, from 0 to 10; higher powers would vanish in float32.
    """

    name: ClassVar = "logit-shares"
    summary: ClassVar = "The parts of a word's logit that it took from each place by attention."
    citations: ClassVar = (
        *("seewhy2026", "elhage2021framework", "ferrando2023explaining"),
        "abnar2020rollout",
    )
    needs: ClassVar = frozenset({"shares"})
    contrastive: ClassVar = True
    amounts: ClassVar = True

    hops: int = 2
    focus: float = 2.0

    def __post_init__(self) -> None:
        if self.hops not in (1, 2) or isinstance(self.hops, bool):
            raise ParameterError(
                f"Expected hops as 1 or 2, got {self.hops!r}: 2 follows what text positions read."
            )
        number = isinstance(self.focus, int | float) and not isinstance(self.focus, bool)
        if not (number and 0 <= self.focus <= MAX_FOCUS):
            raise ParameterError(
                f"Expected focus from 0 to {MAX_FOCUS}, got {self.focus!r}: 2 is usual."
            )

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`.

        Raises:
            UnsupportedModelError: if the model's attention cannot be read exactly.
        """
        shares = shares_of(evidence, self.name, hops=self.hops, focus=self.focus)
        trace, explained = evidence.trace, evidence.explained
        maps = densities(trace.views, shares.places.float())
        answer = len(trace.tokens)
        low, high = answer_range(flatten(maps), flatten(maps)[-answer:])
        visual, context = shares.visual_share.float(), shares.context.float()
        parts = context / context.amax(1, keepdim=True).clamp_min(1e-30)
        context = parts * ((1 - visual) * high)[:, None]
        first = explained.start
        full = [torch.cat([m.new_zeros(first, *m.shape[1:]), m]) for m in maps]
        ones = torch.ones(len(trace.text_tokens), device=context.device)
        scales = (scale_view(trace, full, ones, explained),)
        return Attribution(maps, context, low, high, scales, visual)
