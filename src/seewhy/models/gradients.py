"""Gradients of targets with respect to attention and to hidden states."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor

from seewhy.core.errors import ModelError
from seewhy.core.trace import Inputs
from seewhy.models.attention import (
    attention_output,
    attention_weights,
    expect_captured,
    fast_attention,
    patched_attention,
    score_options,
)
from seewhy.models.decoder import (
    at_least_float32,
    final_norm_of,
    final_states,
    hook_layer_input,
    hook_mlp_input,
    layers_of,
)
from seewhy.models.isolation import eval_mode
from seewhy.models.loading import Loaded


@contextmanager
def differentiable(model: Any) -> Iterator[None]:
    """Run in eval mode with gradients, but without gradients of the weights.

    The graph begins at the first tensor that is made a leaf. Nothing before it is kept, so the
    vision tower needs no more memory than without gradients.
    """
    if any(weight.is_inference() for weight in (*model.parameters(), *model.buffers())):
        raise ModelError(
            "Expected a model that was loaded outside of torch.inference_mode(), got one without "
            "gradients for good: load it before that block, or choose a method without gradients, "
            "such as logit-shares."
        )
    with eval_mode(model):
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        try:
            for weight in weights:
                weight.requires_grad_(False)
            with torch.enable_grad():
                yield
        finally:
            for weight in weights:
                weight.requires_grad_(True)


def attention_gradients(
    loaded: Loaded,
    inputs: Inputs,
    ids: Sequence[int],
    targets: Callable[[Tensor], Tensor],
    score: Callable[[int, Sequence[Tensor], Sequence[Tensor]], Tensor],
) -> list[Tensor]:
    """Attention of all layers with the gradients of several targets, one backward pass each.

    The attention weights of all layers and their gradients are in memory at once: layers x heads x
    positions x positions, twice; in half precision autograd keeps another half of that.

    Args:
        loaded: the model.
        inputs: the prompt.
        ids: of the answer.
        targets: from final states `[position, hidden]` to the explained scores `[token]`.
        score: from the target's number, the weights of each layer and their gradients, each
            `[head, position, position]`, to the result.

    Returns:
        The result of `score` for each target.

    Raises:
        UnsupportedModelError: as `attention_rows`.
    """
    captured: dict[int, Tensor] = {}

    def attend(
        module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **keywords: Any
    ) -> Any:
        weights = attention_weights(query, key, mask, **score_options(keywords))
        if not weights.requires_grad:  # the lowest layer: the graph begins here
            weights.requires_grad_()
        captured[module.layer_idx] = weights
        return attention_output(weights, value)

    with differentiable(loaded.model), patched_attention(loaded.model, attend):
        values = targets(final_states(loaded, inputs, ids))
        count = len(layers_of(loaded.model))
        weights = [expect_captured(captured, layer, loaded) for layer in range(count)]
        detached = [layer_weights.detach()[0] for layer_weights in weights]
        results = []
        for number, gradients in _gradients_of_each(values, weights):
            results.append(score(number, detached, [gradient[0] for gradient in gradients]))
            del gradients  # free them before those of the next target are computed
        return results


def early_attention_gradients(
    loaded: Loaded,
    inputs: Inputs,
    ids: Sequence[int],
    rows: Tensor,
    targets: Callable[[Tensor], Tensor],
    score: Callable[[Tensor, Tensor], Tensor],
    layers: Sequence[int],
) -> list[Tensor]:
    """Attention of some layers with the gradients of targets that are read at the same layer.

    Targets of layer l are read from its output, after the final norm, so a gradient goes through
    this layer alone. From attention to output every position is on its own; so the targets' sum
    gives each row the gradient of its own targets. One forward pass for all, and one backward
    pass through a single layer for each layer.

    Args:
        loaded: the model.
        inputs: the prompt.
        ids: of the answer.
        rows: int64 `[row]`, the attending positions, each once.
        targets: from final states `[position, hidden]` to scores `[token]`; each uses the state
            of one of the rows.
        score: from a layer's attention weights and their gradients, at least float32
            `[head, row, position]`, to the result.
        layers: counted from 0.

    Returns:
        The result of `score` for each layer.

    Raises:
        UnsupportedModelError: as `attention_rows`, or as `final_norm_of`.
    """
    captured: dict[int, Tensor] = {}
    outputs: dict[int, Tensor] = {}
    norm, last = final_norm_of(loaded.model), len(layers_of(loaded.model)) - 1

    def attend(
        module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **keywords: Any
    ) -> Any:
        output, _ = fast_attention(module, query, key, value, mask, **keywords)
        if module.layer_idx not in layers:
            return output, None
        at = rows.to(query.device)
        weights = attention_weights(query, key, mask, rows=at, **score_options(keywords))
        captured[module.layer_idx] = weights = weights.detach().requires_grad_()
        own, _ = attention_output(weights, value)
        return output.detach().index_copy(1, at, own.to(output.dtype)), None

    def cut(layer: int, states: Tensor) -> Tensor:
        outputs[layer] = states[0]
        return states.detach()  # the graph of each layer ends here

    with ExitStack() as stack:
        stack.enter_context(differentiable(loaded.model))
        stack.enter_context(patched_attention(loaded.model, attend))
        for layer in layers:
            if layer != last:
                stack.enter_context(hook_layer_input(loaded.model, layer + 1, partial(cut, layer)))
        final = final_states(loaded, inputs, ids)
        results = []
        for layer in layers:
            weights = expect_captured(captured, layer, loaded)
            values = targets(final if layer == last else norm(outputs.pop(layer)))
            (gradient,) = torch.autograd.grad(values.sum(), weights, materialize_grads=True)
            results.append(score(weights.detach()[0], gradient[0]))
        return results


def state_gradients(
    loaded: Loaded,
    inputs: Inputs,
    ids: Sequence[int],
    targets: Callable[[Tensor], Tensor],
    score: Callable[[Tensor, Tensor], Tensor],
    *,
    layer: int = 0,
    part: Literal["layer", "mlp"] = "layer",
    change: Callable[[Tensor], Tensor] | None = None,
) -> list[Tensor]:
    """Hidden states that enter a layer, or its MLP, with the gradients of several targets.

    One forward pass for all, one backward pass for each.

    Args:
        loaded: the model.
        inputs: the prompt.
        ids: of the answer.
        targets: from final states `[position, hidden]` to the explained scores `[token]`.
        score: from states and a target's gradient, at least float32 `[position, hidden]`, to the
            result.
        layer: counted from 0, or from the end if negative; 0 for the embeddings.
        part: `"layer"`, or `"mlp"` for the normed states that enter the layer's MLP.
        change: applied to the states first, `[position, hidden]`.

    Returns:
        The result of `score` for each target.

    Raises:
        ParameterError: if the model has no such layer.
        UnsupportedModelError: as `decoder_of`, or as `hook_mlp_input`.
    """
    hook = hook_layer_input if part == "layer" else hook_mlp_input
    leaves: list[Tensor] = []

    def make_leaf(states: Tensor) -> Tensor:
        states = states.detach().clone()
        if change is not None:
            states[0] = change(states[0])
        leaves.append(states.requires_grad_())
        return states

    with differentiable(loaded.model), hook(loaded.model, layer, make_leaf):
        values = targets(final_states(loaded, inputs, ids))
        states = at_least_float32(leaves[0].detach()[0])
        return [
            score(states, at_least_float32(gradient[0]))
            for _, (gradient,) in _gradients_of_each(values, leaves)
        ]


def _gradients_of_each(
    targets: Tensor, leaves: Sequence[Tensor]
) -> Iterator[tuple[int, tuple[Tensor, ...]]]:
    """Each target's number and its gradients, one for each leaf."""
    for number in range(len(targets)):
        more = number + 1 < len(targets)
        yield (
            number,
            torch.autograd.grad(targets[number], leaves, retain_graph=more, materialize_grads=True),
        )
