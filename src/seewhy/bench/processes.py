"""The local engines: processes that each hold a model, or this process alone.

Each process has a pipe of its own. A pipe has one writer at each end, so a worker that is killed
while it writes leaves no lock behind and harms no other. Its death shows at once as the end of its
pipe; a worker whose parent died sees the same and ends.
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
    """Do all jobs in this process, one after the other."""
    worker = Worker(plan)
    for job in jobs:
        yield from worker.run(job)


def processes(plan: Plan, jobs: Sequence[Job], workers: int) -> Generator[Batch, None, None]:
    """Do all jobs in processes of their own; batches come as they are done.

    A worker that dies is replaced, and what it had not delivered is done again by another; after
    `seewhy.bench.jobs.MAX_ATTEMPTS` deaths over one job its tasks are given up as failed.

    Raises:
        SeewhyError: if a model cannot be loaded.
        ModelError: if too many workers died and none delivered anything in between.
    """
    queue = JobQueue(plan, jobs)
    pool = [_WorkerProcess(plan) for _ in range(min(workers, len(jobs)))]
    try:
        while queue.unfinished:
            for worker in pool:
                if worker.job is None:
                    worker.start(queue.next())
            busy = {worker.pipe: at for at, worker in enumerate(pool) if worker.job is not None}
            for pipe in wait(list(busy)):
                at = busy[pipe]  # pyright: ignore[reportArgumentType]
                try:
                    yield from pool[at].receive(queue)
                except (EOFError, OSError):
                    yield from pool[at].lose(queue)
                    pool[at] = _WorkerProcess(plan)
    finally:
        for worker in pool:
            worker.end()


class _WorkerProcess:
    """A process and this end of its pipe."""

    def __init__(self, plan: Plan) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.job: Job | None = None
        self._process = context.Process(target=_work, args=(plan, theirs), daemon=True)
        self._process.start()
        # Only the worker must hold its end, or its death would not show here.
        theirs.close()

    def start(self, job: Job | None) -> None:
        """Begin a job, if there is one."""
        if job is not None:
            self.job = job
            # One that died while it was idle shows at the next look at its pipe.
            with contextlib.suppress(OSError):
                self.pipe.send(job)

    def receive(self, queue: JobQueue) -> list[Batch]:
        """What the process has sent.

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
        """Note in the queue that the process died."""
        assert self.job is not None
        return queue.lose(self.job, self._exit_reason())

    def end(self) -> None:
        """End it: one that is idle sees the end of its pipe and ends by itself."""
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
    """What a worker does until its pipe ends."""
    # Ctrl-C reaches the whole group: the parent decides what becomes of the workers.
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
                # Its class and message alone: causes and notes may not go through a pipe.
                pipe.send(("error", type(error)(str(error))))
