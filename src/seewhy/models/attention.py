"""Attention of the language model: recompute its weights, or replace its computation."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor

from seewhy.core.errors import UnsupportedModelError
from seewhy.core.trace import Inputs
from seewhy.functional.attention_scores import weights_of_scores
from seewhy.functional.rollout import Rollout
from seewhy.models.decoder import decoder_of, final_states, layers_of
from seewhy.models.isolation import eval_mode, exclusive
from seewhy.models.loading import Loaded

AttentionFunction = Callable[..., tuple[Tensor, None]]
"""An attention function as transformers calls it: (module, query, key, value, mask, **keywords)."""

BLOCK = 8 << 20
"""Numbers in the weights of one block of rows, of all heads: 8 million floats are 32 MB."""

SWITCH = "seewhy"
"""The name under which `_attend` is registered in transformers."""

_ATTEND: ContextVar[AttentionFunction] = ContextVar("attend")


@contextmanager
def patched_attention(model: Any, attend: AttentionFunction) -> Iterator[None]:
    """Let the language model attend through `attend`; the vision tower is not changed.

    Masks have the form of transformers' sdpa: bool, True where a query may attend, or None for a
    causal mask; a model set to eager may also pass numbers to add to the scores.
    """
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(SWITCH, _attend)
    AttentionMaskInterface.register(SWITCH, sdpa_mask)
    config = decoder_of(model).config
    with exclusive(model):
        original, token = config._attn_implementation, _ATTEND.set(attend)
        try:
            config._attn_implementation = SWITCH
            yield
        finally:
            config._attn_implementation = original
            _ATTEND.reset(token)


def _attend(*arguments: Any, **keywords: Any) -> tuple[Tensor, None]:
    """Call the function that this thread patched in; other threads use `fast_attention`."""
    return _ATTEND.get(fast_attention)(*arguments, **keywords)


def fast_attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **keywords: Any
) -> tuple[Tensor, None]:
    """Attention through sdpa, or in blocks of rows for soft caps and sinks, which sdpa lacks."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if is_beyond_sdpa(keywords):
        options = score_options(keywords)
        outputs = [
            attention_output(attention_weights(query, key, mask, rows=rows, **options), value)[0]
            for rows in row_blocks(query, key)
        ]
        return torch.cat(outputs, 1), None
    return sdpa_attention_forward(module, query, key, value, mask, **keywords)


def is_beyond_sdpa(keywords: Mapping[str, Any]) -> bool:
    """Whether an attention function's keyword arguments ask for a soft cap or for sinks."""
    return keywords.get("softcap") is not None or keywords.get("s_aux") is not None


def row_blocks(query: Tensor, key: Tensor, rows: Tensor | None = None) -> tuple[Tensor, ...]:
    """Rows in blocks, so that the weights of all heads of a block are about `BLOCK` numbers.

    Args:
        query: `[batch, head, position, dim]`.
        key: `[batch, group, position, dim]`.
        rows: int64 `[row]`, which queries; all if None.
    """
    rows = torch.arange(query.shape[2]) if rows is None else rows
    size = BLOCK // (query.shape[0] * query.shape[1] * key.shape[2])
    return rows.to(query.device).split(max(1, size))


