"""What an audit found: counts, rates and the worst words, from a single pass over all words.

Memory does not grow with the number of words: what is kept are counters by key, up to a fixed
number of keys, and the worst words. Of answers a few bytes each are kept, to find their prompts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Protocol

from seewhy.audit.answer_index import AnswerIndex
from seewhy.audit.causes import Cause, CauseCounts, shares_verdict
from seewhy.audit.counting import Group, Table
from seewhy.audit.detection import Detection, SupportCounts
from seewhy.audit.findings import finding
from seewhy.audit.schema import AnswerRow, WordRow
from seewhy.audit.worst import Worst, badness, is_unsupported
from seewhy.core.verdict import SOURCES
from seewhy.functional.proportions import ClusteredSums, Rate, rate

WORST = 100
"""Words in the list of the worst, before examples of single causes and words are added."""

SHOWN_MAX = 200
"""Words in that list with the examples."""

TABLES: Mapping[str, Callable[[WordRow, str], str]] = {
    "word": lambda row, prompt: row.lemma,
    "category": lambda row, prompt: row.category,
    "role": lambda row, prompt: row.role,
    "prompt": lambda row, prompt: prompt,
}
"""The tables, and the key of a word in each; words with an empty key are not in it."""

ANSWER_COLUMNS = (
    "id", "image", "prompt", "answer", "generated", "status", "reason", "detail", "seconds",
)  # fmt: skip


class AuditRows(Protocol):
    """The rows of an audit, each table as a stream that can be read several times.

    All words of an answer come one after another. Columns that are not asked for have any value.
    """

    def iter_answers(self, columns: Sequence[str] | None = None) -> Iterable[AnswerRow]:
        """All answers, failed ones included."""
        ...

    def iter_words(self, columns: Sequence[str] | None = None) -> Iterable[WordRow]:
        """All words."""
        ...


@dataclass(frozen=True)
class Grounding:
    """Where maps lie, for words of one group that have a true region.

    Attributes:
        group: "object", "attribute" or "relation"; "all" for all of them.
        pointing: how often the map's peak lies inside.
        words: with an IoU.
        iou, iou_low, iou_high: the mean and its 95 % interval; NaN for no words.
    """

    group: str
    pointing: Rate
    words: int
    iou: float
    iou_low: float
    iou_high: float


@dataclass(frozen=True)
class Summary:
    """What an audit found.

    Attributes:
        finding: the main finding, one or two sentences.
        answers: counts of answers and reasons of failures.
        words: diagnosed.
        sources: by source of a verdict, its rate among all words.
        with_unsupported: answers with at least one unsupported word, of those that are done.
        tables: groups of words by table and key.
        causes: ranked.
        causes_left_out: how often a cause could not be counted, see `seewhy.audit.causes`.
        detection: of support against the truth; None where it is not known.
        grounding: by group, "all" first; empty without true regions.
        worst: the worst words, then examples of single causes and words.
        ranked: how many of `worst` are the worst of all.
    """

    finding: str
    answers: AnswerIndex
    words: int
    sources: Mapping[str, Rate]
    with_unsupported: Rate
    tables: Mapping[str, Mapping[str, Group]]
    causes: tuple[Cause, ...]
    causes_left_out: int
    detection: Detection | None
    grounding: tuple[Grounding, ...]
    worst: tuple[WordRow, ...]
    ranked: int


def summarise(rows: AuditRows, each: Callable[[WordRow], object] | None = None) -> Summary:
    """Read all rows of an audit once, and count.

    Args:
        rows: of the audit.
        each: called with every word in order, so that a file of all words needs no second pass.

    Raises:
        SchemaError: if rows are damaged: an answer twice, words of no answer, words of an answer in
            two places, or a verdict that cannot be read.
    """
    answers = AnswerIndex.of(rows.iter_answers(ANSWER_COLUMNS))
    counts = _Counts()
    for prompt, words in _by_answer(rows.iter_words(), answers, each):
        counts.add(words, prompt)
    return counts.summary(answers)


def _by_answer(
    words: Iterable[WordRow], answers: AnswerIndex, each: Callable[[WordRow], object] | None
) -> Iterator[tuple[str, list[WordRow]]]:
    """The prompt and the words of each answer that has words."""
    for answer, group in groupby(words, key=lambda row: row.id):
        listed = list(group)
        if each is not None:
            for row in listed:
                each(row)
        yield answers.read(answer), listed


@dataclass
class _Counts:
    """All counters, and the worst words."""

    words: int = 0
    with_unsupported: int = 0
    sources: dict[str, ClusteredSums] = field(
        default_factory=lambda: {name: ClusteredSums() for name in SOURCES}
    )
    tables: dict[str, Table] = field(default_factory=lambda: {name: Table() for name in TABLES})
    causes: CauseCounts = field(default_factory=CauseCounts)
    supports: SupportCounts = field(default_factory=SupportCounts)
    pointing: dict[str, ClusteredSums] = field(default_factory=dict)
    ious: dict[str, ClusteredSums] = field(default_factory=dict)
    worst: Worst = field(default_factory=lambda: Worst(WORST))

    def add(self, words: list[WordRow], prompt: str) -> None:
        """Count the words of one answer."""
        self.words += len(words)
        unsupported = [row for row in words if is_unsupported(row)]
        self.with_unsupported += bool(unsupported)
        for row in unsupported:
            # The colour of an invented thing says no more than the thing: one of both is listed.
            if not shares_verdict(row):
                self.worst.add(row)
        self._add_sources(words)
        for name, key in TABLES.items():
            self.tables[name].add([(key(row, prompt), row) for row in words])
        self.causes.add(words)
        self.supports.add(
            [(row.support, row.supported) for row in words if row.supported is not None]
        )
        _add_grounding(self.pointing, [(row.group, row.pointing) for row in words])
        _add_grounding(self.ious, [(row.group, row.iou) for row in words])

    def _add_sources(self, words: Sequence[WordRow]) -> None:
        found = Counter(row.source for row in words)
        for source in found:
            # A source that is not of this version is counted as well, from its first answer on.
            self.sources.setdefault(source, ClusteredSums())
        for source, sums in self.sources.items():
            sums.add(found[source], len(words))

    def summary(self, answers: AnswerIndex) -> Summary:
        """What was counted."""
        causes, sources, worst = self.causes.causes(), self._rates(), self.worst.rows()
        tables = {name: table.groups for name, table in self.tables.items()}
        return Summary(
            finding=finding(causes, sources, failed=answers.failed, reasons=answers.reasons),
            answers=answers,
            words=self.words,
            sources=sources,
            with_unsupported=rate(self.with_unsupported, answers.done),
            tables=tables,
            causes=causes,
            causes_left_out=self.causes.left_out,
            detection=self.supports.detection(),
            grounding=tuple(self._grounding()),
            worst=_with_examples(worst, causes, tables["word"]),
            ranked=len(worst),
        )

    def _rates(self) -> dict[str, Rate]:
        return {source: sums.rate() for source, sums in self.sources.items()}

    def _grounding(self) -> Iterator[Grounding]:
        groups = dict.fromkeys([*self.pointing, *self.ious])
        for group in sorted(groups, key=lambda name: (name != "all", name)):
            iou = self.ious.get(group, ClusteredSums())
            pointing = self.pointing.get(group, ClusteredSums()).rate()
            yield Grounding(group, pointing, iou.total, iou.value, *iou.mean_interval())


def _add_grounding(
    sums: dict[str, ClusteredSums], values: Sequence[tuple[str, float | bool | None]]
) -> None:
    """Add one answer's known values to those of all words, and of each word's group."""
    known: dict[str, list[float]] = {}
    for group, value in values:
        if value is not None:
            for name in ("all", group) if group else ("all",):
                known.setdefault(name, []).append(float(value))
    for name, listed in known.items():
        sums.setdefault(name, ClusteredSums()).add(sum(listed), len(listed))


def _with_examples(
    worst: Sequence[WordRow], causes: Sequence[Cause], words: Mapping[str, Group]
) -> tuple[WordRow, ...]:
    """The worst words, and after them examples of causes and words that are not among them."""
    frequent = sorted(words.values(), key=lambda group: -group.unsupported.hits)
    examples = [
        *(row for cause in causes for row in cause.examples),
        *(row for group in frequent for row in group.examples.rows()),
    ]
    taken = {(row.id, row.word) for row in worst}
    added = []
    for row in examples:
        if len(worst) + len(added) < SHOWN_MAX and (row.id, row.word) not in taken:
            taken.add((row.id, row.word))
            added.append(row)
    return (*worst, *sorted(added, key=badness))
