"""A run of an audit: find the rows that are missing, diagnose and store them, write the page."""

from __future__ import annotations

import os
import time
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from seewhy.audit.config import AuditConfig
from seewhy.audit.diagnosing import failed
from seewhy.audit.failures import UNEXPECTED, Failure
from seewhy.audit.foreign import foreign_data
from seewhy.audit.plan import expect_same, model_of, plan_of
from seewhy.audit.queue import Result, UnitQueue
from seewhy.audit.reports import SavedReport, report_name, unpack, worst_answers, worst_count
from seewhy.audit.schema import FAILED
from seewhy.audit.scores import StoredScores
from seewhy.audit.source import BadRow, Source
from seewhy.audit.store import REPORTS, Store, Writer
from seewhy.audit.tables import expect_pyarrow
from seewhy.audit.units import Unit, drawn, id_hash, missing_rows, report_units, units_of
from seewhy.audit.worker import Worker, WorkerSpec
from seewhy.bench.model_specs import ModelSpec
from seewhy.core.errors import ShippedModelWarning
from seewhy.runs.processes import in_process, processes
from seewhy.runs.ray_cluster import ray_actors
from seewhy.runs.surroundings import machine, versions

COUNTING_SECONDS = 5.0
"""Rows are counted before the run for at most this time; then the remaining time is not known."""


@dataclass(frozen=True)
class Progress:
    """The progress of a run.

    Attributes:
        done: rows that this run has stored, failed ones included.
        failed: how many of them failed.
        found: rows that were in the folder before.
        total: rows of the audit, those found included; None where that is not known.
        seconds: since the first row was started.
    """

    done: int = 0
    failed: int = 0
    found: int = 0
    total: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class AuditResult:
    """A finished audit.

    Attributes:
        store: its rows.
        done, failed: rows in the folder by status.
        reasons: how many rows failed for each reason, the most frequent first.
        scores: the benchmark's own figures, from `Source.scores`.
        page: path of the page, or None if none was written.
        missing_reports: how many reports could not be saved for each reason.
        seconds: of the run.
    """

    store: Store
    done: int
    failed: int
    reasons: Mapping[str, int]
    scores: Mapping[str, float]
    page: Path | None
    missing_reports: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def unexpected(self) -> Mapping[str, int]:
        """The reasons that are mistakes in code, and not in data or settings."""
        return {name: n for name, n in self.reasons.items() if name.startswith(UNEXPECTED)}


