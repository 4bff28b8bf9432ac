"""Keep queries, keys and values of some positions while a model runs, in place of weights.

Only rows of queries are copied; keys and values are the cache's own tensors. So memory grows with
the number of rows and with the cache, never with the square of the positions.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from seewhy.core.captured_attention import CapturedAttention, CapturedLayer
from seewhy.core.trace import Inputs
from seewhy.models.attention import fast_attention, patched_attention
from seewhy.models.batching import Batch
from seewhy.models.decoder import at_least_float32
from seewhy.models.isolation import current_call, of_this_call
from seewhy.models.loading import Loaded
from seewhy.models.residual_stream import ResidualStream, residual_stream


def attending_positions(inputs: Inputs, pad: int, *others: Tensor) -> Tensor:
    """int64 `[row]`, padding included: every position of a prompt that is no visual token.

    Also the positions that predict the prompt's words and the answer's first token: they may be
    visual tokens.

    Args:
        inputs: of one prompt.
        pad: number of padding positions before it.
        others: further positions, padding included.
    """
    text = torch.ones(inputs.length, dtype=torch.bool)
    text[inputs.visual_positions] = False
    text[-1] = True
    predicting = (inputs.prompt_positions - 1).clamp_min(0)
    return torch.cat([text.nonzero()[:, 0] + pad, predicting + pad, *others]).unique()


@dataclass(eq=False)
class _Positions:
    """Keys or values of one layer, `[batch, group, position, dim]`, collected over the passes.

    A growing cache passes all positions at each step: the latest tensor has everything. A cache of
    fixed size passes a buffer that it overwrites, and a sliding one only the latest positions: then
    the new positions of each pass are kept.
    """

    parts: list[Tensor] = field(default_factory=list)

    def add(self, tensor: Tensor, begin: int, end: int) -> None:
        """Add a pass over the positions from `begin` to `end`."""
        length = tensor.shape[2]
        if length == end and len(self.parts) <= 1 and not _is_buffer(tensor):
            self.parts = [tensor]
        else:
            new = slice(begin, end) if length > end else slice(length - (end - begin), length)
            self.parts.append(tensor[:, :, new].clone())

    def of(self, row: int, pad: int) -> Tensor:
        """`[group, position, dim]` of one prompt, without its padding."""
        parts = [part[row] for part in self.parts]
        joined = parts[0] if len(parts) == 1 else torch.cat(parts, 1)
        return joined[:, pad:]


def _is_buffer(tensor: Tensor) -> bool:
    """Whether a tensor was written into, as the buffer of a cache of fixed size."""
    return tensor.is_inference() or tensor._version > 0


MaskRows = Callable[[int], Tensor]
"""From a number of positions to the mask `[row, position]` of some rows."""


@dataclass(eq=False)
class _Rows:
    """What is kept of one layer and one prompt, a list entry for each pass with rows in it."""

    queries: list[Tensor] = field(default_factory=list)
    masks: list[MaskRows] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    attended: list[Tensor] = field(default_factory=list)


@dataclass(eq=False)
class _Layer:
    """What is kept of one layer; `seen` is the number of positions in all passes so far."""

    rows: list[_Rows]
    keys: _Positions = field(default_factory=_Positions)
    values: _Positions = field(default_factory=_Positions)
    options: dict[str, Any] = field(default_factory=dict)
    seen: int = 0


@dataclass(frozen=True, eq=False)
class _Pass:
    """A pass over the positions from `begin` to `end`; all layers share it.

    Attributes:
        positions: for each prompt int64, the kept positions in the pass.
        masks: those of the layers so far: mask, first key and window, and each prompt's rows.
    """

    begin: int
    end: int
    positions: tuple[Tensor, ...]
    masks: list[tuple[Any, int, Any, list[MaskRows]]] = field(default_factory=list)

    def rows_of(self, states: Tensor, row: int) -> Tensor:
        """A copy of a prompt's kept rows of states `[position, ...]`."""
        kept = self.positions[row]
        if len(kept) == len(states):  # each step of generation; much faster
            return states.clone()
        return states[(kept - self.begin).to(states.device)]

    def masks_of(self, mask: Tensor | None, key: int, window: int | None) -> list[MaskRows]:
        """Each prompt's rows of a layer's mask, the same objects for layers of the same mask.

        Args:
            mask: as for `_mask_of`.
            key: the position of the first key.
            window: of a sliding layer, or None.
        """
        for known, *span, rows in self.masks:
            if known is mask and span == [key, window]:
                return rows
        rows = [
            _mask_of(mask, row, kept, (self.begin, key), window)
            for row, kept in enumerate(self.positions)
        ]
        self.masks.append((mask, key, window, rows))
        return rows


