"""Grad-CAM on the hidden states that enter a decoder layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._whitebox import WhiteBox, expect_layer


@dataclass(frozen=True)
class GradCAM(Method):
    r"""Hidden states weighted by the mean gradient of each channel.

    $$w_d = \operatorname{mean}_v \frac{\partial z_i}{\partial h_{v,d}}, \quad
      A_i[v] = \Big(\sum_d w_d h_{v,d}\Big)_+$$

    The mean runs over the visual tokens of all views. The context is text tokens with the same
    channel weights. One forward pass, one backward pass per token.

    Source: Selvaraju et al. (2017), Eq. 1 and 2. Taking the visual tokens' hidden states as
    feature maps, and the choice of their layer, are our reading.

    Attributes:
        layer: the states are those that enter it; counted from 0, or from the end if negative.
    """

    name: ClassVar = "grad-cam"
    summary: ClassVar = "Grad-CAM on the hidden states that enter the last decoder layer."
    citations: ClassVar = ("selvaraju2017gradcam",)
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
            weights = gradient[visual.to(gradient.device)].mean(0)
            return (states @ weights).relu()

        return white_box.attribution(lambda: white_box.gradients(score, layer=self.layer))
