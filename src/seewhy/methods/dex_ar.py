"""DEX-AR: gradients of early logits with respect to attention, from heads that see the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._whitebox import WhiteBox, expect_layer
from seewhy.models.decoder import layer_at, layers_of


@dataclass(frozen=True)
class DexAR(Method):
    r"""The gradient of each layer's own logit with respect to its attention, by filtered heads.

    $$z_i^{(l)} = W[c_i] \cdot \operatorname{norm}(h^{(l)}_{P_i}), \quad
      G^{(l, h)}_i = \Big(\frac{\partial z_i^{(l)}}{\partial \alpha^{(l, h)}_{P_i}}\Big)_+$$

    $$w_i^{(l, h)} = \Big(\max_{v\ \text{visual}} G^{(l, h)}_i[v]
      - \max_{j\ \text{other}} G^{(l, h)}_i[j]\Big)_+, \quad
      A_i[v] = \sum_{l, h} w_i^{(l, h)} G^{(l, h)}_i[v]$$

    h^(l) is the output of decoder layer l at the position P_i that predicts token i, alpha the
    attention of head h from there. A head counts only if its largest gradient is at a visual
    position; a token without such a head has an empty map. One forward pass for all tokens, and
    for each layer one backward pass through that layer alone. Values are squares of gradients in
    logits.

    Source: Bousselham, Boggust, Strobelt and Kuehne (2026), arXiv:2603.06302. The formulas are
    those of the authors' published code (github.com/WalBouss/DEX-AR, which names Eq. 5 for the
    filter); we had no access to the paper's own equations beyond the abstract. From that code: the
    logits from intermediate states, the positive part, the filter with the single largest value
    (k = 1), the plain sum over heads and layers, and the last 10 layers.

    Ours: in smaller models all layers; "other" positions are all that the head attends to and that
    are not visual (the code leaves out one position after the picture); values stay raw, while the
    code scales all gradients of an answer together and then each map to [0, 1]; the context is the
    same sum at earlier text tokens. The code's weights of whole tokens in a sentence's map (Eq. 6)
    are left out, because each token has its own map here.

    Attributes:
        first_layer: the lowest layer of the sum; counted from 0, or from the end if negative. If
            that is below the lowest layer, all layers are used.
    """

    name: ClassVar = "dex-ar"
    summary: ClassVar = (
        "Gradient of early logits with respect to attention, by heads that see the picture."
    )
    citations: ClassVar = ("bousselham2026dexar",)
    needs: ClassVar = frozenset({"attentions", "gradients"})
    contrastive: ClassVar = True

    first_layer: int = -10

    def __post_init__(self) -> None:
        expect_layer(self.first_layer, "first_layer")

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`."""
        white_box = WhiteBox.of(evidence, self.name)
        layers = self._layers(white_box.session.loaded.model)
        visual = white_box.visual

        def score(weights: Tensor, gradients: Tensor) -> Tensor:
            return filtered_sum(weights, gradients, visual.to(gradients.device))

        return white_box.attribution(
            lambda: sum(
                white_box.gradients_of_early_attention(score, layers), start=torch.zeros(())
            )
        )

    def _layers(self, model: object) -> range:
        count = len(layers_of(model))
        return range(layer_at(model, max(self.first_layer, -count)), count)


def filtered_sum(weights: Tensor, gradients: Tensor, visual: Tensor) -> Tensor:
    r"""The sum over heads of w G, where w says how much more a head looks at the picture.

    $$w_h = (\max_{v} G_h[v] - \max_{j\ \text{other}} G_h[j])_+, \quad \sum_h w_h G_h$$

    G is the positive part of the gradients at attended positions, and 0 at others.

    Args:
        weights, gradients: float `[head, row, position]`.
        visual: int64 `[visual]`, the visual positions.

    Returns:
        `[row, position]`, non-negative.

    Example:
        >>> weights = torch.full((2, 1, 3), 1 / 3)
        >>> gradients = torch.tensor([[[3.0, 1.0, -2.0]], [[1.0, 2.0, 0.0]]])
        >>> filtered_sum(weights, gradients, visual=torch.tensor([0]))
        tensor([[6., 2., 0.]])
    """
    positive = gradients.relu() * (weights > 0)
    of_picture = positive[..., visual].amax(-1)
    of_text = positive.index_fill(-1, visual, 0.0).amax(-1)
    heads = (of_picture - of_text).relu()
    return (heads[..., None] * positive).sum(0)
