"""Input x gradient on the embeddings that enter the language model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._whitebox import WhiteBox


@dataclass(frozen=True)
class InputXGradient(Method):
    r"""Positive part of the product of each embedding and the gradient of the token's logit.

    $$A_i[v] = \Big(\sum_d x_{v,d} \frac{\partial z_i}{\partial x_{v,d}}\Big)_+$$

    x are the embeddings that enter the first decoder layer; at visual tokens these are the outputs
    of the vision tower and its connector. The context is the same at text tokens. One forward
    pass, one backward pass per token.

    Source: Shrikumar et al. (2016). Using the language model's input instead of pixels, and
    the cut at 0, are ours.
    """

    name: ClassVar = "input-x-gradient"
    summary: ClassVar = "Positive part of embedding x gradient at the visual embeddings."
    citations: ClassVar = ("shrikumar2016notjust",)
    needs: ClassVar = frozenset({"gradients"})
    contrastive: ClassVar = True

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`."""
        white_box = WhiteBox.of(evidence, self.name)

        def score(states: Tensor, gradient: Tensor) -> Tensor:
            return (states * gradient).sum(-1).relu()

        return white_box.attribution(lambda: white_box.gradients(score))
