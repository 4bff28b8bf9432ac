"""Sittings: begun, ended, expired, never seen by each other; nothing is left on the disk."""

import os
import threading
import time

import pytest

from seewhy.app.errors import RequestError
from seewhy.app.jobs import Job
from seewhy.app.limits import Limits
from seewhy.app.service import Service
from seewhy.core.errors import ParameterError


@pytest.fixture
def make(tmp_path):
    """Makes services whose folder is in `tmp_path`, and closes them."""
    made = []

    def service(**limits):
        made.append(Service(limits=Limits(**limits), folder=tmp_path))
        made[-1].worker.wait_until_ready()
        return made[-1]

    yield service
    for one in made:
        assert one.close()
    assert os.listdir(tmp_path) == []


def wait_until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_each_sitting_has_an_id_and_a_folder_of_its_own(make):
    service = make()
    one, two = service.sitting(), service.sitting()
    assert one.id != two.id
    assert len(one.id) >= 43
    assert service.find(one.id) is one
    assert service.find("") is service.find("x") is None
    assert one.id not in str(one.folder)
    assert {one.folder.parent, two.folder.parent} == {service.folder}


def test_an_ended_sitting_leaves_nothing_and_answers_nothing(make):
    service = make()
    sitting = service.sitting()
    assert sitting.handle("POST", "/api/examples/scene-0").status == 201
    service.end(sitting)
    assert not sitting.folder.exists()
    assert service.find(sitting.id) is None
    assert sitting.handle("GET", "/api/state").status == 404


def test_files_that_a_job_writes_after_its_sitting_has_ended_go_too(make):
    service = make()
    sitting, begun = service.sitting(), threading.Event()

    def work(job):
        begun.set()
        while not sitting.is_closed:
            time.sleep(0.001)
        wait_until(lambda: not sitting.folder.exists())
        (sitting.folder / "late").mkdir(parents=True)
        return {}

    job = Job(sitting.id, "x", work, sitting.clear_if_closed)
    service.worker.put(job)
    assert begun.wait(20)
    service.end(sitting)
    wait_until(lambda: job.log.is_closed and not sitting.folder.exists())


def test_a_sitting_that_nobody_uses_ends_and_one_that_is_used_does_not(make, monkeypatch):
    monkeypatch.setattr("seewhy.app.service.TICK", 0.01)
    service = make(sitting_seconds=0.3)
    unused, used = service.sitting(), service.sitting()

    def gone():
        used.touch()
        return service.find(unused.id) is None

    wait_until(gone)
    assert service.find(used.id) is used
    assert unused.is_closed


def test_too_many_sittings_are_refused_and_only_unused_ones_make_room(make):
    service = make(sittings=2)
    first, second = service.sitting(), service.sitting()
    first.touch()
    third = service.sitting()
    assert second.is_closed
    third.touch()
    with pytest.raises(RequestError, match="Too many people") as refused:
        service.sitting()
    assert refused.value.status == 429
    assert not first.is_closed


def test_a_sitting_sees_nothing_of_another(make):
    service = make()
    mine, other = service.sitting(), service.sitting()
    picture = mine.handle("POST", "/api/examples/scene-0").json()
    assert mine.handle("GET", picture["url"]).status == 200
    assert other.handle("GET", picture["url"]).status == 404
    job = Job(mine.id, "x", lambda job: {})
    mine._jobs[job.id] = job
    for action in ("stop", "cancel", "events"):
        method = "GET" if action == "events" else "POST"
        assert other.handle(method, f"/api/jobs/{job.id}/{action}").status == 404
    with pytest.raises(RequestError, match="Expected a job of this sitting"):
        other.events(job.id)
    asked = {"kind": "explain", "pictures": [picture["id"]]}
    assert other.handle("POST", "/api/jobs", {}, asked).status == 404
    assert not job.is_cancelled()


def test_wrong_settings_are_refused_and_leave_nothing(tmp_path):
    with pytest.raises(ParameterError, match="each model once"):
        Service(["a", "a"], folder=tmp_path)
    assert os.listdir(tmp_path) == []


def test_close_is_the_end_of_a_with_block(tmp_path):
    with Service(folder=tmp_path) as service:
        service.sitting().handle("POST", "/api/examples/scene-0")
        assert os.listdir(tmp_path)
    assert os.listdir(tmp_path) == []
