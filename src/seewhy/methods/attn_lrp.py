"""AttnLRP: layer-wise relevance propagation with rules for transformers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from seewhy.core.attribution import Attribution
from seewhy.core.errors import UnsupportedModelError
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._whitebox import WhiteBox
from seewhy.models.adapters import base_layer, mixes_by_input, outer_modules
from seewhy.models.attention import patched_attention
from seewhy.models.chunked_attention import chunked_attention
from seewhy.models.decoder import decoder_of, layers_of
from seewhy.models.isolation import of_this_call
from seewhy.models.wrappers import parts_of

#: Names of the activation in the gated feed-forward modules of transformers.
ACTIVATIONS = ("act_fn", "activation_fn")


@dataclass(frozen=True)
class AttnLRP(Method):
    r"""Layer-wise relevance propagation with rules for attention, from the logit to the embeddings.

    $$A_i[v] = \Big(\sum_d x_{v,d} \tilde\nabla_{v,d} z_i\Big)_+$$

    The modified gradient is unchanged at linear layers and softmax, y / x at norms and
    activations, and half at both factors of a product. x are the embeddings that enter the first
    decoder layer; the vision tower has no part. The context is the same at text tokens. One forward
    pass, one backward pass per token.

    Source: Achtibat et al. (2024), in the form of modified gradients that they describe;
    epsilon 0 and the cut at 0 are ours. The rules are implemented here: their library, lxt 2.1,
    patches classes permanently and supports no multimodal family.

    Patents: LRP, and AttnLRP with it, is patented, and patents are in force in the USA and in
    Canada. It is free for personal and scientific use only; ask its authors before commercial use.
    The library's Clear BSD license grants no patent rights, and that this is another
    implementation changes nothing.
    """

    name: ClassVar = "attn-lrp"
    summary: ClassVar = "Positive AttnLRP relevance of the visual embeddings, epsilon 0."
    citations: ClassVar = ("achtibat2024attnlrp",)
    needs: ClassVar = frozenset({"attentions", "gradients"})
    contrastive: ClassVar = True
    licence: ClassVar = (
        "AttnLRP is patented: patents on LRP are in force in the USA and in Canada. It is free for "
        "personal and scientific use only: ask its authors before commercial use."
    )

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`.

        Raises:
            UnsupportedModelError: if the language model has parts without a rule.
        """
        white_box = WhiteBox.of(evidence, self.name)
        return white_box.attribution(lambda: self.signed_relevance(white_box).relu())

    def signed_relevance(self, white_box: WhiteBox) -> Tensor:
        """`[selected, position]`, signed."""

        def score(states: Tensor, gradient: Tensor) -> Tensor:
            return (states * gradient).sum(-1)

        with attn_lrp_rules(white_box.session.loaded.model):
            return white_box.gradients(score)


@contextmanager
def attn_lrp_rules(model: Any) -> Iterator[None]:
    r"""Make gradients those of AttnLRP, so that state x gradient is relevance.

    The rules of Achtibat et al. (2024), each as its effect on a gradient:

    - linear layers: epsilon rule with epsilon 0, the gradient itself;
    - norms and activations: identity rule, y / x in place of the derivative;
    - products (attention times values, query times key, gate times up): half of it to each factor;
    - softmax: its Taylor expansion, the gradient itself.

    The model's outputs do not change. Biases and the softmax absorb relevance, so the relevance of
    the embeddings does not add up to the logit exactly.

    Raises:
        UnsupportedModelError: if a decoder layer is not made of RMS norms, attention and one
            gated feed-forward part: there is no rule for others.
    """
    decoder = decoder_of(model)
    _expect_known_parts(model)
    identity, uniform = (of_this_call(rule, nested=True) for rule in (identity_rule, uniform_rule))
    with ExitStack() as stack:
        stack.enter_context(patched_attention(model, lrp_attention))
        for module in outer_modules(decoder):
            if _is_norm(module):
                stack.callback(module.register_forward_hook(identity).remove)
        for layer in decoder.layers:
            stack.callback(_activation_of(layer.mlp).register_forward_hook(identity).remove)
            stack.callback(layer.mlp.down_proj.register_forward_pre_hook(uniform).remove)
        yield


def _expect_known_parts(model: Any) -> None:
    for layer in layers_of(model):
        unknown = [
            f"{name} ({type(part).__name__})"
            for name, part in parts_of(layer)
            if name not in ("self_attn", "mlp") and not _is_norm(part)
        ]
        for name in ("self_attn", "mlp"):
            part = getattr(layer, name, None)
            if part is None:
                unknown.append(f"no {name}")
                continue
            unknown += [
                f"{name}.{inner} ({type(child).__name__})"
                for inner, child in parts_of(part)
                if not (_is_linear(child) or _is_norm(child) or inner in ACTIVATIONS)
            ]
        if not unknown and (
            _activation_of(layer.mlp) is None or not hasattr(layer.mlp, "down_proj")
        ):
            unknown.append("mlp without activation or down_proj")
        if unknown:
            raise UnsupportedModelError(
                "Expected decoder layers of RMS norms, attention and one gated feed-forward part, "
                f"got {', '.join(unknown[:4])} in {type(layer).__name__}: AttnLRP has no rule for "
                "it here, choose another method such as gradient-attention."
            )


def _is_linear(module: Any) -> bool:
    """Whether a part is linear, also with an adapter."""
    return isinstance(base_layer(module), nn.Linear) and not mixes_by_input(module)


def _is_norm(module: Any) -> bool:
    return type(base_layer(module)).__name__.endswith("RMSNorm")


def _activation_of(part: Any) -> Any:
    return next((layer for name in ACTIVATIONS if (layer := getattr(part, name, None))), None)


class IdentityRule(torch.autograd.Function):
    """y as a multiple of x: the gradient of x is that of y times y / x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor) -> Tensor:
        ratio = y / x
        ctx.save_for_backward(torch.where(x == 0, torch.zeros_like(ratio), ratio))
        return y.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor, None]:
        (ratio,) = ctx.saved_tensors
        return gradients[0] * ratio, None


def identity_rule(module: Any, arguments: Any, output: Tensor) -> Any:
    """A forward hook: the identity rule for a norm or an activation."""
    return IdentityRule.apply(arguments[0], output.detach())


def uniform_rule(module: Any, arguments: Any) -> tuple[Tensor]:
    """A pre-hook: half of the gradient for the product of gate and up that enters a layer."""
    return (half_gradient(arguments[0]),)


def half_gradient(values: Tensor) -> Tensor:
    """The same values, with half of their gradient."""
    half = values * 0.5
    return half + half.detach()


def lrp_attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **keywords: Any
) -> tuple[Tensor, None]:
    """Attention with half of the gradient to each factor of its products."""
    query, key = half_gradient(query), half_gradient(key)
    output, _ = chunked_attention(module, query, key, value, mask, **keywords)
    # Half of what comes back is half for the weights and half for the values.
    return half_gradient(output), None
