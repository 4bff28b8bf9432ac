"""The language model's decoder layers, and the hidden states that enter them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from seewhy.core.errors import ParameterError, UnsupportedModelError
from seewhy.core.trace import Inputs
from seewhy.models.batching import batch
from seewhy.models.isolation import eval_mode, of_this_call
from seewhy.models.loading import Loaded
from seewhy.models.unembedding import backbone_of


def decoder_of(model: Any) -> Any:
    """The language model: a stack of decoder layers and a norm.

    Raises:
        UnsupportedModelError: if the model has no such module.
    """
    decoder = getattr(model, "get_decoder", lambda: None)()
    if not isinstance(getattr(decoder, "layers", None), nn.ModuleList):
        raise UnsupportedModelError(
            f"Expected a language model with a list of decoder layers, got "
            f"{type(decoder).__name__} in {type(model).__name__}: choose a method that uses "
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
    """A layer's number counted from 0; a negative `layer` counts from the end.

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


def head_at(model: Any, head: int) -> int:
    """An attention head's number counted from 0; a negative `head` counts from the end.

    Raises:
        ParameterError: if the model's layers have no such head.
    """
    count = decoder_of(model).config.num_attention_heads
    if not -count <= head < count:
        raise ParameterError(
            f"Expected a head from {-count} to {count - 1}, got {head}: {type(model).__name__} has "
            f"{count} attention heads in each layer."
        )
    return head % count


def final_norm_of(model: Any) -> Any:
    """The norm between the last decoder layer and the unembedding.

    Raises:
        UnsupportedModelError: as `decoder_of`, or if the decoder has no norm of this name.
    """
    norm = getattr(decoder_of(model), "norm", None)
    if not isinstance(norm, nn.Module):
        raise UnsupportedModelError(
            f"Expected a language model with a final norm named 'norm', got "
            f"{type(decoder_of(model)).__name__}: choose a method that uses final states."
        )
    return norm


def final_states(loaded: Loaded, inputs: Inputs, ids: Sequence[int]) -> Tensor:
    """Run a prompt and an answer through a model, in one forward pass.

    Gradients are kept if they are enabled by the caller.

    Args:
        loaded: the model, in the mode that the caller chose.
        inputs: the prompt.
        ids: of the answer.

    Returns:
        `[position, hidden]`: final states, after the last norm, in the model's dtype.
    """
    captured: list[Tensor] = []
    hook = backbone_of(loaded.model).register_forward_hook(
        of_this_call(lambda module, arguments, output: captured.append(output.last_hidden_state))
    )
    try:
        tensors = batch(loaded.family, [inputs], [ids]).tensors
        loaded.model(**{"logits_to_keep": 1, **tensors, "use_cache": False})
    finally:
        hook.remove()
    return captured[0][0]


MLPS = ("mlp", "feed_forward", "block_sparse_moe")
"""Names of a decoder layer's MLP in transformers."""


@contextmanager
def hook_layer_input(model: Any, layer: int, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Replace the hidden states that enter a decoder layer with `change(states)`.

    The embeddings enter layer 0, the visual ones among them. Some families (Qwen3-VL's DeepStack)
    also add visual features to later layers; the hook does not get these.

    Args:
        model: the model.
        layer: counted from 0, or from the end if negative.
        change: from `[batch, position, hidden]` to the same shape.

    Raises:
        ParameterError: if the model has no such layer.
        UnsupportedModelError: as `decoder_of`.
    """

    with _hook_input(layers_of(model)[layer_at(model, layer)], change):
        yield


@contextmanager
def hook_mlp_input(model: Any, layer: int, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Replace the normed states that enter the MLP of a decoder layer with `change(states)`.

    In most families they are the output of the layer's `post_attention_layernorm`.

    Args:
        model: the model.
        layer: counted from 0, or from the end if negative.
        change: from `[batch, position, hidden]` to the same shape.

    Raises:
        ParameterError: if the model has no such layer.
        UnsupportedModelError: as `decoder_of`, or if the layer has no MLP of a known name.
    """
    module = layers_of(model)[layer_at(model, layer)]
    mlp = next((getattr(module, name) for name in MLPS if hasattr(module, name)), None)
    if mlp is None:
        raise UnsupportedModelError(
            f"Expected decoder layers with one of {', '.join(MLPS)}, got {type(module).__name__}: "
            "choose a method that uses the states between layers, such as grad-cam."
        )
    with _hook_input(mlp, change):
        yield


@contextmanager
def _hook_input(module: nn.Module, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Replace the hidden states that enter a module."""

    def before(module: Any, arguments: Any, keywords: Any) -> Any:
        if arguments:
            return (change(arguments[0]), *arguments[1:]), keywords
        return arguments, {**keywords, "hidden_states": change(keywords["hidden_states"])}

    hook = module.register_forward_pre_hook(of_this_call(before, nested=True), with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()


def layer_input_states(
    loaded: Loaded, inputs: Inputs, ids: Sequence[int], layer: int = 0
) -> Tensor:
    """Hidden states that enter a layer: at least float32 `[position, hidden]`.

    Raises:
        ParameterError, UnsupportedModelError: as `hook_layer_input`.
    """
    captured: list[Tensor] = []

    def keep(states: Tensor) -> Tensor:
        captured.append(at_least_float32(states[0]))
        return states

    with eval_mode(loaded.model), hook_layer_input(loaded.model, layer, keep):
        final_states(loaded, inputs, ids)
    return captured[0]


def layer_states(
    loaded: Loaded, inputs: Inputs, ids: Sequence[int], layers: Sequence[int], positions: Tensor
) -> list[Tensor]:
    """Hidden states that leave some decoder layers, before the final norm, in one forward pass.

    Args:
        loaded: the model.
        inputs: the prompt.
        ids: of the answer.
        layers: counted from 0, each once; -1 for the embeddings, which enter layer 0.
        positions: int64 `[row]`, the positions whose states are wanted.

    Returns:
        For each layer `[row, hidden]`, in the model's dtype.

    Raises:
        UnsupportedModelError: as `final_norm_of`.
    """
    captured: dict[int, Tensor] = {}
    entered = (*layers_of(loaded.model), final_norm_of(loaded.model))

    def keep(layer: int, states: Tensor) -> Tensor:
        captured[layer] = states[0, positions.to(states.device)]
        return states

    with eval_mode(loaded.model), ExitStack() as stack:
        for layer in layers:
            stack.enter_context(_hook_input(entered[layer + 1], partial(keep, layer)))
        final_states(loaded, inputs, ids)
    return [captured[layer] for layer in layers]


def normed_layer_states(
    loaded: Loaded, inputs: Inputs, ids: Sequence[int], layers: Sequence[int], positions: Tensor
) -> list[Tensor]:
    """Hidden states that leave some decoder layers, after the final norm: as `layer_states`."""
    states = layer_states(loaded, inputs, ids, layers, positions)
    norm = final_norm_of(loaded.model)
    with eval_mode(loaded.model):
        return [norm(of_layer[None])[0] for of_layer in states]


def at_least_float32(values: Tensor) -> Tensor:
    """The same values, half precision converted to float32."""
    return values.to(wide_dtype(values))


def wide_dtype(values: Tensor) -> torch.dtype:
    """The values' number type, float32 for half precision."""
    return torch.promote_types(values.dtype, torch.float32)
