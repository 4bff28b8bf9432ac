"""Visit the states and the attention of every decoder layer in one forward pass.

Each layer's states and weights are handed over while the model runs and are not kept, so memory
does not grow with the number of layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor

from seewhy.core.trace import Inputs
from seewhy.models.attention import (
    attention_weights,
    fast_attention,
    patched_attention,
    row_blocks,
    score_options,
)
from seewhy.models.decoder import final_states, hook_layer_input, layers_of
from seewhy.models.isolation import eval_mode
from seewhy.models.loading import Loaded

StatesVisitor = Callable[[int, Tensor], None]
"""Called with a depth and the states `[row, hidden]` there, in the model's dtype."""

AttentionVisitor = Callable[[int, Tensor], None]
"""Called with a layer and its weights `[row, position]`, the mean over heads, float32."""


def visit_layers(
    loaded: Loaded,
    inputs: Inputs,
    ids: Sequence[int],
    positions: Tensor,
    on_states: StatesVisitor,
    on_attention: AttentionVisitor | None = None,
    attending: Tensor | None = None,
) -> None:
    """Run a prompt and an answer through a model, and hand over what each layer has.

    Depth 0 are the embeddings, depth l the states that enter the next layer after the l-th, and the
    last depth, the number of layers, the final states after the last norm: as the hidden states of
    transformers. Features that a family adds between layers (Qwen3-VL's DeepStack) are included.
    The pass itself uses sdpa; layers whose class has another attention function are not visited.

    Args:
        loaded: the model.
        inputs: the prompt.
        ids: of the answer.
        positions: int64 `[row]`, whose states are handed over.
        on_states: called for each depth in ascending order.
        on_attention: called for each layer, counted from 0, in ascending order; None for none.
        attending: int64 `[row]`, the attending positions, for `on_attention`.

    Raises:
        UnsupportedModelError: if the model has no list of decoder layers.
    """
    layers = layers_of(loaded.model)

    def visit(depth: int, states: Tensor) -> Tensor:
        on_states(depth, states[0, positions.to(states.device)])
        return states

    def attend(
        module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **keywords: Any
    ) -> Any:
        assert on_attention is not None  # patched in only with a visitor
        options = score_options(keywords)
        # In blocks of rows: the weights of all heads need much more memory than their mean.
        means = [
            attention_weights(query, key, mask, rows=rows, **options)[0].mean(0).float()
            for rows in row_blocks(query, key, attending)
        ]
        on_attention(module.layer_idx, torch.cat(means))
        return fast_attention(module, query, key, value, mask, **keywords)

    patched = nullcontext() if on_attention is None else patched_attention(loaded.model, attend)
    with eval_mode(loaded.model), patched, ExitStack() as stack:
        for depth in range(len(layers)):
            stack.enter_context(hook_layer_input(loaded.model, depth, partial(visit, depth)))
        final = final_states(loaded, inputs, ids)
        on_states(len(layers), final[positions.to(final.device)])
