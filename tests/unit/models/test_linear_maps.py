"""Norms and projections that are measured, against the modules themselves."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from transformers.models.cohere2.modeling_cohere2 import Cohere2LayerNorm
from transformers.models.gemma3.modeling_gemma3 import Gemma3RMSNorm
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from seewhy.core.errors import UnsupportedModelError
from seewhy.models.linear_maps import LinearNorm, projection_weight

WIDTH = 16


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def filled(module: nn.Module) -> nn.Module:
    """The module with random parameters."""
    for number, weights in enumerate(module.parameters()):
        weights.data = random(*weights.shape, seed=number + 5) + 0.5
    return module.requires_grad_(False)


NORMS = {
    "rms": lambda: filled(LlamaRMSNorm(WIDTH)),
    "gain stored as w - 1": lambda: filled(Gemma3RMSNorm(WIDTH)),
    "layer norm": lambda: filled(nn.LayerNorm(WIDTH)),
    "layer norm without bias": lambda: filled(Cohere2LayerNorm(WIDTH)),
    "torch's rms": lambda: filled(nn.RMSNorm(WIDTH)),
    "without a gain": lambda: nn.LayerNorm(WIDTH, elementwise_affine=False),
}


@pytest.mark.parametrize("kind", NORMS)
def test_linear_norm_pulls_directions_back(kind):
    """<direction, norm(x)> = <pulled, x> + constant, at each of the inputs."""
    norm, states, directions = NORMS[kind](), 3 * random(4, WIDTH) + 0.7, random(4, WIDTH, seed=1)
    pulled, constant = LinearNorm.at(norm, states).pull_back(directions)
    expected = (directions * norm(states)).sum(-1)
    torch.testing.assert_close((pulled * states).sum(-1) + constant, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", NORMS)
def test_linear_norm_pulls_back_by_the_frozen_scale(kind):
    """Parts of an input add up: the map of a sum is the sum of the maps."""
    norm, states, directions = NORMS[kind](), 3 * random(2, WIDTH), random(2, WIDTH, seed=1)
    measured = LinearNorm.at(norm, states)
    gains = norm.weight if getattr(norm, "weight", None) is not None else torch.ones(WIDTH)
    if "w - 1" in kind:
        gains = gains + 1
    torch.testing.assert_close(measured.gain, gains, rtol=1e-3, atol=1e-3)
    assert measured.centred == ("layer" in kind or "without" in kind)
    centred = states - states.mean(-1, keepdim=True) if measured.centred else states
    torch.testing.assert_close(
        measured.scale[:, 0], centred.square().mean(-1).rsqrt(), rtol=1e-3, atol=1e-5
    )
    bias = norm.bias if getattr(norm, "bias", None) is not None else torch.zeros(WIDTH)
    torch.testing.assert_close(measured.bias, bias, rtol=1e-4, atol=1e-4)
    assert measured.pull_back(directions)[0].shape == (2, WIDTH)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_linear_norm_is_measured_in_half_precision(dtype):
    norm, states = filled(LlamaRMSNorm(WIDTH)).to(dtype), (3 * random(4, WIDTH)).to(dtype)
    pulled, constant = LinearNorm.at(norm, states).pull_back(torch.ones(4, WIDTH))
    expected = norm(states).float().sum(-1)
    found = (pulled * states.float()).sum(-1) + constant
    torch.testing.assert_close(found, expected, rtol=0.05, atol=0.2)


class Cubed(nn.Module):
    """No norm: it is odd, but not linear for any scale."""

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return states**3


class Mixed(nn.Module):
    """Scales each half of its input by its own size."""

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        halves = states.unflatten(-1, (2, -1))
        return (halves / halves.norm(dim=-1, keepdim=True)).flatten(-2)


@pytest.mark.parametrize("odd", [Cubed(), Mixed(), nn.SiLU()])
def test_linear_norm_refuses_what_is_no_norm(odd):
    with pytest.raises(UnsupportedModelError, match=f"Expected {type(odd).__name__} to scale"):
        LinearNorm.at(odd, random(4, WIDTH))


class Adapter(nn.Module):
    """A low-rank addition around a linear layer, as adapters do it."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base = base
        self.down, self.up = nn.Linear(WIDTH, 3, bias=False), nn.Linear(3, 8, bias=False)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.base(states) + self.up(self.down(states))


def linear(bias: bool = True) -> Any:
    return filled(nn.Linear(WIDTH, 8, bias=bias))


def hooked() -> Any:
    module = linear()
    module.register_forward_hook(lambda module, states, output: 2 * output)
    return module


def replaced_forward() -> Any:
    """As accelerate hooks a module."""
    module = linear()
    forward = module.forward
    module.forward = lambda states: forward(states) - 1
    return module


class Quantised(nn.Linear):
    """Stores rounded weights and scales them when it is called."""

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return super().forward(states) * 0.25


PROJECTIONS = {
    "linear": linear,
    "without bias": lambda: linear(bias=False),
    "adapter": lambda: filled(Adapter(linear())),
    "with a hook": hooked,
    "with a replaced forward": replaced_forward,
    "quantised": lambda: filled(Quantised(WIDTH, 8)),
    "parametrised": lambda: nn.utils.parametrizations.weight_norm(linear()).requires_grad_(False),
}


@pytest.mark.parametrize("kind", PROJECTIONS)
def test_projection_weight_is_what_the_module_does(kind):
    module, states = PROJECTIONS[kind](), random(5, WIDTH)
    weight, bias = projection_weight(module, torch.float32, WIDTH)
    torch.testing.assert_close(states @ weight.T + bias, module(states), rtol=1e-5, atol=1e-5)
    assert (weight.shape, bias.shape) == ((8, WIDTH), (8,))


def test_projection_weight_is_at_least_float32():
    weight, bias = projection_weight(linear().to(torch.bfloat16), torch.bfloat16, WIDTH)
    assert weight.dtype == bias.dtype == torch.float32
