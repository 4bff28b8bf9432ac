"""The worker: runs the model on a sample, then the methods, then the metrics.

It is independent of processes and files: an engine gives it jobs and stores the rows.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import torch

from seewhy.bench.plan import MODEL_LABEL, NO_METHOD, Plan, Task
from seewhy.bench.specs import digest
from seewhy.bench.store import FAILED, MEASURED, SKIPPED, UNDEFINED, Row
from seewhy.core.attribution import Attribution
from seewhy.core.errors import SampleError
from seewhy.core.memory import is_out_of_memory
from seewhy.core.sample import Sample
from seewhy.core.trace import Trace
from seewhy.methods import Evidence, Method
from seewhy.metrics import AnswerWord, Measurement, Undefined, answer_words
from seewhy.metrics._reruns import SessionSample
from seewhy.models import Loaded, generate, load, prepare, read
from seewhy.models.residual_stream import is_readable
from seewhy.models.session import Session
from seewhy.testbed.pretrained import loadable

SCORED_ROLES = ("kind", "colour", "count", "relation", "size")
"""Roles of the words for metrics of single words: words that describe objects."""

RANKING_DEPTH = 50
"""Ranks stored of each prediction, or more if a method needs them."""


@dataclass(frozen=True)
class Job:
    """One sample on one model, and its tasks.

    Attributes:
        model, data: indices in the plan.
        sample: the id.
        tasks: methods in their order.
        attempts: how often each task was tried in earlier runs.
    """

    model: int
    data: int
    sample: str
    tasks: tuple[Task, ...]
    attempts: tuple[int, ...] = ()

    def without(self, done: set[Task]) -> Job:
        """The same job without some of its tasks."""
        attempts = self.attempts or (0,) * len(self.tasks)
        pairs = [(t, a) for t, a in zip(self.tasks, attempts, strict=True) if t not in done]
        return replace(self, tasks=tuple(t for t, _ in pairs), attempts=tuple(a for _, a in pairs))

    def by_method(self) -> list[tuple[int, tuple[Task, ...]]]:
        """The tasks of each method; those of the model come last."""
        by_method: dict[int, list[Task]] = {}
        for task in self.tasks:
            by_method.setdefault(task.method, []).append(task)
        order = sorted(by_method, key=lambda method: (method == NO_METHOD, method))
        return [(method, tuple(by_method[method])) for method in order]


@dataclass(frozen=True)
class Batch:
    """The rows of some tasks of a job, which are written together."""

    tasks: tuple[Task, ...]
    rows: tuple[Row, ...]


@dataclass(eq=False)
class SampleState:
    """A sample after the forward pass: shared by all methods.

    Attributes:
        sample: the picture with masks and truths.
        evidence: the trace at scale 1 and the session, for metrics.
        words: of the answer.
        selected: indices of the words for metrics of single words.
        memory: cache of metrics.
    """

    sample: Sample
    evidence: Evidence
    words: tuple[AnswerWord, ...]
    selected: tuple[int, ...]
    memory: dict[str, Any] = field(default_factory=dict)

    @property
    def session(self) -> Session:
        """The session that runs the model on the sample again."""
        session = self.evidence.session
        assert session is not None  # `Worker.read` creates evidence from a session
        return session

    def with_word(self, word: int, others: Sequence[int] = ()) -> SampleState:
        """The same sample, with one word's tokens selected, and others on the text axis."""
        trace = self.evidence.trace
        first = len(trace.prompt_tokens)
        own = (first + token for token in self.words[word].word.tokens)
        selected = sorted({*own, *others})
        evidence = Evidence.from_session(self.session, trace=trace, selected=selected)
        return replace(self, evidence=evidence)

    def fresh_evidence(self) -> Evidence:
        """Evidence for one method.

        It shares the traces, but has its own list of used scales: which scales collapse must not
        depend on earlier methods.
        """
        trace, selected = self.evidence.trace, self.evidence.selected
        return Evidence.from_session(self.session, trace=trace, selected=selected)


