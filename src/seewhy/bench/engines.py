"""The engines of the bench: processes of this machine, actors of a cluster, or only this process.

All find the same values. A worker that dies is replaced, and its undelivered tasks are repeated;
after `seewhy.bench.jobs.MAX_ATTEMPTS` deaths during one job its tasks count as failed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import TypeAlias

from seewhy.bench.config import EngineName
from seewhy.bench.jobs import JobQueue
from seewhy.bench.plan import Plan
from seewhy.bench.worker import Batch, Job, Worker
from seewhy.runs import processes, ray_cluster

Engine: TypeAlias = Callable[[Plan, Sequence[Job], int], Generator[Batch, None, None]]


def _in_process(plan: Plan, jobs: Sequence[Job], workers: int) -> Generator[Batch, None, None]:
    return processes.in_process(partial(Worker, plan), JobQueue(plan, jobs))


def _processes(plan: Plan, jobs: Sequence[Job], workers: int) -> Generator[Batch, None, None]:
    return processes.processes(partial(Worker, plan), JobQueue(plan, jobs), workers)


def _ray_actors(plan: Plan, jobs: Sequence[Job], workers: int) -> Generator[Batch, None, None]:
    own_code = [
        *(spec.method for spec in plan.methods),
        *(spec.metric for spec in plan.metrics),
        *(spec.dataset for spec in plan.datasets),
    ]
    size = min(workers, len(jobs))
    return ray_cluster.ray_actors(partial(Worker, plan), JobQueue(plan, jobs), size, own_code)


ENGINES: dict[EngineName, Engine] = {
    "processes": _processes,
    "ray": _ray_actors,
    "in-process": _in_process,
}
"""By name: batches are yielded as they are done. SeewhyError if a model cannot be loaded,
ModelError if too many workers died in succession without a result."""
