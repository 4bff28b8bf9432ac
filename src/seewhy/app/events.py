"""The events of a job: a log that several listeners read, each from where it left off."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

LAST = frozenset({"done", "failed", "cancelled"})
"""The names of events after which none follows."""

REPLACED = frozenset({"queued", "answer"})
"""Events that tell a whole state: a later one of the same name makes an earlier one needless."""


@dataclass(frozen=True)
class Event:
    """One event of a job.

    Attributes:
        id: its number in the job, from 1.
        name: `queued`, `started`, `stage`, `answer`, `done`, `failed` or `cancelled`.
        data: JSON-ready.
    """

    id: int
    name: str
    data: dict[str, Any]


class EventLog:
    """The events of one job. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: list[Event] = []
        self._listeners: set[Callable[[], None]] = set()
        self._last_heard = time.monotonic()
        self._count = 0
        self.is_closed = False

    def add(self, name: str, data: dict[str, Any]) -> None:
        """Add an event and wake the listeners; after a last event nothing is added."""
        with self._lock:
            if self.is_closed:
                return
            if name in REPLACED:
                self._events = [event for event in self._events if event.name != name]
            self._count += 1
            self._events.append(Event(self._count, name, data))
            self.is_closed = name in LAST
            listeners = list(self._listeners)
        for wake in listeners:
            wake()

    def after(self, number: int) -> tuple[list[Event], bool]:
        """The events after the one of this number, and whether the log is closed."""
        with self._lock:
            return [event for event in self._events if event.id > number], self.is_closed

    @contextmanager
    def listening(self, wake: Callable[[], None]) -> Iterator[None]:
        """Count as a listener in the block; `wake` is called, by any thread, at each event."""
        with self._lock:
            self._listeners.add(wake)
        try:
            yield
        finally:
            with self._lock:
                self._listeners.discard(wake)
                self._last_heard = time.monotonic()

    def seconds_unheard(self) -> float:
        """How long nobody has listened; 0 while someone does."""
        with self._lock:
            return 0.0 if self._listeners else time.monotonic() - self._last_heard

    def follow(self, after: int = 0) -> Iterator[Event]:
        """All events after a number, as they come, up to the last one. It waits."""
        woken = threading.Event()
        with self.listening(woken.set):
            while True:
                woken.clear()
                events, is_closed = self.after(after)
                for event in events:
                    after = event.id
                    yield event
                if is_closed and not self.after(after)[0]:
                    return
                woken.wait()
