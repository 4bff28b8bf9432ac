"""What engines need: workers that run units of work, and a queue of units."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeAlias


class WorkerLost(BaseException):
    """A worker cannot go on, such as after an error of its GPU: its process ends and is replaced.

    It is not an `Exception`, so that nothing that handles errors of single rows catches it.
    """


class Worker(Protocol):
    """Runs units of work; each process or actor has one."""

    def run(self, unit: Any, /) -> Iterator[Any]:
        """The results of a unit, each as soon as it is done.

        Raises:
            SeewhyError: if the whole run must stop, such as for a model that cannot be loaded.
            WorkerLost: if this worker cannot go on.
        """
        ...


MakeWorker: TypeAlias = Callable[[], Worker]
"""Makes a worker where it runs; it is sent to other processes."""


class Queue(Protocol):
    """The units of a run, and what became of them. Only the process of the run uses it."""

    @property
    def unfinished(self) -> int | bool:
        """Whether units are waiting or started."""
        ...

    def next(self) -> Any:
        """The next unit to start, or None if none is waiting."""
        ...

    def deliver(self, unit: Any, result: Any, /) -> None:
        """Record a result of a started unit."""
        ...

    def finish(self, unit: Any, /) -> None:
        """Record that all results of a unit are there."""
        ...

    def lose(self, unit: Any, reason: str, /) -> list[Any]:
        """Record that the worker died during a unit.

        Returns:
            Results in place of those that are given up.

        Raises:
            ModelError: if too many workers died in succession.
        """
        ...
