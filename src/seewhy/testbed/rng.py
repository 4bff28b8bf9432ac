"""Random integers that are the same on every machine and in every version.

An `Rng` is a counter-based generator: the n-th value is ``mix(key + n * GOLDEN)``,
which is SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). It uses integers only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
FIRST, SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def mix(value: int) -> int:
    """Scramble 64 bits: the finaliser of SplitMix64, a bijection.

    >>> hex(mix(0x9E3779B97F4A7C15))
    '0xe220a8397b1dcdaf'
    """
    value = ((value ^ (value >> 30)) * FIRST) & MASK
    value = ((value ^ (value >> 27)) * SECOND) & MASK
    return value ^ (value >> 31)


def _digest(part: int | str) -> int:
    """64 bits of one part of a key; ``1`` and ``"1"`` differ."""
    named = f"{type(part).__name__}:{part}".encode()
    return int.from_bytes(hashlib.blake2b(named, digest_size=8).digest(), "big")


class Rng:
    """A stream of random integers, determined by its key.

    >>> rng = Rng("scene", 7)
    >>> [rng.below(6) for _ in range(5)] == [Rng("scene", 7).fork().below(6)] * 5
    False
    >>> Rng("scene", 7).below(1000) == Rng("scene").fork(7).below(1000)
    True
    """

    __slots__ = ("key", "count")

    def __init__(self, *key: int | str) -> None:
        self.key = 0
        self.count = 0
        for part in key:
            self.key = mix((self.key + GOLDEN) & MASK ^ _digest(part))

    def fork(self, *key: int | str) -> Rng:
        """Return a new generator for a longer key; earlier draws have no effect on it."""
        child = Rng()
        child.key = self.key
        for part in key:
            child.key = mix((child.key + GOLDEN) & MASK ^ _digest(part))
        return child

    def bits(self) -> int:
        """Draw 64 random bits."""
        self.count += 1
        return mix((self.key + self.count * GOLDEN) & MASK)

    def below(self, n: int) -> int:
        """Draw an integer of 0 .. n - 1."""
        if n < 1:
            raise ValueError(f"Expected n >= 1, got {n}: there is no integer from 0 to n - 1.")
        return (self.bits() * n) >> 64

    def between(self, lo: int, hi: int) -> int:
        """Draw an integer of lo .. hi, both inclusive."""
        if hi < lo:
            raise ValueError(f"Expected lo <= hi, got lo={lo} and hi={hi}.")
        return lo + self.below(hi - lo + 1)

    def chance(self, numerator: int, denominator: int) -> bool:
        """Return True with probability numerator / denominator."""
        return self.below(denominator) < numerator

    def pick(self, items: Sequence[T]) -> T:
        """Pick one item."""
        if not items:
            raise ValueError("Expected at least one item to pick from, got none.")
        return items[self.below(len(items))]

    def sample(self, items: Sequence[T], k: int) -> list[T]:
        """Pick k items at different indices, in random order; k = len(items) shuffles."""
        if not 0 <= k <= len(items):
            raise ValueError(f"Expected k of 0 .. {len(items)}, got {k}.")
        pool = list(items)
        for i in range(k):
            j = i + self.below(len(pool) - i)
            pool[i], pool[j] = pool[j], pool[i]
        return pool[:k]

    def weighted(self, items: Sequence[T], weights: Sequence[int]) -> T:
        """Pick one item with probability proportional to its integer weight >= 0.

        >>> Rng("any").weighted("abc", (0, 1, 0))
        'b'
        """
        if len(items) != len(weights) or min(weights, default=0) < 0 or sum(weights) == 0:
            raise ValueError(
                f"Expected one weight >= 0 for each of {len(items)} items and one above 0, "
                f"got {list(weights)}."
            )
        draw = self.below(sum(weights))
        for item, weight in zip(items, weights, strict=True):
            if draw < weight:
                return item
            draw -= weight
        raise AssertionError("unreachable: the draw is below the sum of the weights")


def noise(key: int, height: int, width: int) -> np.ndarray:
    """Return hash noise, uint8 [height, width], uniform on 0 .. 255.

    >>> noise(5, 2, 3).shape, bool((noise(5, 2, 3) == noise(5, 4, 3)[:2]).all())
    ((2, 3), True)
    """
    value = np.arange(1, height * width + 1, dtype=np.uint64)
    value *= np.uint64(GOLDEN)
    value += np.uint64(key & MASK)
    value ^= value >> np.uint64(30)
    value *= np.uint64(FIRST)
    value ^= value >> np.uint64(27)
    value *= np.uint64(SECOND)
    return (value >> np.uint64(56)).astype(np.uint8).reshape(height, width)
