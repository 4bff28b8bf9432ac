"""Attention rollout: the product of attention over all layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seewhy.core.attribution import Attribution
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._whitebox import WhiteBox


@dataclass(frozen=True)
class AttentionRollout(Method):
    r"""The share of each position in the predicting position, if layers only did attention.

    $$\tilde A^{(l)} = \tfrac12 (\bar A^{(l)} + I), \quad
      R = \tilde A^{(L)} \cdots \tilde A^{(1)}, \quad A_i[v] = R_{P_i, v}$$

    Attention is the mean over heads; its rows sum to 1, and so do those of the mixtures. It is
    computed for all positions: one forward pass; of one layer at a time, some rows of attention are
    in memory.

    Source: Abnar and Zuidema (2020). Leaving out the identity's share, 2^-L at the
    predicting position, from the context is ours.
    """

    name: ClassVar = "attention-rollout"
    summary: ClassVar = "Product over layers of half identity and half attention, mean over heads."
    citations: ClassVar = ("abnar2020rollout",)
    needs: ClassVar = frozenset({"attentions"})

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`."""
        white_box = WhiteBox.of(evidence, self.name)
        return white_box.attribution(lambda: white_box.rollout(0.5, 0.5))
