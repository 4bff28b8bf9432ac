"""The queue of jobs that engines share; jobs of workers that died are repeated."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence

from seewhy.bench.plan import Plan, Task
from seewhy.bench.worker import Batch, Job, Worker
from seewhy.core.errors import ModelError

MAX_ATTEMPTS = 3
"""How often a job is started before its tasks count as failed."""
MAX_DEATHS = 3 * MAX_ATTEMPTS
"""How many workers may die in succession before the run stops."""

_Name = tuple[int, int, str]


class JobQueue:
    """The unfinished jobs, and the delivered tasks of the started ones.

    Attributes:
        unfinished: how many jobs are waiting or started.
    """

    def __init__(self, plan: Plan, jobs: Sequence[Job]) -> None:
        self._plan, self._waiting = plan, deque(jobs)
        self._delivered: dict[_Name, set[Task]] = {}
        self._attempts: Counter[_Name] = Counter()
        self._deaths = 0
        self.unfinished = len(jobs)

    def next(self) -> Job | None:
        """The next job to start, or None."""
        return self._waiting.popleft() if self._waiting else None

    def deliver(self, job: Job, batch: Batch) -> None:
        """Record that some tasks of a job are done."""
        self._deaths = 0
        self._delivered.setdefault(_name(job), set()).update(batch.tasks)

    def finish(self, job: Job) -> None:
        """Record that all tasks of a job are done."""
        self._delivered.pop(_name(job), None)
        self.unfinished -= 1

    def lose(self, job: Job, reason: str) -> list[Batch]:
        """Record that a worker died during a job: the remaining tasks are repeated, or fail.

        Returns:
            The batch of failed tasks, or nothing.

        Raises:
            ModelError: if too many workers died in succession without a result.
        """
        self._deaths += 1
        if self._deaths > MAX_DEATHS:
            raise ModelError(
                f"Expected workers that finish a task, got {self._deaths} that died in succession "
                f"({reason}): run with fewer workers, a smaller model or more memory."
            )
        name = _name(job)
        self._attempts[name] += 1
        remaining = job.without(self._delivered.pop(name, set()))
        if remaining.tasks and self._attempts[name] < MAX_ATTEMPTS:
            self._waiting.appendleft(remaining)
            return []
        self.unfinished -= 1
        if not remaining.tasks:
            return []
        reason = f"the worker died {MAX_ATTEMPTS} times ({reason})"
        return [Worker(self._plan).failed(remaining, remaining.tasks, reason)]


def _name(job: Job) -> _Name:
    return job.model, job.data, job.sample
