"""SmoothGrad on the embeddings of visual tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._perturbation import expect_at_least, expect_share
from seewhy.methods._whitebox import WhiteBox


@dataclass(frozen=True)
class SmoothGrad(Method):
    r"""The size of the gradient, averaged over noisy copies of the picture's embeddings.

    $$A_i[v] = \Big\| \operatorname{mean}_n
      \frac{\partial z_i(x + \epsilon_n)}{\partial x_v} \Big\|_2, \quad
      \epsilon_n \sim N(0, \sigma^2), \quad \sigma = 0.15\, (\max x - \min x)$$

    x are the embeddings that enter the first decoder layer; noise is put on visual tokens alone,
    its range is that of theirs. It has no sign: it says what matters, not what speaks for a token.
    The context is the same at text tokens. Each copy costs one forward pass, and one backward pass
    a token; gradients of all wanted tokens are held, tokens x positions x hidden.

    Source: Smilkov et al. (2017), Eq. 2, on pixels. That it works on embeddings, with the
    Euclidean norm over hidden, is ours; so are 8 copies in place of their 50.

    Attributes:
        samples: noisy copies, at least 1.
        noise: the standard deviation, as a share of the embeddings' range.
        seed: of the noise.
    """

    name: ClassVar = "smooth-grad"
    summary: ClassVar = (
        "Norm of the mean gradient over 8 copies of the visual embeddings with noise of 0.15."
    )
    citations: ClassVar = ("smilkov2017smoothgrad",)
    needs: ClassVar = frozenset({"gradients"})
    contrastive: ClassVar = True

    samples: int = 8
    noise: float = 0.15
    seed: int = 0

    def __post_init__(self) -> None:
        expect_at_least("samples", self.samples, 1)
        expect_share("noise", self.noise)

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`."""
        inside = WhiteBox.of(evidence, self.name)
        return inside.attribution(lambda: self._smoothed(inside))

    def _smoothed(self, inside: WhiteBox) -> Tensor:
        """`[selected, position]`."""
        draw = torch.Generator().manual_seed(self.seed)

        def noisy(states: Tensor) -> Tensor:
            places = inside.visual.to(states.device)
            own = states[places].float()
            noise = torch.randn(own.shape, generator=draw).to(own.device)
            spread = self.noise * (own.max() - own.min())
            return states.index_copy(0, places, (own + spread * noise).to(states.dtype))

        total = inside.gradients(_gradient, change=noisy)
        for _ in range(1, self.samples):
            total += inside.gradients(_gradient, change=noisy)
        return (total / self.samples).norm(dim=-1)


def _gradient(states: Tensor, gradient: Tensor) -> Tensor:
    return gradient