def run_audit(
    config: AuditConfig,
    *,
    progress: Callable[[Progress], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> AuditResult:
    """Diagnose every row of a data set, store the verdicts, and write the page.

    A run that was killed goes on when it is called again with the same data, model and settings;
    the limit may grow. A row that fails, for whatever reason, is stored with the reason and does
    not stop the run.

    Args:
        config: what is audited and how.
        progress: called as rows are stored.
        say: called with a short text as other stages start.

    Raises:
        UnknownNameError, ParameterError, DatasetError: if the config names what does not exist or
            does not fit together.
        ModelError: if the model cannot be loaded, or workers keep dying.
        OutputError: if the folder cannot be written, or holds another audit.
        SchemaError: if its files are damaged or of a newer version.

    Example:
        ```python
        config = AuditConfig("testbed:count=3", out="audit", model="tiny-qwen2-vl")
        result = run_audit(config)
        print(result.done, result.reasons, result.page)
        ```
    """
    expect_pyarrow()
    say = say or (lambda text: None)
    worst_count(config.reports)
    source, model = _source_of(config), model_of(config)
    warning = foreign_data(source, model)
    if warning:
        say(f"warning: {warning}")
        warnings.warn(warning, ShippedModelWarning, stacklevel=2)
    store = Store(config.out)
    started = time.perf_counter()
    with store.writing() as writer:
        plan = _kept_plan(store, writer, plan_of(config, source, model))
        if config.retry:
            writer.drop_failed()
        run = _Run(config, source, model, writer, progress, say)
        run.diagnose()
        writer.compact()
        say("counting")
        reasons = store.reasons()
        done = reasons.pop("", 0)
        scores = dict(source.scores(StoredScores(store)))
        page = _write_page(store, scores, plan, say, warning) if config.page else None
    return AuditResult(
        store=store,
        done=done,
        failed=reasons.total(),
        reasons=dict(reasons.most_common()),
        scores=scores,
        page=page,
        missing_reports=dict(run.missing_reports),
        seconds=time.perf_counter() - started,
    )


class _Run:
    """The part of a run that has workers.

    Args:
        config: what is audited and how.
        source, model: of the config.
        writer: of the folder.
        progress, say: as for `run_audit`.
    """

    def __init__(
        self,
        config: AuditConfig,
        source: Source,
        model: ModelSpec,
        writer: Writer,
        progress: Callable[[Progress], None] | None,
        say: Callable[[str], None],
    ) -> None:
        self.config, self.source, self.model, self.writer = config, source, model, writer
        self._progress, self._say = progress, say
        self._state = Progress()
        self._started = time.perf_counter()
        self.missing_reports: Counter[str] = Counter()
        self._reports: dict[str, str] = {}

    def diagnose(self) -> None:
        """Diagnose the missing rows, then save the reports of the worst."""
        config = self.config
        done = {id_hash(row.id) for row in self.writer.store.iter_answers(["id"])}
        chosen = None
        if config.shuffle is not None and config.limit is not None:
            self._say("drawing rows")
            chosen = drawn(self.source, config.limit, config.shuffle)
        self._say("counting rows")
        self._state = Progress(found=len(done), total=self._count())
        rows = missing_rows(self.source, done, chosen, config.limit)
        then = self._report_units if worst_count(config.reports) else None
        queue = UnitQueue(units_of(rows, config.batch, self._add_bad), config.workers, then)
        self._say("loading the model")
        self._started = time.perf_counter()
        with closing(self._engine(queue)) as results:
            for result in results:
                self._store(result)
        self._link_reports()

    def _engine(self, queue: UnitQueue) -> Generator[Result, None, None]:
        config = self.config
        local = config.engine == "local" and config.workers == 1
        make_worker = partial(Worker, self._worker_spec(local))
        if local:
            return in_process(make_worker, queue)
        if config.engine == "local":
            return processes(make_worker, queue, config.workers)
        return ray_actors(make_worker, queue, config.workers, [config.data, config.model])

    def _worker_spec(self, local: bool) -> WorkerSpec:
        config, model = self.config, self.model
        given = model.pair or (model.place if model.place else config.model)
        # By its name, a shipped model is called so in the reports.
        name = model.label if isinstance(config.model, str | None) else given
        dtype = {"dtype": config.dtype} if config.dtype else {}
        return WorkerSpec(
            data=self.source if local else config.data,
            answers=config.answers and str(Path(config.answers).absolute()),
            fingerprint=self.source.fingerprint,
            model=config.model if hasattr(config.model, "explain") else name,
            load_options={} if model.pair else {**config.load_options, **dtype},
            explain=config.explain,
            folder=os.getcwd(),
            reports=REPORTS if worst_count(config.reports) is None else "",
        )

    def _store(self, result: Result) -> None:
        if isinstance(result, SavedReport):
            if result.files:
                unpack(result, self.writer.store.reports)
            else:
                self.missing_reports[result.reason] += 1
            return
        self.writer.add(result)
        self._state = replace(
            self._state,
            done=self._state.done + 1,
            failed=self._state.failed + (result.answer.status == FAILED),
            seconds=time.perf_counter() - self._started,
        )
        if self._progress is not None:
            self._progress(self._state)

    def _add_bad(self, row: BadRow) -> None:
        self._store(failed(row, Failure(row.reason, row.detail)))

    def _count(self) -> int | None:
        """How many rows the audit has, if they can be counted quickly."""
        until = time.monotonic() + COUNTING_SECONDS
        count = 0
        for count, _ in enumerate(islice(self.source.rows(), self.config.limit), 1):  # noqa: B007
            if time.monotonic() > until:
                return self.config.limit
        return count

    def _report_units(self) -> Iterator[Unit]:
        """Units that save the reports of the worst answers, if they are not saved yet."""
        count = worst_count(self.config.reports)
        assert count
        self.writer.flush()
        store = self.writer.store
        worst = set(worst_answers(store.iter_words(["id", "support", "probability"]), count))
        self._reports = {id: f"{REPORTS}/{report_name(id)}" for id in worst}
        there = {id for id, name in self._reports.items() if (store.folder / name).is_dir()}
        self._say(f"saving {len(worst) - len(there)} reports")
        columns = ["id", "answer", "generated"]
        answers = {
            # Greedy generation writes the same answer again.
            row.id: None if row.generated and not self._sampled else row.answer
            for row in store.iter_answers(columns)
            if row.id in worst and row.id not in there
        }
        yield from report_units(self.source, answers)

    def _link_reports(self) -> None:
        """Store with the worst answers where their reports are."""
        folder = self.writer.store.folder
        there = {id: name for id, name in self._reports.items() if (folder / name).is_dir()}
        if there:
            self.writer.set_reports(there)

    @property
    def _sampled(self) -> bool:
        settings = {**self.config.explain, **self.config.explain.get("generation", {})}
        return bool(settings.get("do_sample"))


def _source_of(config: AuditConfig) -> Source:
    if not isinstance(config.data, str):
        return config.data
    from seewhy.audit.sources import open_source

    return open_source(config.data, config.answers)


def _kept_plan(store: Store, writer: Writer, plan: dict[str, Any]) -> dict[str, Any]:
    """The plan with what a reader wants to know of the run; refuse to mix two plans."""
    stored = store.read_plan()
    if stored is not None:
        expect_same(stored, plan, store.folder)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    began = now if stored is None else stored.get("started", now)
    kept = {**plan, "started": began, "machine": machine(), "versions": versions()}
    writer.save_plan(kept)
    return kept


def _write_page(
    store: Store,
    scores: Mapping[str, float],
    plan: Mapping[str, Any],
    say: Callable[[str], None],
    warning: str,
) -> Path:
    """Write the page, and what the page's module writes beside it."""
    from seewhy.audit.page import write_page

    say("writing the page")
    shown = {name: plan[name] for name in ("data", "answers", "model", "dtype", "started")}
    made = {**shown, "machine": plan["machine"], "seewhy": plan["versions"]["seewhy"]}
    known = {name: value for name, value in made.items() if value is not None}
    known |= {"warning": warning} if warning else {}
    return write_page(store.folder, store, scores=scores, made=known)
