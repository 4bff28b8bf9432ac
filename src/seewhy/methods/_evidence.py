"""What a method may look at: a session, and the tokens that are to be explained."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from seewhy.core.errors import ParameterError, ScaleError
from seewhy.core.trace import Inputs, Trace
from seewhy.models.session import Session


class Readings(Protocol):
    """Readings of one answer, one for each scale: a `Session`, or traces at hand."""

    def inputs(self, scale: float) -> Inputs:
        """What the model takes at a scale."""
        ...

    def trace(self, scale: float) -> Trace:
        """The reading at a scale."""
        ...


class Evidence:
    """A session, or traces at hand, and the tokens that are to be explained.

    A scale is prepared first and read only if the model would see another size than it has seen
    already.

    Args:
        readings: a `Session`, or anything with readings by scale.
        trace: the base reading, at which the model spoke.
        selected: places on the text axis of the tokens that somebody will look at; None for all
            that are explained. A method that pays for every token may leave the others' maps empty.
        start: place on the text axis of the first token to explain; None explains the answer, 0
            the prompt's tokens too.
        session: the model and the answer, for methods that look inside the model or change the
            picture; None where only traces are at hand.

    Attributes:
        notes: what a reader of the result must know, such as scales that were left out.
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
            session: the model, what it was asked, and the answer.
            trace: of the answer, where it was read already; it is read now if None.
            ranking_depth: how many first ranks are kept of each prediction.
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
        """Evidence of readings at hand, one for each scale; scale 1 must be among them.

        Raises:
            ScaleError: if it is not.
        """
        if 1.0 not in traces:
            raise ScaleError(
                f"Expected a trace at the base scale 1, got scales {sorted(traces)}: add it."
            )
        return Evidence(_TracesAtHand(traces), traces[1.0], selected=selected, start=start)

    @property
    def model(self) -> object | None:
        """The session's model, or None."""
        return None if self.session is None else self.session.loaded.model

    @property
    def explained(self) -> slice:
        """The tokens to explain, on the text axis."""
        return slice(self._start, None)

    @property
    def selected(self) -> tuple[int, ...]:
        """Places on the text axis, rising, of the tokens that somebody will look at."""
        explained = range(*self.explained.indices(len(self.trace.text_tokens)))
        return tuple(at for at in explained if self._selected is None or at in self._selected)

    def expect_session(self, method: str) -> Session:
        """The session of a method that needs the model.

        Raises:
            ParameterError: if there is none, or it is one of another answer than the trace's.
        """
        if self.session is None:
            raise ParameterError(
                f"Expected a session with the model, got traces alone: {method} runs the model. "
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
        """The same evidence with every trace changed; what was read is not read again.

        Args:
            change: what becomes of each trace.
            selected: as for the class; None leaves it as it is.
        """
        other = Evidence(
            _ChangedReadings(self._readings, change),
            change(self.trace),
            selected=self._selected if selected is None else selected,  # type: ignore[arg-type]
            start=self._start,
            session=self.session,
        )
        other._traces = {scale: change(trace) for scale, trace in self._traces.items()}
        return other

    def at_scale(self, scale: float, selected: Sequence[int] | None, start: int = 0) -> Evidence:
        """What one scale alone says, maybe of other tokens.

        It is what a method gets that serves as the base map of another: at the base scale it may
        read further scales, elsewhere there is that scale and no other. Notes are shared.

        Args:
            scale: one that can be read.
            selected, start: as for the class; by default the prompt's tokens too.

        Raises:
            ScaleError: as `trace_at`.
        """
        trace, session = self.trace_at(scale), self.session
        at_base = scale == self.trace.inputs.scale
        if session is not None and not at_base:
            session = session.at_scale(scale)
        readings = self._readings if at_base else _TracesAtHand({scale: trace})
        other = Evidence(readings, trace, selected=selected, start=start, session=session)
        other.notes = self.notes
        if at_base:
            other._traces = self._traces
        return other

    def note(self, text: str) -> None:
        """Add to the notes what they do not say yet."""
        if text not in self.notes:
            self.notes.append(text)

    def trace_at(self, scale: float) -> Trace:
        """The same prompt and answer, read at another scale.

        Raises:
            ScaleError: if the model would see the image in a size it has seen already, because
                its own limits or rounding collapse the two scales.
        """
        if scale not in self._traces:
            begun = time.perf_counter()
            inputs = self._readings.inputs(scale)
            if (twin := self._twin(inputs)) is not None:
                sizes = " and ".join(dict.fromkeys(_pixels(v.geometry.size) for v in inputs.views))
                raise ScaleError(
                    f"Expected scales that the model sees in different sizes, got {twin:g} and "
                    f"{scale:g}, which both come out at {_seen(inputs)} pixels for this {sizes} "
                    "image: leave one of them out, or choose scales further apart."
                )
            self._read(scale, begun)
        return self._traces[scale]

    def traces(self, scales: tuple[float, ...], *, strict: bool = True) -> list[Trace]:
        """One trace for each scale, in the given order.

        Args:
            scales: as a stage wants them.
            strict: raise where scales collapse; else leave such scales out, with a note.

        Raises:
            ScaleError: as `trace_at`, if `strict`.
        """
        return [self.trace_at(scale) for scale in scales if strict or self._is_new(scale)]

    def _is_new(self, scale: float) -> bool:
        """Whether a scale shows the model another size; it is read then, else noted."""
        if scale in self._traces:
            return True
        begun = time.perf_counter()
        inputs = self._readings.inputs(scale)
        if (twin := self._twin(inputs)) is None:
            self._read(scale, begun)
            return True
        self.seconds += time.perf_counter() - begun
        self.notes.append(
            f"Scale {scale:g} was left out: it comes out at {_seen(inputs)} pixels, as scale "
            f"{twin:g} does."
        )
        return False

    def _twin(self, inputs: Inputs) -> float | None:
        """The scale at which the model has seen the image in this size already, if any."""
        sizes = {trace.inputs.seen: known for known, trace in self._traces.items()}
        return sizes.get(inputs.seen)

    def _read(self, scale: float, begun: float) -> None:
        self._traces[scale] = self._readings.trace(scale)
        self.seconds += time.perf_counter() - begun


class _TracesAtHand:
    """Readings that were made before."""

    def __init__(self, traces: Mapping[float, Trace]) -> None:
        self._traces = traces

    def inputs(self, scale: float) -> Inputs:
        return self.trace(scale).inputs

    def trace(self, scale: float) -> Trace:
        if scale not in self._traces:
            raise ParameterError(
                f"Expected a scale among those at hand {sorted(self._traces)}, got {scale:g}: "
                "read the image at that scale too, or leave the scale out."
            )
        return self._traces[scale]


class _ChangedReadings:
    """Readings of which every trace is changed."""

    def __init__(self, readings: Readings, change: Callable[[Trace], Trace]) -> None:
        self._readings, self._change = readings, change

    def inputs(self, scale: float) -> Inputs:
        return self._readings.inputs(scale)

    def trace(self, scale: float) -> Trace:
        return self._change(self._readings.trace(scale))


def _pixels(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


def _seen(inputs: Inputs) -> str:
    return " and ".join(dict.fromkeys(map(_pixels, inputs.seen)))
