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
    r"""The norm of the mean gradient over noisy copies of the picture's embeddings.

    $$A_i[v] = \Big\| \operatorname{mean}_n
      \frac{\partial z_i(x + \epsilon_n)}{\partial x_v} \Big\|_2, \quad
      \epsilon_n \sim N(0, \sigma^2), \quad \sigma = 0.15\, (\max x - \min x)$$

    x are the embeddings that enter the first decoder layer; noise is added to visual tokens only,
    relative to their range. It has no sign: evidence for and against a token is not distinguished.
    The context is the same at text tokens. Each copy costs one forward pass, and one backward pass
    per token; tokens x positions x hidden numbers are in memory.

    Source: Smilkov et al. (2017), Eq. 2, on pixels. Embeddings, the Euclidean norm over hidden,
    and 8 copies instead of 50 are ours.

    Attributes:
        samples: noisy copies, at least 1.
        noise: the standard deviation, as a share of the embeddings' range.
        seed: of the noise.
    """

    name: ClassVar = "smooth-grad"
    summary: ClassVar = "Norm of the mean gradient over 8 noisy copies of the visual embeddings."
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
        white_box = WhiteBox.of(evidence, self.name)
        return white_box.attribution(lambda: self._smoothed(white_box))

    def _smoothed(self, white_box: WhiteBox) -> Tensor:
        """`[selected, position]`."""
        generator = torch.Generator().manual_seed(self.seed)

        def noisy(states: Tensor) -> Tensor:
            positions = white_box.visual.to(states.device)
            visual = states[positions].float()
            noise = torch.randn(visual.shape, generator=generator).to(visual.device)
            spread = self.noise * (visual.max() - visual.min())
            return states.index_copy(0, positions, (visual + spread * noise).to(states.dtype))

        total = white_box.gradients(_gradient, change=noisy)
        for _ in range(1, self.samples):
            total += white_box.gradients(_gradient, change=noisy)
        return (total / self.samples).norm(dim=-1)


def _gradient(states: Tensor, gradient: Tensor) -> Tensor:
    return gradient
