"""The input of a method: a session, and the tokens to explain."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from seewhy.core.errors import ParameterError, ScaleError
from seewhy.core.trace import Inputs, Trace
from seewhy.models.scales import (
    ROUNDING,
    TWIN,
    Sizes,
    choose_scale,
    described,
    twin_among,
)
from seewhy.models.session import Session


class Readings(Protocol):
    """Readings of one answer, one for each scale: a `Session`, or given traces."""

    def inputs(self, scale: float) -> Inputs:
        """The model's inputs at a scale."""
        ...

    def trace(self, scale: float) -> Trace:
        """The reading at a scale."""
        ...


class Evidence:
    """A session, or given traces, and the tokens to explain.

    A scale is read only if it gives the model a new size: see `seewhy.models.scales`.

    Args:
        readings: a `Session`, or anything with readings by scale.
        trace: the base reading, at the scale of the answer.
        selected: positions on the text axis of the tokens whose maps are used; None for all
            explained ones. A method with a cost for each token may leave other maps empty.
        start: position on the text axis of the first token to explain; None explains the answer,
            0 the prompt's tokens too.
        session: the model and the answer, for methods that run the model; None if there are only
            traces.

    Attributes:
        notes: for the reader of the result, such as scales that were left out.
        seconds: wall time spent on preparing and reading further scales.
    """

    def __init__(
        self,
        readings: Readings,
        trace: Trace,
        *,
        selected: Sequence[int] | None = None,
        start: int | None = None,
        session: Session | None = None,
    ) -> None:
        self.trace, self.session = trace, session
        self._readings = readings
        self._selected = None if selected is None else frozenset(selected)
        self._start = len(trace.prompt_tokens) if start is None else start
        self._traces = {trace.inputs.scale: trace}
        self._choices: dict[float, float | None] = {}
        self.notes: list[str] = []
        self.seconds = 0.0

    @staticmethod
    def from_session(
        session: Session,
        *,
        trace: Trace | None = None,
        ranking_depth: int = 50,
        selected: Sequence[int] | None = None,
        start: int | None = None,
    ) -> Evidence:
        """Evidence of a session.

        Args:
            session: the model, its inputs and the answer.
            trace: the base reading; None reads it now.
            ranking_depth: how many ids are kept of each ranking.
            selected, start: as for the class.
        """
        trace = session.read(ranking_depth=ranking_depth) if trace is None else trace
        return Evidence(session, trace, selected=selected, start=start, session=session)

    @staticmethod
    def from_traces(
        traces: Mapping[float, Trace],
        *,
        selected: Sequence[int] | None = None,
        start: int | None = None,
    ) -> Evidence:
        """Evidence of given readings, one for each scale.

        Raises:
            ScaleError: if scale 1 is not among them.
        """
        if 1.0 not in traces:
            raise ScaleError(
                f"Expected a trace at the base scale 1, got scales {sorted(traces)}: add it."
            )
        return Evidence(_GivenTraces(traces), traces[1.0], selected=selected, start=start)

    @property
    def explained(self) -> slice:
        """The tokens to explain, on the text axis."""
        return slice(self._start, None)

    @property
    def selected(self) -> tuple[int, ...]:
        """Positions on the text axis, rising, of the explained tokens whose maps are used."""
        explained = range(*self.explained.indices(len(self.trace.text_tokens)))
        return tuple(i for i in explained if self._selected is None or i in self._selected)

    def expect_session(self, method: str) -> Session:
        """The session of a method that needs the model.

        Raises:
            ParameterError: if there is none, or its answer is not the trace's.
        """
        if self.session is None:
            raise ParameterError(
                f"Expected a session with the model, got only traces: {method} runs the model. "
                "Explain with an Explainer, or make the evidence with Evidence.from_session."
            )
        if list(self.session.ids) != [token.id for token in self.trace.tokens]:
            raise ParameterError(
                f"Expected a session about the trace's {len(self.trace.tokens)} tokens, got one "
                f"about {len(self.session.ids)} others: make both from the same answer."
            )
        return self.session

    def map(
        self, change: Callable[[Trace], Trace], selected: Sequence[int] | None = None
    ) -> Evidence:
        """The same evidence with every trace changed; no scale is read twice.

        Args:
            change: gives the new trace from the old one.
            selected: as for the class; None leaves it as it is.
        """
        changed = Evidence(
            _ChangedReadings(self._readings, change),
            change(self.trace),
            selected=self._selected if selected is None else selected,  # type: ignore[arg-type]
            start=self._start,
            session=self.session,
        )
        changed._traces = {scale: change(trace) for scale, trace in self._traces.items()}
        changed._choices = self._choices
        return changed

    def at_scale(self, scale: float, selected: Sequence[int] | None, start: int = 0) -> Evidence:
        """The evidence of one scale, for a method that is the base map of another one.

        At the base scale that method may read further scales, at another scale it may not. Notes
        are shared.

        Args:
            scale: the scale.
            selected, start: as for the class; by default the prompt's tokens too.

        Raises:
            ScaleError: as `trace_at`.
        """
        trace, session = self.trace_at(scale), self.session
        at_base = scale == self.trace.inputs.scale
        if session is not None and not at_base:
            session = session.at_scale(scale)
        readings = self._readings if at_base else _GivenTraces({scale: trace})
        single = Evidence(readings, trace, selected=selected, start=start, session=session)
        single.notes = self.notes
        if at_base:
            single._traces, single._choices = self._traces, self._choices
        return single

    def note(self, text: str) -> None:
        """Add a note, unless it is there already."""
        if text not in self.notes:
            self.notes.append(text)

    def trace_at(self, scale: float) -> Trace:
        """The same prompt and answer, read at another scale.

        Raises:
            ScaleError: if the scale gives the model the same size as another one, because of its
                limits or of rounding, or nearly the same though the scales are further apart.
        """
        if scale not in self._traces:
            began = time.perf_counter()
            sizes = self._expected_sizes(scale)
            if (twin := twin_among(sizes, self._sizes)) is not None:
                self._accept_twin(scale, sizes, twin)
            self._read(scale, began)
        return self._traces[scale]

    def _accept_twin(self, scale: float, sizes: Sizes, twin: float) -> None:
        """Note that two scales are near each other, if they were asked for like that.

        Raises:
            ScaleError: if they were not, or give the same size.
        """
        others = self._sizes[twin]
        asked = max(scale, twin) / min(scale, twin) <= TWIN + ROUNDING
        if sizes == others or not asked:
            both = f"both come out at {described(sizes)} pixels"
            if sizes != others:
                both = (
                    f"come out at {described(others)} and {described(sizes)} pixels, within 10 % "
                    "of each other,"
                )
            pictures = described(tuple(view.geometry.size for view in self.trace.views))
            raise ScaleError(
                f"Expected scales that the model sees in different sizes, got {twin:g} and "
                f"{scale:g}, which {both} for this {pictures} image: leave one of them out, or "
                "choose scales further apart."
            )
        self.note(
            f"Scales {twin:g} and {scale:g} are within 10 % of each other: {described(others)} and "
            f"{described(sizes)} pixels are nearly the same to the model."
        )

    @property
    def _sizes(self) -> dict[float, Sizes]:
        """The sizes of the scales that were read, the base scale first."""
        return {scale: trace.inputs.model_sizes for scale, trace in self._traces.items()}

    def _expected_sizes(self, scale: float) -> Sizes:
        return _sizes_at(self._readings, scale)

    def traces(self, scales: tuple[float, ...], *, strict: bool = True) -> list[Trace]:
        """One trace for each scale, in the same order.

        Args:
            scales: the scales of a stage.
            strict: raise if two scales give nearly the same size; else leave one out, or take
                another one in its place, with a note.

        Raises:
            ScaleError: as `trace_at`, if `strict`.
        """
        if strict:
            return [self.trace_at(scale) for scale in scales]
        chosen = (self._chosen(scale) for scale in scales)
        return [self.trace_at(scale) for scale in chosen if scale is not None]

    def _chosen(self, scale: float) -> float | None:
        """The scale to read for a requested one, or None; a note says if it is not that one."""
        if scale in self._traces:
            return scale
        if scale not in self._choices:
            began = time.perf_counter()
            choice = choose_scale(
                scale, lambda other: _sizes_if_given(self._readings, other), self._sizes
            )
            self._choices[scale] = choice.scale
            if choice.note:
                self.note(choice.note)
            if choice.scale is not None and choice.scale not in self._traces:
                self._read(choice.scale, began)
            else:
                self.seconds += time.perf_counter() - began
        return self._choices[scale]

    def _read(self, scale: float, began: float) -> None:
        self._traces[scale] = self._readings.trace(scale)
        self.seconds += time.perf_counter() - began


