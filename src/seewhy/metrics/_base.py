"""What a metric is, and what it may look at."""

from __future__ import annotations

import math
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.core.sample import Sample, Truth
from seewhy.core.text import Word, words_of
from seewhy.functional.statistics import Statistic
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence


@dataclass(frozen=True)
class Figure:
    """One figure of a metric: what it is called and how it is put together over a data set.

    Attributes:
        name: such as `"object-iou"`.
        summary: one sentence.
        higher_is_better: None for a figure that only describes.
        unit: `"fraction"` in [0, 1], `"correlation"` and `"difference"` in [-1, 1], `"ratio"`,
            `"nats"`, `"seconds"`, `"MiB"`, `"passes"`.
        statistic: `"mean"` over all values; `"harmonic"` mean of the means of two other figures;
            `"auroc"` or `"average-precision"` of values as scores of their labels.
        of: for `"harmonic"`, the names of the two figures.
    """

    name: str
    summary: str
    higher_is_better: bool | None = True
    unit: str = "fraction"
    statistic: Statistic = "mean"
    of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measurement:
    """One value that a metric found.

    Attributes:
        figure: the name of one of the metric's figures.
        value: finite.
        word: the place among `Case.words` of the word that it is of; None for the whole sample.
        label: for `"auroc"` and `"average-precision"`, what the value should tell.
        tags: what breakdowns group by, beside the word's role and the tags of its truth.
    """

    figure: str
    value: float
    word: int | None = None
    label: bool | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Undefined:
    """Why a figure is not defined for a sample or word; such are counted, never dropped in silence.

    Attributes:
        figure: its name.
        reason: a few words, the same for the same cause, such as "no noun said".
    """

    figure: str
    reason: str


def measured(
    figure: str, value: float, word: int | None = None, *, otherwise: str, **of: Any
) -> Measurement | Undefined:
    """A measurement, or why there is none where the value is not finite.

    Args:
        figure: its name.
        value: what was found.
        word: as for `Measurement`.
        otherwise: what it means here that the value is not finite.
        **of: label and tags, as for `Measurement`.
    """
    if not math.isfinite(value):
        return Undefined(figure, otherwise)
    return Measurement(figure, float(value), word, **of)


@dataclass(frozen=True, eq=False)
class SpokenWord:
    """A word of the answer with what is known of it.

    Attributes:
        word: with its characters and tokens.
        truth: None where the sample says nothing of it.
    """

    word: Word
    truth: Truth | None

    @property
    def role(self) -> str:
        """The truth's, or ""."""
        return "" if self.truth is None else self.truth.role


