"""Rows of an unembedding that multiplies with more than its weight, by their effect on logits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from seewhy.core.errors import ModelError
from seewhy.models.adapters import base_layer

#: Largest allowed error of measured rows, as a share of the largest logit.
LINEAR = {torch.float64: 1e-6, torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 5e-2}

#: Rows of an unembedding that are measured at a time: each needs its own row of logits.
ROWS = 32

#: The same for a quantised layer.
QUANTISED = 5e-2


@torch.inference_mode(False)
def measured_rows(module: Any, ids: Tensor) -> tuple[Tensor, Tensor | None]:
    """Rows `[token, hidden]` and biases `[token]` of any layer that is W h + b.

    The row of a token is the gradient of its logit. It must not depend on the input.

    Raises:
        ModelError: if it does, or there is no gradient.
    """
    generator = torch.Generator().manual_seed(0)
    probe = torch.randn(1, _width(module), generator=generator).to(_like_inputs(module))
    ids = ids.to(probe.device)
    rows = torch.cat(
        [_gradients(module, torch.zeros_like(probe), part) for part in ids.split(ROWS)]
    )
    with torch.no_grad():
        biases = module(torch.zeros_like(probe))[0, ids].clone()
        logits = module(probe)[0, ids]
    error = float((probe[0] @ rows.T + biases - logits).abs().max())
    # Quantised layers may round their inputs too, so that no product is exact.
    allowed = LINEAR[probe.dtype] if type(base_layer(module)) is nn.Linear else QUANTISED
    if not error <= allowed * float(logits.abs().max().clamp_min(1e-9)):
        raise ModelError(
            f"Expected a head that multiplies final states with a matrix, got {type(module)} whose "
            "output is no such product: a logit lens would be wrong; choose a model without this "
            "layer or adapter on its head."
        )
    return rows, biases if bool(biases.any()) else None


def _gradients(module: Any, probe: Tensor, ids: Tensor) -> Tensor:
    """Gradients `[token, hidden]` of some logits with respect to the input."""
    inputs = probe.expand(len(ids), -1).clone().requires_grad_()
    try:
        with torch.enable_grad():
            chosen = module(inputs).gather(1, ids[:, None])
        (gradients,) = torch.autograd.grad(chosen.sum(), inputs)
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise ModelError(
            f"Expected a head whose rows can be read or measured, got {type(module)}, which has no "
            f"gradient ({error}): leave the head out of the quantisation, or merge its adapter."
        ) from error
    return gradients


def _width(module: Any) -> int:
    """The number of inputs of an unembedding.

    Raises:
        ModelError: if the layer does not say it.
    """
    inner = base_layer(module)
    width = getattr(inner, "in_features", None)
    if not isinstance(width, int):
        weight = getattr(inner, "weight", None)
        if not isinstance(weight, Tensor) or weight.ndim != 2:
            raise ModelError(
                f"Expected a linear head with in_features or a weight, got {type(module)}: leave "
                "the head out of the quantisation, or merge its adapter."
            )
        width = weight.shape[1]
    return width


def _like_inputs(module: Any) -> Tensor:
    """A tensor of the device and dtype of a layer's inputs."""
    weights = [weight for weight in module.parameters() if weight.device.type != "meta"]
    floating = [weight for weight in weights if weight.is_floating_point() and weight.itemsize > 1]
    # Weights of adapters may be wider than the model's own.
    return min(floating, key=lambda weight: weight.itemsize, default=torch.empty(0))
