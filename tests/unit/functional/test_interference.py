from typing import Any

import pytest
import torch

from seewhy.core.errors import ParameterError, ShapeError, UnknownNameError
from seewhy.functional import context_weights, interference, remove_interference

ACTIVATION = torch.tensor([[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [2.0, 6.0, 0.0]])
APART = torch.eye(3, dtype=torch.bool)


def test_context_weights_leave_out_tokens_of_the_same_text() -> None:
    same = APART.clone()
    same[2, 0] = same[0, 2] = True
    weights = context_weights(ACTIVATION, same)
    assert weights.tolist() == [[0, 0, 0], [4, 0, 0], [0, 6, 0]]


@pytest.mark.parametrize(
    ("variant", "expected"),
    [("scaled", [1.0, 0.0]), ("inverse", [0.5, 0.0]), ("threshold", [0.0, 0.0])],
)
def test_context_weights_are_lower_for_contexts_that_agree(
    variant: Any, expected: list[float]
) -> None:
    rho = torch.ones(3, 3)
    rho[2, 0] = 0.5
    weights = context_weights(ACTIVATION, APART, rho, variant)
    assert weights[2, :2].tolist() == expected


def test_context_weights_keep_a_context_at_the_threshold() -> None:
    rho = torch.full((3, 3), 0.3)
    assert not context_weights(ACTIVATION, APART, rho, "threshold", 0.3).any()
    weights = context_weights(ACTIVATION, APART, rho, "threshold", 0.31)
    assert torch.equal(weights, ACTIVATION)


def test_context_weights_refuse_an_unknown_variant() -> None:
    unknown: Any = "scale"
    with pytest.raises(UnknownNameError, match="a variant, got 'scale': did you mean 'scaled'"):
        context_weights(ACTIVATION, APART, APART.float(), unknown)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_context_weights_refuse_tensors_of_other_axes(place: int) -> None:
    given = [ACTIVATION, APART, APART.float()]
    given[place] = given[place][:2]
    with pytest.raises(ShapeError, match="Expected (activation|same_text|rho) with axes"):
        context_weights(*given)


def test_interference_of_a_token_without_context_is_zero() -> None:
    mixed = interference(torch.ones(2, 3, 4), torch.zeros(5, 2))
    assert mixed.shape == (5, 3, 4)
    assert not mixed.any()


def test_interference_keeps_small_weights() -> None:
    mixed = interference(torch.tensor([[2.0], [4.0]]), torch.tensor([[1e-30, 3e-30]]))
    assert float(mixed) == pytest.approx(3.5)


def test_interference_refuses_negative_weights() -> None:
    with pytest.raises(ParameterError, match=r"Expected weights of at least 0, got -1"):
        interference(torch.ones(2, 3), torch.tensor([[1.0, -1.0]]))


def test_interference_refuses_maps_of_another_context() -> None:
    with pytest.raises(ShapeError, match=r"text = 2, got shape \[3, 4\]: give one map for every"):
        interference(torch.ones(3, 4), torch.ones(1, 2))


def test_remove_interference_leaves_a_map_without_interference_alone() -> None:
    maps = torch.rand(2, 3, 4)
    cleaned, shares = remove_interference(maps, torch.zeros(2, 3, 4))
    assert torch.equal(cleaned, maps)
    assert shares.tolist() == [0, 0]


def test_remove_interference_of_a_map_from_itself_is_zero() -> None:
    context = torch.rand(1, 5) + 0.5
    cleaned, shares = remove_interference(3 * context, context)
    torch.testing.assert_close(cleaned, torch.zeros(1, 5), atol=1e-6, rtol=0)
    assert float(shares) == pytest.approx(3)


@pytest.mark.parametrize("shape", [(0, 4), (2, 0), (0, 3, 3)])
def test_remove_interference_of_no_maps_is_empty(shape: tuple[int, ...]) -> None:
    cleaned, shares = remove_interference(torch.zeros(shape), torch.zeros(shape))
    assert cleaned.shape == shape
    assert shares.tolist() == [0] * shape[0]


def test_remove_interference_refuses_other_grids() -> None:
    with pytest.raises(ShapeError, match=r"one shape \[token ...\], got \[2, 4\] and \[2, 5\]"):
        remove_interference(torch.ones(2, 4), torch.ones(2, 5))
