"""A run: plan, find what is missing, have it done, keep it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, TypeAlias

from seewhy._version import __version__
from seewhy.bench.gallery import FOLDER, draw
from seewhy.bench.plan import Plan, Settings, plan_of
from seewhy.bench.processes import here, processes
from seewhy.bench.ray_cluster import ray_actors
from seewhy.bench.store import Done, Store, expect_arrow
from seewhy.bench.suites import suite_of
from seewhy.bench.tables import results_of
from seewhy.bench.worker import Batch, Job
from seewhy.core.errors import ParameterError
from seewhy.datasets import Dataset
from seewhy.methods import Method
from seewhy.metrics import Metric

EngineName: TypeAlias = Literal["processes", "ray", "here"]
ENGINES: dict[str, Callable[[Plan, Sequence[Job], int], Iterator[Batch]]] = {
    "processes": processes,
    "ray": ray_actors,
    "here": here,
}
"""What does the work: processes of this machine, actors of a cluster, or this very process."""

FOUNDATIONS = ("torch", "transformers", "numpy", "pillow", "pyarrow")


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        done, total: units, those of earlier runs included.
        found: of `done`, how many were in the folder already.
        seconds: since the work began.
    """

    done: int
    total: int
    found: int
    seconds: float


def run(
    suite: str = "quick",
    *,
    out: str | os.PathLike[str],
    models: Iterable[str | os.PathLike[str] | tuple[Any, Any]] | None = None,
    methods: Iterable[str | Method] | None = None,
    metrics: Iterable[str | Metric] | None = None,
    data: Iterable[str | Dataset] | None = None,
    limit: int | None = None,
    words: int | None = None,
    answers: Literal["reference", "own"] | None = None,
    seed: int = 0,
    dtype: str | None = None,
    max_new_tokens: int = 128,
    reference: str | None = None,
    engine: EngineName = "processes",
    workers: int = 1,
    retry: bool = False,
    options: dict[str, Any] | None = None,
    gallery: bool = False,
    progress: Callable[[Progress], None] | None = None,
    say: Callable[[str], None] = lambda stage: None,
) -> Store:
    """Measure methods by metrics, and keep every row as it is found.

    Killed at any moment and called again, it goes on where it was. More models, methods, metrics
    or samples in the same folder add to what is there; whatever is changed is measured anew.

    Args:
        suite: what is done where nothing else is said: a name from `seewhy.bench.SUITES`.
        out: folder of results.
        models: names of shipped models, folders, hub ids, or loaded `(model, processor)` pairs;
            pairs stay in this process (`engine="here"`).
        methods, metrics: specs such as `"arc(k=20)"`, or objects.
        data: specs such as `"coco:PATH"`, or objects.
        limit: how many samples of each data set, from its first.
        words: how many words of a sample metrics of single words look at.
        answers: `"reference"` explains the right answer where the data set has one, `"own"` what
            the model says.
        seed: of whatever is drawn.
        dtype: of the weights, such as `"float32"`; None for the checkpoint's own.
        max_new_tokens: where the model's own answers are cut off.
        reference: label of the method that others are compared with.
        engine: `"processes"`, `"ray"` or `"here"`.
        workers: how many; each holds a model.
        retry: do units over that have failed in earlier runs.
        options: passed on to the loading of models, such as `device_map`.
        gallery: draw telling cases and save their reports, for the page.
        progress: called as units are done.
        say: called with a few words as other stages begin.

    Returns:
        The store; `seewhy.bench.tables` reads it.

    Raises:
        UnknownNameError, ParameterError, DatasetError: if what is asked for cannot be.
        ModelError: if a model cannot be loaded, or workers keep dying.
        OutputError: if the folder cannot be written.
        SchemaError: if it holds results of a newer schema.

    Example:
        ```python
        store = seewhy.bench.run("quick", out="results", methods=["tam", MyMethod()])
        ```
    """
    expect_arrow()
    chosen = suite_of(suite)
    if engine not in ENGINES:
        raise ParameterError(
            f"Expected an engine among {', '.join(ENGINES)}, got {engine!r}: choose one."
        )
    if workers < 1:
        raise ParameterError(f"Expected at least 1 worker, got {workers}.")
    asked = plan_of(
        chosen.models if models is None else models,
        chosen.methods if methods is None else methods,
        chosen.metrics if metrics is None else metrics,
        chosen.data if data is None else data,
        Settings(
            answers or chosen.answers,
            chosen.words if words is None else words,
            seed,
            dtype or "",
            max_new_tokens,
        ),
        limit=chosen.limit if limit is None else limit,
        options=options,
    )
    if engine != "here" and any(subject.pair for subject in asked.models):
        raise ParameterError(
            "Expected engine='here' for models that are handed in, which stay in this process, "
            f"got {engine!r}: choose it, or name the models' folders."
        )
    labels = [c.label for c in asked.methods]
    reference = reference or (chosen.reference if chosen.reference in labels else labels[0])
    if reference not in labels:
        raise ParameterError(
            f"Expected the reference among the methods ({', '.join(labels)}), got {reference!r}."
        )
    described = {
        **asked.described(),
        **environment_of_run(),
        "suite": suite,
        "reference": reference,
    }
    described |= {"engine": engine, "workers": workers}
    store, fresh = execute(asked, Path(out), described, engine, workers, retry, progress)
    if gallery and (fresh or not (store.folder / FOLDER).is_dir()):
        draw(asked, results_of(store), store, say=say)
    return store


def execute(
    asked: Plan,
    out: Path,
    described: dict[str, Any],
    engine: str,
    workers: int,
    retry: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> tuple[Store, int]:
    """Do what of a plan is not in a folder yet; see `run`.

    Returns:
        The store, and how many units were done.
    """
    say = progress or (lambda state: None)
    with Store(out).writing() as store:
        jobs, found, total = missing(asked, store.done(), retry)
        store.save_run(asked.key, described)
        begun = time.perf_counter()
        done = found
        say(Progress(done, total, found, 0.0))
        batches = ENGINES[engine](asked, jobs, workers) if jobs else iter(())
        try:
            for batch in batches:
                store.add(batch.rows)
                done += len(batch.units)
                say(Progress(done, total, found, time.perf_counter() - begun))
        finally:
            # A generator is closed at once, so that its workers end before anything else does.
            getattr(batches, "close", lambda: None)()
        store.merge()
        described["seconds"] = time.perf_counter() - begun
        described["units"] = {"done": done - found, "found": found, "total": total}
        store.save_run(asked.key, described)
    return store, done - found


def missing(asked: Plan, done: dict[str, Done], retry: bool = False) -> tuple[list[Job], int, int]:
    """The jobs that are left of a plan, how many units are done, and how many there are.

    Jobs come model by model, so that a worker loads each once.
    """
    jobs, found, total = [], 0, 0
    for subject in range(len(asked.models)):
        for source, of in enumerate(asked.datasets):
            for sample in of.ids:
                left, attempts = [], []
                for method, metric in asked.pairs:
                    known = done.get(asked.unit(subject, source, sample, method, metric))
                    total += 1
                    if known is None or (retry and known.failed):
                        left.append((method, metric))
                        attempts.append(0 if known is None else known.attempt + 1)
                    else:
                        found += 1
                if left:
                    jobs.append(Job(subject, source, sample, tuple(left), tuple(attempts)))
    return jobs, found, total


def environment_of_run() -> dict[str, Any]:
    """When, where and with what: for the page, not part of any key."""
    versions = {"seewhy": __version__, "python": platform.python_version()}
    for name in FOUNDATIONS:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "started": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "versions": versions,
    }
