"""The queue of units: read from a stream as workers ask for them; rows of dead workers go back."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import replace

from seewhy.audit.diagnosing import failed
from seewhy.audit.failures import Failure
from seewhy.audit.reports import SavedReport
from seewhy.audit.schema import Diagnosed
from seewhy.audit.source import SourceRow
from seewhy.audit.units import Unit
from seewhy.core.errors import ModelError

MAX_DEATHS = 2
"""How many workers a row may kill before it counts as failed."""

KILLED = f"The worker died {MAX_DEATHS} times during this row."

DEATHS_IN_SUCCESSION = 20
"""How many workers may die in succession, besides three for each worker, before the run stops."""

Result = Diagnosed | SavedReport


class UnitQueue:
    """The units of an audit; only those that workers hold, or that go back, are in memory.

    Args:
        units: streamed.
        workers: how many work.
        then: further units, asked for when all of the first are finished; None for none.
    """

    def __init__(
        self,
        units: Iterator[Unit],
        workers: int,
        then: Callable[[], Iterator[Unit]] | None = None,
    ) -> None:
        self._units, self._then = units, then
        self._again: deque[Unit] = deque()
        self._started = 0
        self._over = False
        self._delivered: dict[int, set[str]] = {}
        self._deaths: Counter[str] = Counter()
        self._in_succession = 0
        self._max_in_succession = DEATHS_IN_SUCCESSION + 3 * workers

    @property
    def unfinished(self) -> bool:
        """Whether units are left, or may be left in the stream."""
        return not self._over or self._started > 0 or bool(self._again)

    def next(self) -> Unit | None:
        """The next unit, or None if there is none now."""
        unit = self._again.popleft() if self._again else next(self._units, None)
        if unit is None and self._started == 0 and self._then is not None:
            self._units, self._then = self._then(), None
            unit = next(self._units, None)
        if unit is None:
            self._over = self._then is None
            return None
        self._started += 1
        self._delivered[id(unit)] = set()
        return unit

    def deliver(self, unit: Unit, result: Result) -> None:
        """Record a result of a started unit."""
        self._in_succession = 0
        if unit.report == isinstance(result, SavedReport):
            self._delivered[id(unit)].add(_id_of(result))

    def finish(self, unit: Unit) -> None:
        """Record that all rows of a unit are done."""
        del self._delivered[id(unit)]
        self._started -= 1

    def lose(self, unit: Unit, reason: str) -> list[Result]:
        """Record that a worker died during a unit: its other rows go back.

        The row that was under way is tried alone, and given up after `MAX_DEATHS` deaths.

        Returns:
            The failed row, or nothing.

        Raises:
            ModelError: if too many workers died in succession without a result.
        """
        self._in_succession += 1
        if self._in_succession > self._max_in_succession:
            raise ModelError(
                f"Expected workers that finish a row, got {self._in_succession} that died in "
                f"succession ({reason}): run with fewer workers, a smaller model or more memory, "
                "and give the same command again."
            )
        done = self._delivered.pop(id(unit))
        self._started -= 1
        rows = tuple(row for row in unit.rows if row.id not in done)
        if not rows:
            return []
        suspects = next(replace(unit, rows=rows).batches())
        if rest := rows[len(suspects) :]:
            self._again.appendleft(replace(unit, rows=rest))
        first, *others = suspects
        if others:
            self._again.extendleft(replace(unit, rows=(row,)) for row in reversed(suspects))
            return []
        return self._blame(unit, first, reason)

    def _blame(self, unit: Unit, row: SourceRow, reason: str) -> list[Result]:
        self._deaths[row.id] += 1
        if self._deaths[row.id] < MAX_DEATHS:
            self._again.appendleft(replace(unit, rows=(row,)))
            return []
        del self._deaths[row.id]
        if unit.report:
            return [SavedReport(row.id, (), KILLED)]
        return [failed(row, Failure(KILLED, f"The last one ended with {reason}."))]


def _id_of(result: Result) -> str:
    return result.answer.id if isinstance(result, Diagnosed) else result.id
