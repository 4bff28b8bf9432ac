"""Drawn scenes and other pictures."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image

from painting import noise
from seewhy.testbed.drawn import drawn_shares, is_drawn
from seewhy.testbed.scenes import SHADES, SPLITS, TEXTURES, draw, scene

PHOTOGRAPHS = Path("/work/shared/real_samples/coco/image")


def scene_image(index: int = 0, split: str = "heldout", scale: float | Fraction = 1) -> Image.Image:
    return Image.fromarray(draw(scene(index, split), scale).image)


@pytest.mark.parametrize("split", SPLITS)
def test_scenes_are_drawn(split):
    grounds = set()
    for index in range(25):
        assert is_drawn(scene_image(index, split)), (split, index)
        ground = scene(index, split).background
        grounds.add((ground.texture, ground.shade))
    assert {texture for texture, _ in grounds} == set(TEXTURES)
    assert {shade for _, shade in grounds} == set(SHADES)


@pytest.mark.parametrize("scale", [Fraction(1, 2), Fraction(3, 4), 2, 3.5])
def test_scenes_of_any_size_are_drawn(scale):
    assert all(is_drawn(scene_image(index, scale=scale)) for index in range(8))


def test_scene_that_went_through_a_file_or_was_resized_is_drawn():
    file = io.BytesIO()
    scene_image(3).save(file, "PNG")
    assert is_drawn(Image.open(file))
    assert is_drawn(scene_image(3).resize((300, 200), Image.Resampling.NEAREST))
    assert is_drawn(scene_image(3).resize((336, 336)))


def gradient() -> Image.Image:
    return Image.linear_gradient("L").resize((160, 160)).convert("RGB")


@pytest.mark.parametrize(
    "image",
    [
        *(Image.new("RGB", (160, 160), colour) for colour in ((255, 255, 255), (0, 0, 0))),
        *(Image.new("RGB", (160, 160), shade) for shade in SHADES.values()),
        Image.new("RGB", (1, 1), (222, 32, 38)),
        noise(160, 160),
        gradient(),
        gradient().convert("L"),
    ],
)
def test_blank_pictures_and_noise_are_not_drawn(image):
    assert not is_drawn(image)


def test_photographs_are_far_from_drawn():
    if not PHOTOGRAPHS.is_dir():
        pytest.skip(f"{PHOTOGRAPHS} is not at hand: no photographs to look at")
    files = sorted(PHOTOGRAPHS.glob("*.jpg"))[::8]
    assert files
    for file in files:
        picture = Image.open(file).convert("RGB")
        ground, objects, _ = drawn_shares(picture)
        assert ground + objects < 0.4, file.name
        assert not is_drawn(picture)
        assert not is_drawn(picture.convert("L"))
