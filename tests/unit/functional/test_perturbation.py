from __future__ import annotations

import pytest
import torch

from seewhy.core.errors import ParameterError, ShapeError
from seewhy.functional.perturbation import (
    blend,
    cell_means,
    cells_to_pixels,
    coarse_masks,
    fill_of,
    gaussian_blur,
    windows,
)
from seewhy.functional.shapley import shapley_values


def noise(*shape: int) -> torch.Tensor:
    return 255 * torch.rand(shape, generator=torch.Generator().manual_seed(2))


def edges(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("fill", ["mean", "blur", "noise"])
def test_fill_has_the_pictures_shape_range_and_colour(fill: str) -> None:
    image = noise(40, 60, 3) * torch.tensor([1.0, 0.6, 0.2])
    made = fill_of(image, fill)
    assert made.shape == image.shape
    assert made.dtype == torch.float32
    assert 0 <= float(made.min()) <= float(made.max()) <= 255
    torch.testing.assert_close(made.mean((0, 1)), image.mean((0, 1)), rtol=0.1, atol=1.0)


def test_fill_of_black_is_zero_in_the_pictures_shape() -> None:
    made = fill_of(noise(3, 4, 3), "black")
    assert made.shape == (3, 4, 3)
    assert made.dtype == torch.float32
    assert not made.any()


def test_fill_of_noise_depends_on_its_seed() -> None:
    image = noise(8, 8, 3)
    assert torch.equal(fill_of(image, "noise", 1), fill_of(image, "noise", 1))
    assert not torch.equal(fill_of(image, "noise", 1), fill_of(image, "noise", 2))


def test_fill_refuses_an_unknown_name_and_other_axes() -> None:
    with pytest.raises(ParameterError, match="fill as one of mean, blur, noise, black, got 'grey'"):
        fill_of(noise(4, 4, 3), "grey")
    with pytest.raises(ShapeError, match="image"):
        fill_of(noise(4, 4), "mean")


def test_blur_keeps_a_constant_picture_and_smooths_noise() -> None:
    flat = torch.full((9, 7, 3), 42.0)
    torch.testing.assert_close(gaussian_blur(flat, 2.0), flat)
    wild = noise(9, 7, 3)
    assert float(gaussian_blur(wild, 2.0).std()) < 0.5 * float(wild.std())


def test_blur_of_a_transposed_picture_is_the_transposed_blur() -> None:
    image = noise(9, 7, 3)
    turned = gaussian_blur(image.transpose(0, 1), 1.5).transpose(0, 1)
    torch.testing.assert_close(turned, gaussian_blur(image, 1.5))


def test_blur_refuses_a_sigma_of_zero() -> None:
    with pytest.raises(ParameterError, match="positive sigma in pixels, got 0"):
        gaussian_blur(noise(3, 3, 3), 0)


def test_blend_is_the_picture_or_the_fill_at_the_ends() -> None:
    image, fill = noise(3, 4, 3), torch.zeros(3, 4, 3)
    assert torch.equal(blend(image, fill, torch.ones(3, 4)), image)
    assert torch.equal(blend(image, fill, torch.zeros(3, 4, dtype=torch.bool)), fill)


@pytest.mark.parametrize(
    ("height", "width", "window"), [(5, 4, 2), (7, 5, 3), (2, 6, 4), (1, 1, 1)]
)
def test_windows_cover_each_cell_equally_often(height: int, width: int, window: int) -> None:
    result = windows(height, width, window)
    assert result.sum(0).unique().tolist() == [window**2]
    assert bool(result.flatten(1).any(1).all())


@pytest.mark.parametrize(("window", "stride"), [(2, 2), (3, 2), (4, 3)])
def test_windows_with_a_stride_reach_every_cell(window: int, stride: int) -> None:
    result = windows(7, 5, window, stride)
    assert bool(result.any(0).all())
    assert len(result) < len(windows(7, 5, window))


@pytest.mark.parametrize(("window", "stride"), [(0, 1), (2, 0), (2, 3)])
def test_windows_refuse_a_stride_that_leaves_cells_out(window: int, stride: int) -> None:
    with pytest.raises(ParameterError, match="stride from 1 to the window's side"):
        windows(4, 4, window, stride)


def test_coarse_masks_keep_their_share_and_are_smooth() -> None:
    masks = torch.stack(list(coarse_masks(400, (30, 44), 5, 0.3, seed=1)))
    assert masks.shape == (400, 30, 44)
    assert 0 <= float(masks.min()) <= float(masks.max()) <= 1
    assert float(masks.mean()) == pytest.approx(0.3, abs=0.02)
    # From one pixel to the next a mask moves by at most a whole cell's rise over a cell's side.
    assert float(masks.diff(dim=1).abs().max()) <= 1 / 6 + 1e-5
    assert float(masks.diff(dim=2).abs().max()) <= 1 / 9 + 1e-5


def test_coarse_masks_are_shifted_and_repeat_by_their_seed() -> None:
    one, again, other = (torch.stack(list(coarse_masks(5, (9, 9), 3, 0.5, s))) for s in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_cells_and_pixels_are_there_and_back() -> None:
    rows, columns = edges(0, 2.5, 4, 9), edges(-1, 3, 6)
    cells = torch.rand(4, 3, 2, generator=torch.Generator().manual_seed(0))
    assert cells_to_pixels(cells, rows, columns, (9, 6)).shape == (4, 9, 6)
    whole = cells_to_pixels(torch.ones(3, 2), rows, columns, (9, 6))
    torch.testing.assert_close(whole, torch.ones(9, 6))
    aligned = edges(0, 2, 4, 9), edges(0, 3, 6)
    there = cells_to_pixels(cells, *aligned, (9, 6))
    torch.testing.assert_close(cell_means(there, *aligned), cells)


def test_cells_outside_the_picture_are_empty() -> None:
    rows, columns = edges(-4, 0, 2, 6), edges(0, 2)
    assert cell_means(torch.ones(2, 2), rows, columns).flatten().tolist() == [0.0, 1.0, 0.0]


def test_shapley_values_of_one_feature_or_no_coalition_share_the_gain() -> None:
    nothing, everything = torch.zeros(1), torch.ones(1)
    for features in (1, 2):
        none = torch.empty(0, features, dtype=torch.bool)
        values = shapley_values(none, torch.empty(0, 1), nothing, everything, torch.empty(0))
        assert values.tolist() == [[1 / features] * features]


def test_shapley_values_refuse_axes_that_do_not_match() -> None:
    game = torch.eye(3, dtype=torch.bool)
    with pytest.raises(ShapeError, match="worth"):
        shapley_values(game, torch.ones(2, 1), torch.zeros(1), torch.ones(1), torch.ones(3))


def test_shapley_values_of_too_few_coalitions_are_the_minimum_norm_solution() -> None:
    """Features in no coalition have equal shares, in any position."""
    one = torch.tensor([[True, False, False]])
    nothing, everything = torch.zeros(1), torch.full((1,), 3.0)
    for order in ([0, 1, 2], [1, 2, 0], [2, 0, 1]):
        values = shapley_values(one[:, order], torch.ones(1, 1), nothing, everything, torch.ones(1))
        torch.testing.assert_close(values, torch.ones(1, 3))
    halves = torch.rand(6, 12, generator=torch.Generator().manual_seed(0)) < 0.5
    alike = halves.sum(1, keepdim=True).float()
    values = shapley_values(halves, alike, nothing, torch.full((1,), 12.0), torch.ones(6))
    torch.testing.assert_close(values, torch.ones(1, 12))
