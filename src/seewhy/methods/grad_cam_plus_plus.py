"""Grad-CAM++ on the hidden states that enter a decoder layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._whitebox import WhiteBox, expect_layer


@dataclass(frozen=True)
class GradCAMPlusPlus(Method):
    r"""Grad-CAM with channel weights from positive gradients, each position with its own factor.

    $$\alpha_{v,d} = \frac{g_{v,d}^2}{2 g_{v,d}^2 + g_{v,d}^3 (\sum_u h_{u,d})_+}, \quad
      w_d = \sum_v \alpha_{v,d} (g_{v,d})_+, \quad A_i[v] = \Big(\sum_d w_d h_{v,d}\Big)_+$$

    g is the gradient of the token's logit; the published closed form is for its exponential. Sums
    run over the visual tokens of all views. The context is text tokens with the same channel
    weights. One forward pass, one backward pass per token.

    Source: Chattopadhay et al. (2018), Eq. 10 and 19. Hidden states may be negative, unlike the
    published feature maps: the positive part of their sum is ours; it keeps alpha at most 1/2,
    as in the paper. The layer is our reading.

    Attributes:
        layer: the states are those that enter it; counted from 0, or from the end if negative.
    """

    name: ClassVar = "grad-cam-plus-plus"
    summary: ClassVar = "Grad-CAM++ on the hidden states that enter the last decoder layer."
    citations: ClassVar = ("chattopadhay2018gradcampp",)
    needs: ClassVar = frozenset({"gradients"})
    contrastive: ClassVar = True

    layer: int = -1

    def __post_init__(self) -> None:
        expect_layer(self.layer)

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`."""
        white_box = WhiteBox.of(evidence, self.name)
        visual = white_box.visual

        def score(states: Tensor, gradient: Tensor) -> Tensor:
            positions = visual.to(states.device)
            weights = channel_weights(states[positions], gradient[positions])
            return (states @ weights).relu()

        return white_box.attribution(lambda: white_box.gradients(score, layer=self.layer))


def channel_weights(states: Tensor, gradient: Tensor) -> Tensor:
    """`[hidden]`, the weight of each channel, from states and gradient `[visual, hidden]`."""
    # Numerator and denominator are divided by g^2, which could underflow; only g > 0 counts.
    positive = gradient.relu()
    return (positive / (2 + positive * states.sum(0).relu())).sum(0)