class _GivenTraces:
    """Readings from given traces."""

    def __init__(self, traces: Mapping[float, Trace]) -> None:
        self._traces = traces

    def has(self, scale: float) -> bool:
        return scale in self._traces

    def inputs(self, scale: float) -> Inputs:
        return self.trace(scale).inputs

    def trace(self, scale: float) -> Trace:
        if scale not in self._traces:
            raise ParameterError(
                f"Expected one of the given scales {sorted(self._traces)}, got {scale:g}: "
                "read the image at that scale too, or leave the scale out."
            )
        return self._traces[scale]


class _ChangedReadings:
    """Readings with every trace changed."""

    def __init__(self, readings: Readings, change: Callable[[Trace], Trace]) -> None:
        self.readings, self._change = readings, change

    def inputs(self, scale: float) -> Inputs:
        return self.readings.inputs(scale)

    def trace(self, scale: float) -> Trace:
        return self._change(self.readings.trace(scale))


def _sizes_at(readings: Readings, scale: float) -> Sizes:
    """The sizes of the model's input at a scale, without its pixels if they are not needed."""
    if isinstance(readings, _ChangedReadings):
        return _sizes_at(readings.readings, scale)
    if isinstance(readings, Session):
        return readings.model_sizes(scale)
    return readings.inputs(scale).model_sizes


def _sizes_if_given(readings: Readings, scale: float) -> Sizes | None:
    """Likewise; None for a scale that is not among given readings."""
    if isinstance(readings, _ChangedReadings):
        return _sizes_if_given(readings.readings, scale)
    if isinstance(readings, _GivenTraces) and not readings.has(scale):
        return None
    return _sizes_at(readings, scale)
