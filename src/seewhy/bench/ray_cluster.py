"""The engine for clusters: one Ray actor for each GPU or CPU slot, with its model."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator, Sequence
from typing import Any

from seewhy.bench.jobs import JobQueue
from seewhy.bench.plan import Plan
from seewhy.bench.worker import Batch, Job, Worker
from seewhy.core.errors import ParameterError, SeewhyError

STORE_BYTES = 200 * 2**20
"""Shared memory of a local cluster: rows are small, and models are not shared."""


def ray_actors(plan: Plan, jobs: Sequence[Job], workers: int) -> Generator[Batch, None, None]:
    """Run all jobs in actors of a Ray cluster; batches are yielded as they are done.

    The cluster is the connected one, else that of `RAY_ADDRESS` or of this machine, else a local
    one that ends with the run. Rows are sent back to this process, so nodes need not share a file
    system; they need the package, and the models and data at the same paths.

    Raises:
        ParameterError: if Ray is not installed.
        SeewhyError: if a model cannot be loaded.
        ModelError: if too many actors died in succession without a result.
    """
    ray = _import_ray()
    connected = ray.is_initialized()
    if not connected:
        _connect(ray, workers)
    try:
        yield from _batches(ray, plan, jobs, workers)
    finally:
        if not connected:
            ray.shutdown()


def _batches(ray: Any, plan: Plan, jobs: Sequence[Job], workers: int) -> Iterator[Batch]:
    queue = JobQueue(plan, jobs)
    _send_code(ray, plan)
    pool = _ActorPool(ray, plan, min(workers, len(jobs)))
    try:
        while queue.unfinished:
            pool.start(queue)
            yield from pool.receive(queue)
    finally:
        pool.end()


class _ActorPool:
    """The actors, which of them are idle, and the streams of batches of the others."""

    def __init__(self, ray: Any, plan: Plan, size: int) -> None:
        self._ray = ray
        gpus = 1 if ray.cluster_resources().get("GPU", 0) else 0
        actor = ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=0)(_Actor)
        self._new, self._plan = actor.remote, ray.put(plan)
        self._actors = [self._new(self._plan) for _ in range(size)]
        self._idle = list(range(size))
        self._busy: dict[Any, tuple[int, Job]] = {}

    def start(self, queue: JobQueue) -> None:
        """Give jobs to all idle actors."""
        while self._idle and (job := queue.next()) is not None:
            actor = self._idle.pop()
            stream = self._actors[actor].run.options(num_returns="streaming").remote(job)
            self._busy[stream] = actor, job

    def receive(self, queue: JobQueue) -> list[Batch]:
        """The batches of the first actor that is ready."""
        errors = self._ray.exceptions
        (stream,), _ = self._ray.wait(list(self._busy), num_returns=1)
        actor, job = self._busy[stream]
        batches = []
        try:
            batch = self._ray.get(next(stream))
        except StopIteration:
            queue.finish(job)
        except errors.RayActorError as error:
            batches = queue.lose(job, type(error).__name__)
            self._actors[actor] = self._new(self._plan)
        except errors.RayTaskError as error:
            raise error.cause if isinstance(error.cause, SeewhyError) else error from None
        else:
            queue.deliver(job, batch)
            return [batch]
        del self._busy[stream]
        self._idle.append(actor)
        return batches

    def end(self) -> None:
        """End all actors."""
        for actor in self._actors:
            self._ray.kill(actor)


class _Actor:
    """A worker in a process of the cluster."""

    def __init__(self, plan: Plan) -> None:
        import torch

        torch.set_num_threads(1)
        self._worker = Worker(plan)

    def run(self, job: Job) -> Iterator[Batch]:
        """Run a job; each batch is sent as soon as it is done."""
        yield from self._worker.run(job)


def _import_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise ParameterError(
            "Expected Ray for this engine, got none: pip install 'seewhy[ray]', or leave --engine "
            "out to use processes of this machine."
        ) from error
    return ray


def _send_code(ray: Any, plan: Plan) -> None:
    """Send the code of methods, metrics and data sets that are not seewhy's with the plan.

    So a method in a user's file needs no copy on every node.
    """
    objects = [
        *(spec.method for spec in plan.methods),
        *(spec.metric for spec in plan.metrics),
        *(spec.dataset for spec in plan.datasets),
    ]
    modules = {base.__module__ for item in objects for base in type(item).__mro__}
    for name in modules:
        foreign = name.partition(".")[0] not in {"seewhy", "__main__", *sys.stdlib_module_names}
        if foreign and name in sys.modules:
            ray.cloudpickle.register_pickle_by_value(sys.modules[name])


def _connect(ray: Any, workers: int) -> None:
    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
    try:
        ray.init(address="auto", **quiet)
    except ConnectionError:
        # No cluster is running: start a small one for this run.
        ray.init(address="local", num_cpus=workers, object_store_memory=STORE_BYTES, **quiet)
