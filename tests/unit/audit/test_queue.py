"""The queue: every row once, whatever dies."""

from __future__ import annotations

import pytest

from audit_parts import Rows, diagnosed
from seewhy.audit.queue import KILLED, MAX_DEATHS, UnitQueue
from seewhy.audit.reports import SavedReport
from seewhy.audit.schema import Diagnosed
from seewhy.audit.units import Unit, units_of
from seewhy.core.errors import ModelError


def queue_of(count, batch=1, **options):
    return UnitQueue(units_of(Rows(count).rows(), batch, print), workers=2, **options)


def ids(unit):
    return [row.id for row in unit.rows]


def test_units_come_from_the_stream_until_it_ends():
    queue = queue_of(9)
    first, second = queue.next(), queue.next()
    assert [len(first.rows), len(second.rows)] == [8, 1]
    assert queue.next() is None
    assert queue.unfinished
    queue.finish(first)
    queue.finish(second)
    assert not queue.unfinished


def test_rows_that_a_dead_worker_left_go_back_and_delivered_ones_do_not():
    queue = queue_of(8)
    unit = queue.next()
    queue.deliver(unit, diagnosed(0))
    queue.deliver(unit, diagnosed(1))
    assert queue.lose(unit, "signal SIGKILL") == []
    suspect, rest = queue.next(), queue.next()
    assert ids(suspect) == ["row-2"]
    assert ids(rest) == [f"row-{n}" for n in range(3, 8)]


def test_a_row_is_given_up_after_some_deaths():
    queue = queue_of(1)
    for _ in range(MAX_DEATHS - 1):
        assert queue.lose(queue.next(), "signal SIGKILL") == []
    (given_up,) = queue.lose(queue.next(), "signal SIGKILL")
    assert isinstance(given_up, Diagnosed)
    assert (given_up.answer.id, given_up.answer.reason) == ("row-0", KILLED)
    assert "SIGKILL" in given_up.answer.detail
    assert queue.next() is None
    assert not queue.unfinished


def test_a_batch_that_kills_is_tried_row_by_row_without_blame():
    queue = queue_of(6, batch=4)
    assert queue.lose(queue.next(), "x") == []
    singles = [queue.next() for _ in range(4)]
    assert [ids(unit) for unit in singles] == [["row-0"], ["row-1"], ["row-2"], ["row-3"]]
    assert ids(queue.next()) == ["row-4", "row-5"]
    assert queue.lose(singles[2], "x") == []
    assert ids(queue.next()) == ["row-2"]


def test_a_worker_that_dies_after_its_last_row_costs_nothing():
    queue = queue_of(1)
    unit = queue.next()
    queue.deliver(unit, diagnosed(0))
    assert queue.lose(unit, "x") == []
    assert queue.next() is None
    assert not queue.unfinished


def test_too_many_deaths_in_succession_end_the_run():
    queue = queue_of(100)
    for _ in range(26):
        queue.lose(queue.next(), "exit status 3")
    with pytest.raises(ModelError, match="27 that died in succession .exit status 3"):
        queue.lose(queue.next(), "exit status 3")


def test_further_units_begin_when_all_others_are_finished():
    report = Unit((next(iter(Rows(1).rows())),), report=True)
    queue = queue_of(1, then=lambda: iter([report]))
    unit = queue.next()
    assert queue.next() is None
    assert queue.unfinished
    queue.deliver(unit, diagnosed(0))
    queue.finish(unit)
    assert queue.unfinished
    assert queue.next() is report
    assert queue.lose(report, "x") == []
    (again,) = queue.lose(queue.next(), "x")
    assert again == SavedReport("row-0", (), KILLED)
    assert queue.next() is None
    assert not queue.unfinished
