"""What an audit reads: rows of a data set, one after another, and what is true of their answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from torch import Tensor

from seewhy.core.sample import Truth


@dataclass(frozen=True)
class SourceRow:
    """One prompt about pictures, with its answer where one is given.

    A row is small and can be sent to another process: pictures and masks are read where the row is
    diagnosed.

    Attributes:
        id: unique in the data set, the same in every run.
        images: paths of the pictures, in order; or their bytes.
        prompt: what to ask; None asks for a one-sentence caption.
        messages: a chat in place of `prompt`, as `Explainer.explain` takes it; None for none.
        answer: the answer to diagnose; None lets the model answer.
        facts: what the source needs to judge an answer, JSON-ready.
    """

    id: str
    images: tuple[Path | bytes, ...]
    prompt: str | None = None
    messages: Sequence[Mapping[str, Any]] | None = None
    answer: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used.

    Attributes:
        id: its id, or where it stands, such as "line 17".
        reason: one short sentence, the same for all failures of one kind.
        detail: the whole error.
    """

    id: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, eq=False)
class Judged:
    """What a source knows of an answer.

    Attributes:
        truths: of its words; words of which nothing is known are left out.
        masks: bool `[region, height, width]` on the picture's own pixels, for `Truth.regions`;
            None for none. Box annotations are filled boxes.
        groups: by start of a truth: "object", "attribute" or "relation".
        score: what the benchmark counts of this answer, JSON-ready.
    """

    truths: tuple[Truth, ...] = ()
    masks: Tensor | None = None
    groups: Mapping[int, str] = field(default_factory=dict)
    score: Mapping[str, Any] = field(default_factory=dict)


class Source(Protocol):
    """A data set to audit: rows in a fixed order, read as a stream."""

    name: ClassVar[str]
    """The registry name, such as `"pope"`."""

    summary: ClassVar[str]
    """One sentence."""

    layout: ClassVar[str]
    """What DATA must be, for errors."""

    @property
    def fingerprint(self) -> str:
        """Changes when the rows change: an audit is never resumed with other rows."""
        ...

    def rows(self) -> Iterator[SourceRow | BadRow]:
        """All rows, streamed with bounded memory; a bad row never ends the stream."""
        ...

    def judge(self, row: SourceRow, answer: str) -> Judged:
        """What is true of an answer to a row. Runs where the row is diagnosed."""
        ...

    def scores(self, scores: Sequence[Mapping[str, Any]]) -> Mapping[str, float]:
        """The benchmark's figures of all answers' `Judged.score`, by its own definitions.

        Names are the benchmark's, such as "accuracy" or "CHAIR_i"; values are fractions.
        """
        ...
