"""What a method is, and what it may look at."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from seewhy.core.attribution import Attribution
from seewhy.core.errors import ParameterError, ScaleError
from seewhy.core.specs import spec_of
from seewhy.core.trace import Inputs, Trace

if TYPE_CHECKING:
    from seewhy.models.session import Session


class Evidence:
    """One reading of an image, and the means to read it again at other scales.

    A scale is prepared first and read only if the model would see another size than it has seen
    already; each is read once.

    Args:
        trace: the base reading, at scale 1, at which the model spoke.
        prepare: makes the inputs of another scale.
        read: reads the same ids again from such inputs.
        model: what a method that needs gradients or further passes works on.
        first: place on the text axis of the first token to explain; None explains the answer, 0
            the prompt's tokens too.
        session: the model and the conversation, for methods that change what is shown; None
            where only traces are at hand.
        wanted: places on the text axis of the tokens that somebody will look at; None for all that
            are explained. A method that pays for every token may leave the others' maps empty.

    Attributes:
        notes: what a reader of the result must know, such as scales that were left out.
        seconds: wall time spent on preparing and reading further scales.
    """

    def __init__(
        self,
        trace: Trace,
        prepare: Callable[[float], Inputs] | None = None,
        read: Callable[[Inputs], Trace] | None = None,
        model: object | None = None,
        first: int | None = None,
        session: Session | None = None,
        selected: Sequence[int] | None = None,
    ) -> None:
        self.trace, self.model, self.session = trace, model, session
        self._selected = None if selected is None else frozenset(selected)
        self._first = len(trace.prompt_tokens) if first is None else first
        self._prepare = _no_other_scale if prepare is None else prepare
        self._read = _no_other_scale if read is None else read
        self._traces = {trace.inputs.scale: trace}
        self.notes: list[str] = []
        self.seconds = 0.0

    @property
    def explained(self) -> slice:
        """The tokens to explain, on the text axis."""
        return slice(self._first, None)

    @property
    def selected(self) -> tuple[int, ...]:
        """Places on the text axis, rising, of the tokens that somebody will look at."""
        explained = range(*self.explained.indices(len(self.trace.text_tokens)))
        return tuple(at for at in explained if self._selected is None or at in self._selected)

    @staticmethod
    def from_session(
        session: Session,
        *,
        ranking_depth: int = 50,
        trace: Trace | None = None,
        selected: Sequence[int] | None = None,
    ) -> Evidence:
        """Evidence that reads a conversation and an answer by itself.

        Args:
            session: the model, what it was asked, and the answer.
            ranking_depth: how many first ranks are kept of each prediction.
            trace: of the answer, where it was read already.
            wanted: as for the class.
        """
        return Evidence(
            session.read(ranking_depth=ranking_depth) if trace is None else trace,
            session.inputs,
            lambda inputs: session.read(inputs, ranking_depth=1, candidates=0),
            session.loaded.model,
            session=session,
            selected=selected,
        )

    @staticmethod
    def of(traces: Mapping[float, Trace]) -> Evidence:
        """Evidence from readings at hand, one for each scale; scale 1 must be among them."""
        if 1.0 not in traces:
            raise ScaleError(
                f"Expected a trace at the base scale 1, got scales {sorted(traces)}: add it."
            )

        def prepare(scale: float) -> Inputs:
            if scale not in traces:
                raise ParameterError(
                    f"Expected a scale among those at hand {sorted(traces)}, got {scale:g}: "
                    "read the image at that scale too, or leave the scale out."
                )
            return traces[scale].inputs

        return Evidence(traces[1.0], prepare, lambda inputs: traces[inputs.scale])

    def map(
        self, change: Callable[[Trace], Trace], selected: Sequence[int] | None = None
    ) -> Evidence:
        """The same evidence with every trace changed; what was read is not read again.

        Args:
            change: what becomes of each trace.
            wanted: as for the class; None leaves it as it is.
        """
        other = Evidence(
            change(self.trace),
            self._prepare,
            lambda inputs: change(self._read(inputs)),
            self.model,
            self._first,
            self.session,
            self._selected if selected is None else selected,  # type: ignore[arg-type]
        )
        other._traces = {scale: change(trace) for scale, trace in self._traces.items()}
        return other

    def at_scale(self, scale: float, selected: Sequence[int] | None, first: int = 0) -> Evidence:
        """What one scale alone says, maybe of other tokens.

        It is what a method gets that serves as the base map of another: at the base scale it may
        read further scales, elsewhere there is that scale and no other. Notes are shared.

        Args:
            scale: one that can be read.
            wanted, first: as for the class; by default the prompt's tokens too.

        Raises:
            ScaleError: as `at`.
        """
        trace, session = self.trace_at(scale), self.session
        whole = scale == self.trace.inputs.scale
        other = Evidence(
            trace,
            self._prepare if whole else None,
            self._read if whole else None,
            self.model,
            first,
            session if session is None or whole else replace(session, scale=scale),
            selected,
        )
        other.notes = self.notes
        if whole:
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
            inputs = self._prepare(scale)
            if (twin := self._twin(inputs)) is not None:
                sizes = " and ".join(dict.fromkeys(_pixels(v.geometry.size) for v in inputs.views))
                raise ScaleError(
                    f"Expected scales that the model sees in different sizes, got {twin:g} and "
                    f"{scale:g}, which both come out at {_seen(inputs)} pixels for this {sizes} "
                    "image: leave one of them out, or choose scales further apart."
                )
            self._look(inputs, begun)
        return self._traces[scale]

    def traces(self, scales: tuple[float, ...], *, strict: bool = True) -> list[Trace]:
        """One trace for each scale, in the given order.

        Args:
            scales: as a stage wants them.
            strict: raise where scales collapse; else leave such scales out, with a note.

        Raises:
            ScaleError: as `at`, if `strict`.
        """
        return [self.trace_at(scale) for scale in scales if strict or self._is_new(scale)]

    def _is_new(self, scale: float) -> bool:
        """Whether a scale shows the model another size; it is read then, else noted."""
        if scale in self._traces:
            return True
        begun = time.perf_counter()
        inputs = self._prepare(scale)
        if (twin := self._twin(inputs)) is None:
            self._look(inputs, begun)
            return True
        self.seconds += time.perf_counter() - begun
        self.notes.append(
            f"Scale {scale:g} was left out: it comes out at {_seen(inputs)} pixels, as scale "
            f"{twin:g} does."
        )
        return False

    def _twin(self, inputs: Inputs) -> float | None:
        """The scale at which the model has seen the image in this size already, if any."""
        sizes = {trace.inputs.model_sizes: known for known, trace in self._traces.items()}
        return sizes.get(inputs.model_sizes)

    def _look(self, inputs: Inputs, begun: float) -> None:
        self._traces[inputs.scale] = self._read(inputs)
        self.seconds += time.perf_counter() - begun


def _pixels(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


def _seen(inputs: Inputs) -> str:
    return " and ".join(dict.fromkeys(map(_pixels, inputs.model_sizes)))


def _no_other_scale(selected: object) -> NoReturn:
    raise ParameterError(
        "Expected evidence that can be read at other scales, got a single trace: use Evidence.of, "
        "or a method of a single scale."
    )


@dataclass(frozen=True)
class Method(ABC):
    """A way from evidence to an attribution. A method is one file with one final class.

    The fields of the frozen dataclass are its parameters; they are checked when it is made.

    Class attributes:
        name: the registry name, the file's with dashes.
        summary: one sentence.
        citations: keys in `citations.py`, the method's own paper first.
        needs: what it looks at: `"states"`, `"rankings"`, `"scales"`, `"attentions"`,
            `"gradients"`, `"pictures"` (it reads changed pictures), or nothing.
        contrastive: whether it says why one token and not another, where a trace holds foils.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    citations: ClassVar[tuple[str, ...]]
    needs: ClassVar[frozenset[str]]
    contrastive: ClassVar[bool] = False

    @abstractmethod
    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain every token that the evidence asks for."""

    @property
    def ranking_depth(self) -> int:
        """How many of the ids ranked first it looks at for each context token."""
        return 1

    @property
    def further_scales(self) -> tuple[float, ...]:
        """The scales that it reads beside the base: a batch reads them for all its rows at once."""
        return ()

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters, JSON-ready; a method among them by its spec."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    @property
    def spec(self) -> str:
        """Its name with the parameters that differ from their defaults: `create` takes it.

        Example:
            >>> from seewhy.methods import create
            >>> create("msea", base="tam", window=5).spec
            'msea(window=5, base=tam)'
        """
        changed = {
            f.name: _plain(value)
            for f in fields(self)
            if (value := getattr(self, f.name))
            != (f.default if f.default_factory is MISSING else f.default_factory())
        }
        return spec_of(self.name, changed)


def _plain(value: Any) -> Any:
    if isinstance(value, Method):
        return value.spec
    return list(value) if isinstance(value, list | tuple) else getattr(value, "name", value)
