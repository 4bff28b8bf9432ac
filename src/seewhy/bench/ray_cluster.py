"""The engine for clusters: one Ray actor for each GPU or CPU slot, holding its model."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from seewhy.bench.plan import Plan
from seewhy.bench.processes import Waiting
from seewhy.bench.worker import Batch, Job, Worker
from seewhy.core.errors import ParameterError, SeewhyError


def ray_actors(plan: Plan, jobs: Sequence[Job], workers: int) -> Iterator[Batch]:
    """Do all jobs in actors of the Ray cluster at hand; batches come as they are done.

    The cluster is the one that is connected to already, else that of `RAY_ADDRESS` or of this
    machine, else a local one that lives as long as the run. Rows come back to this process, so
    nodes need not share a file system; they need the package, and the models and data at the same
    places.

    Raises:
        ParameterError: if Ray is not installed.
        SeewhyError: if a model cannot be loaded.
        ModelError: if actors die over and over before any delivers a thing.
    """
    ray = _ray()
    ours = not ray.is_initialized()
    if ours:
        _connect(ray, workers)
    try:
        yield from _deliver(ray, plan, jobs, workers)
    finally:
        if ours:
            ray.shutdown()


def _deliver(ray: Any, plan: Plan, jobs: Sequence[Job], workers: int) -> Iterator[Batch]:
    gpus = 1 if ray.cluster_resources().get("GPU", 0) else 0
    actor = ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=0)(_Actor)
    _carry_code(ray, plan)
    shared = ray.put(plan)
    waiting = Waiting(plan, jobs)
    crew = [actor.remote(shared) for _ in range(min(workers, len(jobs)))]
    idle, busy = list(range(len(crew))), {}
    try:
        while waiting.unfinished:
            while idle and (job := waiting.next()) is not None:
                at = idle.pop()
                stream = crew[at].run.options(num_returns="streaming").remote(job)
                busy[stream] = at, job
            (stream,), _ = ray.wait(list(busy), num_returns=1)
            at, job = busy[stream]
            try:
                batch = ray.get(next(stream))
            except StopIteration:
                waiting.finished(job)
            except ray.exceptions.RayActorError as error:
                yield from waiting.died(job, type(error).__name__)
                crew[at] = actor.remote(shared)
            except ray.exceptions.RayTaskError as error:
                cause = error.cause
                raise cause if isinstance(cause, SeewhyError) else error from None
            else:
                waiting.delivered(job, batch)
                yield batch
                continue
            del busy[stream]
            idle.append(at)
    finally:
        for one in crew:
            ray.kill(one)


class _Actor:
    """A laboratory in a process of the cluster."""

    def __init__(self, plan: Plan) -> None:
        import torch

        torch.set_num_threads(1)
        self._laboratory = Worker(plan)

    def run(self, job: Job) -> Iterator[Batch]:
        """Do a job; each batch is on its way as soon as it is done."""
        yield from self._laboratory.run(job)


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise ParameterError(
            "Expected Ray for this engine, got none: pip install 'seewhy[ray]', or leave --engine "
            "out to use processes of this machine."
        ) from error
    return ray


def _carry_code(ray: Any, plan: Plan) -> None:
    """Let the code of methods, metrics and data sets that are not ours travel with the plan.

    So a method in a person's own file needs no copy on every node.
    """
    things = [
        *(c.method for c in plan.methods),
        *(j.metric for j in plan.metrics),
        *(s.dataset for s in plan.datasets),
    ]
    modules = {kind.__module__ for thing in things for kind in type(thing).__mro__}
    for name in modules:
        foreign = name.partition(".")[0] not in {"seewhy", "__main__", *sys.stdlib_module_names}
        if foreign and name in sys.modules:
            ray.cloudpickle.register_pickle_by_value(sys.modules[name])


def _connect(ray: Any, workers: int) -> None:
    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
    try:
        ray.init(address="auto", **quiet)
    except ConnectionError:
        # No cluster is running: a small one for this run alone.
        ray.init(address="local", num_cpus=workers, object_store_memory=STORE_BYTES, **quiet)


STORE_BYTES = 200 * 2**20
"""Of shared memory for a local cluster: rows are small, and models are not shared."""
