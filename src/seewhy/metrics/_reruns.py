"""Samples for metrics that run the model: they can be read and explained again."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.core.errors import ParameterError
from seewhy.core.geometry import TokenGrid, on_pixels
from seewhy.core.sample import Sample
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.metrics._base import Metric, Undefined
from seewhy.metrics._sample import AnswerWord, ExplainedSample, invalid_reason
from seewhy.models.session import Session


class RerunnableSample(ExplainedSample, Protocol):
    """The sample of a metric with `"model"` in its needs: it can run the method again."""

    @property
    def image(self) -> Any:
        """The first picture: an upright RGB Pillow image."""
        ...

    @property
    def evidence(self) -> Evidence:
        """The method's input; its session is None if there is no model."""
        ...

    @property
    def method(self) -> Method:
        """With its parameters."""
        ...

    def rerun(self, session: Session, words: Sequence[int]) -> ExplainedSample:
        """The same sample with its method run again, on new evidence of a session.

        Args:
            session: of the same answer.
            words: indices of the words whose maps are used; other maps may be empty.
        """
        ...


@dataclass(frozen=True, eq=False)
class SessionSample:
    """A `RerunnableSample`: a sample of a data set, explained by a method.

    Attributes:
        sample: the picture and its truths.
        evidence: the method's input.
        method: with its parameters.
        attribution: the method's output; its last tokens are the answer's.
        words: the answer's words, punctuation included, in order.
        selected: indices in `words` of those that metrics with a cost per word evaluate; other
            maps may be empty.
        seed: of the metrics' random draws.
        memory: values that metrics keep; key `"sample"` holds those shared by all methods.
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
        """The answer's tokens that are selected in the evidence."""
        first = len(self.evidence.trace.prompt_tokens)
        return frozenset(position - first for position in self.evidence.selected)

    @property
    def native_maps(self) -> Tensor:
        """float32 `[token, height, width]` in [0, 1]: displays of the first view."""
        return self.attribution.display[0][self._answer]

    @property
    def heatmaps(self) -> Tensor:
        """float32 `[token, height, width]` in [0, 1]: displays of the first view at image size."""
        return self._heatmaps

    @property
    def answer_maps(self) -> Tensor:
        """float32 `[token, height, width]` in [0, 1]: of the first view, on the answer's scale.

        The scale is that of the explained tokens: other maps may be empty.
        """
        answer = self.attribution.select(self._answer)
        span = answer.answer_span(sorted(self.explained & set(range(len(answer.context)))))
        return answer.displayed("answer", span=span)[0]

    @property
    def grid(self) -> TokenGrid:
        """Of the first view's maps, in pixels of the picture."""
        geometry = self.evidence.trace.views[0].geometry
        own, *_ = self.attribution.grids or (geometry.base_grid,)
        across, down = (
            side / seen for side, seen in zip(self.image.size, geometry.size, strict=True)
        )
        return own.stretched(across, down)

    @property
    def raw_maps(self) -> tuple[Tensor, ...]:
        """For each view float32 `[token, height, width]`."""
        return tuple(view[self._answer] for view in self.attribution.maps)

    @property
    def context(self) -> Tensor:
        """float32 `[token, text]`."""
        return self.attribution.context[self._answer]

    @property
    def visual_share(self) -> Tensor | None:
        """float32 `[token]`, the picture's part of what was taken; None if not measured."""
        share = self.attribution.visual_share
        return None if share is None else share[self._answer]

    @property
    def shared(self) -> dict[Any, Any]:
        """Values that metrics keep for all methods on this sample."""
        return self.memory.setdefault("sample", {})

    def rerun(self, session: Session, words: Sequence[int]) -> SessionSample:
        """The same sample with its method run again, on new evidence of a session."""
        first = len(self.evidence.trace.prompt_tokens)
        selected = [first + token for word in words for token in self.words[word].tokens]
        evidence = fresh_evidence(self, session, selected)
        return replace(self, evidence=evidence, attribution=self.method.attribute(evidence))

    @cached_property
    def _heatmaps(self) -> Tensor:
        return on_pixels(self.native_maps.cpu(), self.grid, self.image.size)

    @property
    def _answer(self) -> slice:
        return slice(-len(self.evidence.trace.tokens), None)


def fresh_evidence(
    sample: RerunnableSample, session: Session, selected: Sequence[int] | None = None
) -> Evidence:
    """New evidence of a session, with the settings of a sample's evidence.

    Args:
        sample: the explained sample.
        session: of the same answer, or of a changed one.
        selected: as for `Evidence`; None takes those of the sample's evidence.
    """
    depth = sample.evidence.trace.rankings.shape[1]
    selected = sample.evidence.selected if selected is None else selected
    return Evidence.from_session(session, ranking_depth=depth, selected=selected)


def session_of(sample: RerunnableSample) -> Session:
    """The session of a sample.

    Raises:
        ParameterError: if there is none.
    """
    session = sample.evidence.session
    if session is None:
        raise ParameterError(
            "Expected evidence with a session, got only traces: make it with Evidence.from_session."
        )
    return session


def lacks_model(sample: ExplainedSample) -> str | None:
    """Why a metric that runs the model cannot evaluate a sample, or None."""
    evidence = getattr(sample, "evidence", None)  # an ArraySample has none
    return "no model" if evidence is None or evidence.session is None else None


def valid_words(metric: Metric, sample: RerunnableSample) -> Generator[Undefined, None, list[int]]:
    """The selected words whose maps can be evaluated; yields why others cannot."""
    if reason := lacks_model(sample):
        yield from metric.undefined(reason)
        return []
    if not sample.selected:
        yield from metric.undefined("no word selected")
    words: list[int] = []
    for index in sample.selected:
        if reason := invalid_reason(sample, index):
            yield from metric.undefined(reason)
        else:
            words.append(index)
    return words
