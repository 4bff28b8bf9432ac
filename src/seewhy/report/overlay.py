"""A map laid over its picture."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from seewhy.core.axes import expect_axes
from seewhy.core.errors import ParameterError
from seewhy.core.geometry import TokenGrid, interpolation, is_inside, pixel_edges
from seewhy.report.colourmaps import DEFAULT, colourise

#: The alpha of the highest value.
OPACITY = 0.8

#: The alpha of the lowest value, as a part of `OPACITY`.
ALPHA_FLOOR = 0.62

#: The area that the model did not see is mixed with this grey, in stripes of this many pixels.
UNSEEN, STRIPE = 128, 6

#: Pixels that are mixed at once: in float64 and three colours, a photograph would take gigabytes.
BAND_PIXELS = 2**21


def overlay(
    image: Tensor,
    display: Tensor,
    grid: TokenGrid,
    colourmap: str = DEFAULT,
    *,
    opacity: float = OPACITY,
    size: tuple[int, int] | None = None,
) -> Image.Image:
    """Lay a map over a picture, in the colours of a colour map.

    Values between cell centres are interpolated linearly. A pixel's colour is
    `(1 - a) picture + a colour(v)` with `a = opacity (ALPHA_FLOOR + (1 - ALPHA_FLOOR) v)`, so that
    low values are dim and high ones bright. The area outside the grid, which the model did not see,
    is striped.

    Args:
        image: uint8 `[height, width, 3]`.
        display: float `[height, width]` in [0, 1] on `grid`.
        grid: the map's grid, its edges in pixels of `image`.
        colourmap: a name from `seewhy.report.colourmaps.NAMES`.
        opacity: in [0, 1].
        size: width and height of the result; those of `image` if not given.

    Returns:
        An RGB image.

    Raises:
        ShapeError: if `display` is not of the grid's shape.
        ParameterError: if `opacity` is out of range.
        UnknownNameError: if there is no such colour map.
    """
    rows, columns = grid.shape
    expect_axes(display, "height width", name="display", height=rows, width=columns)
    expect_axes(image, "height width rgb", name="image", rgb=3)
    if not 0 <= opacity <= 1:
        raise ParameterError(f"Expected opacity in [0, 1], got {opacity}.")
    height, width = image.shape[:2]
    across, down = size or (width, height)
    picture = Image.fromarray(image.cpu().numpy())
    if (across, down) != (width, height):
        picture = picture.resize((across, down), Image.Resampling.LANCZOS)
    base = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    base = base.view(down, across, 3)

    y, x = pixel_edges(height, down), pixel_edges(width, across)
    values = display.detach().cpu().double() @ interpolation(grid.column_edges, x).T
    inside = is_inside(grid.column_edges, x)
    rows = max(1, BAND_PIXELS // across)
    bands = []
    for top in range(0, down, rows):
        edges = y[top : top + rows + 1]
        seen = is_inside(grid.row_edges, edges)[:, None] & inside[None, :]
        band = (interpolation(grid.row_edges, edges) @ values).clamp(0, 1).float()
        colours = colourise(band, colourmap).float()
        bands.append(_mixed(base[top : top + rows].float(), band, colours, seen, opacity, top))
    return Image.fromarray(torch.cat(bands).numpy())


def _mixed(
    base: Tensor, values: Tensor, colours: Tensor, seen: Tensor, opacity: float, top: int
) -> Tensor:
    """Some rows of the result: uint8 `[row, width, 3]`; `top` is the number of the first."""
    alpha = (opacity * (ALPHA_FLOOR + (1 - ALPHA_FLOOR) * values))[..., None]
    mixed = base * (1 - alpha) + colours * alpha
    mixed = torch.where(seen[..., None], mixed, _striped(base, top))
    return mixed.round().to(torch.uint8)


def _striped(base: Tensor, top: int) -> Tensor:
    height, width = base.shape[:2]
    stripe = (torch.arange(top, top + height)[:, None] + torch.arange(width)[None, :]) // STRIPE % 2
    share = (0.5 + 0.25 * stripe)[..., None]
    return base * (1 - share) + UNSEEN * share
