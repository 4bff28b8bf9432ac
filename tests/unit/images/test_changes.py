"""Changed pictures, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from seewhy.images import Clip
from seewhy.images.changes import (
    RECOLOURINGS,
    changed_frames,
    changed_medium,
    fitted,
    grey_picture,
    only_place,
    turned_place,
    upside_down,
    without_place,
)


@pytest.fixture
def picture():
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8))


BOX = (5.0, 4.0, 12.0, 10.0)


def inside(picture, box=BOX):
    left, top, right, bottom = map(int, box)
    mask = np.zeros((picture.height, picture.width), bool)
    mask[top:bottom, left:right] = True
    return mask


def test_without_place_fills_the_box_evenly_and_nothing_else(picture):
    before, after = np.array(picture), np.array(without_place(picture, BOX))
    mask = inside(picture)
    assert len(np.unique(after[mask], axis=0)) == 1
    assert np.array_equal(after[~mask], before[~mask])


def test_only_place_is_grey_around_the_box(picture):
    before, after = np.array(picture), np.array(only_place(picture, BOX))
    mask = inside(picture)
    assert np.array_equal(after[mask], before[mask])
    assert set(after[~mask].ravel()) == {128}


def test_recoloured_swaps_channels_and_inverts(picture):
    pixels = np.array(picture)
    swapped, again, negative = (np.array(change(picture)) for change in RECOLOURINGS)
    assert np.array_equal(swapped, pixels[..., [1, 2, 0]])
    assert np.array_equal(again, pixels[..., [2, 0, 1]])
    assert np.array_equal(negative, 255 - pixels)


def test_turned_place_is_upside_down_in_the_box_only(picture):
    before, after = np.array(picture), np.array(turned_place(picture, BOX))
    mask = inside(picture)
    assert np.array_equal(after[~mask], before[~mask])
    assert np.array_equal(after[4:10, 5:12], before[4:10, 5:12][::-1])


@pytest.mark.parametrize(
    "box", [(-5.0, -5.0, 3.0, 3.0), (29.9, 19.9, 40.0, 40.0), (7.2, 7.2, 7.3, 7.3)]
)
def test_places_at_the_border_and_tiny_ones_hold_a_pixel(picture, box):
    before = np.array(picture)
    assert (np.array(without_place(picture, box)) != before).any()
    assert (np.array(only_place(picture, box)) == before).all(-1).sum() >= 1


def test_fitted_has_the_size_and_keeps_the_middle():
    wide = Image.new("RGB", (40, 10), (0, 0, 0))
    wide.paste((255, 0, 0), (15, 0, 25, 10))
    found = np.array(fitted(wide, (20, 20)))
    assert found.shape == (20, 20, 3)
    assert found[10, 10].tolist() == [255, 0, 0]


def test_clips_are_changed_frame_by_frame(picture):
    clip = Clip((picture, picture), (0.0, 1.0))
    grey = changed_medium(clip, grey_picture)
    assert len(grey) == 2
    assert {tuple(np.unique(np.array(frame))) for frame in grey.frames} == {(128,)}
    one = changed_frames(clip, (1,), upside_down)
    assert np.array_equal(np.array(one.frames[0]), np.array(picture))
    assert np.array_equal(np.array(one.frames[1]), np.array(picture)[::-1])
