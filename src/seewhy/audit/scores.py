"""What the benchmark says of each answer, read from the store as it is needed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, overload

from seewhy.audit.schema import DONE
from seewhy.audit.store import Store


class StoredScores(Sequence[Mapping[str, Any]]):
    """The scores of all answers that have one, as a sequence that is not in memory.

    Iterating reads the store once; an index reads it up to there.

    Args:
        store: of the answers.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        for row in self._store.iter_answers(["status", "score"]):
            if row.status == DONE and row.score:
                yield json.loads(row.score)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @overload
    def __getitem__(self, index: int) -> Mapping[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Mapping[str, Any]]: ...

    def __getitem__(self, index: int | slice) -> Any:
        """A score, or several."""
        if isinstance(index, slice):
            return list(self)[index]
        place = index if index >= 0 else len(self) + index
        found = next(islice(self, place, None), None) if place >= 0 else None
        if found is None:
            raise IndexError(f"Expected one of {len(self)} scores, got number {index}.")
        return found
