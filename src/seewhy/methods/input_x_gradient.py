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
    r"""Each embedding times the gradient of the token's logit, summed; what speaks for it.

    $$A_i[v] = \Big(\sum_d x_{v,d} \frac{\partial z_i}{\partial x_{v,d}}\Big)_+$$

    x are the embeddings that enter the first decoder layer, at visual tokens what the vision tower
    and its connector made. The context is the same at text tokens. One forward pass, one backward
    pass a token.

    Source: Shrikumar et al. (2016). That the input is the language model's and not the pixels, and
    the cut at 0, are ours.
    """

    name: ClassVar = "input-x-gradient"
    summary: ClassVar = (
        "Positive part of embedding x gradient where pictures enter the language model."
    )
    citations: ClassVar = ("shrikumar2016notjust",)
    needs: ClassVar = frozenset({"gradients"})
    contrastive: ClassVar = True

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`."""
        inside = WhiteBox.of(evidence, self.name)

        def score(states: Tensor, gradient: Tensor) -> Tensor:
            return (states * gradient).sum(-1).relu()

        return inside.attribution(lambda: inside.gradients(score))
