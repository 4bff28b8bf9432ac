"""Looking inside while a model reads: its attention, inner states, and gradients of what it says.

The language model is opened by hooks and by transformers' own switch for attention functions. No
class is touched, and everything is as before when a `with` block is left, whatever happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn

from seewhy.core.errors import ParameterError, UnsupportedModelError
from seewhy.core.trace import Inputs
from seewhy.models.batching import batch
from seewhy.models.loading import Loaded, eval_mode
from seewhy.models.unembedding import backbone_of

AttentionFunction = Callable[..., tuple[Tensor, None]]
"""An attention function as transformers calls it: (module, query, key, value, mask, **keywords)."""

ROWS = 256
"""Rows of attention, of all heads, that are worked out at a time."""
SWITCH = "seewhy"
"""The name under which `attending` is known to transformers."""

_ATTEND: ContextVar[AttentionFunction] = ContextVar("attend")

#: Names that transformers' gated feed-forward parts give to their nonlinearity.
ACTIVATIONS = ("act_fn", "activation_fn")


def decoder_of(model: Any) -> Any:
    """The language model proper: a stack of decoder layers and a norm.

    Raises:
        UnsupportedModelError: if it is not built so.
    """
    decoder = getattr(model, "get_decoder", lambda: None)()
    if not isinstance(getattr(decoder, "layers", None), nn.ModuleList):
        raise UnsupportedModelError(
            f"Expected a language model with a list of decoder layers, got "
            f"{type(decoder).__name__} in {type(model).__name__}: choose a method that looks at "
            "final states, or one that changes the picture."
        )
    return decoder


def layers_of(model: Any) -> nn.ModuleList:
    """The decoder layers, the lowest first.

    Raises:
        UnsupportedModelError: as `decoder_of`.
    """
    return decoder_of(model).layers


def layer_at(model: Any, layer: int) -> int:
    """A layer's number counted from 0, given one that may be counted from the end.

    Raises:
        ParameterError: if the model has no such layer.
    """
    count = len(layers_of(model))
    if not -count <= layer < count:
        raise ParameterError(
            f"Expected a layer from {-count} to {count - 1}, got {layer}: "
            f"{type(model).__name__} has {count} decoder layers."
        )
    return layer % count


def forward(loaded: Loaded, inputs: Inputs, ids: Sequence[int]) -> Tensor:
    """Show a model a prompt and an answer, in one pass.

    Gradients are kept if they are on where it is called.

    Args:
        loaded: the model, in the mode in which it shall be run.
        inputs: the prompt.
        ids: of the answer.

    Returns:
        `[position, hidden]`: final states, after the last norm, in the model's dtype.
    """
    heard: list[Tensor] = []
    hook = backbone_of(loaded.model).register_forward_hook(
        lambda module, arguments, output: heard.append(output.last_hidden_state)
    )
    try:
        tensors = batch(loaded.family, [inputs], [ids]).tensors
        loaded.model(**{"logits_to_keep": 1, **tensors, "use_cache": False})
    finally:
        hook.remove()
    return heard[0][0]


@contextmanager
def differentiable(model: Any) -> Iterator[None]:
    """Work in eval mode with gradients, but not with those of the weights: graphs begin at leaves.

    Below the first tensor that is made a leaf nothing is kept, so the vision tower costs no more
    than without gradients.
    """
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    try:
        for weight in weights:
            weight.requires_grad_(False)
        with eval_mode(model), torch.enable_grad():
            yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)


@contextmanager
def hook_layer_input(model: Any, layer: int, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Let `change` see, and replace, the hidden states that enter a decoder layer.

    What enters layer 0 are the embeddings, those of the pictures in their places. Families that
    hand pictures to deeper layers too (Qwen3-VL's deep stack) add them there, out of sight.

    Args:
        model: whose.
        layer: counted from 0, or from the end if negative.
        change: from `[batch, position, hidden]` to the same.

    Raises:
        ParameterError: if the model has no such layer.
        UnsupportedModelError: as `decoder_of`.
    """

    def before(module: Any, arguments: Any, keywords: Any) -> Any:
        if arguments:
            return (change(arguments[0]), *arguments[1:]), keywords
        return arguments, {**keywords, "hidden_states": change(keywords["hidden_states"])}

    hook = layers_of(model)[layer_at(model, layer)].register_forward_pre_hook(
        before, with_kwargs=True
    )
    try:
        yield
    finally:
        hook.remove()


