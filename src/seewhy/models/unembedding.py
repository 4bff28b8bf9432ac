"""A model's unembedding: from final states to logits, and single rows of the matrix.

Unembeddings may be tied, quantised to 8 or 4 bits, on another device or on disk; logits may be
scaled and capped. Which factors of the config a class applies is tested: the result is compared
with the model's own logits.
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
from torch import Tensor, nn

from seewhy.core.errors import ModelError
from seewhy.models.adapters import base_layer
from seewhy.models.measured_rows import measured_rows

#: Names of a factor of the logits in text configs, and the scale that it means.
FACTORS: dict[str, Callable[[float], float]] = {
    "logit_scale": lambda factor: factor,  # Cohere
    "logits_scaling": lambda factor: 1 / factor,  # Granite
    "lm_head_multiplier": lambda factor: factor,  # Falcon-H1
}
SOFTCAP = "final_logit_softcapping"  # Gemma

#: Largest allowed distance from the model's own logits, as a share of the largest logit. Half
#: precision rounds, and 8 and 4 bit products may round their inputs differently in a batch.
TOLERANCE = 0.03


@dataclass(frozen=True, eq=False)
class Unembedding:
    """From final states to logits: `cap tanh(scale (W h + b) / cap)`.

    Attributes:
        module: the unembedding, `W` and `b`.
        scale: 1 if the model's logits are the module's output.
        softcap: None if logits are not capped.
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
        """Unembedding rows `[token, hidden]` and biases `[token]`, multiplied by the scale.

        Only these rows are loaded and converted to floating point. Those of a layer with an adapter
        are what the layer multiplies with, adapter and all.

        Args:
            ids: int64 `[token]`.

        Raises:
            ModelError: if the rows can neither be read nor measured.
        """
        if is_read(self.module):
            rows, biases = read_rows(self.module, ids)
        else:
            rows, biases = measured_rows(self.module, ids)
        if self.scale != 1:
            rows = rows * self.scale
            biases = None if biases is None else biases * self.scale
        return rows, biases


def is_read(module: Any) -> bool:
    """Whether an unembedding multiplies with its weight and nothing else.

    Such are linear layers of torch and of bitsandbytes. A layer of any other class, such as one of
    PEFT, may show one weight and multiply with another.
    """
    kind = type(module)
    return kind is nn.Linear or kind.__module__.startswith("bitsandbytes.")


def read_rows(module: Any, ids: Tensor) -> tuple[Tensor, Tensor | None]:
    """Some rows of a layer's weight `[token, hidden]`, and their biases `[token]`."""
    # In its first pass bitsandbytes' 8-bit layer takes the scales from its weight.
    scales = getattr(getattr(module, "state", None), "SCB", None)
    with torch.no_grad(), present(module) as weight:
        rows = dequantized_rows(weight, ids, scales)
        bias = getattr(module, "bias", None)
        return rows, None if bias is None else bias.detach()[ids.to(bias.device)].clone()


_HEADS: WeakKeyDictionary[Any, Unembedding] = WeakKeyDictionary()


def backbone_of(model: Any) -> Any:
    """The module that outputs the final states, after the last norm.

    The base model; if a class has none (Llama 4), the language model's decoder.

    Raises:
        ModelError: if the model has neither.
    """
    body = model.base_model
    while body is not None and getattr(body, "get_output_embeddings", lambda: None)() is not None:
        inner = getattr(body, "get_decoder", lambda: None)()
        body = getattr(body, "model", None) if inner is body else inner
    if body is None:
        raise _no_unembedding(model)
    return body


def unembedding_layer(model: Any) -> Any:
    """The unembedding module.

    Raises:
        ModelError: if the model has none.
    """
    module = model.get_output_embeddings()
    if module is None:
        raise _no_unembedding(model)
    return module


def _no_unembedding(model: Any) -> ModelError:
    return ModelError(
        f"Expected a model with a base model and a head, got {type(model).__name__}: load it "
        "with AutoModelForImageTextToText."
    )


def unembedding_size(model: Any) -> int:
    """Number of rows of the unembedding; it may be larger than the tokenizer's vocabulary."""
    module = base_layer(unembedding_layer(model))
    return int(getattr(module, "out_features", 0) or module.weight.shape[0])


def infer_unembedding(model: Any, state: Tensor, logits: Tensor) -> Unembedding:
    """Find scale and cap from a final state and the model's own logits for it. Cached.

    Args:
        model: the model.
        state: `[hidden]`, a final state.
        logits: `[vocab]`, the model's logits for it.

    Raises:
        ModelError: if no scale and cap of the config reproduce the model's logits.
    """
    if model in _HEADS and _HEADS[model].module is unembedding_layer(model):
        return _HEADS[model]
    module, config = unembedding_layer(model), model.config
    texts = [config, config.get_text_config()]
    factors = {
        (name, float(value))
        for text in texts
        for name in (*FACTORS, SOFTCAP)
        if isinstance(value := getattr(text, name, None), int | float) and value
    }
    caps = [None, *(value for name, value in factors if name == SOFTCAP)]
    scales = sorted({1.0, *(FACTORS[name](value) for name, value in factors if name in FACTORS)})
    best, error = Unembedding(module), math.inf
    for scale, cap in product(scales, caps):
        candidate = Unembedding(module, scale, cap)
        distance = _relative_distance(candidate, state, logits.float())
        if distance < error:
            best, error = candidate, distance
    if not error <= TOLERANCE and bool(logits.isfinite().all()):
        raise ModelError(
            f"Expected logits of {type(model).__name__} to be its head's output, with the scale "
            f"and cap of its config ({dict(factors) or 'it has neither'}), got logits that differ "
            f"by {error:.0%} of the largest: this class transforms its output in a way that is not "
            "supported, so a logit lens would be wrong; choose another model."
        )
    if error <= TOLERANCE:
        _HEADS[model] = best
    return best


