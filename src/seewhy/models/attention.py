"""Attention of the language model: recomputed beside its fast kernel, or replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor

from seewhy.core.errors import UnsupportedModelError
from seewhy.core.trace import Inputs
from seewhy.models.decoder import decoder_of, final_states, layers_of
from seewhy.models.isolation import eval_mode, exclusive
from seewhy.models.loading import Loaded

AttentionFunction = Callable[..., tuple[Tensor, None]]
"""An attention function as transformers calls it: (module, query, key, value, mask, **keywords)."""


ROWS = 256
"""Rows of attention, of all heads, that are worked out at a time."""


SWITCH = "seewhy"
"""The name under which `attending` is known to transformers."""


_ATTEND: ContextVar[AttentionFunction] = ContextVar("attend")


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
    with exclusive(model):
        own, token = config._attn_implementation, _ATTEND.set(attend)
        try:
            config._attn_implementation = SWITCH
            yield
        finally:
            config._attn_implementation = own
            _ATTEND.reset(token)


def _attend(*arguments: Any, **keywords: Any) -> tuple[Tensor, None]:
    """What was patched in by this thread; another one that runs the model attends as ever."""
    return _ATTEND.get(fast_attention)(*arguments, **keywords)


def fast_attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **keywords: Any
) -> tuple[Tensor, None]:
    """Attention through sdpa, or in full where scores are capped, which sdpa cannot."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if keywords.get("softcap") is not None:
        how = {name: keywords.get(name) for name in ("scaling", "softcap")}
        return attention_output(attention_weights(query, key, mask, **how), value)
    return sdpa_attention_forward(module, query, key, value, mask, **keywords)


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
        return fast_attention(module, query, key, value, mask, **keywords)

    with eval_mode(loaded.model), patched_attention(loaded.model, attend):
        final_states(loaded, inputs, ids)
    return torch.stack([expect_captured(found, layer, loaded) for layer in wanted])


def expect_captured(found: dict[int, Tensor], layer: int, loaded: Loaded) -> Tensor:
    """What was captured of a decoder layer, or `UnsupportedModelError`."""
    if layer not in found:
        raise UnsupportedModelError(
            f"Expected decoder layer {layer} of {loaded.name} to attend through transformers' "
            "attention functions, got no call: it has its own way of attending, choose a method "
            "that does not look at attention."
        )
    return found[layer]