class AttentionHooks:
    """Keep what attention needs at some positions of each prompt of a batch.

    Args:
        positions: for each prompt int64, the positions, padding included, in any order.
        stream: of the model.
    """

    def __init__(self, positions: Sequence[Tensor], stream: ResidualStream) -> None:
        self._positions = [row.unique() for row in positions]
        self._sorted = [row.tolist() for row in self._positions]
        self._stream = stream
        self._numbers = {branch.attention: n for n, branch in enumerate(stream.branches)}
        self._layers = [_Layer([_Rows() for _ in positions]) for _ in stream.branches]
        self._last: list[list[Tensor]] = [[] for _ in positions]
        self._passed = 0
        self._call: object | None = None
        self._pass = _Pass(0, 0, ())

    @staticmethod
    def of(loaded: Loaded, rows: Sequence[Inputs], prompts: Batch, answers: int) -> AttentionHooks:
        """Hooks for every position of text.

        Args:
            loaded: the model.
            rows: the prompts.
            prompts: the batch of them.
            answers: the largest number of tokens of an answer.

        Raises:
            UnsupportedModelError: as `residual_stream`.
        """
        following = torch.arange(prompts.length, prompts.length + answers)
        positions = [
            attending_positions(row, pad, following)
            for row, pad in zip(rows, prompts.pads, strict=True)
        ]
        return AttentionHooks(positions, residual_stream(loaded.model))

    @contextmanager
    def attached(self, model: Any) -> Iterator[None]:
        """Attach to the model. Other hooks of this call must be attached inside of this block."""
        with ExitStack() as stack:
            stack.enter_context(patched_attention(model, self._attend))
            self._call = current_call()
            for number, branch in enumerate(self._stream.branches):
                projection = branch.output_projection
                hook = of_this_call(self._keep_outputs(number))
                stack.callback(projection.register_forward_pre_hook(hook).remove)
            last = of_this_call(self._keep_last)
            stack.callback(self._stream.norm.register_forward_pre_hook(last).remove)
            yield

    def captured(
        self, row: int, inputs: Inputs, pad: int, answer: Sequence[int]
    ) -> CapturedAttention:
        """What was kept of one prompt and its answer, whose last token predicts nothing.

        Args:
            row: the prompt's index in the batch.
            inputs: the prompt.
            pad: number of padding positions before it.
            answer: the answer's ids.
        """
        length = inputs.length + len(answer) - 1
        positions = self._positions[row] - pad
        kept = int((positions < length).sum())
        masks = self._masks(row, pad, length, kept)
        layers = [
            self._captured_layer(layer, row, pad, mask, kept)
            for layer, mask in zip(self._layers, masks, strict=True)
        ]
        last = torch.cat(self._last[row])[:kept]
        return CapturedAttention(positions[:kept], tuple(layers), last)

    def _masks(self, row: int, pad: int, length: int, kept: int) -> list[Tensor]:
        """Each layer's mask `[kept, length]`; layers of the same mask share one tensor."""
        joined: dict[tuple[Any, ...], Tensor] = {}
        masks = []
        for layer in self._layers:
            parts, device = layer.rows[row].masks, layer.rows[row].queries[0].device
            known = device, *parts
            if known not in joined:
                whole = _joined([part(pad + length).to(device) for part in parts])
                joined[known] = whole[:kept, pad:]
            masks.append(joined[known])
        return masks

    def _captured_layer(
        self, layer: _Layer, row: int, pad: int, mask: Tensor, kept: int
    ) -> CapturedLayer:
        rows, options = layer.rows[row], layer.options
        sinks = options.get("s_aux")
        queries = torch.cat(rows.queries)[:kept]
        length = mask.shape[1]
        scaling = options.get("scaling")
        return CapturedLayer(
            queries=queries,
            keys=layer.keys.of(row, pad)[:, :length],
            values=layer.values.of(row, pad)[:, :length],
            mask=mask,
            outputs=torch.cat(rows.outputs)[:kept],
            scaling=queries.shape[-1] ** -0.5 if scaling is None else scaling,
            softcap=options.get("softcap"),
            sinks=None if sinks is None else sinks.detach(),
            gates=_gates(rows, kept),
        )

    def _attend(
        self, module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **keywords: Any
    ) -> Any:
        # A call within this one, such as from a stopping criterion, is not captured.
        number = self._numbers.get(module) if current_call() is self._call else None
        if number is not None:
            layer = self._layers[number]
            begin, layer.seen = layer.seen, layer.seen + query.shape[2]
            layer.options = keywords
            layer.keys.add(key, begin, layer.seen)
            layer.values.add(value, begin, layer.seen)
            window = keywords.get("sliding_window")
            current = self._pass_over(begin, layer.seen)
            masks = current.masks_of(mask, max(0, layer.seen - key.shape[2]), window)
            for row, rows in enumerate(layer.rows):
                if len(current.positions[row]):
                    rows.queries.append(current.rows_of(query[row].transpose(0, 1), row))
                    rows.masks.append(masks[row])
        output = fast_attention(module, query, key, value, mask, **keywords)
        if number is not None and self._stream.branches[number].gated:
            layer = self._layers[number]
            self._keep(output[0], layer.seen, [rows.attended for rows in layer.rows])
        return output

    def _pass_over(self, begin: int, end: int) -> _Pass:
        """The pass over these positions, which all layers share."""
        if (self._pass.begin, self._pass.end) != (begin, end):
            inside = tuple(
                positions[bisect_left(selected, begin) : bisect_left(selected, end)]
                for positions, selected in zip(self._positions, self._sorted, strict=True)
            )
            self._pass = _Pass(begin, end, inside)
        return self._pass

    def _keep_outputs(self, number: int) -> Callable[..., None]:
        """A pre-hook of a layer's output projection."""

        def keep(module: Any, arguments: Any) -> None:
            layer, states = self._layers[number], arguments[0]
            self._keep(states, layer.seen, [rows.outputs for rows in layer.rows])

        return keep

    def _keep_last(self, module: Any, arguments: Any) -> None:
        """A pre-hook of the final norm."""
        self._passed += arguments[0].shape[1]
        self._keep(arguments[0], self._passed, self._last)

    def _keep(self, states: Tensor, end: int, targets: Sequence[list[Tensor]]) -> None:
        """Keep the rows of states `[batch, position, ...]` of a pass that ends at `end`."""
        current = self._pass_over(end - states.shape[1], end)
        for row, kept in enumerate(targets):
            if len(current.positions[row]):
                kept.append(current.rows_of(states[row], row).flatten(1))


