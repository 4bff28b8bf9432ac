import numpy as np
import pytest
import torch

from seewhy.core.errors import ParameterError, ShapeError, UnknownNameError
from seewhy.core.geometry import TokenGrid
from seewhy.report.colourmaps import colour_table
from seewhy.report.overlay import ALPHA_FLOOR, OPACITY, overlay

GREY = torch.full((40, 60, 3), 100, dtype=torch.uint8)
CANVAS = TokenGrid.over((0, 0, 60, 40), 2, 3)


def test_overlay_mixes_picture_and_colour_by_its_equation():
    ends = colour_table("inferno").double()
    for value, colour in ((0.0, ends[0]), (1.0, ends[-1])):
        alpha = OPACITY * (ALPHA_FLOOR + (1 - ALPHA_FLOOR) * value)
        laid = np.asarray(overlay(GREY, torch.full((2, 3), value), CANVAS, "inferno"))
        wanted = (1 - alpha) * 100 + alpha * colour
        assert np.abs(laid - wanted.numpy()).max() <= 0.5


def test_overlay_without_opacity_is_the_picture():
    laid = overlay(GREY, torch.rand(2, 3), CANVAS, opacity=0.0)
    assert np.array_equal(np.asarray(laid), GREY.numpy())


def test_overlay_interpolates_between_cell_centres():
    display = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    laid = np.asarray(overlay(GREY * 0, display, CANVAS, "viridis")).astype(int)
    green = laid[20, :, 1]
    assert (np.diff(green) >= 0).all()
    assert len(set(green[31:50])) > 15
    assert green[:30].std() == 0


def test_overlay_places_a_map_in_the_box_of_its_grid():
    grid = TokenGrid.over((20, 0, 60, 40), 1, 4)
    display = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
    laid = np.asarray(overlay(GREY * 0, display, grid, "viridis")).astype(int)
    assert laid[20, 20:60, 0].argmax() < 10
    assert laid[20, 22, 0] > 150


def test_overlay_stripes_the_area_outside_the_grid():
    grid = TokenGrid.over((20, 0, 40, 40), 2, 2)
    laid = np.asarray(overlay(GREY, torch.ones(2, 2), grid))
    outside, inside = laid[:, :20], laid[:, 20:40]
    assert len(np.unique(outside)) == 2
    assert np.ptp(outside.astype(int), axis=2).max() == 0
    assert np.ptp(inside.astype(int), axis=2).min() > 50
    assert np.array_equal(np.unique(laid[:, 40:]), np.unique(outside))


def test_overlay_takes_another_size():
    assert overlay(GREY, torch.rand(2, 3), CANVAS, size=(120, 80)).size == (120, 80)


def test_overlay_works_on_a_single_pixel_and_a_single_cell():
    pixel = torch.zeros(1, 1, 3, dtype=torch.uint8)
    assert overlay(pixel, torch.ones(1, 1), TokenGrid.over((0, 0, 1, 1), 1, 1)).size == (1, 1)


def test_overlay_refuses_a_map_of_another_grid():
    with pytest.raises(ShapeError, match="display with axes \\[height width\\] and height = 2"):
        overlay(GREY, torch.rand(3, 3), CANVAS)


def test_overlay_refuses_an_opacity_out_of_range():
    with pytest.raises(ParameterError, match="opacity in \\[0, 1\\], got 1.5"):
        overlay(GREY, torch.rand(2, 3), CANVAS, opacity=1.5)


def test_overlay_refuses_an_unknown_colour_map():
    with pytest.raises(UnknownNameError, match="colour map, got 'jet'"):
        overlay(GREY, torch.rand(2, 3), CANVAS, "jet")


def test_overlay_has_the_first_row_on_top_and_the_first_column_on_the_left():
    display = torch.tensor([[1.0, 0.5, 0.0], [0.0, 0.0, 0.0]])
    laid = np.asarray(overlay(GREY * 0, display, CANVAS, "viridis")).astype(int)[..., 1]
    top, bottom = laid[:5].mean(0), laid[-5:].mean(0)
    assert top[:5].mean() > top[-5:].mean() + 50
    assert top[:5].mean() > bottom[:5].mean() + 50
