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
    r"""Grad-CAM whose channels are weighed by positive gradients, each place by its own share.

    $$\alpha_{v,d} = \frac{g_{v,d}^2}{2 g_{v,d}^2 + g_{v,d}^3 (\sum_u h_{u,d})_+}, \quad
      w_d = \sum_v \alpha_{v,d} (g_{v,d})_+, \quad A_i[v] = \Big(\sum_d w_d h_{v,d}\Big)_+$$

    g is the gradient of the token's logit, through whose exponential the published closed form
    comes about; sums run over the visual tokens of all views. The context are text tokens weighed
    by the same channels. One forward pass, one backward pass a token.

    Source: Chattopadhay et al. (2018), Eq. 10 and 19. Hidden states may be negative, unlike the
    published feature maps: the positive part of their sum is ours, it keeps alpha at no more than
    1/2, as it is with the published ones. The layer is our reading.

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
        inside = WhiteBox.of(evidence, self.name)
        visual = inside.visual

        def score(states: Tensor, gradient: Tensor) -> Tensor:
            places = visual.to(states.device)
            return (states @ channel_weights(states[places], gradient[places])).relu()

        return inside.attribution(lambda: inside.gradients(score, layer=self.layer))


def channel_weights(states: Tensor, gradient: Tensor) -> Tensor:
    """`[hidden]`, the weight of each channel, from states and gradient `[visual, hidden]`."""
    # g^2 is divided out, or a small gradient's square would underflow; only g > 0 counts.
    speaking = gradient.relu()
    return (speaking / (2 + speaking * states.sum(0).relu())).sum(0)
