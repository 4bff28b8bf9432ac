"""Waiting jobs: each sitting in turn, and not too many."""

import pytest

from seewhy.app.errors import RequestError
from seewhy.app.jobs import FairQueue, Job
from seewhy.core.errors import Cancelled


def job(sitting, name="work"):
    return Job(sitting, name, lambda job: {})


def names(jobs):
    return [f"{one.sitting}{one.kind}" for one in jobs]


def test_sittings_take_turns():
    queue = FairQueue(20, 10)
    for name in ("1", "2", "3"):
        queue.put(job("a", name))
    queue.put(job("b", "1"))
    queue.put(job("c", "1"))
    order = names(queue.order())
    assert order == ["a1", "b1", "c1", "a2", "a3"]
    assert names(iter(queue.take, None)) == order
    assert len(queue) == 0


def test_the_order_that_is_told_is_the_order_that_comes_while_others_join():
    queue = FairQueue(20, 10)
    for name in ("1", "2"):
        queue.put(job("a", name))
    assert names([queue.take()]) == ["a1"]
    queue.put(job("b", "1"))
    queue.put(job("a", "3"))
    order = names(queue.order())
    assert names(iter(queue.take, None)) == order
    assert order == ["a2", "b1", "a3"]


def test_one_sitting_cannot_fill_the_queue():
    queue = FairQueue(3, 2)
    queue.put(job("a"))
    queue.put(job("a"))
    with pytest.raises(RequestError, match="at most 2 waiting jobs") as refused:
        queue.put(job("a"))
    assert refused.value.status == 429
    queue.put(job("b"))
    with pytest.raises(RequestError, match="Many others are waiting") as refused:
        queue.put(job("c"))
    assert int(refused.value.headers["Retry-After"]) > 0


def test_drop_takes_out_waiting_jobs_alone():
    queue, waiting = FairQueue(5, 5), job("a")
    queue.put(waiting)
    assert queue.drop(waiting)
    assert not queue.drop(waiting)
    assert queue.take() is None


def test_the_answer_so_far_is_told_now_and_then(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("seewhy.app.jobs.time.monotonic", lambda: now[0])
    one = job("a")
    now[0] = 10.0
    assert one.is_due()
    one.answer("A")
    assert not one.is_due()
    now[0] = 10.1
    assert one.is_due()


def test_a_stopped_job_goes_on_and_a_cancelled_one_does_not():
    one = job("a")
    one.stop_asked.set()
    assert one.is_stopped()
    one.check()
    one.cancel_asked.set()
    with pytest.raises(Cancelled, match="got cancelled"):
        one.check()


def test_ids_cannot_be_guessed():
    assert len({job("a").id for _ in range(50)}) == 50
