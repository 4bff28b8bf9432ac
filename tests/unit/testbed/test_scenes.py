"""Scenes: the promises about what is where, and that the drawing keeps them."""

import hashlib
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import combinations, pairwise

import numpy as np
import pytest

from seewhy.testbed.raster import COUNT, PIXEL, bounds, fill, outline, place
from seewhy.testbed.scenes import (
    SPLITS,
    Background,
    Scene,
    SceneObject,
    draw,
    scene,
    visible_fraction,
)
from seewhy.testbed.shapes import COLOURS, HELD_OUT_PAIRS, KINDS

MANY = 300
PINNED = {
    ("train", 0): "993f826e6f7646ba",
    ("train", 7): "8678d0c25a268321",
    ("train", 10): "6962a996786f9bdf",
    ("heldout", 2): "8757bc6e8b3166ce",
    ("unseen", 4): "96a05792983ab2e4",
}


@cache
def many(split: str = "train") -> tuple[Scene, ...]:
    return tuple(scene(index, split) for index in range(MANY))


def alone(kind: str, radius: int = 30, scale: int = 1) -> np.ndarray:
    thing = SceneObject(kind, "red", "small", 32 * PIXEL, 32 * PIXEL, radius * PIXEL, 0)
    ground = Background("plain", "white", 0, 640)
    return draw(Scene("train", 0, 0, 64, 64, ground, (thing,)), scale).masks[0]


@pytest.mark.parametrize(("split", "index"), list(PINNED))
def test_pictures_have_the_same_bytes_for_ever(split: str, index: int) -> None:
    picture = draw(scene(index, split))
    seen = hashlib.sha256(picture.image.tobytes() + picture.masks.tobytes()).hexdigest()
    assert seen[:16] == PINNED[split, index]


def test_scene_depends_on_index_split_and_seed() -> None:
    scenes = {scene(5), scene(5), scene(6), scene(5, "heldout"), scene(5, seed=1)}
    assert len(scenes) == 4


def test_scene_mix_follows_the_plan() -> None:
    numbers = Counter(len(s.objects) for s in many())
    canvases = Counter((s.width, s.height) for s in many())
    sizes = Counter(t.size for s in many() for t in s.objects)
    assert set(numbers) == {1, 2, 3, 4}
    assert numbers[3] > numbers[1]
    assert canvases[160, 160] > MANY // 2
    assert min(canvases.values()) > MANY // 8
    assert 0.35 < sizes["large"] / sizes.total() < 0.55
    assert {t.kind for s in many() for t in s.objects} == set(KINDS)
    assert {t.colour for s in many() for t in s.objects} == set(COLOURS)


@pytest.mark.parametrize("split", SPLITS)
def test_things_keep_their_distance(split: str) -> None:
    for s in many(split):
        for t in s.objects:
            assert t.radius <= t.x <= s.width * PIXEL - t.radius
            assert t.radius <= t.y <= s.height * PIXEL - t.radius
            assert -20 <= t.rotation <= 20
        for a, b in combinations(s.objects, 2):
            assert abs(a.x - b.x) >= s.width * PIXEL // 10
        for a, b in pairwise(sorted(s.objects, key=lambda t: t.x)):
            dx, dy = b.x - a.x, abs(b.y - a.y)
            assert dy >= 1.3 * dx or dx >= 1.3 * dy
        assert len(s.objects) < 4 or sum(t.size == "large" for t in s.objects) <= 2


@pytest.mark.parametrize("split", SPLITS)
def test_at_most_one_pair_overlaps_and_evidently(split: str) -> None:
    overlapping = 0
    for s in many(split):
        picture = draw(s)
        hidden = 1 - visible_fraction(picture)
        across = sorted(range(len(s.objects)), key=lambda i: s.objects[i].x)
        pairs = [(i, j) for i, j in enumerate(picture.occluded_by) if j is not None]
        overlapping += len(pairs)
        assert len(pairs) <= 1
        for i, j in pairs:
            assert j > i
            assert abs(across.index(i) - across.index(j)) == 1
            assert 0.12 <= hidden[i] <= 0.40
        for i, by in enumerate(picture.occluded_by):
            assert by is not None or hidden[i] == 0
        for i, j in combinations(range(len(s.objects)), 2):
            a, b = s.objects[i], s.objects[j]
            apart = np.hypot(a.x - b.x, a.y - b.y) - a.radius - b.radius
            assert apart >= 2 * PIXEL or (i, j) in pairs
    pairs_possible = sum(len(s.objects) > 1 for s in many(split))
    assert 0.2 < overlapping / pairs_possible < 0.4


