"""A run: plan, find what is missing, measure it, keep it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeAlias

from seewhy._version import __version__
from seewhy.bench.config import BenchConfig, EngineName
from seewhy.bench.gallery import FOLDER, choose_cases, write_gallery
from seewhy.bench.plan import Plan, plan_of
from seewhy.bench.processes import in_process, processes
from seewhy.bench.ray_cluster import ray_actors
from seewhy.bench.reading import read_results
from seewhy.bench.store import Store, TaskStatus, expect_pyarrow
from seewhy.bench.suites import resolve, suite_of
from seewhy.bench.worker import Batch, Job
from seewhy.core.errors import ParameterError

Engine: TypeAlias = Callable[[Plan, Sequence[Job], int], Generator[Batch, None, None]]

ENGINES: dict[EngineName, Engine] = {
    "processes": processes,
    "ray": ray_actors,
    "in-process": in_process,
}
"""What does the work: processes of this machine, actors of a cluster, or this process alone."""

DEPENDENCIES = ("torch", "transformers", "numpy", "pillow", "pyarrow")
"""Distributions whose versions a run's file names."""


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        done, total: tasks, those of earlier runs included.
        found: of `done`, how many were in the folder already.
        seconds: since the work began.
    """

    done: int
    total: int
    found: int
    seconds: float


@dataclass(frozen=True)
class Work:
    """What a plan still asks of a folder.

    Attributes:
        jobs: the samples with tasks that are not measured, model by model.
        found, total: tasks that are in the folder already, and all.
    """

    jobs: tuple[Job, ...]
    found: int
    total: int


def run(
    config: BenchConfig | str = "quick",
    *,
    out: str | os.PathLike[str],
    progress: Callable[[Progress], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Store:
    """Measure methods by metrics, and keep every row as it is found.

    Killed at any moment and called again, it goes on where it was. More models, methods, metrics
    or samples in the same folder add to what is there; whatever is changed is measured anew.

    Args:
        config: what is measured and how; a name stands for that suite.
        out: folder of results.
        progress: called as tasks are done.
        say: called with a few words as other stages begin.

    Returns:
        The store; `seewhy.bench.reading` reads it.

    Raises:
        UnknownNameError, ParameterError, DatasetError: if the config names what does not exist or
            does not fit together.
        ModelError: if a model cannot be loaded, or workers keep dying.
        OutputError: if the folder cannot be written.
        SchemaError: if it holds results of a newer schema.

    Example:
        ```python
        config = seewhy.bench.BenchConfig(methods=["tam", MyMethod()], limit=20)
        store = seewhy.bench.run(config, out="results")
        ```
    """
    expect_pyarrow()
    config = resolve(suite_of(config) if isinstance(config, str) else config)
    plan = plan_of(config)
    if config.engine != "in-process" and any(spec.pair for spec in plan.models):
        raise ParameterError(
            "Expected engine='in-process' for loaded models, which stay in this process, got "
            f"{config.engine!r}: choose it, or name the models' folders."
        )
    store, measured = execute(plan, config, Path(out), progress)
    if config.gallery and (measured or not (store.folder / FOLDER).is_dir()):
        write_gallery(plan, choose_cases(read_results(store)), store.folder, say=say)
    return store


def execute(
    plan: Plan,
    config: BenchConfig,
    out: Path,
    progress: Callable[[Progress], None] | None = None,
) -> tuple[Store, int]:
    """Measure what of a plan is not in a folder yet; see `run`.

    Returns:
        The store, and how many tasks were measured.
    """
    with Store(out).writing() as store:
        work = missing(plan, store.done(), config.retry)
        description = describe(plan, config)
        store.save_run(plan.key, description)
        state = Progress(work.found, work.total, work.found, 0.0)
        with closing(_measure(plan, config, work, store)) as states:
            for state in states:
                if progress is not None:
                    progress(state)
        store.merge()
        measured = state.done - work.found
        # Files have called tasks units since the first version.
        counts = {"done": measured, "found": work.found, "total": work.total}
        store.save_run(plan.key, {**description, "seconds": state.seconds, "units": counts})
    return store, measured


def missing(plan: Plan, done: Mapping[str, TaskStatus], retry: bool = False) -> Work:
    """What is left of a plan. Jobs come model by model, so that a worker loads each once.

    Args:
        plan: what is asked for.
        done: what is in the folder, by the tasks' keys.
        retry: do tasks again that failed.
    """
    samples = [
        (model, data, sample)
        for model in range(len(plan.models))
        for data, spec in enumerate(plan.datasets)
        for sample in spec.ids
    ]
    jobs = [_job(plan, *sample, done, retry) for sample in samples]
    total = len(samples) * len(plan.tasks)
    left = sum(len(job.tasks) for job in jobs)
    return Work(tuple(job for job in jobs if job.tasks), total - left, total)


def describe(plan: Plan, config: BenchConfig) -> dict[str, Any]:
    """The run's file: what was asked; then when, where and with what, which is in no key."""
    return {
        **plan.describe(),
        "started": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "versions": _versions(),
        "suite": config.suite,
        "reference": config.reference,
        "engine": config.engine,
        "workers": config.workers,
    }


def _measure(
    plan: Plan, config: BenchConfig, work: Work, store: Store
) -> Generator[Progress, None, None]:
    """Store batches as they come; the last state holds the seconds of all."""
    started = time.perf_counter()
    state = Progress(work.found, work.total, work.found, 0.0)
    yield state
    if not work.jobs:
        return
    # Closed at once, whatever happens, so that its workers end before anything else does.
    with closing(ENGINES[config.engine](plan, work.jobs, config.workers)) as batches:
        for batch in batches:
            store.add(batch.rows)
            seconds = time.perf_counter() - started
            state = replace(state, done=state.done + len(batch.tasks), seconds=seconds)
            yield state


def _job(
    plan: Plan, model: int, data: int, sample: str, done: Mapping[str, TaskStatus], retry: bool
) -> Job:
    """A sample with those of its tasks that are to be measured."""
    known = {task: done.get(plan.task_key(model, data, sample, task)) for task in plan.tasks}
    left = {task: s for task, s in known.items() if s is None or (retry and s.failed)}
    attempts = (0 if status is None else status.attempt + 1 for status in left.values())
    return Job(model, data, sample, tuple(left), tuple(attempts))


def _versions() -> dict[str, str]:
    versions = {"seewhy": __version__, "python": platform.python_version()}
    for name in DEPENDENCIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
