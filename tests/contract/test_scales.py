"""Scales that are none: over 1,000 random sizes of pictures in every family."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from families import BUILDERS, shared
from painting import noise
from seewhy.methods._parameters import SCALES
from seewhy.models.processor_settings import with_settings
from seewhy.models.scales import TWIN, choose_scale, true_scale

COUNT = 1000
FAMILIES = sorted(BUILDERS)


def random_sizes(count, largest=600):
    """Widths and heights, elongated ones too."""
    dice = random.Random(0)
    return [(dice.randint(20, largest), dice.randint(20, largest)) for _ in range(count)]


def readings(family, size):
    """The sizes of the scales that are read for a picture: by requested scale."""

    def sizes_at(scale):
        return (family.model_size(size, scale, 1),)

    known = {1.0: sizes_at(1.0)}
    for scale in SCALES[1:]:
        choice = choose_scale(scale, sizes_at, known)
        assert bool(choice.note) == (choice.scale != scale)
        if choice.scale is not None:
            known[choice.scale] = sizes_at(choice.scale)
    return known


@pytest.mark.parametrize("name", FAMILIES)
def test_recorded_scales_are_never_twins(name):
    family = shared(name).family
    for size in random_sizes(COUNT):
        known = readings(family, size)
        base = known[1.0]
        seen = sorted(true_scale(sizes, base) for sizes in known.values())
        assert seen.count(1.0) == 1
        assert all(other / one > TWIN for one, other in pairwise(seen))


@pytest.mark.parametrize("name", ["qwen2-vl", "qwen2-5-vl", "qwen3-vl", "glm4v"])
def test_scale_below_takes_the_place_of_one_that_a_limit_forbids(name):
    """Pictures of 1 to 8 times the limit: 1.25 is never real there, and three scales are read."""
    area = 8 * 8 * 1280
    size = {"shortest_edge": 4 * 64, "longest_edge": area * (2 if name == "glm4v" else 1)}
    family = with_settings(shared(name), {"size": size}).family
    for width, height in random_sizes(COUNT, 700):
        if not area < width * height < 8 * area or max(width, height) > 8 * min(width, height):
            continue
        known = readings(family, (width, height))
        assert 1.25 not in known
        assert len(known) == 3
        assert all(true_scale(sizes, known[1.0]) < 1 for sizes in list(known.values())[1:])


@pytest.mark.parametrize("name", FAMILIES)
def test_size_without_pixels_is_that_of_the_pixels(name):
    family = shared(name).family
    for number, size in enumerate(random_sizes(6, 300)):
        for scale in (1.0, 0.75, 1.25, 0.64):
            pictures = 1 + number % 2
            made = family.process_image_among(noise(*size), scale, pictures)
            assert family.model_size(size, scale, pictures) == made.size
