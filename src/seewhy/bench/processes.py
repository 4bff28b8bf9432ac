"""The local engine: processes that each hold a model, fed over a pipe of their own.

A pipe has one writer at each end, so a worker that is killed while it speaks leaves no lock behind
and harms nobody else. Its death shows at once as the end of its pipe; a worker whose parent died
finds the same and leaves.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

from seewhy.bench.plan import Plan
from seewhy.bench.worker import Batch, Job, Worker
from seewhy.core.errors import ModelError, SeewhyError

TRIES = 3
"""How often a job is begun before its units are given up as failed."""


def here(plan: Plan, jobs: Sequence[Job], workers: int = 1) -> Iterator[Batch]:
    """Do all jobs in this process, one after the other."""
    laboratory = Worker(plan)
    for job in jobs:
        yield from laboratory.run(job)


def processes(plan: Plan, jobs: Sequence[Job], workers: int) -> Iterator[Batch]:
    """Do all jobs in processes of their own; batches come as they are done.

    A worker that dies is replaced, and what it had not delivered is done again by another; after
    `TRIES` deaths over one job its units are given up as failed.

    Raises:
        SeewhyError: if a model cannot be loaded.
        ModelError: if workers die over and over before any delivers a thing.
    """
    waiting = Waiting(plan, jobs)
    crew = [_WorkerProcess(plan) for _ in range(min(workers, len(jobs)))]
    try:
        while waiting.unfinished:
            for worker in crew:
                if worker.job is None:
                    worker.give(waiting.next())
            busy = [worker for worker in crew if worker.job is not None]
            for ready in wait([worker.pipe for worker in busy]):
                worker = next(w for w in busy if w.pipe is ready)
                try:
                    kind, content = worker.pipe.recv()
                except (EOFError, OSError):
                    yield from waiting.died(worker.job, worker.reason())
                    crew[crew.index(worker)] = _WorkerProcess(plan)
                    continue
                if kind == "batch":
                    waiting.delivered(worker.job, content)
                    yield content
                elif kind == "done":
                    waiting.finished(worker.job)
                    worker.job = None
                else:
                    raise content
    finally:
        for worker in crew:
            worker.end()


class Waiting:
    """The jobs that are not finished, and what is known of those begun. Shared by engines.

    Attributes:
        unfinished: how many jobs are waiting or in work.
    """

    def __init__(self, plan: Plan, jobs: Sequence[Job]) -> None:
        self._plan, self._queue = plan, deque(jobs)
        self._delivered: dict[tuple[int, int, str], set[tuple[int, int]]] = {}
        self._tries: dict[tuple[int, int, str], int] = {}
        self._deaths = 0
        self.unfinished = len(jobs)

    def next(self) -> Job | None:
        """The next job to begin, or None."""
        return self._queue.popleft() if self._queue else None

    def delivered(self, job: Job | None, batch: Batch) -> None:
        """Take note of units that are done."""
        self._deaths = 0
        self._delivered.setdefault(_name(job), set()).update(batch.units)

    def finished(self, job: Job | None) -> None:
        """Take note that a job is at its end."""
        self._delivered.pop(_name(job), None)
        self.unfinished -= 1

    def died(self, job: Job | None, reason: str) -> list[Batch]:
        """Take note of a death over a job: what is left of it is done again, or given up.

        Returns:
            The batch of given up units, or nothing.

        Raises:
            ModelError: if nothing was delivered between far too many deaths.
        """
        assert job is not None
        self._deaths += 1
        if self._deaths > 3 * TRIES:
            raise ModelError(
                f"Expected workers that live, got {self._deaths} deaths in a row ({reason}): run "
                "with fewer workers, a smaller model or more memory."
            )
        name = _name(job)
        self._tries[name] = self._tries.get(name, 0) + 1
        left = job.without(self._delivered.pop(name, set()))
        if left.units and self._tries[name] < TRIES:
            self._queue.appendleft(left)
            return []
        self.unfinished -= 1
        if not left.units:
            return []
        reason = f"the worker died {TRIES} times ({reason})"
        return [Worker(self._plan).failed(left, left.units, reason)]


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

    def give(self, job: Job | None) -> None:
        """Begin a job, if there is one."""
        if job is not None:
            self.job = job
            # One that died while it was idle shows at the next look at its pipe.
            with contextlib.suppress(OSError):
                self.pipe.send(job)

    def reason(self) -> str:
        """How it died."""
        self._process.join(5)
        code = self._process.exitcode
        if code is not None and code < 0:
            return f"signal {signal.Signals(-code).name}"
        return f"exit status {code}"

    def end(self) -> None:
        """End it: one that is idle finds the end of its pipe and leaves by itself."""
        self.pipe.close()
        if self.job is None:
            self._process.join(10)
        self._process.terminate()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _name(job: Job | None) -> tuple[int, int, str]:
    assert job is not None
    return job.subject, job.source, job.sample


def _work(plan: Plan, pipe: Connection) -> None:
    """What a worker does until its pipe ends."""
    # Ctrl-C reaches the whole group: the parent decides what becomes of the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import torch

    torch.set_num_threads(1)
    laboratory = Worker(plan)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            job = pipe.recv()
            try:
                for batch in laboratory.run(job):
                    pipe.send(("batch", batch))
                pipe.send(("done", None))
            except SeewhyError as error:
                pipe.send(("refused", _portable(error)))


def _portable(error: SeewhyError) -> Any:
    """The error as it can go through a pipe: its kind and its words."""
    return type(error)(str(error))
