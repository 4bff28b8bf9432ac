"""How sure it is that a picture bears a word out, from what changed pictures do to the word."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

MIDPOINT = 0.4
"""What is left of a word's probability at a support of one half; chosen on training scenes."""

WIDTH = 0.05
"""How fast support falls around the midpoint; chosen with it."""


def share_left(changed: Tensor, before: Tensor | float) -> float:
    """What is left of a word's probability when something is changed.

    `mean over variants of min(1, p(word | changed) / p(word))`: 1 if the word is said all the same,
    0 if it is not said any more. A probability that rises counts as unchanged.

    Args:
        changed: float `[variant]`, the word's log-probability after each change, in nats.
        before: the log-probability without a change.

    Returns:
        In [0, 1].

    Source:
        Ours.

    Example:
        >>> share_left(torch.tensor([-0.1, -5.0]), -0.1)
        0.503...
    """
    return float((changed.double() - before).clamp(max=0).exp().mean())


def joint_share_left(shares: Sequence[float]) -> float:
    """The geometric mean of what several kinds of change leave of a word.

    A word that one kind of change takes away rests on the picture, even if another leaves it:
    a grey picture may leave what is likely in any picture, and a place may be found badly.

    Args:
        shares: in [0, 1], at least one.

    Source:
        Ours.

    Example:
        >>> joint_share_left([1.0, 0.25])
        0.5
    """
    return math.prod(shares) ** (1 / len(shares))


def support_of(left: float) -> float:
    """How sure it is that the picture bears a word out.

    `1 / (1 + exp((left - MIDPOINT) / WIDTH))`.

    Args:
        left: what the changes leave of the word's probability, in [0, 1].

    Returns:
        In [0, 1], falling in `left`.

    Source:
        Ours.

    Example:
        >>> [round(support_of(left), 2) for left in (0.0, 0.4, 1.0)]
        [1.0, 0.5, 0.0]
    """
    return 1 / (1 + math.exp((left - MIDPOINT) / WIDTH))
