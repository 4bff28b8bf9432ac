"""Support against a slow implementation in exact steps."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from seewhy.functional.support import (
    MIDPOINT,
    WIDTH,
    joint_share_left,
    share_left,
    support_of,
)


@pytest.mark.parametrize("seed", range(5))
def test_share_left_is_the_mean_of_capped_ratios(seed):
    rng = np.random.default_rng(seed)
    changed, before = rng.uniform(-6, 0, 7), float(rng.uniform(-3, 0))
    slow = 0.0
    for value in changed:
        slow += min(1.0, math.exp(value) / math.exp(before)) / len(changed)
    assert share_left(torch.tensor(changed), before) == pytest.approx(slow, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_joint_share_is_the_exponential_of_the_mean_logarithm(seed):
    shares = np.random.default_rng(seed).uniform(0.01, 1, 4)
    assert joint_share_left(shares.tolist()) == pytest.approx(float(np.exp(np.log(shares).mean())))


def test_joint_share_is_zero_if_one_change_takes_all():
    assert joint_share_left([1.0, 0.0, 1.0]) == 0


def test_support_falls_from_one_to_zero_through_a_half_at_the_midpoint():
    values = [support_of(x) for x in np.linspace(0, 1, 101)]
    assert all(a > b for a, b in itertools.pairwise(values))
    assert support_of(MIDPOINT) == 0.5
    assert support_of(MIDPOINT + WIDTH) == pytest.approx(1 / (1 + math.e))
    assert values[0] > 0.999
    assert values[-1] < 0.001
