"""The model's own way from final states to logits, and the rows of its head that are asked for.

Heads may be tied, quantised to 8 or 4 bits, on another device or on disk; logits may be scaled and
capped on their way out. Which of the config's factors a class really applies is not believed but
compared with logits that the model made itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from seewhy.core.errors import ModelError

#: Names under which text configs hold a factor of the logits, and how it enters.
FACTORS: dict[str, Callable[[float], float]] = {
    "logit_scale": lambda factor: factor,  # Cohere
    "logits_scaling": lambda factor: 1 / factor,  # Granite
    "lm_head_multiplier": lambda factor: factor,  # Falcon-H1
}
SOFTCAP = "final_logit_softcapping"  # Gemma

#: How far our logits may be from the model's own, as a share of the largest: rounding of half
#: precision, and of 8 and 4 bit products, which may round their inputs differently in a batch.
TOLERANCE = 0.03


@dataclass(frozen=True, eq=False)
class Unembedding:
    """From final states to logits: `cap tanh(scale (W h + b) / cap)`.

    Attributes:
        module: the unembedding, `W` and `b`.
        scale: 1 where the model's logits are its head's output.
        softcap: None where they are not capped.
    """

    module: Any
    scale: float = 1.0
    softcap: float | None = None

    def __call__(self, states: Tensor) -> Tensor:
        """The model's own logits for final states: `[..., hidden]` to `[..., vocab]`."""
        logits = self.module(states)
        logits = logits if self.scale == 1 else logits * self.scale
        return logits if self.softcap is None else self.softcap * (logits / self.softcap).tanh()

    def rows(self, ids: Tensor) -> tuple[Tensor, Tensor | None]:
        """Unembedding rows `[token, hidden]` and biases `[token]`, the scale put into both.

        Only these rows are brought from wherever the head lies, and made floating point.

        Args:
            ids: int64 `[token]`.
        """
        # In its first pass bitsandbytes' 8-bit layer takes the scales from its weight.
        scales = getattr(getattr(self.module, "state", None), "SCB", None)
        with torch.no_grad(), present(self.module) as weight:
            rows = dequantized_rows(weight, ids, scales)
            bias = getattr(self.module, "bias", None)
            biases = None if bias is None else bias.detach()[ids.to(bias.device)].clone()
        if self.scale != 1:
            rows = rows * self.scale
            biases = None if biases is None else biases * self.scale
        return rows, biases


_HEADS: WeakKeyDictionary[Any, Unembedding] = WeakKeyDictionary()


def backbone_of(model: Any) -> Any:
    """The module whose output are the final states, after the last norm.

    The base model; where a class has none (Llama 4), the language model's decoder.

    Raises:
        ModelError: if the model has neither.
    """
    body = model.base_model
    while body is not None and getattr(body, "get_output_embeddings", lambda: None)() is not None:
        inner = getattr(body, "get_decoder", lambda: None)()
        body = getattr(body, "model", None) if inner is body else inner
    if body is None:
        raise ModelError(
            f"Expected a model with a base model and a head, got {type(model).__name__}: load it "
            "with AutoModelForImageTextToText."
        )
    return body


def unembedding_layer(model: Any) -> Any:
    """The unembedding module.

    Raises:
        ModelError: if the model has none.
    """
    module = model.get_output_embeddings()
    if module is None:
        raise ModelError(
            f"Expected a model with a base model and a head, got {type(model).__name__}: load it "
            "with AutoModelForImageTextToText."
        )
    return module


def unembedding_size(model: Any) -> int:
    """How many ids the head knows; it may be padded beyond the tokenizer's."""
    module = unembedding_layer(model)
    return int(getattr(module, "out_features", 0) or module.weight.shape[0])


def infer_unembedding(model: Any, state: Tensor, logits: Tensor) -> Unembedding:
    """The head whose logits are the model's own, told from a state and the logits it led to.

    Args:
        model: whose head it is.
        state: `[hidden]`, a final state.
        logits: `[vocab]`, what the model made of it.

    Raises:
        ModelError: if no scale or cap that the config names explains the model's logits.
    """
    if model in _HEADS and _HEADS[model].module is unembedding_layer(model):
        return _HEADS[model]
    module, config = unembedding_layer(model), model.config
    texts = [config, config.get_text_config()]
    held = {
        (name, float(value))
        for text in texts
        for name in (*FACTORS, SOFTCAP)
        if isinstance(value := getattr(text, name, None), int | float) and value
    }
    caps = [None, *(value for name, value in held if name == SOFTCAP)]
    scales = sorted({1.0, *(FACTORS[name](value) for name, value in held if name in FACTORS)})
    best, miss = Unembedding(module), math.inf
    wanted = logits.float()
    with torch.no_grad():
        for scale, cap in product(scales, caps):
            candidate = Unembedding(module, scale, cap)
            off = (candidate(state[None])[0].float().to(wanted.device) - wanted).abs().max()
            off = float(off / wanted.abs().max().clamp_min(1e-9))
            if off < miss:
                best, miss = candidate, off
    if not miss <= TOLERANCE and bool(wanted.isfinite().all()):
        raise ModelError(
            f"Expected logits of {type(model).__name__} to be its head's output, scaled and capped "
            f"as its config says ({dict(held) or 'it says neither'}), got logits that differ by "
            f"{miss:.0%} of the largest: this class transforms its output in a way that is not "
            "known here, so no lens can be true to it."
        )
    if miss <= TOLERANCE:
        _HEADS[model] = best
    return best