def score_options(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The keyword arguments of an attention function that `attention_weights` takes."""
    return {
        "scaling": keywords.get("scaling"),
        "softcap": keywords.get("softcap"),
        "sinks": keywords.get("s_aux"),
    }


def attention_weights(
    query: Tensor,
    key: Tensor,
    mask: Tensor | None,
    *,
    scaling: float | None = None,
    softcap: float | None = None,
    sinks: Tensor | None = None,
    rows: Tensor | None = None,
) -> Tensor:
    r"""Attention weights of some queries, as in the eager functions of transformers.

    $$A = \mathrm{softmax}(c \tanh(s\, q k^T / c) + m)$$

    With attention sinks, each head's logit is one more term of the softmax's denominator.

    Args:
        query: `[batch, head, position, dim]`.
        key: `[batch, group, position, dim]`; heads share the keys of their group.
        mask: bool `[batch, 1, position, position]`, or numbers to add, or None for causal.
        scaling: s; the root of 1 / dim if None.
        softcap: c, or None if scores are not capped.
        sinks: `[head]`, the logits of attention sinks, or None.
        rows: int64 `[row]`, which queries; all if None.

    Returns:
        float32 `[batch, head, row, position]`, float64 for a float64 model; rows sum to 1, or to
        less with sinks.
    """
    rows = torch.arange(query.shape[2], device=query.device) if rows is None else rows
    wide = torch.promote_types(query.dtype, torch.float32)
    key = key.repeat_interleave(query.shape[1] // key.shape[1], 1)
    scores = query[:, :, rows].to(wide) @ key.to(wide).transpose(2, 3)
    scores = scores * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    if mask is None:
        # As in sdpa: a single query attends to all keys, which a cache collected. Of several the
        # first is at the first key; a cache of fixed size may have room after the last.
        earlier = key.shape[2] - 1 if query.shape[2] == 1 else 0
        mask = torch.arange(key.shape[2], device=rows.device) <= rows[:, None] + earlier
    else:
        mask = mask[:, :, rows]
    return weights_of_scores(scores, mask, softcap=softcap, sinks=sinks)


def attention_output(weights: Tensor, value: Tensor) -> tuple[Tensor, None]:
    """An attention function's output: `[batch, position, head, dim]` in the model's dtype."""
    value = value.repeat_interleave(weights.shape[1] // value.shape[1], 1)
    return (weights.to(value.dtype) @ value).transpose(1, 2).contiguous(), None


def attention_rows(
    loaded: Loaded,
    inputs: Inputs,
    ids: Sequence[int],
    positions: Tensor,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
) -> Tensor:
    """Attention from some positions, mean over heads, recomputed in a forward pass.

    The pass itself uses sdpa; only the weights of these rows are computed in addition.

    Args:
        loaded: the model.
        inputs: the prompt.
        ids: of the answer.
        positions: int64 `[row]`, the attending positions.
        layers: counted from 0, in ascending order; all if None.
        heads: counted from 0, over which the mean is taken; all if None.

    Returns:
        float32 `[layer, row, position]` on the CPU, each row sums to 1.

    Raises:
        UnsupportedModelError: if a layer does not use transformers' attention functions.
    """
    layers = range(len(layers_of(loaded.model))) if layers is None else layers
    captured: dict[int, Tensor] = {}
    chosen = slice(None) if heads is None else list(heads)

    def attend(
        module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **keywords: Any
    ) -> Any:
        options = score_options(keywords)
        if module.layer_idx in layers:
            # In blocks of rows: the weights of all heads need much more memory than their mean.
            blocks = [
                attention_weights(query, key, mask, rows=rows, **options)[0, chosen]
                .mean(0)
                .float()
                .cpu()
                for rows in row_blocks(query, key, positions)
            ]
            captured[module.layer_idx] = torch.cat(blocks)
        return fast_attention(module, query, key, value, mask, **keywords)

    with eval_mode(loaded.model), patched_attention(loaded.model, attend):
        final_states(loaded, inputs, ids)
    return torch.stack([expect_captured(captured, layer, loaded) for layer in layers])


def expect_captured(captured: dict[int, Tensor], layer: int, loaded: Loaded) -> Tensor:
    """The weights captured from a decoder layer, or `UnsupportedModelError`."""
    expect_attending(captured, layer, loaded)
    return captured[layer]


def expect_attending(attending: Container[int], layer: int, loaded: Loaded) -> None:
    """Raise `UnsupportedModelError` if a decoder layer is not among those that attended."""
    if layer not in attending:
        raise UnsupportedModelError(
            f"Expected decoder layer {layer} of {loaded.name} to attend through transformers' "
            "attention functions, got no call: its class has another attention; choose a method "
            "that needs no attention."
        )


def attention_rollout(
    loaded: Loaded, inputs: Inputs, ids: Sequence[int], starts: Tensor, keep: float, mix: float
) -> Tensor:
    r"""Relevance of some positions by attention's mean over heads: r <- keep r + mix r A.

    One forward pass keeps queries and keys; then the highest layer comes first, and of one layer at
    a time some rows of attention are in memory.

    Args:
        loaded: the model.
        inputs: the prompt.
        ids: of the answer.
        starts: int64 `[row]`, where each row's relevance begins.
        keep, mix: the shares of the identity and of attention.

    Returns:
        float32 `[row, position]` on the CPU, without what stays at the start.

    Raises:
        UnsupportedModelError: if a layer does not use transformers' attention functions.
    """
    kept: dict[int, tuple[Any, ...]] = {}

    def attend(
        module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **keywords: Any
    ) -> Any:
        kept[module.layer_idx] = query, key, mask, score_options(keywords)
        return fast_attention(module, query, key, value, mask, **keywords)

    with eval_mode(loaded.model):
        with patched_attention(loaded.model, attend):
            final = final_states(loaded, inputs, ids)
        rollout = Rollout(starts, len(final), keep, mix, device=final.device)
        for layer in reversed(range(len(layers_of(loaded.model)))):
            expect_attending(kept, layer, loaded)
            query, key, mask, options = kept.pop(layer)
            for rows in row_blocks(query, key):
                if rollout.reached(rows):
                    weights = attention_weights(query, key, mask, rows=rows, **options)
                    rollout.add(slice(None), rows, weights[0].mean(0).float())
            rollout.end_layer()
        return rollout.relevance().cpu()
