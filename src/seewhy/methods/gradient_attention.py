"""Gradient x attention, propagated through all layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._whitebox import WhiteBox


@dataclass(frozen=True)
class GradientAttention(Method):
    r"""Attention weights times the gradient of the token's logit, accumulated over the layers.

    $$\bar A^{(l)} = \operatorname{mean}_h \big(\nabla A^{(l, h)} \odot A^{(l, h)}\big)_+, \quad
      R \leftarrow R + \bar A^{(l)} R, \quad A_i[v] = R_{P_i, v}$$

    R begins as the identity below the lowest layer; the gradient is that of token i's logit at the
    position P_i that predicts it. One forward pass, one backward pass per token; of one layer at a
    time, some rows of attention and of its gradient are in memory.

    Source: Chefer, Gur and Wolf (2021), Eq. 5 and 6, self-attention only, as in a decoder. The
    row of the predicting position, without the identity's 1, is our reading.
    """

    name: ClassVar = "gradient-attention"
    summary: ClassVar = (
        "Positive part of gradient x attention, mean over heads, accumulated over all layers."
    )
    citations: ClassVar = ("chefer2021generic",)
    needs: ClassVar = frozenset({"attentions", "gradients"})
    contrastive: ClassVar = True

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`."""
        white_box = WhiteBox.of(evidence, self.name)

        def step(weights: Tensor, gradients: Tensor) -> Tensor:
            return (gradients * weights).relu().mean(0)

        return white_box.attribution(lambda: white_box.gradient_rollout(step))