class Worker:
    """Runs the jobs of a plan; it loads one model at a time.

    Args:
        plan: of the run.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._loaded: tuple[int, Loaded] | None = None

    def loaded(self, model: int) -> Loaded:
        """A model of the plan; the previous one is released.

        Raises:
            SeewhyError: as `seewhy.models.load`.
        """
        if self._loaded is None or self._loaded[0] != model:
            self._loaded = None
            spec = self.plan.models[model]
            options = {} if spec.pair else dict(spec.options)
            loaded = load(spec.pair or loadable(spec.place), **options)
            loaded.model.eval()
            self._loaded = model, loaded
        return self._loaded[1]

    def run(self, job: Job) -> Iterator[Batch]:
        """Run a job, one method after the other; each batch has complete tasks.

        An error of a method or metric becomes rows with the reason, and the job continues.

        Raises:
            SeewhyError: if the model cannot be loaded.
        """
        loaded = self.loaded(job.model)
        started = time.perf_counter()
        try:
            state = self.read(loaded, job)
        except Exception as error:  # noqa: BLE001 - data sets and models may be third-party code
            status = SKIPPED if isinstance(error, SampleError) else FAILED
            yield self.failed(job, job.tasks, reason_of(error), status, started)
            return
        first: tuple[int, Attribution] | None = None
        for method, tasks in job.by_method():
            started = time.perf_counter()
            try:
                if method == NO_METHOD:
                    explained = first or self._first_attribution(state)
                else:
                    explained = method, self.attribute(state, method)
            except Exception as error:  # noqa: BLE001 - methods may be third-party code
                yield self.failed(job, tasks, reason_of(error), FAILED, started)
                continue
            first = first or explained
            sample = self._explained(state, *explained)
            rows = [row for task in tasks for row in self._measure(job, task, sample)]
            yield Batch(tasks, tuple(rows))

    def read(self, loaded: Loaded, job: Job) -> SampleState:
        """Run the model on a sample, and choose the words for metrics of single words.

        Raises:
            SampleError: if it cannot be used.
            SeewhyError: if the model cannot process it.
        """
        settings = self.plan.settings
        sample = self.plan.datasets[job.data].dataset.sample(job.sample)
        depth = max(RANKING_DEPTH, *(spec.method.ranking_depth for spec in self.plan.methods))
        needed = any("shares" in spec.method.all_needs for spec in self.plan.methods)
        attention = needed and is_readable(loaded.model)
        trace = self._trace(loaded, sample, depth, attention)
        session = Session.from_image(loaded, sample.image, sample.prompt, trace.ids)
        session = replace(session, attention=attention)
        evidence = Evidence.from_session(session, trace=trace, ranking_depth=depth)
        spans = [(token.start, token.end) for token in trace.tokens]
        words = answer_words(trace.answer, spans, sample.annotate(trace.answer))
        selected = select_words(words, settings.words, seed_of(settings.seed, sample.id))
        evidence = Evidence.from_session(
            session,
            trace=trace,
            ranking_depth=depth,
            selected=_measured_tokens(words, selected, len(trace.prompt_tokens)),
        )
        return SampleState(sample, evidence, words, selected)

    def attribute(self, state: SampleState, method: int) -> Attribution:
        """Explain a sample by a method.

        Raises:
            ValueError: if the maps have NaN or infinity, or their number is not that of the tokens.
            SeewhyError: as the method.
        """
        chosen = self.plan.methods[method].method
        # Draws from torch's global generator must not depend on the order of the jobs.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_of(self.plan.settings.seed, state.sample.id))
            attribution = chosen.attribute(state.fresh_evidence())
        return expect_valid(attribution, chosen, len(state.evidence.trace.tokens))

    def failed(
        self,
        job: Job,
        tasks: Sequence[Task],
        reason: str,
        status: str = FAILED,
        started: float | None = None,
    ) -> Batch:
        """Rows with the reason why tasks have no value."""
        seconds = 0.0 if started is None else time.perf_counter() - started
        columns = {"status": status, "reason": reason, "seconds": seconds}
        return Batch(tuple(tasks), tuple(self._row(job, task, **columns) for task in tasks))

    def _trace(self, loaded: Loaded, sample: Sample, depth: int, attention: bool) -> Trace:
        """The trace of the reference answer, or of the model's own."""
        settings = self.plan.settings
        inputs = prepare(loaded.family, sample.image, sample.prompt)
        if settings.answers == "reference" and sample.answer is not None:
            return read(loaded, inputs, sample.answer, ranking_depth=depth, attention=attention)
        new_tokens = settings.max_new_tokens
        return generate(
            loaded,
            inputs,
            ranking_depth=depth,
            max_new_tokens=new_tokens,
            attention=attention,
        )

    def _explained(
        self, state: SampleState, method: int, attribution: Attribution
    ) -> SessionSample:
        return SessionSample(
            state.sample,
            state.evidence,
            self.plan.methods[method].method,
            attribution,
            state.words,
            state.selected,
            seed=seed_of(self.plan.settings.seed, state.sample.id),
            memory={"sample": state.memory},
        )

    def _first_attribution(self, state: SampleState) -> tuple[int, Attribution]:
        """By the first method that can explain the sample, for metrics of the model."""
        reason = ""
        for method in range(len(self.plan.methods)):
            try:
                return method, self.attribute(state, method)
            except Exception as error:  # noqa: BLE001 - methods may be third-party code
                reason = reason_of(error)
        raise ValueError(f"no method could explain the sample: {reason}")

    def _measure(self, job: Job, task: Task, sample: SessionSample) -> list[Row]:
        metric = self.plan.metrics[task.metric].metric
        started = time.perf_counter()
        try:
            measured = list(metric.measure(sample))
        except Exception as error:  # noqa: BLE001 - metrics may be third-party code
            return list(self.failed(job, [task], reason_of(error), FAILED, started).rows)
        seconds = time.perf_counter() - started
        if not measured:
            nothing = {"status": UNDEFINED, "reason": "nothing measured"}
            return [self._row(job, task, seconds=seconds, **nothing)]
        known = {figure.name for figure in metric.figures}
        return [
            self._row(job, task, seconds=seconds, **_columns(result, sample.words, known))
            for result in measured
        ]

    def _row(self, job: Job, task: Task, **columns: Any) -> Row:
        plan = self.plan
        attempts = dict(zip(job.tasks, job.attempts, strict=False))
        return Row(
            task=plan.task_key(job.model, job.data, job.sample, task),
            model=plan.models[job.model].label,
            data=plan.datasets[job.data].label,
            sample=job.sample,
            method=MODEL_LABEL if task.method == NO_METHOD else plan.methods[task.method].label,
            metric=plan.metrics[task.metric].label,
            **plan.keys(job.model, job.data, task),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            attempt=attempts.get(task, 0),
            **columns,
        )


