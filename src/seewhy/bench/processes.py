"""The local engines: processes that each load a model, or only this process.

Each process has its own pipe with one writer at each end, so a worker that is killed while it
writes leaves no lock and does not affect the others. Its pipe closes when it dies; a worker whose
parent died also gets the end of its pipe, and ends.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Generator, Sequence
from multiprocessing.connection import Connection, wait

from seewhy.bench.jobs import JobQueue
from seewhy.bench.plan import Plan
from seewhy.bench.worker import Batch, Job, Worker
from seewhy.core.errors import SeewhyError


def in_process(plan: Plan, jobs: Sequence[Job], workers: int = 1) -> Generator[Batch, None, None]:
    """Run all jobs in this process, one after the other."""
    worker = Worker(plan)
    for job in jobs:
        yield from worker.run(job)


def processes(plan: Plan, jobs: Sequence[Job], workers: int) -> Generator[Batch, None, None]:
    """Run all jobs in worker processes; batches are yielded as they are done.

    A worker that dies is replaced, and its undelivered tasks are repeated; after
    `seewhy.bench.jobs.MAX_ATTEMPTS` deaths during one job its tasks count as failed.

    Raises:
        SeewhyError: if a model cannot be loaded.
        ModelError: if too many workers died in succession without a result.
    """
    queue = JobQueue(plan, jobs)
    pool = [_WorkerProcess(plan) for _ in range(min(workers, len(jobs)))]
    try:
        while queue.unfinished:
            for worker in pool:
                if worker.job is None:
                    worker.start(queue.next())
            busy = {worker.pipe: n for n, worker in enumerate(pool) if worker.job is not None}
            for pipe in wait(list(busy)):
                index = busy[pipe]  # pyright: ignore[reportArgumentType]
                try:
                    yield from pool[index].receive(queue)
                except (EOFError, OSError):
                    yield from pool[index].lose(queue)
                    pool[index] = _WorkerProcess(plan)
    finally:
        for worker in pool:
            worker.end()


class _WorkerProcess:
    """A process and the parent's end of its pipe."""

    def __init__(self, plan: Plan) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, worker_end = context.Pipe()
        self.job: Job | None = None
        self._process = context.Process(target=_work, args=(plan, worker_end), daemon=True)
        self._process.start()
        # Only the worker may hold its end, or its death would not close the pipe.
        worker_end.close()

    def start(self, job: Job | None) -> None:
        """Start a job, if there is one."""
        if job is not None:
            self.job = job
            # A worker that died while idle is noticed at the next `receive`.
            with contextlib.suppress(OSError):
                self.pipe.send(job)

    def receive(self, queue: JobQueue) -> list[Batch]:
        """The batches that the process has sent.

        Raises:
            EOFError, OSError: if it died.
            SeewhyError: if it cannot load the model.
        """
        assert self.job is not None
        kind, content = self.pipe.recv()
        if kind == "error":
            raise content
        if kind == "batch":
            queue.deliver(self.job, content)
            return [content]
        queue.finish(self.job)
        self.job = None
        return []

    def lose(self, queue: JobQueue) -> list[Batch]:
        """Record in the queue that the process died."""
        assert self.job is not None
        return queue.lose(self.job, self._exit_reason())

    def end(self) -> None:
        """End the process: an idle one ends when its pipe closes."""
        self.pipe.close()
        if self.job is None:
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


def _work(plan: Plan, pipe: Connection) -> None:
    """Run jobs until the pipe ends."""
    # Ctrl-C is sent to the whole process group: the parent ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import torch

    torch.set_num_threads(1)
    worker = Worker(plan)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            job = pipe.recv()
            try:
                for batch in worker.run(job):
                    pipe.send(("batch", batch))
                pipe.send(("done", None))
            except SeewhyError as error:
                # Only its class and message: causes and notes may not be picklable.
                pipe.send(("error", type(error)(str(error))))
