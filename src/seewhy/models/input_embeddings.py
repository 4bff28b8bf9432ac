"""Capture the input embeddings of a language model without running it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from seewhy.core.errors import UnsupportedModelError
from seewhy.models.family import on_device
from seewhy.models.isolation import eval_mode, exclusive, of_this_call


class _Captured(Exception):  # noqa: N818 - a signal, no error
    """Stops a forward pass at the start of the language model."""

    def __init__(self, embeddings: Tensor) -> None:
        super().__init__()
        self.embeddings = embeddings


def input_embeddings(model: Any, tensors: Mapping[str, Any]) -> Tensor:
    """Float32 `[position, hidden]`: the language model's input; its layers do not run.

    Args:
        model: a multimodal model.
        tensors: the keyword arguments of its forward pass, batch of one.

    Raises:
        UnsupportedModelError: if there is no language model, or it gets no `inputs_embeds`.
    """

    def capture(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if kwargs.get("inputs_embeds") is not None:
            raise _Captured(kwargs["inputs_embeds"])

    decoder = language_model_of(model)
    with eval_mode(model):
        hook = decoder.register_forward_pre_hook(of_this_call(capture), with_kwargs=True)
        try:
            model(**on_device(tensors, model))
        except _Captured as captured:
            return captured.embeddings[0].float()
        finally:
            hook.remove()
    raise UnsupportedModelError(
        f"Expected {type(model).__name__} to pass inputs_embeds to its language model "
        f"({type(decoder).__name__}), got none: write an adapter for it."
    )


def language_model_of(model: Any) -> nn.Module:
    """The language model that takes `inputs_embeds`.

    Raises:
        UnsupportedModelError: if there is none.
    """
    decoder = model.get_decoder() if hasattr(model, "get_decoder") else None
    if isinstance(decoder, nn.Module) and decoder is not model and decoder is not model.base_model:
        return decoder
    for name, module in model.named_modules():
        if name.rpartition(".")[-1] in ("language_model", "text_model", "llm"):
            return module
    raise UnsupportedModelError(
        f"Expected a model with a language model in it, got {type(model).__name__} without "
        "get_decoder() or .language_model: write an adapter."
    )


def vision_attentions(model: Any) -> list[nn.Module]:
    """All attention modules outside the language model."""
    language = set(language_model_of(model).modules())
    return [
        module
        for module in model.modules()
        if "Attention" in type(module).__name__ and module not in language
    ]


@contextmanager
def zeroed_outputs(model: Any, modules: Sequence[nn.Module]) -> Iterator[None]:
    """Replace the outputs of a model's modules with zeros, only in this call's passes.

    The outputs are tensors, or tuples that begin with one.
    """

    def zero(_: nn.Module, __: Any, output: Any) -> Any:
        if isinstance(output, tuple):
            return (torch.zeros_like(output[0]), *output[1:])
        return torch.zeros_like(output) if isinstance(output, Tensor) else output

    with exclusive(model), ExitStack() as stack:
        for module in modules:
            hook = module.register_forward_hook(of_this_call(zero, nested=True))
            stack.callback(hook.remove)
        yield


def configured_image_token(config: Any) -> int:
    """The image token's id in a model's config, or -1, which is no id."""
    for name in ("image_token_id", "image_token_index"):
        if isinstance(getattr(config, name, None), int):
            return getattr(config, name)
    return -1