def select_words(words: Sequence[AnswerWord], count: int, seed: int) -> tuple[int, ...]:
    """Random content words that have regions or are unsupported, in their order in the answer.

    Args:
        words: of the answer.
        count: maximum number.
        seed: the same seed draws the same words, for any number of methods or workers.
    """
    known = [
        index
        for index, word in enumerate(words)
        if word.truth is not None
        and word.role in SCORED_ROLES
        and (word.truth.regions or word.truth.supported is False)
    ]
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(known), generator=generator).tolist()
    return tuple(sorted(known[n] for n in order[:count]))


def _measured_tokens(words: Sequence[AnswerWord], selected: Sequence[int], first: int) -> list[int]:
    """Positions of the tokens that metrics use; costly methods may skip the others.

    Overlap uses every word with a truth. `first` is the position of the answer's first token.
    """
    positions = {
        first + token
        for index, word in enumerate(words)
        if word.truth is not None or index in selected
        for token in word.tokens
    }
    return sorted(positions)


def seed_of(seed: int, sample: str) -> int:
    """A seed for a sample, independent of everything else in the run."""
    return int(digest([seed, sample])[:8], 16)


def expect_valid(attribution: Attribution, method: Method, tokens: int) -> Attribution:
    """Check that an attribution has every token and is finite, and return it.

    Raises:
        ValueError: if not; equal causes have equal messages.
    """
    if len(attribution.context) != tokens:
        raise ValueError(f"maps of another number of tokens than the answer's, by {method.name}")
    tensors = (*(("maps", maps) for maps in attribution.maps), ("context", attribution.context))
    for name, tensor in tensors:
        if not bool(torch.isfinite(tensor).all()):
            raise ValueError(f"NaN or infinity in the {name}")
    return attribution


def reason_of(error: BaseException) -> str:
    """The reason of a failure on one line; the same for the same cause where possible.

    Example:
        >>> reason_of(SampleError("no caption"))
        'no caption'
        >>> reason_of(ZeroDivisionError("division by zero"))
        'ZeroDivisionError: division by zero'
    """
    if is_out_of_memory(error):
        return "out of memory"
    text = " ".join(str(error).split())[:300]
    if isinstance(error, SampleError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _columns(
    result: Measurement | Undefined, words: Sequence[AnswerWord], known: set[str]
) -> dict[str, Any]:
    """A metric's result as columns of a row."""
    if isinstance(result, Undefined):
        return {"figure": result.figure, "status": UNDEFINED, "reason": result.reason}
    columns: dict[str, Any] = {"figure": result.figure, "label": result.label, "status": MEASURED}
    if result.word is not None:
        columns |= {"word": result.word, **_word_columns(words[result.word])}
    tags = {str(name): str(value) for name, value in result.tags.items()}
    columns["tags"] = {**columns.get("tags", {}), **tags}
    value = float(result.value)
    if result.figure not in known:
        return {**columns, "status": FAILED, "reason": "a figure that the metric does not declare"}
    if not math.isfinite(value):
        return {**columns, "status": UNDEFINED, "reason": "the value is not finite"}
    return {**columns, "value": value}


def _word_columns(word: AnswerWord) -> dict[str, Any]:
    tags = {} if word.truth is None else dict(word.truth.tags)
    return {"text": word.word.text, "role": word.role, "tags": tags}
