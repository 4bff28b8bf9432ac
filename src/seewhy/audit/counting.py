"""Counts of words by lemma, category, role or prompt, from one pass over all words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from seewhy.audit.schema import WordRow
from seewhy.audit.worst import Worst, is_unsupported
from seewhy.functional.proportions import ClusteredSums

KEYS_MAX = 50_000
"""Distinct keys of a table. Words with further keys are counted together."""

EXAMPLES = 3
"""Words that are kept as examples of each key."""

OTHERS = "(all others)"


@dataclass
class Group:
    """What is counted of the words of one key.

    Attributes:
        unsupported: of words, by answer.
        support: sum over words.
        known: words of which the truth is known.
        untrue: those of them that the truth does not support.
        sources: words by source of their verdict.
        roles: words by role.
        examples: its worst unsupported words.
    """

    unsupported: ClusteredSums = field(default_factory=ClusteredSums)
    support: float = 0.0
    known: int = 0
    untrue: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    roles: Counter[str] = field(default_factory=Counter)
    examples: Worst = field(default_factory=lambda: Worst(EXAMPLES))

    def add(self, row: WordRow, unsupported: bool) -> None:
        """Count one word; `unsupported` is added once for each answer."""
        self.support += row.support
        self.sources[row.source] += 1
        self.roles[row.role] += 1
        if row.supported is not None:
            self.known += 1
            self.untrue += not row.supported
        if unsupported:
            self.examples.add(row)

    @property
    def mean_support(self) -> float:
        """Over words."""
        return self.support / self.unsupported.total


class Table:
    """Groups by key. Beyond `limit` keys, new ones share the key `OTHERS`."""

    def __init__(self, limit: int = KEYS_MAX) -> None:
        self.limit = limit
        self.groups: dict[str, Group] = {}

    def add(self, answer: Sequence[tuple[str, WordRow]]) -> None:
        """Count the words of one answer.

        Args:
            answer: words with their keys; those with an empty key are left out.
        """
        sums: dict[str, list[int]] = {}
        for wanted, row in answer:
            if not wanted:
                continue
            key = self._known(wanted)
            unsupported = is_unsupported(row)
            self.groups[key].add(row, unsupported)
            both = sums.setdefault(key, [0, 0])
            both[0] += unsupported
            both[1] += 1
        for key, (unsupported, words) in sums.items():
            self.groups[key].unsupported.add(unsupported, words)

    def _known(self, key: str) -> str:
        """The key under which a word is counted, with its group made."""
        if key not in self.groups:
            key = key if len(self.groups) < self.limit else OTHERS
            self.groups.setdefault(key, Group())
        return key
