"""Erased, kept and moved regions, pixel by pixel."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from PIL import Image

from seewhy.core.errors import ParameterError
from seewhy.core.regions import Region
from seewhy.images.region_changes import FILLS, changed_region, erased, kept, moved

WIDTH, HEIGHT = 90, 64


@pytest.fixture(scope="module")
def picture():
    """A red disc with soft edges on a blue and green ground with texture."""
    down, across = np.mgrid[:HEIGHT, :WIDTH]
    rng = np.random.default_rng(0)
    ground = np.stack([0 * down, 40 + across, 200 - down], -1) + rng.integers(
        0, 9, (HEIGHT, WIDTH, 3)
    )
    distance = np.hypot(across - 45, down - 30)[..., None]
    share = np.clip(12.5 - distance, 0, 1)
    return Image.fromarray((share * [255, 0, 0] + (1 - share) * ground).astype(np.uint8))


DISC = Region.polygon(
    [(45.5 + 12.5 * np.cos(t), 30.5 + 12.5 * np.sin(t)) for t in np.linspace(0, 6.28, 60)]
).pixels((WIDTH, HEIGHT))
PLACES = {
    "disc": DISC,
    "corner": Region.box(-5, -5, 20, 20).pixels((WIDTH, HEIGHT)),
    "row": Region.box(0, 20, WIDTH, 40).pixels((WIDTH, HEIGHT)),
    "pixel": Region.box(44, 30, 45, 31).pixels((WIDTH, HEIGHT)),
    "all but one": Region.box(0, 0, WIDTH, HEIGHT)
    .pixels((WIDTH, HEIGHT))
    .index_put((torch.tensor(7), torch.tensor(9)), torch.tensor(False)),
    "frame": ~Region.box(2, 2, WIDTH - 2, HEIGHT - 2).pixels((WIDTH, HEIGHT)),
    "stripes": (torch.arange(WIDTH) % 3 > 0).expand(HEIGHT, WIDTH).clone(),
}


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("place", PLACES)
def test_nothing_outside_of_an_erased_region_changes(picture, place, fill):
    before, mask = np.array(picture), PLACES[place]
    after = np.array(erased(picture, mask, fill))
    outside = ~mask.numpy()
    assert np.array_equal(after[outside], before[outside])
    assert after.shape == before.shape
    assert np.array_equal(np.array(picture), before), "the given picture was changed"


@pytest.mark.parametrize("fill", FILLS)
def test_nothing_of_an_erased_thing_is_left_not_even_the_colour_of_its_edge(picture, fill):
    red = np.array(erased(picture, DISC, fill))[..., 0][DISC.numpy()]
    assert red.max() < 30  # the disc has 255, its mixed edge 128


@pytest.mark.parametrize("fill", FILLS)
def test_what_is_filled_in_does_not_depend_on_what_was_there(picture, fill):
    other = np.array(picture)
    other[DISC.numpy()] = np.random.default_rng(1).integers(0, 256, (int(DISC.sum()), 3))
    found = (np.array(erased(one, DISC, fill)) for one in (picture, Image.fromarray(other)))
    assert np.array_equal(*found)


def test_fills_are_what_they_say(picture):
    inside = DISC.numpy()
    found = {fill: np.array(erased(picture, DISC, fill)).astype(int) for fill in FILLS}
    assert len(np.unique(found["mean"][inside], axis=0)) == 1
    for fill in ("blur", "inpaint"):  # the ground's slopes go on across the gap
        left, right = found[fill][30, 36, 1], found[fill][30, 54, 1]
        assert right - left > 5, fill
        middle = found[fill][30, 45]
        assert np.abs(middle - [4, 89, 174]).max() < 20, fill


def test_whole_picture_becomes_grey_whatever_the_fill(picture):
    everything = torch.ones(HEIGHT, WIDTH, dtype=torch.bool)
    for fill in FILLS:
        assert set(np.array(erased(picture, everything, fill)).ravel()) == {128}


def test_large_regions_are_filled_at_a_part_of_their_size_and_smoothly():
    down, across = np.mgrid[:900, :1300]
    picture = Image.fromarray(np.stack([across // 6, down // 4, 0 * down], -1).astype(np.uint8))
    mask = Region.box(200, 100, 1100, 800).pixels(picture.size)
    for fill in ("blur", "inpaint"):
        after = np.array(erased(picture, mask, fill)).astype(int)
        steps = np.abs(np.diff(after[110:790, 210:1090], axis=0)).max()
        assert steps <= 4, fill  # no blocks
        assert np.abs(after[450, 200] - np.array(picture)[450, 199]).max() < 25, fill


def test_kept_region_is_on_grey(picture):
    after, before = np.array(kept(picture, DISC)), np.array(picture)
    inside = DISC.numpy()
    assert np.array_equal(after[inside], before[inside])
    assert set(after[~inside].ravel()) == {128}


def test_moved_region_is_carried_and_its_place_filled(picture):
    before = np.array(picture)
    after = np.array(moved(picture, DISC, (20, -15), "mean"))
    there = np.roll(DISC.numpy(), (-15, 20), (0, 1))
    assert np.array_equal(after[there], before[DISC.numpy()])
    gone = DISC.numpy() & ~there
    assert np.array_equal(after[gone], np.array(erased(picture, DISC, "mean"))[gone])
    untouched = ~there & ~DISC.numpy()
    assert np.array_equal(after[untouched], before[untouched])


def test_moved_region_is_cut_off_at_the_edge_and_refused_beyond_it(picture):
    after, before = np.array(moved(picture, DISC, (40, 0))), np.array(picture)
    assert np.array_equal(after[30, 80:90], before[30, 40:50])  # not around to the left side
    assert np.array_equal(after[30, :10], before[30, :10])
    for by in ((60, 0), (0, 900), (-(10**6), 5)):
        with pytest.raises(ParameterError, match="beyond its edge"):
            moved(picture, DISC, by)


def test_unknown_changes_and_fills_are_refused(picture):
    with pytest.raises(ParameterError, match="a change of erase, keep, move, got 'remove'"):
        changed_region("remove", DISC, "blur", (0, 0))
    with pytest.raises(ParameterError, match="a fill of blur, mean, inpaint, got 'black'"):
        changed_region("keep", DISC, "black", (0, 0))


def test_inpainting_without_its_library_names_the_extra(picture, monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.restoration", None)
    with pytest.raises(ParameterError, match=r"pip install 'seewhy\[app\]'"):
        erased(picture, DISC, "inpaint")
