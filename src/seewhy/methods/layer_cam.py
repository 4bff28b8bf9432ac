"""LayerCAM on the hidden states that enter a decoder layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._whitebox import WhiteBox, expect_layer


@dataclass(frozen=True)
class LayerCAM(Method):
    r"""Hidden states weighted at each position by the positive part of their gradient.

    $$A_i[v] = \Big(\sum_d \big(\tfrac{\partial z_i}{\partial h_{v,d}}\big)_+ h_{v,d}\Big)_+$$

    The context is the same at text tokens. One forward pass, one backward pass per token.

    Source: Jiang et al. (2021), Eq. 6 to 8. Taking the visual tokens' hidden states as
    feature maps, and the choice of their layer, are our reading.

    Attributes:
        layer: the states are those that enter it; counted from 0, or from the end if negative.
    """

    name: ClassVar = "layer-cam"
    summary: ClassVar = "LayerCAM on the hidden states that enter the last decoder layer."
    citations: ClassVar = ("jiang2021layercam",)
    needs: ClassVar = frozenset({"gradients"})
    contrastive: ClassVar = True

    layer: int = -1

    def __post_init__(self) -> None:
        expect_layer(self.layer)

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`."""
        white_box = WhiteBox.of(evidence, self.name)

        def score(states: Tensor, gradient: Tensor) -> Tensor:
            return (gradient.relu() * states).sum(-1).relu()

        return white_box.attribution(lambda: white_box.gradients(score, layer=self.layer))
