"""The work itself: one sample is read by one model, explained by methods, judged by metrics.

It knows nothing of processes or files: an engine hands it jobs and keeps the rows.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import torch

from seewhy.bench.plan import MODEL_ITSELF, OF_MODEL, Plan
from seewhy.bench.specs import digest
from seewhy.bench.store import FAILED, MEASURED, SKIPPED, UNDEFINED, Row
from seewhy.core.attribution import Attribution
from seewhy.core.errors import SampleError
from seewhy.core.sample import Sample
from seewhy.methods import Evidence, Method
from seewhy.metrics import AnswerWord, Measurement, Undefined, answer_words
from seewhy.metrics._reruns import SessionSample
from seewhy.models import Loaded, generate, load, prepare, read
from seewhy.models.session import Session

SCORED_ROLES = ("kind", "colour", "count", "relation", "size")
"""Roles of the words that metrics of single words look at: those that name something shown."""

DEPTH = 50
"""Ranks kept of each prediction, or more where a method looks deeper."""


@dataclass(frozen=True)
class Job:
    """One sample on one model, and what of it is still to be done.

    Attributes:
        subject, source: places in the plan.
        sample: the id.
        units: places of method and metric, methods in their order.
        attempts: how often each unit was tried in earlier runs.
    """

    subject: int
    source: int
    sample: str
    units: tuple[tuple[int, int], ...]
    attempts: tuple[int, ...] = ()

    def without(self, done: set[tuple[int, int]]) -> Job:
        """The same job less some of its units."""
        attempts = self.attempts or (0,) * len(self.units)
        left = [(u, a) for u, a in zip(self.units, attempts, strict=True) if u not in done]
        return Job(
            self.subject,
            self.source,
            self.sample,
            tuple(unit for unit, _ in left),
            tuple(attempt for _, attempt in left),
        )


@dataclass(frozen=True)
class Batch:
    """The rows of some units of a job: what is written together."""

    units: tuple[tuple[int, int], ...]
    rows: tuple[Row, ...]


@dataclass(eq=False)
class SampleState:
    """A sample that was read: what all methods share.

    Attributes:
        sample: the picture and what is known of it.
        evidence: the base reading, for metrics.
        words: of the answer.
        wanted: the places of those that metrics of single words look at.
        memory: of metrics.
    """

    sample: Sample
    evidence: Evidence
    words: tuple[AnswerWord, ...]
    selected: tuple[int, ...]
    memory: dict[str, Any] = field(default_factory=dict)

    def for_word(self, word: int) -> SampleState:
        """The same sample, of which only one word's maps are wanted."""
        trace, session = self.evidence.trace, self.evidence.session
        assert session is not None  # the laboratory reads with one
        before = len(trace.prompt_tokens)
        selected = [before + token for token in self.words[word].word.tokens]
        evidence = Evidence.from_session(session, trace=trace, selected=selected)
        return replace(self, evidence=evidence)

    def alone(self) -> Evidence:
        """Evidence for one method: which scales it takes for new hangs on no other method."""
        session = self.evidence.session
        assert session is not None  # the laboratory reads with one

        selected = self.evidence.selected
        return Evidence.from_session(session, trace=self.evidence.trace, selected=selected)


