"""Shapley values from coalitions, by weighted least squares."""

from __future__ import annotations

import torch
from torch import Tensor

from seewhy.core.axes import expect_axes


def shapley_values(
    coalitions: Tensor, worth: Tensor, nothing: Tensor, everything: Tensor, weights: Tensor
) -> Tensor:
    r"""The additive game closest to the sampled coalitions of a game: Kernel SHAP's regression.

    $$\min_\phi \sum_z w_z \Big(f(z) - f(\emptyset) - \sum_i z_i \phi_i\Big)^2 \quad
    \text{with} \quad \sum_i \phi_i = f(\text{all}) - f(\emptyset)$$

    Over all coalitions with w_z the Shapley kernel these are the Shapley values. Coalitions that
    were drawn with that kernel's probability are weighted by how often they were drawn. If there
    are too few to determine the values, the minimum-norm solution is taken.

    Args:
        coalitions: bool `[coalition, feature]`, neither the empty nor the full one.
        worth: float `[coalition, token]`, f of each.
        nothing, everything: float `[token]`, f of the empty and of the full one.
        weights: float `[coalition]`, positive.

    Returns:
        float32 `[token, feature]`; those of a token sum to everything - nothing.

    Raises:
        ShapeError: if the axes do not match.

    Source:
        Lundberg and Lee (2017), theorem 2. That the sum is kept exactly, by solving for the
        differences from equal shares and not by very large weights, is our choice.

    Example:
        >>> game = torch.tensor([[True, False], [False, True]])
        >>> worth = torch.tensor([[1.0], [3.0]])
        >>> shapley_values(game, worth, torch.zeros(1), torch.full((1,), 6.0), torch.ones(2))
        tensor([[2., 4.]])
    """
    sizes = expect_axes(coalitions, "coalition feature", name="coalitions")
    number = sizes["coalition"]
    tokens = expect_axes(worth, "coalition token", name="worth", coalition=number)["token"]
    expect_axes(weights, "coalition", name="weights", coalition=number)
    for name, value in (("nothing", nothing), ("everything", everything)):
        expect_axes(value, "token", name=name, token=tokens)
    gain = (everything - nothing).double()
    if sizes["feature"] == 1 or number == 0:
        return (gain[:, None] / sizes["feature"]).expand(-1, sizes["feature"]).float()
    inside = coalitions.double()
    root = weights.double().sqrt()[:, None]
    equal = gain / sizes["feature"]
    target = worth.double() - nothing.double() - inside.sum(1, keepdim=True) * equal
    # The differences from equal shares sum to 0, as does the minimum-norm solution once centred.
    centred = inside - inside.mean(1, keepdim=True)
    differences = torch.linalg.lstsq(root * centred, root * target, driver="gelsd").solution.T
    return (differences + equal[:, None]).float()