@torch.no_grad()
def _relative_distance(unembedding: Unembedding, state: Tensor, logits: Tensor) -> float:
    """Largest difference between an unembedding's logits and others, as a share of the largest."""
    difference = (unembedding(state[None])[0].float().to(logits.device) - logits).abs().max()
    return float(difference / logits.abs().max().clamp_min(1e-9))


def cached_unembedding(model: Any) -> Unembedding:
    """The result of `infer_unembedding`; before its first call, without scale and cap."""
    cached, module = _HEADS.get(model), unembedding_layer(model)
    return cached if cached is not None and cached.module is module else Unembedding(module)


@contextmanager
def present(module: Any) -> Iterator[Any]:
    """The module's weight, loaded from disk or main memory if it is offloaded."""
    if module.weight.device.type != "meta":
        yield module.weight
        return
    from accelerate.utils import align_module_device

    with align_module_device(module):
        yield module.weight


def dequantized_rows(weight: Any, ids: Tensor, scales: Tensor | None = None) -> Tensor:
    """Some rows of a weight, of any dtype, as floating point: `[token, hidden]`.

    Quantised weights are those of bitsandbytes: 8 bit with a scale for each row, 4 bit in blocks
    of a flat code book. Only these rows are converted.

    Args:
        weight: `[vocab, hidden]`, or packed.
        ids: int64 `[token]`.
        scales: of an 8-bit weight's rows `[vocab]`, if the weight has none.

    Raises:
        ModelError: if its dtype or quantisation is not supported.
    """
    ids = ids.to(weight.device)
    # This check comes first: four bits may be stored in a floating-point tensor.
    if (state := getattr(weight, "quant_state", None)) is not None:
        return _four_bit(weight, state, ids)
    if weight.is_floating_point() and weight.itemsize > 1:
        return weight[ids].clone()
    row_scales = getattr(weight, "SCB", None)
    row_scales = scales if row_scales is None else row_scales
    if weight.dtype == torch.int8 and row_scales is not None:
        # In each row the largest value is stored as 127.
        row_scales = row_scales.to(weight.device)
        return weight[ids].float() * (row_scales[ids].float() / 127)[:, None]
    raise ModelError(
        f"Expected an unembedding in floating point, or one that bitsandbytes quantised, got "
        f"{type(weight).__name__} of {weight.dtype}: leave the head out of the quantisation "
        "(`llm_int8_skip_modules=['lm_head']`, or your library's option for it)."
    )


def _four_bit(weight: Any, state: Any, ids: Tensor) -> Tensor:
    """Rows of a 4-bit weight: two values a byte, the first in the upper half.

    Blocks of `state.blocksize` values share a largest magnitude, which may be quantised too.
    """
    hidden = state.shape[1]
    columns = torch.arange(hidden, device=ids.device)
    stored = weight.view(torch.uint8).flatten()
    if getattr(state, "packing_format_for_cpu", False):
        codes, magnitude = _repacked(stored, state, ids, columns)
        return (state.code[codes].float() * magnitude.float()).to(state.dtype)
    indices = ids[:, None] * hidden + columns
    packed = stored[indices // 2]
    codes = torch.where(indices % 2 == 0, packed >> 4, packed & 0xF).long()
    blocks = indices // state.blocksize
    largest = state.absmax
    if state.nested:
        inner = state.state2
        scales = inner.absmax[blocks // inner.blocksize]
        magnitude = inner.code[largest[blocks].long()] * scales + state.offset
    else:
        magnitude = largest[blocks]
    return (state.code[codes].float() * magnitude.float()).to(state.dtype)


def _repacked(stored: Tensor, state: Any, ids: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    """Codes and magnitudes `[token, hidden]` of a weight in the CPU kernel's layout.

    On CPUs that multiply bfloat16, bitsandbytes rearranges a weight at its first pass: for
    each pair of columns, 32 rows in 32 bytes, the upper 16 rows in the upper halves of the bytes.
    """
    pairs = len(columns) // 2
    group = (ids[:, None] // 32) * pairs + columns // 2
    number = 2 * (ids[:, None] % 32) + columns % 2
    packed = stored[32 * group + number % 32]
    codes = torch.where(number < 32, packed & 0xF, packed >> 4).long()
    return codes, state.absmax.T[ids][:, columns // state.blocksize]
