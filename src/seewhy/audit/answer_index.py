"""All answers of an audit in a few bytes each, to find an answer by its id."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from seewhy.audit.schema import DONE, AnswerRow
from seewhy.core.errors import SchemaError

PROMPTS_MAX = 50_000
REASONS_MAX = 1_000
OTHERS = "(all others)"


@dataclass
class Reason:
    """Why answers could not be diagnosed.

    Attributes:
        reason: one short sentence.
        count: of answers.
        example: id of the first.
        detail: its whole error.
    """

    reason: str
    count: int
    example: str
    detail: str


@dataclass
class AnswerIndex:
    """What is counted of answers, and the prompt of each by the hash of its id.

    Attributes:
        done, failed, generated: answers; `generated` of those that are done.
        seconds: of all, together.
        reasons: of failures, the most frequent first.
    """

    done: int = 0
    failed: int = 0
    generated: int = 0
    seconds: float = 0.0
    reasons: tuple[Reason, ...] = ()
    _prompts: list[str] = field(default_factory=list)
    _hashes: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    _prompt_of: np.ndarray = field(default_factory=lambda: np.empty(0, np.int32))
    _read: np.ndarray = field(default_factory=lambda: np.empty(0, bool))

    @staticmethod
    def of(answers: Iterable[AnswerRow]) -> AnswerIndex:
        """Read all answers once.

        Raises:
            SchemaError: if an answer is listed twice.
        """
        index = AnswerIndex()
        hashes, prompt_of = array("q"), array("i")
        numbers: dict[str, int] = {}
        reasons: dict[str, Reason] = {}
        for row in answers:
            index._count(row, reasons)
            hashes.append(hash(row.id))
            prompt = row.prompt if len(numbers) < PROMPTS_MAX or row.prompt in numbers else OTHERS
            prompt_of.append(numbers.setdefault(prompt, len(numbers)))
        index.reasons = tuple(sorted(reasons.values(), key=lambda r: (-r.count, r.reason)))
        index._prompts = list(numbers)
        index._sort(np.array(hashes, np.int64), np.array(prompt_of, np.int32))
        return index

    def read(self, answer: str) -> str:
        """The prompt of an answer whose words are read now.

        Raises:
            SchemaError: if there is no such answer, or its words were read before.
        """
        wanted = hash(answer)
        at = int(np.searchsorted(self._hashes, wanted))
        if at == len(self._hashes) or self._hashes[at] != wanted:
            raise SchemaError(
                f"Expected words of stored answers, got a word of {answer!r}, which is not among "
                "them: the rows are damaged, run the audit again."
            )
        if self._read[at]:
            raise SchemaError(
                f"Expected all words of an answer one after another, got those of {answer!r} in "
                "two places: the rows are damaged, run the audit again."
            )
        self._read[at] = True
        return self._prompts[self._prompt_of[at]]

    def _count(self, row: AnswerRow, reasons: dict[str, Reason]) -> None:
        self.seconds += row.seconds
        if row.status == DONE:
            self.done += 1
            self.generated += row.generated
            return
        self.failed += 1
        key = row.reason if len(reasons) < REASONS_MAX or row.reason in reasons else OTHERS
        reason = reasons.setdefault(key, Reason(key, 0, row.id, row.detail))
        reason.count += 1

    def _sort(self, hashes: np.ndarray, prompt_of: np.ndarray) -> None:
        order = np.argsort(hashes, kind="stable")
        self._hashes, self._prompt_of = hashes[order], prompt_of[order]
        self._read = np.zeros(len(order), bool)
        if len(hashes) != len(np.unique(hashes)):
            twice = Counter(hashes.tolist()).most_common(1)[0][1]
            raise SchemaError(
                f"Expected each answer once, got one {twice} times among {len(hashes)}: the rows "
                "are damaged, run the audit again."
            )
