"""The local engines: processes that each have a worker, or only this process.

Each process has its own pipe with one writer at each end, so a worker that is killed while it
writes leaves no lock and does not affect the others. Its pipe closes when it dies; a worker whose
parent died also gets the end of its pipe, and ends.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Generator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

from seewhy.core.errors import ModelError, SeewhyError
from seewhy.runs.work import MakeWorker, Queue, WorkerLost

DEVICES = "CUDA_VISIBLE_DEVICES"
START = "spawn"
"""How workers start: a forked one could not use a GPU that this process has used."""


def in_process(make_worker: MakeWorker, queue: Queue) -> Generator[Any, None, None]:
    """Run all units in this process, one after the other.

    Raises:
        ModelError: if the worker cannot go on: no other process could replace it.
    """
    worker = make_worker()
    while (unit := queue.next()) is not None:
        try:
            for result in worker.run(unit):
                queue.deliver(unit, result)
                yield result
        except WorkerLost as lost:
            raise ModelError(
                f"Expected a model that goes on after an error, got {lost}: give the same command "
                "again, with two workers or more, which are replaced after such errors."
            ) from lost
        queue.finish(unit)


def processes(make_worker: MakeWorker, queue: Queue, workers: int) -> Generator[Any, None, None]:
    """Run all units in worker processes; results are yielded as they are done.

    A worker gets its next unit when it has done the one before, and a process is started only for
    a unit, so the queue may read its units from a stream. A worker that dies is replaced. Where
    several GPUs are visible, they are shared out among the workers.

    Raises:
        SeewhyError: if a worker stops the run.
        ModelError: if too many workers died in succession without a result.
    """
    pool: list[_WorkerProcess | None] = [None] * workers
    try:
        while queue.unfinished:
            _start(pool, make_worker, queue)
            busy = {w.pipe: n for n, w in enumerate(pool) if w is not None and w.unit is not None}
            for pipe in wait(list(busy)):
                index = busy[pipe]  # pyright: ignore[reportArgumentType]
                worker = pool[index]
                assert worker is not None
                try:
                    yield from worker.receive(queue)
                except (EOFError, OSError):
                    pool[index] = None
                    yield from worker.lose(queue)
    finally:
        for worker in pool:
            if worker is not None:
                worker.end()


def _start(pool: list[_WorkerProcess | None], make_worker: MakeWorker, queue: Queue) -> None:
    """Give units to all idle workers, and start workers while units are left."""
    for index, worker in enumerate(pool):
        if worker is not None and worker.unit is not None:
            continue
        unit = queue.next()
        if unit is None:
            return
        if worker is None:
            worker = pool[index] = _WorkerProcess(make_worker, _devices(index, len(pool)))
        worker.start(unit)


class _WorkerProcess:
    """A process and the parent's end of its pipe."""

    def __init__(self, make_worker: MakeWorker, devices: str | None) -> None:
        context = multiprocessing.get_context(START)
        self.pipe, worker_end = context.Pipe()
        self.unit: Any = None
        arguments = (make_worker, worker_end, devices)
        self._process = context.Process(target=_work, args=arguments, daemon=True)
        self._process.start()
        # Only the worker may hold its end, or its death would not close the pipe.
        worker_end.close()

    def start(self, unit: Any) -> None:
        """Start a unit."""
        self.unit = unit
        # A worker that died while idle is noticed at the next `receive`.
        with contextlib.suppress(OSError):
            self.pipe.send(unit)

    def receive(self, queue: Queue) -> list[Any]:
        """The results that the process has sent.

        Raises:
            EOFError, OSError: if it died.
            SeewhyError: if it stops the run.
        """
        kind, content = self.pipe.recv()
        if kind == "error":
            raise content
        if kind == "result":
            queue.deliver(self.unit, content)
            return [content]
        queue.finish(self.unit)
        self.unit = None
        return []

    def lose(self, queue: Queue) -> list[Any]:
        """Record in the queue that the process died."""
        reason = self._exit_reason()
        self.end()
        return queue.lose(self.unit, reason)

    def end(self) -> None:
        """End the process: an idle one ends when its pipe closes."""
        self.pipe.close()
        if self.unit is None:
            self._process.join(10)
        self._process.terminate()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _exit_reason(self) -> str:
        self._process.join(5)
        code = self._process.exitcode
        if code is not None and code < 0:
            return f"signal {signal.Signals(-code).name}"
        return f"exit status {code}"


def _work(make_worker: MakeWorker, pipe: Connection, devices: str | None) -> None:
    """Run units until the pipe ends."""
    # Ctrl-C is sent to the whole process group: the parent ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if devices is not None:
        os.environ[DEVICES] = devices
    import torch

    torch.set_num_threads(1)
    worker = make_worker()
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            unit = pipe.recv()
            try:
                for result in worker.run(unit):
                    pipe.send(("result", result))
                pipe.send(("done", None))
            except WorkerLost:
                sys.exit(1)
            except SeewhyError as error:
                # Only its class and message: causes and notes may not be picklable.
                pipe.send(("error", type(error)(str(error))))


def _devices(index: int, workers: int) -> str | None:
    """The GPUs that a worker may see, or None if it sees what this process sees."""
    import torch

    named = os.environ.get(DEVICES)
    if named is None:
        visible = [str(number) for number in range(torch.cuda.device_count())]
    else:
        visible = [name.strip() for name in named.split(",") if name.strip()]
    return shared_out(visible, index, workers)


def shared_out(devices: Sequence[str], index: int, workers: int) -> str | None:
    """A worker's part of the GPUs: the same number for each; several share one if there are few.

    Args:
        devices: names or numbers of GPUs.
        index: of the worker, from 0.
        workers: how many there are.

    Returns:
        The value of CUDA_VISIBLE_DEVICES, or None if there is nothing to share out.

    Example:
        >>> shared_out(["0", "1", "2", "3"], 1, workers=2), shared_out(["0", "1"], 2, workers=3)
        ('2,3', '0')
    """
    if len(devices) < 2 or workers < 2:
        return None
    each = max(1, len(devices) // workers)
    first = index * each % len(devices)
    return ",".join(devices[first : first + each])