@dataclass(frozen=True, eq=False)
class Case:
    """One sample explained by one method.

    Attributes:
        sample: the picture and what is known of it.
        evidence: what the method looked at.
        method: with its parameters.
        attribution: what it answered, for the tokens of the answer.
        words: the answer's words, marks included, in order.
        wanted: the places in `words` of those that metrics of single words should look at: they
            may cost many passes a word, and methods may have left other maps empty.
        seed: of whatever a metric draws.
        memory: shared by all metrics of this case, and by those of other methods on this sample
            under `"sample"`: what was worked out once need not be again.
    """

    sample: Sample
    evidence: Evidence
    method: Method
    attribution: Attribution
    words: tuple[SpokenWord, ...]
    selected: tuple[int, ...]
    seed: int = 0
    memory: dict[Any, Any] = field(default_factory=dict)

    @cached_property
    def heatmaps(self) -> Tensor:
        """float32 `[token, height, width]` in [0, 1]: displays of the first view at image size.

        Tokens are those of the answer. Bilinear, as TAM resizes maps to masks.
        """
        width, height = self.sample.image.size
        display = self.attribution.display[0][-len(self.evidence.trace.tokens) :]
        return F.interpolate(display[None].cpu(), (height, width), mode="bilinear")[0]

    def heatmap(self, word: int) -> Tensor:
        """float32 `[height, width]`: the brightest over a word's tokens."""
        return self.heatmaps[self.tokens(word)].amax(0)

    def native_map(self, word: int) -> Tensor:
        """float32 `[height, width]` in [0, 1]: display of the first view on its native grid."""
        display = self.attribution.display[0][-len(self.evidence.trace.tokens) :]
        return display[self.tokens(word)].amax(0).float().cpu()

    @property
    def shared(self) -> dict[Any, Any]:
        """What metrics of all methods on this sample remember."""
        return self.memory.setdefault("sample", {})

    def seed_of(self, *what: object) -> int:
        """A seed for what is drawn for this sample: the same for all methods and at every run."""
        return zlib.crc32(repr((self.seed, self.sample.id, *what)).encode())

    def invalid_reason(self, word: int) -> str | None:
        """Why the map of a word cannot be judged, or None if it can."""
        first = len(self.evidence.trace.prompt_tokens)
        tokens = self.tokens(word)
        if not {first + token for token in tokens} <= self._explained:
            return "word not explained"
        return None if bool(self.heatmaps[tokens].isfinite().all()) else "map not finite"

    @cached_property
    def _explained(self) -> frozenset[int]:
        return frozenset(self.evidence.selected)

    def tokens(self, word: int) -> list[int]:
        """The places of a word's tokens on the answer's token axis."""
        return list(self.words[word].word.tokens)

    def masked(self) -> Iterator[tuple[int, Tensor | str]]:
        """The words that speak of a part of the picture, function words aside.

        Yields:
            A word's place with its mask, or with the reason why it cannot be judged; if there is
            no such word, the place -1 with that reason.
        """
        none = True
        for at, word in enumerate(self.words):
            mask = None if word.role in ("function", "mark") else self.mask(at)
            if mask is not None:
                none = False
                invalid_reason = self.invalid_reason(at) or (
                    None if bool(mask.any()) else "empty mask"
                )
                yield at, invalid_reason or mask
        if none:
            yield -1, "no word with a mask said"

    def mask(self, word: int) -> Tensor | None:
        """bool `[height, width]`: everything that a word speaks of, or None for nothing."""
        truth = self.words[word].truth
        if truth is None or not truth.regions:
            return None
        return self.sample.masks[list(truth.regions)].any(0)


def spoken_words(sample: Sample, evidence: Evidence) -> tuple[SpokenWord, ...]:
    """The words of an answer, each with its truth.

    Raises:
        SampleError: if the sample cannot judge the answer.
    """
    trace = evidence.trace
    words = words_of(trace.answer, [(token.start, token.end) for token in trace.tokens])
    known = {truth.start: truth for truth in sample.annotate(trace.answer)}
    return tuple(SpokenWord(word, known.get(word.start)) for word in words)


@dataclass(frozen=True)
class Metric(ABC):
    """A way to judge attributions. A metric is one file with one final class.

    The fields of the frozen dataclass are its parameters; they are checked when it is made.

    Class attributes:
        name: the registry name, the file's with dashes.
        summary: one sentence.
        citations: keys of `seewhy.methods._citations`, its own paper first.
        figures: what it measures.
        needs: `"masks"`, `"model"` (it runs the model), or nothing.
        of_model: whether it judges the model and the words instead of a method: then it is
            measured once a sample, with whatever method comes first.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    citations: ClassVar[tuple[str, ...]] = ()
    figures: ClassVar[tuple[Figure, ...]]
    needs: ClassVar[frozenset[str]] = frozenset()
    of_model: ClassVar[bool] = False

    @abstractmethod
    def measure(self, case: Case) -> Iterable[Measurement | Undefined]:
        """Judge one case."""

    def undefined(self, reason: str) -> list[Undefined]:
        """That none of the figures is defined; those put together from others are not counted."""
        return [Undefined(f.name, reason) for f in self.figures if not f.of]

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters, JSON-ready."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: list(v) if isinstance(v, list | tuple) else v for k, v in values.items()}
