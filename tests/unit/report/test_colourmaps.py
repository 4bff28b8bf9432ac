import matplotlib
import pytest
import torch

from seewhy.core.errors import UnknownNameError
from seewhy.report.colourmaps import DEFAULT, NAMES, colour_table, colourise

# What deuteranopes and protanopes see, in linear RGB: Machado, Oliveira and Fernandes, IEEE TVCG
# 15(6), 2009, severity 1.0.
BLIND = {
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
}


def lightness(linear: torch.Tensor) -> torch.Tensor:
    """CIE L* of linear sRGB colours `[n, 3]`."""
    y = linear @ torch.tensor([0.2126, 0.7152, 0.0722]).double()
    return torch.where(y > 0.008856, 116 * y.clamp_min(1e-9) ** (1 / 3) - 16, 903.3 * y)


def linear(name: str) -> torch.Tensor:
    encoded = colour_table(name).double() / 255
    return torch.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("name", NAMES)
def test_colour_table_is_the_published_map(name):
    published = torch.tensor(matplotlib.colormaps[name].colors) * 255  # type: ignore[attr-defined]
    assert (colour_table(name) - published).abs().max() < 7
    assert (colour_table(name) - published).abs().mean() < 0.6


@pytest.mark.parametrize("name", NAMES)
def test_colour_table_grows_lighter_all_the_way(name):
    steps = lightness(linear(name))[::8].diff()
    assert bool((steps > 0).all())


@pytest.mark.parametrize("eyes", BLIND)
@pytest.mark.parametrize("name", NAMES)
def test_colour_table_grows_lighter_for_colour_blind_readers(name, eyes):
    seen = (linear(name) @ torch.tensor(BLIND[eyes]).double().T).clamp(0, 1)
    steps = lightness(seen)[::8].diff()
    assert bool((steps > 0).all())


def test_colour_table_names_near_matches():
    with pytest.raises(UnknownNameError, match="did you mean 'viridis'"):
        colour_table("virids")


def test_colourise_clamps_values_out_of_range():
    colours = colourise(torch.tensor([-1.0, 0.0, 1.0, 2.0]), "viridis")
    assert colours.dtype == torch.uint8
    assert colours.tolist() == [[68, 1, 84]] * 2 + [[253, 231, 37]] * 2


def test_names_start_with_the_default():
    assert NAMES[0] == DEFAULT
    assert len(set(NAMES)) == len(NAMES)


def test_colourise_takes_the_nearest_colour():
    levels = torch.tensor([0.4, 0.6, 200.4, 200.6])
    assert torch.equal(colourise(levels / 255), colour_table()[[0, 1, 200, 201]])
