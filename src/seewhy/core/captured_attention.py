"""What a forward pass kept of attention: enough to compute some rows of it later."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class CapturedLayer:
    """One decoder layer's attention, from some positions.

    Heads share the keys and values of their group: head h is in group h // (head / group).

    Attributes:
        queries: `[row, head, dim]`, after norms and rotary embedding.
        keys, values: `[group, position, dim]`, of all positions; often the cache's own tensors.
        mask: bool `[row, position]`, True where a row attends; or float, added to the scores.
        outputs: `[row, head dim]`, the input of the output projection.
        scaling: factor of the scores.
        softcap: c where scores are c tanh(score / c), or None.
        sinks: `[head]`, the logits of attention sinks, or None.
        gates: `[row, head dim]`, the heads' outputs are multiplied by them before the output
            projection; None without gates.
    """

    queries: Tensor
    keys: Tensor
    values: Tensor
    mask: Tensor
    outputs: Tensor
    scaling: float
    softcap: float | None = None
    sinks: Tensor | None = None
    gates: Tensor | None = None


@dataclass(frozen=True, eq=False)
class CapturedAttention:
    """Attention of all decoder layers from some positions.

    Attributes:
        positions: int64 `[row]`, rising, without padding. Every position that is no visual token is
            among them, up to the last that was an input.
        layers: one for each decoder layer, the lowest first.
        last: `[row, hidden]`, the input of the final norm.
    """

    positions: Tensor
    layers: tuple[CapturedLayer, ...]
    last: Tensor
