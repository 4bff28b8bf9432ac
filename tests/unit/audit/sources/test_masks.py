"""Masks of several codings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from audit_layouts import LEFT, RIGHT, block, panoptic, polygon, rle, save_picture
from seewhy.audit.sources._masks import (
    decode_rle,
    filled_box,
    read_binary,
    read_panoptic,
    segmentation_mask,
    union_of_rles,
    upright,
)
from seewhy.audit.sources._pictures import PictureSize, read_size
from seewhy.core.errors import SampleError
from seewhy.images import read_image


@pytest.mark.parametrize("compressed", [True, False])
def test_run_lengths_are_decoded_column_by_column(compressed: bool) -> None:
    rng = np.random.default_rng(0)
    for shape in ((1, 1), (7, 3), (30, 40), (200, 333)):
        for share in (0, 0.01, 0.5, 1):
            mask = rng.random(shape) < share
            assert np.array_equal(decode_rle(rle(mask, compressed=compressed)), mask)


def test_compressed_run_lengths_of_known_text() -> None:
    """By hand: 10 zeros, 3 ones, 12 zeros; then 5 ones as 3 + 2, and 20 zeros as 12 + 8."""
    text = "".join(map(chr, (10 + 48, 3 + 48, 12 + 48, 2 + 48, 8 + 48)))
    mask = decode_rle({"size": [10, 5], "counts": text})
    assert np.flatnonzero(mask.T.ravel()).tolist() == [10, 11, 12, *range(25, 30)]


def test_overlapping_run_lengths_are_united() -> None:
    union = union_of_rles([rle(block(LEFT)), rle(block(LEFT)), rle(block(RIGHT))])
    assert np.array_equal(union, block(LEFT) | block(RIGHT))


@pytest.mark.parametrize(
    "broken",
    [
        {"size": [3, 3], "counts": [4]},
        {"size": [3, 3], "counts": [10, -1]},
        {"size": [3], "counts": [9]},
        {"counts": [9]},
        {"size": [3, 3], "counts": "\x7f"},
        {"size": [3, 3], "counts": "o"},
        {"size": [3, 3], "counts": None},
        7,
    ],
)
def test_broken_run_lengths_are_told(broken: object) -> None:
    with pytest.raises(SampleError, match="^mask broken"):
        decode_rle(broken)


def test_run_lengths_of_several_sizes_are_told() -> None:
    with pytest.raises(SampleError, match="^mask broken"):
        union_of_rles([rle(block(LEFT)), rle(np.ones((2, 2), dtype=bool))])


def test_annotation_has_polygons_run_lengths_or_a_box() -> None:
    coded = ({"segmentation": [polygon(LEFT)]}, {"segmentation": rle(block(LEFT))})
    for annotation in (*coded, {"bbox": [2, 5, 12, 20]}):
        assert np.array_equal(segmentation_mask(annotation, 30, 40), block(LEFT))
    with pytest.raises(SampleError, match="^mask broken"):
        segmentation_mask({"segmentation": [["a"] * 6]}, 30, 40)
    with pytest.raises(SampleError, match="^mask broken"):
        segmentation_mask({}, 30, 40)


def test_box_is_cut_at_the_border() -> None:
    assert filled_box((-5, -5, 2, 3), 10, 10).sum() == 6
    assert not filled_box((-5, -5, -1, -1), 10, 10).any()
    assert filled_box((8, 8, 99, 99), 10, 10).sum() == 4


def test_panoptic_numbers_use_three_channels(tmp_path: Path) -> None:
    path = panoptic(tmp_path / "a.png", 3_555_139, 70_000)
    values = read_panoptic(path)
    assert np.array_equal(values == 3_555_139, block(LEFT))
    assert np.array_equal(values == 70_000, block(RIGHT))
    with pytest.raises(SampleError, match="^mask missing"):
        read_panoptic(tmp_path / "b.png")
    (tmp_path / "c.png").write_bytes(b"no picture")
    with pytest.raises(SampleError, match="^mask broken"):
        read_panoptic(tmp_path / "c.png")


def test_size_of_a_rotated_picture_is_upright(tmp_path: Path) -> None:
    path = save_picture(tmp_path / "a.jpg", orientation=6)
    size = read_size(path)
    assert (size.width, size.height) == read_image(path).size == (40, 30)
    assert (size.stored_width, size.stored_height) == (30, 40)
    with pytest.raises(SampleError, match="^picture missing"):
        read_size(tmp_path / "none.jpg")
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    with pytest.raises(SampleError, match="^picture broken"):
        read_size(tmp_path / "b.jpg")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_mask_of_the_stored_picture_is_turned_with_it(tmp_path: Path, orientation: int) -> None:
    """A bright place of the stored picture is where the upright mask is."""
    stored = np.zeros((30, 40), dtype=bool)
    stored[2:8, 3:20] = True
    path, exif = tmp_path / "a.png", Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored.astype(np.uint8) * 255).save(path, exif=exif)
    seen = np.asarray(read_image(path))[..., 0] > 127
    size = read_size(path)
    assert (size.height, size.width) == seen.shape
    if orientation >= 5:
        assert np.array_equal(upright(stored, size), seen)
    assert np.array_equal(upright(seen, size), seen)
    assert np.array_equal(read_binary(path), seen)


def test_mask_of_another_size_is_told() -> None:
    with pytest.raises(SampleError, match="^mask of another size"):
        upright(np.ones((5, 5), dtype=bool), PictureSize(40, 30, 40, 30))
