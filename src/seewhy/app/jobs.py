"""Jobs: what a sitting asked the models to do, one at a time, in a fair order."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from seewhy.app.errors import busy
from seewhy.app.events import EventLog
from seewhy.core.errors import Cancelled

ANSWERS_A_SECOND = 15
"""How often the answer so far is told, at most."""


@dataclass(eq=False)
class Job:
    """One piece of work for the models.

    Attributes:
        sitting: the id of the sitting that asked for it.
        kind: such as `"explain"`.
        run: does the work and returns the result, JSON-ready.
        when_ended: called after it has run.
        id: cannot be guessed.
        log: its events.
        stop_asked: set when the model is to stop writing; what is there is explained.
        cancel_asked: set when nothing more is wanted.
    """

    sitting: str
    kind: str
    run: Callable[[Job], dict[str, Any]]
    when_ended: Callable[[], None] = lambda: None
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    log: EventLog = field(default_factory=EventLog)
    stop_asked: threading.Event = field(default_factory=threading.Event)
    cancel_asked: threading.Event = field(default_factory=threading.Event)
    _told: float = 0.0

    def stage(self, text: str) -> None:
        """Tell what is done now."""
        self.log.add("stage", {"text": text})

    def is_due(self) -> bool:
        """Whether it is time to tell the answer so far again."""
        return time.monotonic() - self._told >= 1 / ANSWERS_A_SECOND

    def answer(self, text: str) -> None:
        """Tell the answer so far, whole."""
        self._told = time.monotonic()
        self.log.add("answer", {"text": text})

    def check(self) -> None:
        """Raise `Cancelled` if the work is no longer wanted."""
        if self.is_cancelled():
            raise Cancelled("Expected to finish, got cancelled: ask again.")

    def is_cancelled(self) -> bool:
        """Whether the work is no longer wanted."""
        return self.cancel_asked.is_set()

    def is_stopped(self) -> bool:
        """Whether the model should write no more."""
        return self.stop_asked.is_set() or self.cancel_asked.is_set()


class FairQueue:
    """Waiting jobs: each sitting in turn, the jobs of one in their order.

    Args:
        most: jobs that wait, of all sittings.
        most_each: of one sitting.
    """

    def __init__(self, most: int, most_each: int) -> None:
        self.most, self.most_each = most, most_each
        self._waiting: dict[str, deque[Job]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def put(self, job: Job) -> None:
        """Add a job.

        Raises:
            RequestError: with 429 if too many wait.
        """
        own = self._waiting.get(job.sitting, ())
        if len(own) >= self.most_each:
            raise busy(
                f"Expected at most {self.most_each} waiting jobs of one sitting, got one more: "
                "wait for them, or cancel one.",
                5,
            )
        if len(self) >= self.most:
            raise busy("Many others are waiting for the model: try again in a moment.", 10)
        self._waiting.setdefault(job.sitting, deque()).append(job)

    def take(self) -> Job | None:
        """The next job, which waits no longer; None if there is none."""
        if not self._waiting:
            return None
        sitting = next(iter(self._waiting))
        own = self._waiting.pop(sitting)
        job = own.popleft()
        if own:
            self._waiting[sitting] = own  # the others come first
        return job

    def drop(self, job: Job) -> bool:
        """Take a job out; False if it does not wait."""
        own = self._waiting.get(job.sitting)
        if own is None or job not in own:
            return False
        own.remove(job)
        if not own:
            del self._waiting[job.sitting]
        return True

    def order(self) -> list[Job]:
        """The waiting jobs in the order in which they will run."""
        rounds = max(map(len, self._waiting.values()), default=0)
        return [
            own[number]
            for number in range(rounds)
            for own in self._waiting.values()
            if number < len(own)
        ]
