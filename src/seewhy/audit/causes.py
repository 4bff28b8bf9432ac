"""Which word is said after which, without the picture, and how often: the habits of a model.

A cause is a pair of an earlier word and a word that follows from it: `WordRow.follows` and
`WordRow.lemma`. It is counted where the verdict's source is `"words"`, once for each answer. A word
that shares the verdict of its noun, as the colour of an invented thing does, is not counted by
itself: the noun's pair stands for both.

Of n answers that contain the followed word, k show the pair. Pairs are ranked by

    k * (k / n)

so that of two pairs that are seen equally often the one that happens nearly always comes first. An
answer contains the followed word if that word has a row of its own there, or is followed there.

Two kinds of cause have no earlier word of the answer to be counted by, and n counts the answers
that contain the word that is said: words that follow from the prompt, and words that are said
without the picture after nothing, or after so many different words that no pair holds half of them.

Pairs that are seen in fewer than three answers are left out: they may be chance.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from seewhy.audit.schema import WordRow
from seewhy.audit.worst import Worst
from seewhy.core.errors import SchemaError
from seewhy.functional.proportions import Rate, rate

ANSWERS_MIN = 3
"""Pairs seen in fewer answers are left out."""

PAIRS_MAX = 200_000
"""Distinct pairs that are counted; further ones are left out, and their number is told."""

EXAMPLES = 3

Pair = tuple[str, str, str]
"""The lemma that is followed, its part ("answer", "prompt" or ""), and the lemma that is said."""


@dataclass(frozen=True)
class Cause:
    """A word that is said without the picture, and the earlier word that it follows from.

    Attributes:
        follows: lemma of the earlier word; "" if it follows from no single word.
        part: where that word stands: "answer", "prompt" or "".
        lemma: of the word that is said.
        role: of that word.
        rate: answers that show it, of answers that could; see the module.
        known: answers that show it in which the truth of the word is known.
        untrue: those of them in which the truth does not support it.
        examples: its worst words.
    """

    follows: str
    part: str
    lemma: str
    role: str
    rate: Rate
    known: int
    untrue: int
    examples: tuple[WordRow, ...] = ()

    @property
    def score(self) -> float:
        """What causes are ranked by: k * (k / n)."""
        return self.rate.count * self.rate.value


@dataclass
class _Seen:
    """A pair so far."""

    role: str
    answers: int = 0
    known: int = 0
    untrue: int = 0
    examples: Worst | None = None

    def add(self, rows: Sequence[WordRow]) -> None:
        """Count one answer, by the pair's words in it."""
        self.answers += 1
        truths = [row.supported for row in rows if row.supported is not None]
        self.known += bool(truths)
        self.untrue += not all(truths)
        # Most pairs are never seen often enough to be shown.
        if self.answers >= ANSWERS_MIN:
            self.examples = self.examples or Worst(EXAMPLES)
            for row in rows:
                self.examples.add(row)


@dataclass
class CauseCounts:
    """Pairs, counted answer by answer.

    Attributes:
        left_out: how often a pair was left out because there were too many different ones.
    """

    limit: int = PAIRS_MAX
    left_out: int = 0
    _answers_with: Counter[str] = field(default_factory=Counter)
    _pairs: dict[Pair, _Seen] = field(default_factory=dict)
    _words: dict[str, _Seen] = field(default_factory=dict)

    def add(self, words: Sequence[WordRow]) -> None:
        """Count the words of one answer.

        Raises:
            SchemaError: if what a verdict rests on cannot be read.
        """
        followed = {row.follows for row in words if row.follows_part == "answer"}
        self._answers_with.update(({row.lemma for row in words} | followed) - {""})
        pairs: dict[Pair, list[WordRow]] = {}
        lemmas: dict[str, list[WordRow]] = {}
        for row in words:
            if row.source != "words" or not row.lemma or shares_verdict(row):
                continue
            lemmas.setdefault(row.lemma, []).append(row)
            if row.follows:
                pair = row.follows, row.follows_part, row.lemma
                pairs.setdefault(pair, []).append(row)
        self._count(self._pairs, pairs)
        self._count(self._words, lemmas)

    def causes(self) -> tuple[Cause, ...]:
        """All causes, ranked."""
        found = [self._cause(pair, seen) for pair, seen in self._candidates()]
        return tuple(sorted(found, key=lambda c: (-c.score, -c.rate.count, c.lemma, c.follows)))

    def _count(self, seen: dict, answer: dict) -> None:
        for key, rows in answer.items():
            if key not in seen and len(seen) >= self.limit:
                self.left_out += 1
                continue
            seen.setdefault(key, _Seen(rows[0].role)).add(rows)

    def _candidates(self) -> Iterator[tuple[Pair, _Seen]]:
        """Pairs that are seen often enough, and words that no single pair explains."""
        largest: Counter[str] = Counter()
        for pair, seen in self._pairs.items():
            largest[pair[2]] = max(largest[pair[2]], seen.answers)
            if seen.answers >= ANSWERS_MIN:
                yield pair, seen
        for lemma, seen in self._words.items():
            if seen.answers >= ANSWERS_MIN and 2 * largest[lemma] < seen.answers:
                yield ("", "", lemma), seen

    def _cause(self, pair: Pair, seen: _Seen) -> Cause:
        follows, part, lemma = pair
        answers = self._answers_with[follows if part == "answer" else lemma]
        return Cause(
            follows=follows,
            part=part,
            lemma=lemma,
            role=seen.role,
            rate=rate(seen.answers, answers),
            known=seen.known,
            untrue=seen.untrue,
            examples=seen.examples.rows() if seen.examples else (),
        )


def shares_verdict(row: WordRow) -> bool:
    """Whether a word has the verdict of its noun, which is counted in its place."""
    if not row.because:
        return False
    try:
        noun = json.loads(row.because).get("noun")
    except (ValueError, AttributeError) as error:
        raise SchemaError(
            f"Expected JSON of what the verdict on word {row.word} of answer {row.id!r} rests on, "
            f"got {row.because[:60]!r}: the rows are damaged, run the audit again."
        ) from error
    return noun is not None and noun != row.word
