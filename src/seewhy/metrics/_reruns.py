"""Samples for metrics that run the model: they can be read and explained again."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.core.errors import ParameterError
from seewhy.core.sample import Sample
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.metrics._base import Metric, Undefined
from seewhy.metrics._sample import AnswerWord, ExplainedSample, at_size, invalid_reason
from seewhy.models.session import Session


class RerunnableSample(ExplainedSample, Protocol):
    """What a metric with `"model"` in its needs uses: the model, and the method to run again."""

    @property
    def image(self) -> Any:
        """The first picture: an upright RGB Pillow image."""
        ...

    @property
    def evidence(self) -> Evidence:
        """What the method looked at; its session is None where no model is at hand."""
        ...

    @property
    def method(self) -> Method:
        """With its parameters."""
        ...

    def rerun(self, session: Session, words: Sequence[int]) -> ExplainedSample:
        """The same sample with its method run again, on evidence read anew by a session.

        Args:
            session: of the same answer.
            words: places of the words whose maps are looked at; those of others may be empty.
        """
        ...


@dataclass(frozen=True, eq=False)
class SessionSample:
    """A `RerunnableSample`: a sample of a data set, explained by a method.

    Attributes:
        sample: the picture and what is known of it.
        evidence: what the method looked at.
        method: with its parameters.
        attribution: what it answered; its last tokens are the answer's.
        words: the answer's words, punctuation included, in order.
        selected: the places in `words` of those that metrics of single words should look at: they
            may cost many passes a word, and methods may have left other maps empty.
        seed: of whatever a metric draws.
        memory: kept by metrics; under `"sample"` what those of other methods on this sample share.
    """

    sample: Sample
    evidence: Evidence
    method: Method
    attribution: Attribution
    words: tuple[AnswerWord, ...]
    selected: tuple[int, ...]
    seed: int = 0
    memory: dict[Any, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The sample's."""
        return self.sample.id

    @property
    def image(self) -> Any:
        """The sample's."""
        return self.sample.image

    @property
    def masks(self) -> Tensor:
        """The sample's."""
        return self.sample.masks

    @property
    def explained(self) -> frozenset[int]:
        """The answer's tokens that the evidence asks for."""
        first = len(self.evidence.trace.prompt_tokens)
        return frozenset(at - first for at in self.evidence.selected)

    @property
    def native_maps(self) -> Tensor:
        """float32 `[token, height, width]` in [0, 1]: displays of the first view."""
        return self.attribution.display[0][self._answer]

    @property
    def heatmaps(self) -> Tensor:
        """float32 `[token, height, width]` in [0, 1]: displays of the first view at image size."""
        return self._heatmaps

    @property
    def raw_maps(self) -> tuple[Tensor, ...]:
        """For each view float32 `[token, height, width]`."""
        return tuple(view[self._answer] for view in self.attribution.maps)

    @property
    def context(self) -> Tensor:
        """float32 `[token, text]`."""
        return self.attribution.context[self._answer]

    @property
    def shared(self) -> dict[Any, Any]:
        """What metrics of all methods on this sample keep."""
        return self.memory.setdefault("sample", {})

    def rerun(self, session: Session, words: Sequence[int]) -> SessionSample:
        """The same with its method run again, on evidence read anew by the given session."""
        first = len(self.evidence.trace.prompt_tokens)
        selected = [first + token for word in words for token in self.words[word].tokens]
        evidence = fresh_evidence(self, session, selected)
        return replace(self, evidence=evidence, attribution=self.method.attribute(evidence))

    @cached_property
    def _heatmaps(self) -> Tensor:
        width, height = self.image.size
        return at_size(self.native_maps, height, width)

    @property
    def _answer(self) -> slice:
        return slice(-len(self.evidence.trace.tokens), None)


def fresh_evidence(
    sample: RerunnableSample, session: Session, selected: Sequence[int] | None = None
) -> Evidence:
    """Evidence like a sample's own, read by the given session.

    Args:
        sample: what was explained.
        session: of the same answer, or of one that ends otherwise.
        selected: as for `Evidence`; None for those of the sample's own evidence.
    """
    depth = sample.evidence.trace.rankings.shape[1]
    selected = sample.evidence.selected if selected is None else selected
    return Evidence.from_session(session, ranking_depth=depth, selected=selected)


def session_of(sample: RerunnableSample) -> Session:
    """The means to read a sample again.

    Raises:
        ParameterError: if there are none.
    """
    session = sample.evidence.session
    if session is None:
        raise ParameterError(
            "Expected evidence that can be read again, got a bare trace: make it with "
            "Evidence.from_session."
        )
    return session


def lacks_model(sample: ExplainedSample) -> str | None:
    """Why a metric that runs the model cannot judge a sample, or None."""
    evidence = getattr(sample, "evidence", None)  # an ArraySample has none
    return "no model at hand" if evidence is None or evidence.session is None else None


def valid_words(metric: Metric, sample: RerunnableSample) -> Generator[Undefined, None, list[int]]:
    """The selected words whose maps can be judged; yields why the others cannot."""
    if reason := lacks_model(sample):
        yield from metric.undefined(reason)
        return []
    if not sample.selected:
        yield from metric.undefined("no word selected")
    words: list[int] = []
    for at in sample.selected:
        if reason := invalid_reason(sample, at):
            yield from metric.undefined(reason)
        else:
            words.append(at)
    return words
