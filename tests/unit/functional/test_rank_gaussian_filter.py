import importlib
from itertools import product

import numpy as np
import pytest
import torch

from seewhy.core.errors import ParameterError, ShapeError
from seewhy.functional import rank_gaussian_filter
from seewhy.functional.rank_gaussian_filter import sorting_network


def test_rank_gaussian_filter_nearly_removes_a_lone_spike() -> None:
    spike = torch.full((5, 5), 0.1)
    spike[2, 2] = 0.3
    assert float(rank_gaussian_filter(spike).max()) < 0.11


def test_rank_gaussian_filter_keeps_axes_dtype_and_input() -> None:
    maps = torch.rand(2, 3, 4, 5).to(torch.bfloat16)
    copy = maps.clone()
    filtered = rank_gaussian_filter(maps)
    assert filtered.shape == maps.shape
    assert filtered.dtype == torch.float32
    assert torch.equal(maps, copy)
    single = rank_gaussian_filter(maps[1, 2].float())
    torch.testing.assert_close(filtered[1, 2], single)


@pytest.mark.parametrize("shape", [(0, 4, 4), (2, 0, 3), (0, 0)])
def test_rank_gaussian_filter_of_no_maps_is_empty(shape: tuple[int, ...]) -> None:
    assert rank_gaussian_filter(torch.zeros(shape)).shape == shape


@pytest.mark.parametrize("numbers", [1, 300, 1000])
def test_rank_gaussian_filter_in_parts_equals_the_whole(
    monkeypatch: pytest.MonkeyPatch, numbers: int
) -> None:
    maps = torch.rand(7, 6, 5)
    whole = rank_gaussian_filter(maps)
    module = importlib.import_module("seewhy.functional.rank_gaussian_filter")
    monkeypatch.setattr(module, "NUMBERS_AT_ONCE", numbers)
    assert torch.equal(rank_gaussian_filter(maps), whole)


def test_rank_gaussian_filter_keeps_nan_visible() -> None:
    maps = torch.ones(5, 5)
    maps[0, 0] = float("nan")
    broken = rank_gaussian_filter(maps).isnan()
    assert broken[:2, :2].all()
    assert int(broken.sum()) == 4


def test_rank_gaussian_filter_takes_numbers_too_small_to_divide_by() -> None:
    maps = torch.tensor([[0.0, 1e-44, 1e-40], [0.0, 0.0, 1e-39]])
    filtered = rank_gaussian_filter(maps)
    assert filtered.isfinite().all()
    assert float(filtered.max()) <= 1e-39


def test_rank_gaussian_filter_takes_a_map_that_requires_gradients() -> None:
    maps = torch.rand(3, 3, requires_grad=True)
    assert torch.equal(rank_gaussian_filter(maps), rank_gaussian_filter(maps.detach()))


@pytest.mark.parametrize("window", [-3, 0, 1, 2, 4])
def test_rank_gaussian_filter_refuses_a_window_without_a_middle(window: int) -> None:
    with pytest.raises(ParameterError, match=f"odd window of at least 3 cells, got {window}"):
        rank_gaussian_filter(torch.ones(4, 4), window)


def test_rank_gaussian_filter_refuses_a_row() -> None:
    with pytest.raises(ShapeError, match=r"Expected maps with axes \[... height width\]"):
        rank_gaussian_filter(torch.ones(4))


@pytest.mark.parametrize("size", range(13))
def test_sorting_network_sorts_all_zeros_and_ones(size: int) -> None:
    # By the 0-1 principle, a network that sorts these sorts everything.
    bits = np.array(list(product((0, 1), repeat=size))).reshape(2**size, size)
    for low, high in sorting_network(size):
        bits[:, [low, high]] = np.sort(bits[:, [low, high]], axis=1)
    assert (np.diff(bits, axis=1) >= 0).all()


def test_sorting_network_sorts_larger_windows() -> None:
    values = np.random.default_rng(0).random((500, 49))
    for low, high in sorting_network(49):
        values[:, [low, high]] = np.sort(values[:, [low, high]], axis=1)
    assert (np.diff(values, axis=1) >= 0).all()