def test_likeness_is_one_pair_or_none() -> None:
    seen: Counter[str] = Counter()
    for s in many():
        kinds = Counter(t.kind for t in s.objects)
        looks = Counter((t.kind, t.colour) for t in s.objects)
        assert sorted(kinds.values())[-2:] in ([1], [2], [1, 1], [1, 2])
        seen["twin" if max(looks.values()) > 1 else "kind" if max(kinds.values()) > 1 else ""] += 1
    assert seen[""] > seen["kind"] > seen["twin"] > 0


def test_held_out_pairs_appear_only_in_unseen() -> None:
    assert len(HELD_OUT_PAIRS) == len(KINDS)
    assert {kind for kind, _ in HELD_OUT_PAIRS} == set(KINDS)
    for split in SPLITS:
        for s in many(split):
            shown = {(t.kind, t.colour) for t in s.objects} & HELD_OUT_PAIRS
            assert bool(shown) == (split == "unseen")


def test_masks_are_disjoint_and_hold_what_was_painted() -> None:
    for s in many()[:60]:
        picture = draw(s)
        bare = draw(replace(s, objects=()))
        assert picture.image.shape == (s.height, s.width, 3)
        assert picture.image.dtype == np.uint8
        assert picture.masks.dtype == np.bool_
        assert picture.masks.sum(0).max() <= 1
        changed = (picture.image != bare.image).any(-1)
        assert (changed | ~picture.masks.any(0)).mean() > 0.999
        assert (picture.full_areas >= picture.masks.sum((1, 2))).all()


def test_twice_the_scale_agrees_with_the_masks() -> None:
    for s in many()[:40]:
        once, twice = draw(s), draw(s, 2)
        assert twice.occluded_by == once.occluded_by
        halves = twice.masks.reshape(len(s.objects), s.height, 2, s.width, 2).mean((2, 4))
        # A pixel with half or fewer of its four quarters may go either way.
        assert (halves[once.masks] >= 0.25).all()
        assert (halves[~once.masks] <= 0.75).all()
        np.testing.assert_allclose(twice.full_areas / 4, once.full_areas, rtol=0.06)


def test_scale_takes_fractions_and_floats() -> None:
    s = scene(1)
    np.testing.assert_array_equal(draw(s, 0.5).image, draw(s, Fraction(1, 2)).image)
    assert draw(s, 0.5).image.shape[:2] == (s.height // 2, s.width // 2)
    assert draw(s, 1e-6).image.shape == (1, 1, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_fill_their_disc_and_differ(kind: str) -> None:
    mask = alone(kind)
    assert mask.mean() * 64**2 / 60**2 > 0.2
    for other in KINDS:
        if other != kind:
            theirs = alone(other)
            assert (mask & theirs).sum() / (mask | theirs).sum() < 0.85


def test_fill_counts_samples_even_odd_and_clips() -> None:
    def square(side: int) -> list[tuple[float, float]]:
        return [(-side, -side), (side, -side), (side, side), (-side, side)]

    frame = outline([[square(4), square(2)]])
    points = np.array(square(4) + square(2)) * PIXEL
    whole = COUNT[fill(frame, points, (-5, -5, 5, 5))][0]
    assert whole.sum() == 16 * (64 - 16)
    assert whole[5, 5] == 0
    assert whole[1, 1] == 16
    assert whole[0, 0] == 0
    corner = COUNT[fill(frame, points, (0, 0, 3, 3))][0]
    np.testing.assert_array_equal(corner, whole[5:8, 5:8])


def test_fill_agrees_with_testing_every_sample() -> None:
    shape = KINDS["star"].outline
    points = place(shape, 1111, 1003, 900, 13)
    box = bounds(points, 32, 32)
    bits = np.bitwise_or.reduce(fill(shape, points, box), axis=0)
    grid = np.zeros((box[3] - box[1], box[2] - box[0]), dtype=int)
    for row, column in np.ndindex(grid.shape):
        for sample in range(16):
            px = (box[0] + column) * PIXEL + 16 * (sample % 4) + 8
            py = (box[1] + row) * PIXEL + 16 * (sample // 4) + 8
            inside = [False] * shape.layers
            for (x0, y0), n, layer in zip(points.tolist(), shape.next, shape.layer, strict=True):
                x1, y1 = points[n].tolist()
                if (y0 <= py < y1 or y1 <= py < y0) and px * abs(y1 - y0) >= (
                    x0 * (y1 - y0) + (py - y0) * (x1 - x0)
                ) * (1 if y1 > y0 else -1):
                    inside[layer] ^= True
            grid[row, column] += any(inside)
    np.testing.assert_array_equal(COUNT[bits], grid)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match=r"Expected split to be one of train, .*, got 'test'"):
        scene(0, "test")
    with pytest.raises(ValueError, match="Expected index >= 0, got -1"):
        scene(-1)
    for scale in (0, -1.5):
        with pytest.raises(ValueError, match="Expected scale > 0, got"):
            draw(scene(0), scale)
