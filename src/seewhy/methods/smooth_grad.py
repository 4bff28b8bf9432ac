"""SmoothGrad on the embeddings of visual tokens."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._perturbation import expect_at_least, expect_share
from seewhy.methods._whitebox import WhiteBox

BUDGET = 128 << 20
"""Numbers of summed gradients in memory at once: 128 million floats are 512 MB."""


@dataclass(frozen=True)
class SmoothGrad(Method):
    r"""The norm of the mean gradient over noisy copies of the picture's embeddings.

    $$A_i[v] = \Big\| \operatorname{mean}_n
      \frac{\partial z_i(x + \epsilon_n)}{\partial x_v} \Big\|_2, \quad
      \epsilon_n \sim N(0, \sigma^2), \quad \sigma = 0.15\, (\max x - \min x)$$

    x are the embeddings that enter the first decoder layer; noise is added to visual tokens only,
    relative to their range. It has no sign: evidence for and against a token is not distinguished.
    The context is the same at text tokens. Each copy costs one forward pass, and one backward pass
    per token; tokens x positions x hidden numbers are in memory, for as many tokens at a time as
    fit 512 MB.

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
        trace = white_box.trace
        positions = trace.inputs.length + len(trace.tokens)
        size = max(1, BUDGET // (positions * trace.visual_states.shape[1]))
        count = len(white_box.evidence.selected)
        blocks = [slice(begin, begin + size) for begin in range(0, count, size)]
        return torch.cat([self._of_block(white_box, block) for block in blocks])

    def _of_block(self, white_box: WhiteBox, tokens: slice) -> Tensor:
        """`[token, position]`, of some of the selected tokens; the noise is the same for all."""
        generator = torch.Generator().manual_seed(self.seed)

        def noisy(states: Tensor) -> Tensor:
            positions = white_box.visual.to(states.device)
            visual = states[positions].float()
            noise = torch.randn(visual.shape, generator=generator).to(visual.device)
            spread = self.noise * (visual.max() - visual.min())
            return states.index_copy(0, positions, (visual + spread * noise).to(states.dtype))

        totals: list[Tensor] = []
        for _ in range(self.samples):
            numbers = itertools.count()

            def add(states: Tensor, gradient: Tensor, numbers: Iterator[int] = numbers) -> Tensor:
                number = next(numbers)
                if number == len(totals):
                    totals.append(torch.zeros_like(gradient))
                totals[number] += gradient
                return gradient.new_empty(0)

            white_box.gradients(add, change=noisy, tokens=tokens)
        return torch.stack([total.norm(dim=-1).cpu() / self.samples for total in totals])
