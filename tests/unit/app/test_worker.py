"""The one thread that runs jobs: one at a time, whatever they do."""

import threading
import time

import pytest

from seewhy.app.errors import INTERNAL, RequestError
from seewhy.app.jobs import Job
from seewhy.app.limits import Limits
from seewhy.app.worker import Worker
from seewhy.core.errors import Cancelled, ImageError

LIMITS = Limits(queue=3, queue_each=2, listener_seconds=0.01)


@pytest.fixture
def reported():
    return []


@pytest.fixture
def worker(reported):
    made = Worker(LIMITS, ("/private/folder",), reported.append)
    yield made
    assert made.close()


def events(job):
    return [(event.name, event.data) for event in job.log.follow()]


class Held:
    """Work that runs until it is let go, or cancelled."""

    def __init__(self):
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, job):
        self.begun.set()
        while not self.go.wait(0.001):
            if job.is_cancelled():
                raise Cancelled("got cancelled")
        return {"done": True}


def test_a_job_is_queued_started_and_done(worker):
    job = Job("a", "explain", lambda job: job.stage("working") or {"entry": 1})
    assert worker.put(job) == 0
    assert events(job) == [
        ("queued", {"position": 0}),
        ("started", {}),
        ("stage", {"text": "working"}),
        ("done", {"result": {"entry": 1}}),
    ]


def test_jobs_run_one_at_a_time_and_positions_are_told(worker):
    held, running = Held(), []

    def work(job):
        running.append(job.id)
        assert len(running) == 1
        running.remove(job.id)
        return {}

    first, others = Job("a", "x", held), [Job(sitting, "x", work) for sitting in "abc"]
    worker.put(first)
    assert held.begun.wait(10)
    assert [worker.put(job) for job in others] == [1, 2, 3]
    with pytest.raises(RequestError, match="Many others"):
        worker.put(Job("d", "x", work))
    held.go.set()
    for job in others:
        assert events(job)[-1][0] == "done"


@pytest.mark.parametrize(
    ("error", "kind", "message", "is_reported"),
    [
        (ImageError("Expected a picture, got /private/folder/x."), "image", "got /x.", False),
        (KeyError("secret words of a user"), "internal", INTERNAL, True),
        (MemoryError("x"), "memory-limit", "not enough memory", False),
        (OSError("/private/folder"), "storage", "disk full", False),
    ],
)
def test_a_job_that_fails_says_so_and_the_next_one_runs(
    worker, reported, error, kind, message, is_reported
):
    def fail(job):
        raise error

    failing, next_one = Job("a", "x", fail), Job("a", "x", lambda job: {})
    worker.put(failing)
    worker.put(next_one)
    name, data = events(failing)[-1]
    assert (name, data["kind"]) == ("failed", kind)
    assert message in data["message"]
    assert "/private" not in data["message"]
    assert "secret" not in data["message"]
    assert events(next_one)[-1][0] == "done"
    assert reported == ([error] if is_reported else [])


def test_a_waiting_job_is_cancelled_at_once_and_never_runs(worker):
    held, ran = Held(), []
    first, second = Job("a", "x", held), Job("b", "x", lambda job: ran.append(1) or {})
    worker.put(first)
    assert held.begun.wait(10)
    worker.put(second)
    worker.cancel(second)
    assert events(second)[-1] == ("cancelled", {})
    held.go.set()
    assert events(first)[-1][0] == "done"
    assert not ran


def test_a_running_job_is_cancelled_and_its_listener_told_at_once(worker):
    held = Held()
    job, next_one = Job("a", "x", held), Job("b", "x", lambda job: {})
    worker.put(job)
    assert held.begun.wait(10)
    worker.cancel(job)
    assert events(job)[-1] == ("cancelled", {})
    worker.put(next_one)
    assert events(next_one)[-1][0] == "done"


def test_a_job_that_nobody_listens_to_is_cancelled_and_one_that_is_heard_is_not(worker):
    held, heard = Held(), Held()
    job, other = Job("a", "x", held), Job("b", "x", heard)
    worker.put(job)
    assert held.begun.wait(10)
    worker.put(other)
    with other.log.listening(lambda: None):
        time.sleep(2 * LIMITS.listener_seconds)
        worker.cancel_unheard()
        assert job.is_cancelled()
        assert not other.is_cancelled()
        assert heard.begun.wait(10)
        heard.go.set()
        assert events(other)[-1][0] == "done"


def test_all_jobs_of_a_sitting_end_and_no_others(worker):
    held = Held()
    jobs = [Job("a", "x", held), Job("a", "x", lambda job: {}), Job("b", "x", lambda job: {})]
    for job in jobs:
        worker.put(job)
    worker.cancel_all("a")
    assert [events(job)[-1][0] for job in jobs] == ["cancelled", "cancelled", "done"]


def test_close_ends_the_running_job_and_those_that_wait(reported):
    held, worker = Held(), Worker(LIMITS, (), reported.append)
    jobs = [Job("a", "x", held), Job("a", "x", lambda job: {})]
    for job in jobs:
        worker.put(job)
    assert worker.close()
    assert [events(job)[-1][0] for job in jobs] == ["cancelled", "cancelled"]


def test_what_is_prepared_first_is_waited_for_also_if_it_fails(reported):
    error = ImportError("no library")

    def prepare():
        raise error

    worker = Worker(LIMITS, (), reported.append, prepare)
    worker.wait_until_ready()
    assert reported == [error]
    job = Job("a", "x", lambda job: {})
    worker.put(job)
    assert events(job)[-1][0] == "done"
    assert worker.close()


def test_a_job_is_told_when_it_has_ended(worker):
    ended = []
    job = Job("a", "x", lambda job: {}, lambda: ended.append(1))
    worker.put(job)
    events(job)
    assert ended == [1]
