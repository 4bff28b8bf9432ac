"""Masks as the lengths of runs, row by row: a thousandth of the space of their pixels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seewhy.core.errors import ParameterError

CELLS_MAX = 1 << 28
"""Cells of a mask, at most: 268 million, more than any picture that is read."""


def to_runs(mask: Tensor) -> tuple[tuple[int, ...], ...]:
    """For each row the lengths of its runs, false and true in turn; the first is false.

    Args:
        mask: bool `[height, width]`.

    Example:
        >>> to_runs(torch.tensor([[True, True, False], [False, False, False]]))
        ((0, 2, 1), (3,))
    """
    height, width = mask.shape
    padded = torch.zeros(height, width + 1, dtype=torch.bool)
    padded[:, 1:] = mask.cpu()
    rows, columns = (padded[:, 1:] != padded[:, :-1]).nonzero(as_tuple=True)
    found: list[list[int]] = [[0] for _ in range(height)]
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        found[row].append(column)
    return tuple(
        tuple(end - start for start, end in zip(edges, [*edges[1:], width], strict=True))
        for edges in found
    )


def from_runs(runs: Sequence[Sequence[int]]) -> Tensor:
    """Undo `to_runs`: bool `[height, width]`.

    Args:
        runs: for each row whole numbers from 0, with one sum.

    Raises:
        ParameterError: if the mask would have more than `CELLS_MAX` cells.

    Example:
        >>> from_runs([[0, 2, 1], [3]]).tolist()
        [[True, True, False], [False, False, False]]
    """
    width = sum(runs[0])
    if width * len(runs) > CELLS_MAX:
        raise ParameterError(
            f"Expected a mask of at most {CELLS_MAX:,} cells, got {width} x {len(runs)}: give one "
            "of the picture's size."
        )
    lengths = torch.tensor([length for row in runs for length in row])
    values = torch.tensor([bool(place % 2) for row in runs for place in range(len(row))])
    return values.repeat_interleave(lengths).view(len(runs), width)
