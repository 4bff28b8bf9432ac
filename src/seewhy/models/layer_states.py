"""The hidden states of all decoder layers at some positions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor

from seewhy.core.trace import Inputs
from seewhy.models.decoder import final_states, layers_of
from seewhy.models.isolation import eval_mode, of_this_call
from seewhy.models.loading import Loaded
from seewhy.models.residual_stream import residual_stream


def layer_states(loaded: Loaded, inputs: Inputs, ids: Sequence[int], positions: Tensor) -> Tensor:
    """Hidden states before the lowest layer and after each layer, in one forward pass.

    Args:
        loaded: the model.
        inputs: the prompt.
        ids: of the answer.
        positions: int64 `[row]`.

    Returns:
        `[layer + 1, row, hidden]`, in the model's dtype: the embeddings, then the states that leave
        each layer, before the final norm.

    Raises:
        UnsupportedModelError: as `residual_stream`.
    """
    kept: dict[int, Tensor] = {}
    norm, layers = residual_stream(loaded.model).norm, layers_of(loaded.model)

    def keep(number: int) -> Callable[..., None]:
        def before(module: Any, arguments: Any, keywords: Any) -> None:
            states = arguments[0] if arguments else keywords["hidden_states"]
            kept[number] = states[0, positions.to(states.device)]

        return of_this_call(before, nested=True)

    with eval_mode(loaded.model), ExitStack() as stack:
        for number, module in enumerate((*layers, norm)):
            handle = module.register_forward_pre_hook(keep(number), with_kwargs=True)
            stack.callback(handle.remove)
        final_states(loaded, inputs, ids)
    return torch.stack([kept[number].to(kept[0].device) for number in range(len(layers) + 1)])
