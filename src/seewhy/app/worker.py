"""The one thread that runs models: jobs of all sittings, one at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable

from seewhy.app.errors import kind_of, message_of
from seewhy.app.jobs import FairQueue, Job
from seewhy.app.limits import Limits
from seewhy.core.errors import Cancelled

JOIN_SECONDS = 10
"""How long the end of the running job is waited for when the service ends."""


class Worker:
    """Runs jobs in a thread of its own.

    Args:
        limits: of the queue, and of jobs that nobody listens to.
        private: texts that no message may hold, such as the folder of the sittings.
        report: called with errors that are none of this package's.
        prepare: called first, in the thread; until it has ended, `wait_until_ready` waits.
    """

    def __init__(
        self,
        limits: Limits,
        private: tuple[str, ...],
        report: Callable[[BaseException], None],
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self._limits, self._private, self._report = limits, private, report
        self._changed = threading.Condition()
        self._queue = FairQueue(limits.queue, limits.queue_each)
        self._running: Job | None = None
        self._is_closed = False
        self._prepare, self._is_ready = prepare, threading.Event()
        self._thread = threading.Thread(target=self._work, name="seewhy-app", daemon=True)
        self._thread.start()

    def wait_until_ready(self) -> None:
        """Wait for what is done first."""
        self._is_ready.wait()

    def put(self, job: Job) -> int:
        """Add a job, and return how many come before it.

        Raises:
            RequestError: with 429 if too many wait.
        """
        with self._changed:
            self._queue.put(job)
            self._tell_positions()
            position = self._positions()[job]
            self._changed.notify_all()
        return position

    def cancel(self, job: Job) -> None:
        """End a job: at once if it waits, within a layer of the model if it runs.

        Its listeners are told at once.
        """
        job.cancel_asked.set()
        job.log.add("cancelled", {})
        with self._changed:
            if self._queue.drop(job):
                self._tell_positions()

    def cancel_unheard(self) -> None:
        """End the jobs that nobody listens to any more."""
        with self._changed:
            jobs = [*self._queue.order(), *([self._running] if self._running else [])]
        for job in jobs:
            if job.log.seconds_unheard() >= self._limits.listener_seconds:
                self.cancel(job)

    def cancel_all(self, sitting: str) -> None:
        """End all jobs of a sitting."""
        with self._changed:
            jobs = [*self._queue.order(), *([self._running] if self._running else [])]
        for job in jobs:
            if job.sitting == sitting:
                self.cancel(job)

    def is_idle(self) -> bool:
        """Whether no job waits or runs."""
        with self._changed:
            return self._running is None and not len(self._queue)

    def close(self) -> bool:
        """End all jobs and the thread; False if the running one does not end in time.

        What is prepared first is not waited for.
        """
        with self._changed:
            self._is_closed = True
            jobs = [*self._queue.order(), *([self._running] if self._running else [])]
            self._changed.notify_all()
        for job in jobs:
            self.cancel(job)
        if threading.current_thread() is not self._thread:
            self._thread.join(JOIN_SECONDS if self._is_ready.is_set() else 0.1)
        return not self._thread.is_alive()

    def _positions(self) -> dict[Job, int]:
        before = 0 if self._running is None else 1
        return {job: before + number for number, job in enumerate(self._queue.order())}

    def _tell_positions(self) -> None:
        for job, position in self._positions().items():
            job.log.add("queued", {"position": position})

    def _work(self) -> None:
        try:
            self._prepare()
        except Exception as error:  # noqa: BLE001 - the jobs will fail, and say why
            self._report(error)
        finally:
            self._is_ready.set()
        while (job := self._next()) is not None:
            self._run(job)
            with self._changed:
                self._running = None
                self._tell_positions()
            del job

    def _next(self) -> Job | None:
        with self._changed:
            while not self._is_closed:
                job = self._queue.take()
                if job is not None:
                    self._running = job
                    self._tell_positions()
                    return job
                self._changed.wait()
        return None

    def _run(self, job: Job) -> None:
        job.log.add("started", {})
        try:
            name, data = "done", {"result": job.run(job)}
        except Cancelled:
            name, data = "cancelled", {}
        except Exception as error:  # noqa: BLE001 - whatever it is, the next job must run
            kind, message = kind_of(error), message_of(error, *self._private)
            name, data = "failed", {"kind": kind, "message": message}
            if kind == "internal":
                self._report(error)
        if job.is_cancelled() and name == "failed":
            name, data = "cancelled", {}
        job.when_ended()
        job.log.add(name, data)