def cached_unembedding(model: Any) -> Unembedding:
    """The head as `infer_unembedding` told it; before any logits were heard, the plain one."""
    known = _HEADS.get(model)
    return (
        known
        if known is not None and known.module is unembedding_layer(model)
        else Unembedding(unembedding_layer(model))
    )


@contextmanager
def present(module: Any) -> Iterator[Any]:
    """The module's weight where it can be read, brought from disk or main memory if it is away."""
    if module.weight.device.type != "meta":
        yield module.weight
        return
    from accelerate.utils import align_module_device

    with align_module_device(module):
        yield module.weight


def dequantized_rows(weight: Any, ids: Tensor, scales: Tensor | None = None) -> Tensor:
    """Some rows of a weight as floating point, whatever it is stored in: `[token, hidden]`.

    Quantised weights are those of bitsandbytes: 8 bit with a scale for each row, 4 bit in blocks
    of a flat code book. Only the rows asked for are brought to floating point.

    Args:
        weight: `[vocab, hidden]`, or packed.
        ids: int64 `[token]`.
        scales: of an 8-bit weight's rows `[vocab]`, where it does not hold them itself.

    Raises:
        ModelError: if it is stored in a way that is not known.
    """
    ids = ids.to(weight.device)
    # Asked first: four bits may be kept in a floating-point storage.
    if (state := getattr(weight, "quant_state", None)) is not None:
        return _four_bit(weight, state, ids)
    if weight.is_floating_point() and weight.itemsize > 1:
        return weight[ids].clone()
    held = getattr(weight, "SCB", None)
    held = scales if held is None else held
    if weight.dtype == torch.int8 and held is not None:
        # Row by row: the largest value of a row is 127.
        held = held.to(weight.device)
        return weight[ids].float() * (held[ids].float() / 127)[:, None]
    raise ModelError(
        f"Expected an unembedding in floating point, or one that bitsandbytes quantised, got "
        f"{type(weight).__name__} of {weight.dtype}: leave the head out of the quantisation "
        "(`llm_int8_skip_modules=['lm_head']` or your library's like)."
    )


def _four_bit(weight: Any, state: Any, ids: Tensor) -> Tensor:
    """Rows of a 4-bit weight: two values a byte, the first in the upper half.

    Blocks of `state.blocksize` values share a largest magnitude, which may be quantised itself.
    """
    hidden = state.shape[1]
    columns = torch.arange(hidden, device=ids.device)
    stored = weight.view(torch.uint8).flatten()
    if getattr(state, "packing_format_for_cpu", False):
        codes, magnitude = _repacked(stored, state, ids, columns)
        return (state.code[codes].float() * magnitude.float()).to(state.dtype)
    places = ids[:, None] * hidden + columns
    packed = stored[places // 2]
    codes = torch.where(places % 2 == 0, packed >> 4, packed & 0xF).long()
    blocks = places // state.blocksize
    largest = state.absmax
    if state.nested:
        inner = state.state2
        scales = inner.absmax[blocks // inner.blocksize]
        magnitude = inner.code[largest[blocks].long()] * scales + state.offset
    else:
        magnitude = largest[blocks]
    return (state.code[codes].float() * magnitude.float()).to(state.dtype)


def _repacked(stored: Tensor, state: Any, ids: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    """Codes and magnitudes `[token, hidden]` of a weight that a processor's kernel packed anew.

    On processors that multiply bfloat16, bitsandbytes rearranges a weight at its first pass: for
    each pair of columns, 32 rows in 32 bytes, the upper 16 rows in the upper halves of the bytes.
    """
    pairs = len(columns) // 2
    group = (ids[:, None] // 32) * pairs + columns // 2
    number = 2 * (ids[:, None] % 32) + columns % 2
    packed = stored[32 * group + number % 32]
    codes = torch.where(number < 32, packed & 0xF, packed >> 4).long()
    return codes, state.absmax.T[ids][:, columns // state.blocksize]
