"""Pairs of files that hold answers and their words, and which of them count.

`answers/0000000003-0000000018.parquet` holds the answers of the batches 3 to 18, and the file of
the same name in `words/` holds their words. Two rules make every step safe against a kill:

- The file of answers counts, and is written last. Words without it do not count.
- A file whose batches all lie in another file does not count: it was merged into that one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from seewhy.core.errors import SchemaError

_NAME = re.compile(r"(\d{10})-(\d{10})\.parquet")


@dataclass(frozen=True, order=True, slots=True)
class Shard:
    """The batches `first` to `last` of a run, both included."""

    first: int
    last: int

    @property
    def name(self) -> str:
        """Of its two files."""
        return f"{self.first:010d}-{self.last:010d}.parquet"

    @property
    def batches(self) -> int:
        """How many batches it holds."""
        return self.last - self.first + 1

    def holds(self, other: Shard) -> bool:
        """Whether all batches of another shard are in this one."""
        return self.first <= other.first and other.last <= self.last


def files_in(folder: Path) -> list[Shard]:
    """The shards that a folder has files of, in any state."""
    named = (_NAME.fullmatch(path.name) for path in folder.glob("*.parquet"))
    return [Shard(int(match[1]), int(match[2])) for match in named if match]


def counting(shards: Iterable[Shard], folder: Path) -> list[Shard]:
    """Those that count, in order.

    Args:
        shards: with a file of answers.
        folder: of the files, for the error.

    Raises:
        SchemaError: if two files overlap, and neither holds the other.
    """
    kept: list[Shard] = []
    for shard in sorted(shards, key=lambda shard: (shard.first, -shard.last)):
        if kept and kept[-1].holds(shard):
            continue
        if kept and shard.first <= kept[-1].last:
            raise SchemaError(
                f"Expected files of different batches in {folder}, got {kept[-1].name} and "
                f"{shard.name}: remove what was copied there from another audit."
            )
        kept.append(shard)
    return kept
