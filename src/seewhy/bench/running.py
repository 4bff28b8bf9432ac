"""A run: plan, find the missing tasks, measure and store them."""

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
"""Engines: processes of this machine, actors of a cluster, or only this process."""

DEPENDENCIES = ("torch", "transformers", "numpy", "pillow", "pyarrow")
"""Distributions whose versions are in a run's file."""


@dataclass(frozen=True)
class Progress:
    """The progress of a run.

    Attributes:
        done, total: tasks, with those of earlier runs.
        found: how many of `done` were in the folder before.
        seconds: since the start of the run.
    """

    done: int
    total: int
    found: int
    seconds: float


@dataclass(frozen=True)
class Work:
    """The tasks of a plan that are missing in a folder.

    Attributes:
        jobs: the samples with missing tasks, model by model.
        found, total: number of tasks that are in the folder, and of all tasks.
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
    """Measure methods by metrics, and store every row.

    A run that was killed resumes when it is called again. More models, methods, metrics or samples
    are added to the same folder; whatever is changed is measured again.

    Args:
        config: what to measure and how; or the name of a suite.
        out: folder of results.
        progress: called as tasks are done.
        say: called with a short text as other stages start.

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
            "Expected engine='in-process' for loaded models, got "
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
    """Measure the tasks of a plan that are missing in a folder; see `run`.

    Returns:
        The store, and the number of measured tasks.
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
        # In files, tasks are called units since the first version.
        counts = {"done": measured, "found": work.found, "total": work.total}
        store.save_run(plan.key, {**description, "seconds": state.seconds, "units": counts})
    return store, measured


def missing(plan: Plan, done: Mapping[str, TaskStatus], retry: bool = False) -> Work:
    """The missing tasks of a plan, model by model, so that a worker loads each model once.

    Args:
        plan: of the run.
        done: the tasks in the folder, by their keys.
        retry: also repeat failed tasks.
    """
    samples = [
        (model, data, sample) for model, data in plan.views for sample in plan.datasets[data].ids
    ]
    jobs = [_job(plan, *sample, done, retry) for sample in samples]
    total = len(samples) * len(plan.tasks)
    remaining = sum(len(job.tasks) for job in jobs)
    return Work(tuple(job for job in jobs if job.tasks), total - remaining, total)


def describe(plan: Plan, config: BenchConfig) -> dict[str, Any]:
    """The run's file: the plan; then time, machine and versions, which are in no key."""
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
    """Store batches as they arrive; the last state has the total seconds."""
    started = time.perf_counter()
    state = Progress(work.found, work.total, work.found, 0.0)
    yield state
    if not work.jobs:
        return
    # Closed also after an error, so that its workers end first.
    with closing(ENGINES[config.engine](plan, work.jobs, config.workers)) as batches:
        for batch in batches:
            store.add(batch.rows)
            seconds = time.perf_counter() - started
            state = replace(state, done=state.done + len(batch.tasks), seconds=seconds)
            yield state


def _job(
    plan: Plan, model: int, data: int, sample: str, done: Mapping[str, TaskStatus], retry: bool
) -> Job:
    """A sample with its missing tasks."""
    known = {task: done.get(plan.task_key(model, data, sample, task)) for task in plan.tasks}
    remaining = {task: s for task, s in known.items() if s is None or (retry and s.failed)}
    attempts = (0 if status is None else status.attempt + 1 for status in remaining.values())
    return Job(model, data, sample, tuple(remaining), tuple(attempts))


def _versions() -> dict[str, str]:
    versions = {"seewhy": __version__, "python": platform.python_version()}
    for name in DEPENDENCIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