class Worker:
    """A process's share of the work: it holds one model at a time.

    Args:
        plan: what is asked of the run.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._held: tuple[int, Loaded] | None = None

    def loaded(self, subject: int) -> Loaded:
        """A model of the plan; the one held before is let go.

        Raises:
            SeewhyError: as `seewhy.models.load`.
        """
        if self._held is None or self._held[0] != subject:
            self._held = None
            chosen = self.plan.models[subject]
            options = {} if chosen.pair else dict(chosen.options)
            found = load(chosen.pair or chosen.place, **options)
            found.model.eval()
            self._held = subject, found
        return self._held[1]

    def run(self, job: Job) -> Iterator[Batch]:
        """Do a job, one method after the other; each batch holds whole units.

        What a method or metric raises becomes rows with the reason, and the work goes on.

        Raises:
            SeewhyError: if the model cannot be loaded.
        """
        loaded = self.loaded(job.subject)
        begun = time.perf_counter()
        try:
            read = self.read(loaded, job)
        except Exception as error:  # noqa: BLE001 - data sets and models are others' code
            status = SKIPPED if isinstance(error, SampleError) else FAILED
            yield self.failed(job, job.units, reason_of(error), status, begun)
            return
        by_method: dict[int, list[tuple[int, int]]] = {}
        for unit in job.units:
            by_method.setdefault(unit[0], []).append(unit)
        first: tuple[int, Attribution] | None = None
        for method in sorted(by_method, key=lambda at: (at == OF_MODEL, at)):
            units = tuple(by_method[method])
            begun = time.perf_counter()
            try:
                if method == OF_MODEL:
                    explained = first or self._any(read)
                else:
                    explained = method, self.attribute(read, method)
            except Exception as error:  # noqa: BLE001 - methods may be anyone's
                yield self.failed(job, units, reason_of(error), FAILED, begun)
                continue
            first = first or explained
            case = SessionSample(
                read.sample,
                read.evidence,
                self.plan.methods[explained[0]].method,
                explained[1],
                read.words,
                read.selected,
                seed=seed_of(self.plan.settings.seed, job.sample),
                memory={"sample": read.memory},
            )
            rows = [row for unit in units for row in self._measured(job, unit, case)]
            yield Batch(units, tuple(rows))

    def read(self, loaded: Loaded, job: Job) -> SampleState:
        """Read a sample, and choose the words that are looked at.

        Raises:
            SampleError: if it cannot be used.
            SeewhyError: if the model cannot read it.
        """
        settings, methods = self.plan.settings, self.plan.methods
        sample = self.plan.datasets[job.source].dataset.sample(job.sample)
        inputs = prepare(loaded.family, sample.image, sample.prompt)
        depth = max(DEPTH, *(c.method.ranking_depth for c in methods))
        if settings.answers == "reference" and sample.answer is not None:
            trace = read(loaded, inputs, sample.answer, ranking_depth=depth)
        else:
            trace = generate(
                loaded, inputs, ranking_depth=depth, max_new_tokens=settings.max_new_tokens
            )
        ids = [token.id for token in trace.tokens]
        session = Session.from_image(loaded, sample.image, sample.prompt, ids)
        evidence = Evidence.from_session(session, trace=trace, ranking_depth=depth)
        spans = [(token.start, token.end) for token in trace.tokens]
        words = answer_words(trace.answer, spans, sample.annotate(trace.answer))
        selected = select_words(words, settings.words, seed_of(settings.seed, sample.id))
        before = len(trace.prompt_tokens)
        # Methods that pay for every token may leave out what no metric looks at; overlap looks at
        # every word that something is known of.
        looked_at = [
            before + token
            for at, spoken in enumerate(words)
            if spoken.truth is not None or at in selected
            for token in spoken.word.tokens
        ]
        evidence = Evidence.from_session(
            session, trace=trace, ranking_depth=depth, selected=sorted(set(looked_at))
        )
        return SampleState(sample, evidence, words, selected)

    def attribute(self, read: SampleState, method: int) -> Attribution:
        """Explain a sample that was read.

        Raises:
            ValueError: if the maps hold NaN or infinity, or are not one for each token.
            SeewhyError: as the method.
        """
        chosen = self.plan.methods[method].method
        # Whatever a method draws from torch's own dice is the same in every order of the work.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_of(self.plan.settings.seed, read.sample.id))
            found = chosen.attribute(read.alone())
        return expect_whole(found, chosen, len(read.evidence.trace.tokens))

    def failed(
        self,
        job: Job,
        units: Sequence[tuple[int, int]],
        reason: str,
        status: str = FAILED,
        begun: float | None = None,
    ) -> Batch:
        """Rows that say why units have no value."""
        seconds = 0.0 if begun is None else time.perf_counter() - begun
        rows = (self._row(job, u, status=status, reason=reason, seconds=seconds) for u in units)
        return Batch(tuple(units), tuple(rows))

    def _any(self, read: SampleState) -> tuple[int, Attribution]:
        """The first method that can explain the sample, for metrics that look at none."""
        for method in range(len(self.plan.methods)):
            try:
                return method, self.attribute(read, method)
            except Exception as error:  # noqa: BLE001 - methods may be anyone's
                reason = reason_of(error)
        raise ValueError(f"no method could explain the sample: {reason}")

    def _measured(self, job: Job, unit: tuple[int, int], case: SessionSample) -> list[Row]:
        metric = self.plan.metrics[unit[1]].metric
        begun = time.perf_counter()
        try:
            found = list(metric.measure(case))
        except Exception as error:  # noqa: BLE001 - metrics may be anyone's
            return list(self.failed(job, [unit], reason_of(error), FAILED, begun).rows)
        seconds = time.perf_counter() - begun
        if not found:
            nothing = {"status": UNDEFINED, "reason": "nothing measured"}
            return [self._row(job, unit, seconds=seconds, **nothing)]
        known = {figure.name for figure in metric.figures}
        return [
            self._row(job, unit, seconds=seconds, **_columns(one, case.words, known))
            for one in found
        ]

    def _row(self, job: Job, unit: tuple[int, int], **columns: Any) -> Row:
        plan, (method, metric) = self.plan, unit
        attempts = dict(zip(job.units, job.attempts, strict=False))
        return Row(
            unit=plan.unit(job.subject, job.source, job.sample, method, metric),
            model=plan.models[job.subject].label,
            data=plan.datasets[job.source].label,
            sample=job.sample,
            method=MODEL_ITSELF if method == OF_MODEL else plan.methods[method].label,
            metric=plan.metrics[metric].label,
            **plan.keys(job.subject, job.source, method, metric),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            attempt=attempts.get(unit, 0),
            **columns,
        )


def select_words(words: Sequence[AnswerWord], count: int, seed: int) -> tuple[int, ...]:
    """Some content words with regions or known to be unsupported, drawn, given in order.

    Args:
        words: of the answer.
        count: how many at most.
        seed: the same draws the same words, whatever the number of methods or workers.
    """
    known = [
        at
        for at, spoken in enumerate(words)
        if spoken.truth is not None
        and spoken.role in SCORED_ROLES
        and (spoken.truth.regions or spoken.truth.supported is False)
    ]
    dice = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(known), generator=dice).tolist()
    return tuple(sorted(known[at] for at in order[:count]))


def seed_of(seed: int, sample: str) -> int:
    """A seed of a sample: it depends on nothing else of the run."""
    return int(digest([seed, sample])[:8], 16)


def expect_whole(found: Attribution, method: Method, tokens: int) -> Attribution:
    """Return an attribution if it is one of every token, and finite.

    Raises:
        ValueError: if not, with a reason that can be counted.
    """
    if len(found.context) != tokens:
        raise ValueError(f"maps of another number of tokens than the answer's, by {method.name}")
    for name, tensor in (*(("maps", m) for m in found.maps), ("context", found.context)):
        if not bool(torch.isfinite(tensor).all()):
            raise ValueError(f"NaN or infinity in the {name}")
    return found


def reason_of(error: BaseException) -> str:
    """Why something failed, on one line, the same for the same cause where that can be.

    Example:
        >>> reason_of(SampleError("no caption"))
        'no caption'
        >>> reason_of(ZeroDivisionError("division by zero"))
        'ZeroDivisionError: division by zero'
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return "out of memory"
    text = " ".join(str(error).split())[:300]
    if isinstance(error, SampleError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _columns(
    one: Measurement | Undefined, words: Sequence[AnswerWord], known: set[str]
) -> dict[str, Any]:
    """What a metric found, as columns."""
    if isinstance(one, Undefined):
        return {"figure": one.figure, "status": UNDEFINED, "reason": one.reason}
    spoken = None if one.word is None else words[one.word]
    truth = None if spoken is None else spoken.truth
    columns: dict[str, Any] = {
        "figure": one.figure,
        "word": -1 if one.word is None else one.word,
        "text": "" if spoken is None else spoken.word.text,
        "role": "" if spoken is None else spoken.role,
        "tags": {
            **({} if truth is None else truth.tags),
            **{str(name): str(value) for name, value in one.tags.items()},
        },
        "label": one.label,
        "status": MEASURED,
    }
    value = float(one.value)
    if one.figure not in known:
        return {**columns, "status": FAILED, "reason": "a figure that the metric does not declare"}
    if not math.isfinite(value):
        return {**columns, "status": UNDEFINED, "reason": "the value is not finite"}
    return {**columns, "value": value}
