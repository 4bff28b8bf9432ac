"""Norms and projections as linear maps, read from their outputs.

A norm with the scale of one input is linear. Its gain and a projection's weight are measured, not
read from attributes: adapters, quantised weights and gains stored as w - 1 need no case of their
own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from seewhy.core.errors import UnsupportedModelError
from seewhy.models.adapters import base_layer
from seewhy.models.decoder import at_least_float32

#: Unit vectors in one pass through a projection.
CHUNK = 512

#: Largest allowed error of a norm's measured output, as a share of the largest value.
TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 5e-2}

#: The same for a product of a quantised layer.
QUANTISED = 5e-2


@dataclass(frozen=True, eq=False)
class LinearNorm:
    """A norm y = s g (x - m) + b, with the scale s and the mean m of given inputs.

    Attributes:
        gain: g, `[hidden]`.
        bias: b, `[hidden]`; zeros for most norms.
        scale: s, `[row, 1]`.
        centred: whether the input's mean is subtracted (layer norm), else m is 0 (RMS norm).
    """

    gain: Tensor
    bias: Tensor
    scale: Tensor
    centred: bool

    @staticmethod
    def at(norm: Any, states: Tensor) -> LinearNorm:
        """Measure a norm at some inputs.

        Args:
            norm: the module.
            states: `[row, hidden]`.

        Raises:
            UnsupportedModelError: if it is no such norm.
        """
        signs = torch.ones_like(states[:1])
        signs[:, ::2] = -1
        outputs = [at_least_float32(norm(100 * probe)[0]) for probe in (signs, -signs, signs.abs())]
        bias = (outputs[0] + outputs[1]) / 2
        gain = (outputs[0] - outputs[1]) / 2 * at_least_float32(signs[0])
        # A constant input has no variance: a layer norm leaves only its bias.
        centred = bool((outputs[2] - bias).abs().max() < gain.abs().max() / 2)
        wide = at_least_float32(states)
        unscaled = gain * (wide - wide.mean(-1, keepdim=True) if centred else wide)
        result = at_least_float32(norm(states)) - bias
        scale = (result * unscaled).sum(-1, keepdim=True) / unscaled.square().sum(-1, keepdim=True)
        error = float((result - scale * unscaled).abs().max() / result.abs().max().clamp_min(1e-30))
        if not error <= TOLERANCE[states.dtype]:
            raise UnsupportedModelError(
                f"Expected {type(norm).__name__} to scale its input like RMS and layer norms, got "
                f"outputs that differ from that by {error:.1%}: parts of a logit cannot be "
                "computed; choose a method such as intra-modal."
            )
        return LinearNorm(gain, bias, scale, centred)

    def pull_back(self, directions: Tensor) -> tuple[Tensor, Tensor]:
        """The direction d' and the number c with <direction, y> = <d', x> + c.

        Args:
            directions: `[row, hidden]`.

        Returns:
            d' `[row, hidden]` and c `[row]`.
        """
        constant = directions @ self.bias
        pulled = directions * self.gain * self.scale
        if self.centred:
            pulled = pulled - pulled.mean(-1, keepdim=True)
        return pulled, constant


def projection_weight(module: Any, dtype: torch.dtype, width: int) -> tuple[Tensor, Tensor]:
    """A projection's weight and bias: at least float32 `[out, in]` and `[out]`.

    A plain linear layer is read; any other (quantised, with an adapter or hooks, offloaded) is
    measured with unit vectors.

    Args:
        module: the projection.
        dtype: of its inputs.
        width: number of its inputs.
    """
    if _is_plain(module):
        weight = at_least_float32(module.weight)
        bias = module.bias
        return weight, weight.new_zeros(len(weight)) if bias is None else at_least_float32(bias)
    device = next((p.device for p in module.parameters() if p.device.type != "meta"), "cpu")
    bias = at_least_float32(module(torch.zeros(1, width, dtype=dtype, device=device)))[0]
    units = torch.eye(width, dtype=dtype, device=device).split(CHUNK)
    columns = torch.cat([at_least_float32(module(unit)) - bias for unit in units])
    _expect_linear(module, columns, bias, dtype)
    return columns.T, bias


def _expect_linear(module: Any, columns: Tensor, bias: Tensor, dtype: torch.dtype) -> None:
    """Expect that a module's output for a random input is that of a measured weight and bias.

    Args:
        module: the projection.
        columns: `[in, out]`.
        bias: `[out]`.
        dtype: of its inputs.

    Raises:
        UnsupportedModelError: if it is another, as of an adapter whose mixture depends on the
            input.
    """
    generator = torch.Generator().manual_seed(0)
    probe = torch.randn(1, len(columns), generator=generator).to(dtype).to(columns.device)
    expected = at_least_float32(probe) @ columns + bias
    difference = (at_least_float32(module(probe)) - expected).abs().max()
    error = float(difference / expected.abs().max().clamp_min(1e-30))
    # Quantised layers may round their inputs too, so that no product is exact.
    exact = type(base_layer(module)) is nn.Linear
    if not error <= (TOLERANCE[dtype] if exact else QUANTISED):
        raise UnsupportedModelError(
            f"Expected {type(module)} to multiply its input with a matrix, got outputs that differ "
            f"from such a product by {error:.1%}: parts of a logit cannot be computed; choose a "
            "method such as intra-modal."
        )


def _is_plain(module: Any) -> bool:
    """Whether a module is a linear layer that nothing changes."""
    if type(module) is not nn.Linear or module.weight.device.type == "meta":
        return False
    hooks = len(module._forward_hooks) + len(module._forward_pre_hooks)
    return hooks == 0 and "forward" not in vars(module)
