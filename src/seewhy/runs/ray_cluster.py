"""The engine for clusters: one Ray actor for each GPU or CPU slot, with its worker."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterable, Iterator
from typing import Any

from seewhy.core.errors import ModelError, ParameterError, SeewhyError
from seewhy.runs.work import MakeWorker, Queue, Worker, WorkerLost

STORE_BYTES = 200 * 2**20
"""Shared memory of a local cluster: rows are small, and models are not shared."""
START_SECONDS = 600.0
"""How long the run waits for an actor while none is at work."""
MAX_FAILED_STARTS = 9
"""How many actors may die in succession before they can work."""


def ray_actors(
    make_worker: MakeWorker, queue: Queue, workers: int, foreign: Iterable[object] = ()
) -> Generator[Any, None, None]:
    """Run all units in actors of a Ray cluster; results are yielded as they are done.

    The cluster is the connected one, else that of `RAY_ADDRESS` or of this machine, else a local
    one that ends with the run. Results are sent back to this process, so nodes need not share a
    file system; they need the package, and the models and data at the same paths. An actor gets
    its next unit when it has done the one before, so only one unit for each actor is under way.
    Actors that die are replaced; a unit is given only to an actor that runs.

    Args:
        make_worker: makes a worker in an actor.
        queue: of units.
        workers: how many actors.
        foreign: objects whose code may be missing on other machines; it is sent along.

    Raises:
        ParameterError: if Ray is not installed.
        SeewhyError: if a worker stops the run.
        ModelError: if too many actors died in succession without a result, or none can be started.
    """
    ray = _import_ray()
    connected = ray.is_initialized()
    if not connected:
        _connect(ray, workers)
    try:
        yield from _results(ray, make_worker, queue, workers, foreign)
    finally:
        if not connected:
            ray.shutdown()


def _results(
    ray: Any, make_worker: MakeWorker, queue: Queue, workers: int, foreign: Iterable[object]
) -> Iterator[Any]:
    _send_code(ray, foreign)
    pool = _ActorPool(ray, make_worker, workers)
    try:
        while queue.unfinished:
            pool.start(queue)
            yield from pool.receive(queue)
    finally:
        pool.end()


class _ActorPool:
    """The actors: those that start, those that wait for a unit, and those at work."""

    def __init__(self, ray: Any, make_worker: MakeWorker, size: int) -> None:
        self._ray, self._size = ray, size
        gpus = 1 if ray.cluster_resources().get("GPU", 0) else 0
        actor = ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=0)(_Actor)
        self._new, self._make_worker = actor.remote, ray.put(make_worker)
        self._starting: dict[Any, Any] = {}
        self._idle: list[Any] = []
        self._busy: dict[Any, tuple[Any, Any]] = {}
        self._failed_starts = 0

    def start(self, queue: Queue) -> None:
        """Give units to all idle actors, and start actors while units are left."""
        while self._idle and (unit := queue.next()) is not None:
            actor = self._idle.pop()
            stream = actor.run.options(num_returns="streaming").remote(unit)
            self._busy[stream] = actor, unit
        if not self._idle:
            while len(self._starting) + len(self._busy) < self._size:
                self._start_actor()

    def receive(self, queue: Queue) -> list[Any]:
        """The results of the first actor that is ready."""
        waited_for = [*self._busy, *self._starting]
        if not waited_for:
            return []
        limit = None if self._busy else START_SECONDS
        ready, _ = self._ray.wait(waited_for, num_returns=1, timeout=limit)
        if not ready:
            raise ModelError(
                f"Expected an actor within {START_SECONDS:.0f} s, got none from the cluster: check "
                "with `ray status` that a processor, and a GPU where there are any, is free."
            )
        if ready[0] in self._starting:
            self._welcome(ready[0])
            return []
        return self._receive_from(ready[0], queue)

    def end(self) -> None:
        """End all actors."""
        at_work = (actor for actor, _ in self._busy.values())
        for actor in (*self._starting.values(), *self._idle, *at_work):
            self._ray.kill(actor)

    def _start_actor(self) -> None:
        actor = self._new(self._make_worker)
        self._starting[actor.ready.remote()] = actor

    def _welcome(self, started: Any) -> None:
        """Count an actor among the idle ones, if it did not die."""
        actor = self._starting.pop(started)
        try:
            self._ray.get(started)
        except self._ray.exceptions.RayTaskError as error:
            raise _cause_of(error) from None
        except self._ray.exceptions.RayError as error:
            self._failed_starts += 1
            if self._failed_starts > MAX_FAILED_STARTS:
                raise ModelError(
                    f"Expected actors that start, got {self._failed_starts} that died in "
                    f"succession ({type(error).__name__}): check the nodes' memory and packages."
                ) from error
        else:
            self._failed_starts = 0
            self._idle.append(actor)

    def _receive_from(self, stream: Any, queue: Queue) -> list[Any]:
        actor, unit = self._busy[stream]
        try:
            result = self._ray.get(next(stream))
        except StopIteration:
            queue.finish(unit)
            del self._busy[stream]
            self._idle.append(actor)
            return []
        except self._ray.exceptions.RayTaskError as error:
            raise _cause_of(error) from None
        except self._ray.exceptions.RayError as error:
            # It died, or its node did and took a result with it.
            del self._busy[stream]
            self._ray.kill(actor)
            return queue.lose(unit, type(error).__name__)
        queue.deliver(unit, result)
        return [result]


class _Actor:
    """A worker in a process of the cluster."""

    def __init__(self, make_worker: MakeWorker) -> None:
        import torch

        torch.set_num_threads(1)
        self._worker: Worker = make_worker()

    def ready(self) -> None:
        """Returns as soon as the actor runs."""

    def run(self, unit: Any) -> Iterator[Any]:
        """Run a unit; each result is sent as soon as it is done."""
        try:
            yield from self._worker.run(unit)
        except WorkerLost:
            os._exit(1)  # the actor dies, and the pool replaces it


def _cause_of(error: Any) -> Exception:
    """The error of seewhy behind a failed call, or the call's own."""
    return error.cause if isinstance(error.cause, SeewhyError) else error


def _import_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise ParameterError(
            "Expected Ray for this engine, got none: pip install 'seewhy[ray]', or leave --engine "
            "out to use processes of this machine."
        ) from error
    return ray


def _send_code(ray: Any, objects: Iterable[object]) -> None:
    """Send the code of classes that are not seewhy's along with their objects.

    So a method in a user's file needs no copy on every node.
    """
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
