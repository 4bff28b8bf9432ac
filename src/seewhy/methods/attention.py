"""Attention weights from the position that predicts a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from seewhy.core.attribution import Attribution
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._indices import Indices, all_of, expect_indices
from seewhy.methods._whitebox import WhiteBox
from seewhy.models.decoder import head_at, layer_at, layers_of


@dataclass(frozen=True)
class Attention(Method):
    r"""The attention weights from the position that predicts a token, mean over heads.

    $$A_i[v] = \operatorname{mean}_{l, h} \alpha^{(l, h)}_{P_i, v}$$

    Only the rows of these positions are computed, in addition to the model's fast attention: one
    forward pass for all tokens. The context is the weights of earlier text tokens.

    Source: attention weights of Vaswani et al. (2017). Heads and layers are our choice: papers on
    multimodal models use the mean of all layers or a middle layer.

    Attributes:
        layer: `"mean"` is the mean over all layers; `"middle"` is number floor(L / 2) of L; or one
            number, several such as `(3, 5)`, or a range such as `"4-7"`, both ends included:
            counted from 0, or from the end if negative.
        head: over which heads of these layers the mean is taken: `"mean"` for all, or numbers as
            for `layer`.
    """

    name: ClassVar = "attention"
    summary: ClassVar = "Attention to each visual token, mean over all heads and layers."
    citations: ClassVar = ("vaswani2017attention",)
    needs: ClassVar = frozenset({"attentions"})

    layer: Indices | Literal["middle", "mean"] = "mean"
    head: Indices | Literal["mean"] = "mean"

    def __post_init__(self) -> None:
        expect_indices("layer", self.layer, "mean", "middle")
        expect_indices("head", self.head, "mean")

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`."""
        white_box = WhiteBox.of(evidence, self.name)
        model = white_box.session.loaded.model
        layers, heads = self._layers(model), self._heads(model)
        return white_box.attribution(lambda: white_box.attention(layers, heads).mean(0))

    def _layers(self, model: object) -> tuple[int, ...]:
        count = len(layers_of(model))
        if self.layer == "mean":
            return tuple(range(count))
        if self.layer == "middle":
            return (count // 2,)
        return all_of("layer", self.layer, lambda layer: layer_at(model, layer))

    def _heads(self, model: object) -> tuple[int, ...] | None:
        if self.head == "mean":
            return None
        return all_of("head", self.head, lambda head: head_at(model, head))