@contextmanager
def patched_attention(model: Any, attend: AttentionFunction) -> Iterator[None]:
    """Let the language model attend through `attend`; the vision tower keeps its own way.

    Masks come as transformers' sdpa takes them: bool, True where a query may look, or None for a
    plainly causal one; from a model set to eager also as numbers to add.
    """
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(SWITCH, _attend)
    AttentionMaskInterface.register(SWITCH, sdpa_mask)
    config = decoder_of(model).config
    own, token = config._attn_implementation, _ATTEND.set(attend)
    try:
        config._attn_implementation = SWITCH
        yield
    finally:
        config._attn_implementation = own
        _ATTEND.reset(token)


def _attend(*arguments: Any, **keywords: Any) -> tuple[Tensor, None]:
    return _ATTEND.get()(*arguments, **keywords)


def attention_weights(
    query: Tensor,
    key: Tensor,
    mask: Tensor | None,
    *,
    scaling: float | None = None,
    softcap: float | None = None,
    rows: Tensor | None = None,
) -> Tensor:
    r"""Attention weights of some queries, as the eager functions of transformers make them.

    $$A = \mathrm{softmax}(c \tanh(s\, q k^T / c) + m)$$

    Args:
        query: `[batch, head, position, dim]`.
        key: `[batch, group, position, dim]`; heads share the keys of their group.
        mask: bool `[batch, 1, position, position]`, or numbers to add, or None for causal.
        scaling: s; the root of 1 / dim if None.
        softcap: c, or None where scores are not capped.
        rows: int64 `[row]`, which queries; all if None.

    Returns:
        float32 `[batch, head, row, position]`, or float64 where the model is; rows sum to 1.
    """
    rows = torch.arange(query.shape[2], device=query.device) if rows is None else rows
    wide = torch.promote_types(query.dtype, torch.float32)
    key = key.repeat_interleave(query.shape[1] // key.shape[1], 1)
    scores = query[:, :, rows].to(wide) @ key.to(wide).transpose(2, 3)
    scores = scores * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    if softcap is not None:
        scores = softcap * (scores / softcap).tanh()
    if mask is None:
        mask = torch.arange(key.shape[2], device=rows.device) <= rows[:, None]
    else:
        mask = mask[:, :, rows]
    if mask.dtype == torch.bool:
        scores = scores.masked_fill(~mask, torch.finfo(wide).min)
    else:
        scores = scores + mask.to(wide)
    return scores.softmax(-1)


def attention_output(weights: Tensor, value: Tensor) -> tuple[Tensor, None]:
    """What an attention function returns: `[batch, position, head, dim]` in the model's dtype."""
    value = value.repeat_interleave(weights.shape[1] // value.shape[1], 1)
    return (weights.to(value.dtype) @ value).transpose(1, 2).contiguous(), None


def attention_rows(
    loaded: Loaded,
    inputs: Inputs,
    ids: Sequence[int],
    positions: Tensor,
    layers: Sequence[int] | None = None,
) -> Tensor:
    """Attention from some positions, mean over heads, recomputed beside the model's fast kernel.

    The pass itself goes through sdpa; only the rows asked for are computed a second time.

    Args:
        loaded: the model.
        inputs: the prompt.
        ids: of the answer.
        positions: int64 `[row]`, whose attention is wanted.
        layers: counted from 0, rising; all if None.

    Returns:
        float32 `[layer, row, position]` on the CPU, each row sums to 1.

    Raises:
        UnsupportedModelError: if attention does not go through transformers' switch.
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    wanted = range(len(layers_of(loaded.model))) if layers is None else layers
    found: dict[int, Tensor] = {}

    def attend(
        module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **keywords: Any
    ) -> Any:
        how = {name: keywords.get(name) for name in ("scaling", "softcap")}
        if module.layer_idx in wanted:
            # Rows in blocks: those of all heads at once would outweigh all that is kept of them.
            found[module.layer_idx] = torch.cat(
                [
                    attention_weights(query, key, mask, rows=rows, **how)[0].mean(0).float().cpu()
                    for rows in positions.to(query.device).split(ROWS)
                ]
            )
        if how["softcap"] is not None:  # sdpa knows no cap
            return attention_output(attention_weights(query, key, mask, **how), value)
        return sdpa_attention_forward(module, query, key, value, mask, **keywords)

    with eval_mode(loaded.model), patched_attention(loaded.model, attend):
        forward(loaded, inputs, ids)
    return torch.stack([_expect_captured(found, layer, loaded) for layer in wanted])


def _expect_captured(found: dict[int, Tensor], layer: int, loaded: Loaded) -> Tensor:
    if layer not in found:
        raise UnsupportedModelError(
            f"Expected decoder layer {layer} of {loaded.name} to attend through transformers' "
            "attention functions, got no call: it has its own way of attending, choose a method "
            "that does not look at attention."
        )
    return found[layer]


def attention_gradients(
    loaded: Loaded,
    inputs: Inputs,
    ids: Sequence[int],
    targets: Callable[[Tensor], Tensor],
    score: Callable[[int, Sequence[Tensor], Sequence[Tensor]], Tensor],
) -> list[Tensor]:
    """Attention of all layers with the gradients of several targets, one backward pass each.

    All weights of all layers are held at once, and their gradients: layers x heads x positions x
    positions, twice; in half precision autograd keeps another half of that.

    Args:
        loaded: the model.
        inputs: the prompt.
        ids: of the answer.
        targets: from final states `[position, hidden]` to what is explained `[token]`.
        score: given the target's number, the weights of each layer and their gradients, each
            `[head, position, position]`, what to keep.

    Returns:
        What `score` made of each target.

    Raises:
        UnsupportedModelError: as `attention_rows`.
    """
    found: dict[int, Tensor] = {}

    def attend(
        module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **keywords: Any
    ) -> Any:
        how = {name: keywords.get(name) for name in ("scaling", "softcap")}
        weights = attention_weights(query, key, mask, **how)
        if not weights.requires_grad:  # the lowest layer: the graph begins here
            weights.requires_grad_()
        found[module.layer_idx] = weights
        return attention_output(weights, value)

    with differentiable(loaded.model), patched_attention(loaded.model, attend):
        wanted = targets(forward(loaded, inputs, ids))
        weights = [
            _expect_captured(found, layer, loaded) for layer in range(len(layers_of(loaded.model)))
        ]
        held = [one.detach()[0] for one in weights]
        kept = []
        for number, gradients in _each(wanted, weights):
            kept.append(score(number, held, [gradient[0] for gradient in gradients]))
            del gradients  # or they would still be held while the next target's are made
        return kept


def state_gradients(
    loaded: Loaded,
    inputs: Inputs,
    ids: Sequence[int],
    targets: Callable[[Tensor], Tensor],
    score: Callable[[Tensor, Tensor], Tensor],
    *,
    layer: int = 0,
    change: Callable[[Tensor], Tensor] | None = None,
) -> list[Tensor]:
    """Hidden states that enter a layer with the gradients of several targets.

    One forward pass for all, one backward pass for each.

    Args:
        loaded: the model.
        inputs: the prompt.
        ids: of the answer.
        targets: from final states `[position, hidden]` to what is explained `[token]`.
        score: given states and a target's gradient, at least float32 `[position, hidden]`, what
            to keep.
        layer: counted from 0, or from the end if negative; 0 for the embeddings.
        change: what to make of the states first, `[position, hidden]`.

    Returns:
        What `score` made of each target.

    Raises:
        ParameterError: if the model has no such layer.
        UnsupportedModelError: as `decoder_of`.
    """
    leaves: list[Tensor] = []

    def open_up(states: Tensor) -> Tensor:
        states = states.detach().clone()
        if change is not None:
            states[0] = change(states[0])
        leaves.append(states.requires_grad_())
        return states

    with differentiable(loaded.model), hook_layer_input(loaded.model, layer, open_up):
        wanted = targets(forward(loaded, inputs, ids))
        states = _wide(leaves[0].detach()[0])
        return [score(states, _wide(gradient[0])) for _, (gradient,) in _each(wanted, leaves)]


def _each(targets: Tensor, leaves: Sequence[Tensor]) -> Iterator[tuple[int, tuple[Tensor, ...]]]:
    """Each target's number and its gradients, one for each leaf."""
    for number in range(len(targets)):
        more = number + 1 < len(targets)
        yield (
            number,
            torch.autograd.grad(targets[number], leaves, retain_graph=more, materialize_grads=True),
        )


def _wide(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))


def states_entering(loaded: Loaded, inputs: Inputs, ids: Sequence[int], layer: int = 0) -> Tensor:
    """Hidden states that enter a layer: at least float32 `[position, hidden]`.

    Raises:
        ParameterError, UnsupportedModelError: as `entering`.
    """
    heard: list[Tensor] = []

    def keep(states: Tensor) -> Tensor:
        heard.append(_wide(states[0]))
        return states

    with eval_mode(loaded.model), hook_layer_input(loaded.model, layer, keep):
        forward(loaded, inputs, ids)
    return heard[0]


@contextmanager
def relevance_rules(model: Any) -> Iterator[None]:
    r"""Let gradients be those of AttnLRP, so that state x gradient is relevance.

    The rules of Achtibat et al. (2024), each as what it does to a gradient:

    - linear layers: epsilon rule with epsilon 0, the plain gradient;
    - norms and activations: identity rule, y / x in place of the derivative;
    - products (attention times values, query times key, gate times up): half of it to each factor;
    - softmax: its Taylor expansion, the plain gradient.

    Outputs of the pass are the model's own. Biases take up relevance of their own, and so does the
    softmax, so what arrives at the embeddings does not add up to the logit exactly.

    Raises:
        UnsupportedModelError: if a decoder layer is not made of RMS norms, attention and one
            gated feed-forward part: nothing says which rule the rest would follow.
    """
    decoder = decoder_of(model)
    _expect_known_parts(model)
    with ExitStack() as stack:
        for module in decoder.modules():
            if _is_norm(module):
                stack.callback(module.register_forward_hook(_identity_rule).remove)
        for layer in decoder.layers:
            activation = _activation_of(layer.mlp)
            stack.callback(activation.register_forward_hook(_identity_rule).remove)
            down = layer.mlp.down_proj
            stack.callback(down.register_forward_pre_hook(_uniform_rule).remove)
        stack.enter_context(patched_attention(model, _relevant_attention))
        yield


def _expect_known_parts(model: Any) -> None:
    for layer in layers_of(model):
        odd = [
            f"{name} ({type(part).__name__})"
            for name, part in layer.named_children()
            if name not in ("self_attn", "mlp") and not _is_norm(part)
        ]
        for name in ("self_attn", "mlp"):
            part = getattr(layer, name, None)
            if part is None:
                odd.append(f"no {name}")
                continue
            odd += [
                f"{name}.{inner} ({type(own).__name__})"
                for inner, own in part.named_children()
                if not (isinstance(own, nn.Linear) or _is_norm(own) or inner in ACTIVATIONS)
            ]
        if not odd and (_activation_of(layer.mlp) is None or not hasattr(layer.mlp, "down_proj")):
            odd.append("mlp without activation or down_proj")
        if odd:
            raise UnsupportedModelError(
                "Expected decoder layers of RMS norms, attention and one gated feed-forward part, "
                f"got {', '.join(odd[:4])} in {type(layer).__name__}: AttnLRP has no rule for "
                "it here, choose another method such as gradient-attention."
            )


def _is_norm(module: Any) -> bool:
    return type(module).__name__.endswith("RMSNorm")


def _activation_of(part: Any) -> Any:
    return next((own for name in ACTIVATIONS if (own := getattr(part, name, None))), None)


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


def _identity_rule(module: Any, arguments: Any, output: Tensor) -> Any:
    return IdentityRule.apply(arguments[0], output.detach())


def _uniform_rule(module: Any, arguments: Any) -> tuple[Tensor]:
    return (half_gradient(arguments[0]),)


def half_gradient(values: Tensor) -> Tensor:
    """The same values, with half of their gradient."""
    half = values * 0.5
    return half + half.detach()


def _relevant_attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **keywords: Any
) -> tuple[Tensor, None]:
    how = {name: keywords.get(name) for name in ("scaling", "softcap")}
    weights = attention_weights(half_gradient(query), half_gradient(key), mask, **how)
    return attention_output(half_gradient(weights), half_gradient(value))
