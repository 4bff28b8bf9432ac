"""Attention rollout: attention followed down through all layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seewhy.core.attribution import Attribution
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._whitebox import WhiteBox, rollout


@dataclass(frozen=True)
class AttentionRollout(Method):
    r"""How much of each position reaches the one that predicts a token, if attention were all.

    $$\tilde A^{(l)} = \tfrac12 (\bar A^{(l)} + I), \quad
      R = \tilde A^{(L)} \cdots \tilde A^{(1)}, \quad A_i[v] = R_{P_i, v}$$

    Attention is the mean over heads; its rows sum to 1, and so do those of the mixtures. It is
    recomputed for all positions: one forward pass, and layers x positions^2 numbers held.

    Source: Abnar and Zuidema (2020). That the share of the identity alone, 2^-L at the predicting
    position, is left out of the context is ours.
    """

    name: ClassVar = "attention-rollout"
    summary: ClassVar = "Attention of all layers, mean over heads and half identity, multiplied."
    citations: ClassVar = ("abnar2020rollout",)
    needs: ClassVar = frozenset({"attentions"})

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`."""
        inside = WhiteBox.of(evidence, self.name)
        return inside.attribution(
            lambda: rollout(inside.origins, list(inside.full_attention()), 0.5, 0.5)
        )
