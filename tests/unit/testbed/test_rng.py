"""Dice: known values, ranges and independence of streams."""

import numpy as np
import pytest

from seewhy.testbed.rng import GOLDEN, MASK, Rng, mix, noise


def test_mix_gives_the_published_splitmix64_sequence() -> None:
    # The first outputs of SplitMix64 seeded with 1234567, from Rosetta Code.
    seen = [mix((1234567 + n * GOLDEN) & MASK) for n in (1, 2, 3)]
    assert seen == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_dice_are_pinned_for_ever() -> None:
    rng = Rng("scene", "train", 0, 7)
    assert [rng.below(1000) for _ in range(6)] == [252, 636, 589, 675, 815, 238]


def test_keys_name_different_streams() -> None:
    keys = [(), (1,), ("1",), (0,), ("a", "b"), ("ab",), ("b", "a"), (-1,)]
    assert len({Rng(*key).bits() for key in keys}) == len(keys)


def test_fork_does_not_depend_on_what_was_thrown() -> None:
    thrown = Rng("a")
    thrown.bits()
    assert thrown.fork("b", 2).bits() == Rng("a", "b", 2).bits()


def test_throws_stay_in_range_and_reach_every_value() -> None:
    rng = Rng("range")
    assert {rng.below(5) for _ in range(300)} == set(range(5))
    assert {rng.between(-2, 2) for _ in range(300)} == {-2, -1, 0, 1, 2}
    assert {rng.pick("abc") for _ in range(100)} == set("abc")
    assert 250 < sum(rng.chance(3, 10) for _ in range(1000)) < 350
    assert not rng.chance(0, 1)
    assert rng.chance(1, 1)


def test_sample_takes_each_place_at_most_once() -> None:
    rng = Rng("sample")
    assert sorted(rng.sample(range(9), 9)) == list(range(9))
    assert len(set(rng.sample(range(100), 60))) == 60
    assert rng.sample("abc", 0) == []


def test_weighted_follows_the_weights() -> None:
    rng = Rng("weights")
    throws = [rng.weighted("xyz", (6, 0, 2)) for _ in range(1000)]
    assert throws.count("y") == 0
    assert 700 < throws.count("x") < 800


@pytest.mark.parametrize("key", [0, 5, MASK, -3])
def test_noise_agrees_with_whole_number_arithmetic(key: int) -> None:
    grain = noise(key, 3, 5)
    first = [(mix((key + n * GOLDEN) & MASK) >> 56) for n in range(1, 16)]
    assert grain.dtype == np.uint8
    np.testing.assert_array_equal(grain.ravel(), first)


def test_throws_refuse_empty_ranges() -> None:
    rng = Rng()
    with pytest.raises(ValueError, match="Expected n >= 1, got 0"):
        rng.below(0)
    with pytest.raises(ValueError, match="Expected lo <= hi, got lo=2 and hi=1"):
        rng.between(2, 1)
    with pytest.raises(ValueError, match="at least one item"):
        rng.pick([])
    with pytest.raises(ValueError, match=r"Expected k of 0 \.\. 2, got 3"):
        rng.sample([1, 2], 3)
    with pytest.raises(ValueError, match="Expected one weight >= 0 for each of 2 items"):
        rng.weighted([1, 2], [1])
