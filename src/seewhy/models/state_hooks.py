"""Two forward hooks: final states at selected positions, and the latest logits."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from seewhy.core.trace import expect_finite
from seewhy.models.isolation import of_this_call
from seewhy.models.unembedding import backbone_of


class StateHooks:
    """Keep final states at selected positions of each row, and the logits of the latest pass.

    Args:
        positions: for each row of the batch, int64: the positions whose states are kept, in any
            order.
    """

    def __init__(self, positions: Sequence[Tensor]) -> None:
        self._positions = [row.unique() for row in positions]
        self._sorted = [row.tolist() for row in self._positions]
        self._kept: list[list[Tensor]] = [[] for _ in positions]
        self._seen = 0  # positions in all passes so far
        self.logits = torch.empty(0)

    @contextmanager
    def attached(self, model: Any) -> Iterator[None]:
        """Attach the hooks to the model; they are removed at the end, also after an error."""
        hooks = [
            backbone_of(model).register_forward_hook(of_this_call(self._keep_states)),
            model.register_forward_hook(of_this_call(self._keep_logits)),
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def states_at(self, row: int, positions: Tensor) -> Tensor:
        """`[position, hidden]`, for selected positions of a row after their forward pass."""
        kept = torch.cat(self._kept[row])
        return kept[torch.searchsorted(self._positions[row], positions).to(kept.device)]

    def expect_finite(self) -> None:
        """Raise `NonFiniteError` if a kept state is NaN or infinite."""
        for states in (states for row in self._kept for states in row):
            expect_finite(states, name="final")

    def _keep_states(self, module: Any, arguments: Any, output: Any) -> None:
        hidden = output.last_hidden_state
        begin, self._seen = self._seen, self._seen + hidden.shape[1]
        for row, states in enumerate(hidden):
            selected = self._sorted[row]
            in_pass = slice(*(bisect_left(selected, end) for end in (begin, self._seen)))
            if in_pass.stop - in_pass.start < len(states):
                states = states[(self._positions[row][in_pass] - begin).to(states.device)]
            self._kept[row].append(states)

    def _keep_logits(self, module: Any, arguments: Any, output: Any) -> None:
        self.logits = output.logits[:, -1].clone()  # a view would keep all positions in memory