def _gates(rows: _Rows, kept: int) -> Tensor | None:
    """By what the heads' outputs were multiplied before the projection; None without gates."""
    if not rows.attended:
        return None
    attended = at_least_float32(torch.cat(rows.attended)[:kept])
    outputs = at_least_float32(torch.cat(rows.outputs)[:kept])
    return torch.where(attended == 0, torch.zeros_like(outputs), outputs / attended)


def _joined(masks: Sequence[Tensor]) -> Tensor:
    """Masks of several passes, one after another; numbers to add if one of them has numbers."""
    kinds = {mask.dtype for mask in masks}
    if torch.bool in kinds and len(kinds) > 1:
        dtype = max(kinds - {torch.bool}, key=lambda kind: kind.itemsize)
        masks = [_as_numbers(mask, dtype) if mask.dtype == torch.bool else mask for mask in masks]
    return torch.cat(list(masks))


def _as_numbers(mask: Tensor, dtype: torch.dtype) -> Tensor:
    return torch.zeros_like(mask, dtype=dtype).masked_fill(~mask, torch.finfo(dtype).min)


def _mask_of(
    mask: Tensor | None, row: int, inside: Tensor, span: tuple[int, int], window: int | None
) -> MaskRows:
    """A function from a number of positions to the mask `[row, position]` of some rows.

    Args:
        mask: of the pass, `[batch, 1, query, key]`; or None, or of other axes: then rows attend to
            all positions up to their own, or to the last `window` of them.
        row: the prompt's index in the batch.
        inside: int64, the rows' positions.
        span: the positions of the pass's first query and of its first key.
        window: of a sliding layer, or None.
    """
    query, key = span
    kept = None
    if mask is not None and mask.ndim == 4:
        kept = mask[min(row, len(mask) - 1), 0][(inside - query).to(mask.device)]

    def rows(total: int) -> Tensor:
        if kept is None:
            distance = inside[:, None] - torch.arange(total)
            near = (distance >= 0) & (torch.arange(total) >= key)
            return near & (distance < window) if window else near
        blocked = False if kept.dtype == torch.bool else torch.finfo(kept.dtype).min
        result = kept.new_full((len(kept), max(total, key + kept.shape[1])), blocked)
        result[:, key : key + kept.shape[1]] = kept
        return result[:, :total]

    return rows


def attached(hooks: AttentionHooks | None, model: Any) -> AbstractContextManager[None]:
    """The hooks' context, or one that does nothing."""
    return nullcontext() if hooks is None else hooks.attached(model)
