"""The queue of jobs that engines share: what is left, and what a worker that died leaves behind."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence

from seewhy.bench.plan import Plan, Task
from seewhy.bench.worker import Batch, Job, Worker
from seewhy.core.errors import ModelError

MAX_ATTEMPTS = 3
"""How often a job is begun before its tasks are given up as failed."""
MAX_DEATHS = 3 * MAX_ATTEMPTS
"""How many workers may die in a row before the run stops."""

_Name = tuple[int, int, str]


class JobQueue:
    """The jobs that are not finished, and what is known of those begun.

    Attributes:
        unfinished: how many jobs are waiting or begun.
    """

    def __init__(self, plan: Plan, jobs: Sequence[Job]) -> None:
        self._plan, self._waiting = plan, deque(jobs)
        self._delivered: dict[_Name, set[Task]] = {}
        self._attempts: Counter[_Name] = Counter()
        self._deaths = 0
        self.unfinished = len(jobs)

    def next(self) -> Job | None:
        """The next job to begin, or None."""
        return self._waiting.popleft() if self._waiting else None

    def deliver(self, job: Job, batch: Batch) -> None:
        """Note that some tasks of a job are done."""
        self._deaths = 0
        self._delivered.setdefault(_name(job), set()).update(batch.tasks)

    def finish(self, job: Job) -> None:
        """Note that all tasks of a job are done."""
        self._delivered.pop(_name(job), None)
        self.unfinished -= 1

    def lose(self, job: Job, reason: str) -> list[Batch]:
        """Note that a worker died over a job: what is left of it is done again, or given up.

        Returns:
            The batch of tasks that are given up, or nothing.

        Raises:
            ModelError: if too many workers died and none delivered anything in between.
        """
        self._deaths += 1
        if self._deaths > MAX_DEATHS:
            raise ModelError(
                f"Expected workers that finish a task, got {self._deaths} that died in a row "
                f"({reason}): run with fewer workers, a smaller model or more memory."
            )
        name = _name(job)
        self._attempts[name] += 1
        left = job.without(self._delivered.pop(name, set()))
        if left.tasks and self._attempts[name] < MAX_ATTEMPTS:
            self._waiting.appendleft(left)
            return []
        self.unfinished -= 1
        if not left.tasks:
            return []
        reason = f"the worker died {MAX_ATTEMPTS} times ({reason})"
        return [Worker(self._plan).failed(left, left.tasks, reason)]


def _name(job: Job) -> _Name:
    return job.model, job.data, job.sample
