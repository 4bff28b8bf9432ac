"""Gradients of targets with respect to attention and to hidden states.

Nothing here keeps the graph of more than one decoder layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor

from seewhy.core.errors import ModelError
from seewhy.core.trace import Inputs
from seewhy.functional.rollout import Rollout
from seewhy.models.attention import (
    attention_output,
    attention_weights,
    expect_attending,
    expect_captured,
    fast_attention,
    patched_attention,
    score_options,
)
from seewhy.models.chunked_attention import chunked_attention, differentiable_attention
from seewhy.models.decoder import (
    at_least_float32,
    decoder_of,
    final_norm_of,
    final_states,
    hook_layer_input,
    hook_mlp_input,
    layer_at,
    layers_of,
    wide_dtype,
)
from seewhy.models.isolation import eval_mode
from seewhy.models.layer_tape import LayerTape
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


def attention_gradient_rollout(
    loaded: Loaded,
    inputs: Inputs,
    ids: Sequence[int],
    targets: Callable[[Tensor], Tensor],
    starts: Tensor,
    step: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    r"""Relevance of targets, propagated through steps of attention and its gradients.

    $$r \leftarrow r + r A^{(l)}$$

    with the highest layer first and $A^{(l)}$ the step of layer l. One forward pass for all, one
    backward pass for each, through one layer after the other. Of one layer at a time, some rows of
    attention and of its gradients are in memory.

    Args:
        loaded: the model.
        inputs: the prompt.
        ids: of the answer.
        targets: from final states `[position, hidden]` to the explained scores `[token]`.
        starts: int64 `[token]`, the position at which each target's relevance begins.
        step: from a layer's attention weights and a target's gradients, at least float32
            `[head, row, position]`, of some rows, to the step `[row, position]`.

    Returns:
        `[token, position]` on the CPU, without what stays at the start.

    Raises:
        UnsupportedModelError: as `attention_rows`.
    """
    tape, attending = LayerTape(), set[int]()
    rollouts = list[Rollout]()
    current = 0

    def visit(rows: Tensor, weights: Tensor, gradients: Tensor) -> None:
        rollouts[-1].add(current, rows, step(weights, gradients))

    def attend(module: Any, *arguments: Any, **keywords: Any) -> Any:
        attending.add(module.layer_idx)
        return chunked_attention(module, *arguments, visit=visit, **keywords)

    def start_target(index: int) -> None:
        nonlocal current
        current = index

    with differentiable(loaded.model), patched_attention(loaded.model, attend):
        with tape.recording(loaded.model):
            final = final_states(loaded, inputs, ids)
        for layer in range(len(layers_of(loaded.model))):
            expect_attending(attending, layer, loaded)
        values, place = targets(final), {"dtype": wide_dtype(final), "device": final.device}
        for numbers in tape.chunks(values):
            rollout = Rollout(starts[numbers], len(final), 1.0, 1.0, **place)
            rollouts.append(rollout)
            tape.gradients(values, numbers.tolist(), each=start_target, end=rollout.end_layer)
    return torch.cat([rollout.relevance().cpu() for rollout in rollouts])


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
    pass through a single layer for each layer, before the next layer runs.

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
    results: dict[int, Tensor] = {}
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

    def finish(layer: int, normed: Tensor) -> None:
        weights = expect_captured(captured, layer, loaded)
        values = targets(normed)
        (gradient,) = torch.autograd.grad(values.sum(), weights, materialize_grads=True)
        results[layer] = score(weights.detach()[0], gradient[0])
        del captured[layer]

    def cut(layer: int, states: Tensor) -> Tensor:
        finish(layer, norm(states[0]))
        return states.detach()  # the graph of each layer ends here

    with ExitStack() as stack:
        stack.enter_context(differentiable(loaded.model))
        stack.enter_context(patched_attention(loaded.model, attend))
        for layer in layers:
            if layer != last:
                stack.enter_context(hook_layer_input(loaded.model, layer + 1, partial(cut, layer)))
        final = final_states(loaded, inputs, ids)
        if last in layers:
            finish(last, final)
        return [results[layer] for layer in layers]


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

    One forward pass for all, one backward pass for each, through one layer after the other: see
    `LayerTape`.

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
    lowest = layer_at(loaded.model, layer)
    tape, leaves = LayerTape(lowest), list[Tensor]()

    def changed(states: Tensor) -> Tensor:
        states = states.detach().clone()
        if change is not None:
            states[0] = change(states[0])
        return states

    def make_leaf(states: Tensor) -> Tensor:
        leaves[:] = [changed(states).requires_grad_()]
        return leaves[0]

    with ExitStack() as stack:
        stack.enter_context(differentiable(loaded.model))
        if decoder_of(loaded.model).config._attn_implementation == "eager":
            stack.enter_context(patched_attention(loaded.model, differentiable_attention))
        if part == "mlp":
            stack.enter_context(hook_mlp_input(loaded.model, lowest, make_leaf))
        elif change is not None:
            stack.enter_context(hook_layer_input(loaded.model, lowest, changed))
        with tape.recording(loaded.model):
            values = targets(final_states(loaded, inputs, ids))
        results = []
        for numbers in tape.chunks(values):
            leaf = None if part == "layer" else lambda: leaves[0]
            gradients = tape.gradients(values, numbers.tolist(), leaf=leaf)
            states = tape.calls[0].entered if part == "layer" else leaves[0]
            states = at_least_float32(states.detach()[0])
            while gradients:
                results.append(score(states, at_least_float32(gradients.pop(0)[0])))
        return results
