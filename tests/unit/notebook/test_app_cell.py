"""The app's service over the messages of a widget."""

import gzip
import io
import json
import threading
import time

import pytest
from PIL import Image

from seewhy.app.limits import Limits
from seewhy.app.service import Service
from seewhy.notebook.app_cell import AppCell

SECONDS = 60


class Widget:
    """Keeps what is sent, and lets a test wait for it."""

    def __init__(self) -> None:
        self.sent: list[tuple[dict, list[bytes]]] = []
        self.changed = threading.Condition()

    def send(self, content, buffers=()):
        with self.changed:
            self.sent.append((content, [bytes(buffer) for buffer in buffers]))
            self.changed.notify_all()

    def answers(self, number, is_enough=bool):
        """The messages of an id, once there are enough."""
        own = lambda: [one for one in self.sent if one[0].get("id") == number]  # noqa: E731
        with self.changed:
            assert self.changed.wait_for(lambda: is_enough(own()), SECONDS)
        return own()


@pytest.fixture(scope="module")
def cell(explainer):
    widget = Widget()
    service = Service(models=[explainer], limits=Limits(json_bytes=5000))
    cell = AppCell(widget, service, service.sitting(), {"pictures": [], "prompt": "What?"})
    yield cell
    cell.close()


def ask(cell, number, **question):
    buffers = question.pop("buffers", [])
    cell.receive(None, {"id": number, "view": "v", **question}, buffers)


def request(cell, number, method, path, **question):
    ask(cell, number, ask="request", method=method, path=path, **question)
    ((told, buffers),) = cell._widget.answers(number)
    body = gzip.decompress(buffers[0]) if told["packed"] else buffers[0]
    return told, body


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), "red").save(buffer, "PNG")
    return buffer.getvalue()


def is_last(answers) -> bool:
    last = ("done", "failed", "cancelled")
    return bool(answers) and answers[-1][0]["event"]["type"] in last


def test_start_tells_what_is_there_at_first(cell):
    ask(cell, "s", ask="start")
    assert cell._widget.answers("s")[0][0] == {"id": "s", "pictures": [], "prompt": "What?"}


def test_request_with_a_query_and_a_body_in_parts(cell):
    content = png()
    third = len(content) // 3
    pieces = content[:third], content[third : 2 * third], content[2 * third :]
    question = {"ask": "request", "method": "POST", "path": "/api/pictures?name=my%20cat.png"}
    for part, piece in ((2, pieces[2]), (0, pieces[0])):
        ask(cell, "u", **question, part=part, parts=3, buffers=[memoryview(piece)])
    assert not [one for one in cell._widget.sent if one[0].get("id") == "u"]
    ask(cell, "u", **question, part=1, parts=3, buffers=[memoryview(pieces[1])])
    told, buffers = cell._widget.answers("u")[0]
    picture = json.loads(gzip.decompress(buffers[0]))
    assert told["status"] == 201
    assert (picture["name"], picture["width"]) == ("my cat.png", 60)
    told, body = request(cell, "p", "GET", picture["url"])
    assert told["content_type"] == "image/png"
    assert not told["packed"], "a picture does not get smaller"
    assert Image.open(io.BytesIO(body)).size == (60, 40)


def test_failures_are_answers(cell):
    told, body = request(cell, "x", "GET", "/api/entries/none")
    assert told["status"] == 404
    assert json.loads(body)["error"]["message"]
    told, body = request(cell, "y", "POST", "/api/jobs", body={"kind": "nonsense"})
    assert 400 <= told["status"] < 500
    ask(cell, "z", ask="follow", job="none")
    (event,) = cell._widget.answers("z")
    assert event[0]["event"]["type"] == "failed"


@pytest.mark.parametrize("content", [None, "text", [], {}, {"ask": "unheard of"}, {"ask": "bye"}])
def test_what_is_no_question_changes_nothing(cell, content):
    before = len(cell._widget.sent)
    cell.receive(None, content, [])
    assert len(cell._widget.sent) == before


@pytest.mark.parametrize(("part", "parts"), [(5, 2), (-1, 2), (1, 1)])
def test_a_part_that_cannot_be_is_dropped(cell, part, parts):
    ask(cell, "odd", ask="request", method="POST", path="/api/pictures", part=part, parts=parts)
    assert "odd" not in cell._parts


def test_job_s_events_come_as_answers_and_another_cell_can_run_meanwhile(cell, explainer):
    told, body = request(cell, "e", "POST", "/api/examples/0")
    if told["status"] == 404:
        state = json.loads(request(cell, "st", "GET", "/api/state")[1])
        told, body = request(cell, "e2", "POST", f"/api/examples/{state['examples'][0]['id']}")
    picture = json.loads(body)["id"]
    job = {"kind": "explain", "model": explainer.name, "pictures": [picture], "prompt": "What?"}
    before = time.monotonic()
    told, body = request(cell, "j", "POST", "/api/jobs", body={**job, "answer": "A red star."})
    assert time.monotonic() - before < SECONDS
    ask(cell, "f", ask="follow", job=json.loads(body)["job"])
    events = [one[0]["event"] for one in cell._widget.answers("f", is_last)]
    assert events[-1]["type"] == "done"
    assert events[-1]["result"]["entry"]["answer"] == "A red star."


def test_models_are_those_of_the_explainer_alone(cell, explainer):
    state = json.loads(request(cell, "m", "GET", "/api/state")[1])
    assert [model["name"] for model in state["models"]] == [explainer.name]


def test_a_view_that_goes_ends_what_it_followed(explainer):
    widget = Widget()
    with Service(models=[explainer]) as service:
        cell = AppCell(widget, service, service.sitting(), {})
        cell._follows["a"] = ("one", threading.Event())
        cell._follows["b"] = ("two", threading.Event())
        cell._follows["c"] = ("two", threading.Event())
        cell.receive(None, {"ask": "bye", "view": "one"}, [])
        cell.receive(None, {"ask": "unfollow", "id": "b"}, [])
        ended = {name: end.is_set() for name, (_, end) in cell._follows.items()}
        assert ended == {"a": True, "b": True, "c": False}
        sitting = cell.sitting
        cell.close()
        assert cell._follows["c"][1].is_set()
        assert sitting.is_closed
        cell.close()
