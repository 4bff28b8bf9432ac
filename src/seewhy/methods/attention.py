"""Attention weights from the position that predicts a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from seewhy.core.attribution import Attribution
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._parameters import expect_choice
from seewhy.methods._whitebox import WhiteBox, expect_layer
from seewhy.models.decoder import layer_at, layers_of

Layers = Literal["middle", "mean"]


@dataclass(frozen=True)
class Attention(Method):
    r"""The attention weights from the position that predicts a token, mean over heads.

    $$A_i[v] = \operatorname{mean}_{l, h} \alpha^{(l, h)}_{P_i, v}$$

    Only the rows of these positions are computed, in addition to the model's fast attention: one
    forward pass for all tokens. The context is the weights of earlier text tokens.

    Source: attention weights of Vaswani et al. (2017). Heads and layers are our choice: papers on
    multimodal models use the mean of all layers or a middle layer.

    Attributes:
        layer: `"mean"` is the mean over all layers; `"middle"` is number floor(L / 2) of L; a
            number is counted from 0, or from the end if negative.
    """

    name: ClassVar = "attention"
    summary: ClassVar = "Attention to each visual token, mean over all heads and layers."
    citations: ClassVar = ("vaswani2017attention",)
    needs: ClassVar = frozenset({"attentions"})

    layer: int | Layers = "mean"

    def __post_init__(self) -> None:
        if isinstance(self.layer, str):
            expect_choice("layer", self.layer, Layers)
        else:
            expect_layer(self.layer)

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`."""
        white_box = WhiteBox.of(evidence, self.name)
        layers = self._layers(white_box.session.loaded.model)
        return white_box.attribution(lambda: white_box.attention(layers).mean(0))

    def _layers(self, model: object) -> tuple[int, ...]:
        count = len(layers_of(model))
        if self.layer == "mean":
            return tuple(range(count))
        return (count // 2,) if isinstance(self.layer, str) else (layer_at(model, self.layer),)
