"""AttnLRP: relevance carried back through the language model by its own rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.methods._base import Evidence, Method
from seewhy.methods._whitebox import WhiteBox
from seewhy.models.attention import relevance_rules


@dataclass(frozen=True)
class AttnLRP(Method):
    r"""Layer-wise relevance propagation with rules for attention, from the logit to the embeddings.

    $$A_i[v] = \Big(\sum_d x_{v,d} \tilde\nabla_{v,d} z_i\Big)_+$$

    The modified gradient is plain at linear layers and softmax, y / x at norms and activations,
    and halved at both factors of a product. x are the embeddings that enter the first decoder
    layer; the vision tower is not entered. The context is the same at text tokens. One forward
    pass, one backward pass a token, attention computed in full.

    Source: Achtibat et al. (2024), in the form of gradients that they describe for efficient use;
    epsilon 0 and the cut at 0 are ours. The rules are written anew here: their library, lxt 2.1,
    replaces functions of whole classes for good and knows no multimodal family. It is under the
    Clear BSD license, which grants no patent rights, and its authors say that LRP is patented and
    free for personal and scientific use only: ask them before commercial use of this method too.
    """

    name: ClassVar = "attn-lrp"
    summary: ClassVar = (
        "Positive relevance of AttnLRP where pictures enter the language model, epsilon 0."
    )
    citations: ClassVar = ("achtibat2024attnlrp",)
    needs: ClassVar = frozenset({"attentions", "gradients"})
    contrastive: ClassVar = True
    licence: ClassVar = (
        "The authors of LRP say that it is patented, and free for personal and scientific use "
        "only: ask them before commercial use."
    )

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain every token that is asked for.

        Raises:
            UnsupportedModelError: if the language model has parts without a rule.
        """
        inside = WhiteBox.of(evidence, self.name)
        return inside.attribution(lambda: self.relevance(inside).relu())

    def relevance(self, inside: WhiteBox) -> Tensor:
        """`[wanted, position]` with its sign."""

        def score(states: Tensor, gradient: Tensor) -> Tensor:
            return (states * gradient).sum(-1)

        with relevance_rules(inside.session.loaded.model):
            return inside.gradients(score)
