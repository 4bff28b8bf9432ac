"""Requests of one sitting, with the package's model: every kind of job, and refusals."""

import io
import json
import zipfile

import pytest
from PIL import Image

from seewhy.app.limits import Limits
from seewhy.app.service import Service
from seewhy.testbed.pretrained import DEFAULT

# A changed scene is no drawn scene any more.
pytestmark = pytest.mark.filterwarnings("ignore::seewhy.core.errors.ShippedModelWarning")

BOX = {"view": 0, "kind": "box", "points": [[10, 10], [80, 80]]}
LIMITS = Limits(requests=100_000, uploads=1000, prompt_characters=100, pixels=50_000)


class Client:
    """A sitting and what has been made in it."""

    def __init__(self, service):
        self.sitting = service.sitting()
        self.picture = self.get("POST", "/api/examples/scene-0", status=201)["id"]

    def get(self, method, path, body=None, query=None, status=200):
        reply = self.sitting.handle(method, path, query, body)
        assert reply.status == status, reply.body
        return reply.json()

    def refused(self, method, path, body=None, query=None):
        """Status and message of a refusal."""
        reply = self.sitting.handle(method, path, query, body)
        return reply.status, reply.json()["error"]["message"]

    def run(self, **job):
        """The result of a job."""
        last = self.events(**job)[-1]
        assert last.name == "done", last.data
        return last.data["result"]

    def events(self, **job):
        number = self.get("POST", "/api/jobs", job, status=202)["job"]
        return list(self.sitting.events(number))


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with Service(limits=LIMITS, folder=tmp_path_factory.mktemp("app")) as made:
        yield made


@pytest.fixture(scope="module")
def client(service):
    return Client(service)


@pytest.fixture(scope="module")
def entry(client):
    """An explained answer of the module's sitting."""
    return client.run(kind="explain", pictures=[client.picture], max_new_tokens=12)["entry"]


def test_state_tells_models_methods_examples_limits_and_history(client, entry):
    state = client.get("GET", "/api/state")
    assert (state["schema"], state["default_model"]) == (1, DEFAULT)
    assert state["models"][0] == {
        "name": DEFAULT, "family": "qwen2-vl", "loaded": True, "shipped": True
    }  # fmt: skip
    assert state["default_method"] == state["methods"][0]["name"]
    assert state["limits"]["prompt_characters"] == 100
    assert entry in state["entries"]
    for example in state["examples"]:
        reply = client.sitting.handle("GET", example["url"])
        assert (reply.status, reply.content_type) == (200, "image/png")
        assert example["title"]


def test_an_answer_is_written_before_the_eyes_of_its_listener(client):
    events = client.events(kind="explain", pictures=[client.picture], prompt="What is this?")
    answers = [event.data["text"] for event in events if event.name == "answer"]
    entry = events[-1].data["result"]["entry"]
    assert answers[-1] == entry["answer"]
    assert all(entry["answer"].startswith(text) for text in answers)
    assert [event.name for event in events if event.name != "answer"][:2] == ["queued", "started"]
    stages = [event.data["text"] for event in events if event.name == "stage"]
    assert {"writing the answer", "explaining", "saving"} <= set(stages)


def test_an_entry_gives_its_payload_and_its_files(client, entry):
    found = client.get("GET", f"/api/entries/{entry['id']}")
    assert found["entry"] == entry
    assert found["payload"]["answer"] == entry["answer"]
    for name, content_type in (
        ("thumbnail", "image/jpeg"),
        ("picture/0", "image/png"),
        ("report.html", "text/html; charset=utf-8"),
        ("folder.zip", "application/zip"),
    ):
        reply = client.sitting.handle("GET", f"/api/entries/{entry['id']}/{name}")
        assert (reply.status, reply.content_type) == (200, content_type)
        saved = reply.headers.get("Content-Disposition", "")
        assert saved.startswith("attachment") == ("." in name)


def test_a_region_that_is_changed_costs_words_and_gives_a_picture(client, entry):
    result = client.run(kind="effect", entry=entry["id"], region=BOX, fill="mean")
    assert {"word", "before", "after", "lost"} <= set(result["words"][0])
    assert client.sitting.handle("GET", result["picture"]).status == 200


def test_a_changed_picture_has_an_entry_of_its_own_that_can_be_asked_again(client, entry):
    result = client.run(kind="change", entry=entry["id"], region=BOX, change="keep")
    changed = result["entry"]
    assert (changed["parent"], result["before"]) == (entry["id"], entry)
    assert changed["change"] == "only a region was kept"
    assert {part["kind"] for part in result["diff"]} <= {"same", "removed", "added"}
    moved = client.run(
        kind="change", entry=changed["id"], region=BOX, change="move", fill="mean", to=[100, 100]
    )
    assert moved["entry"]["parent"] == changed["id"]


def test_other_words_and_another_question(client, entry):
    result = client.run(kind="continue", entry=entry["id"], word=1, replacement="red")
    assert result["entry"]["answer"].split()[:2] == [entry["answer"].split()[0], "red"]
    result = client.run(kind="reprompt", entry=entry["id"], prompt="How many moons are there?")
    assert result["entry"]["prompt"] == "How many moons are there?"


def test_a_contrast_is_a_new_entry_and_a_verdict_the_same_one(client, entry):
    result = client.run(kind="contrast", entry=entry["id"], word=2, alternative="boat")
    assert result["entry"]["id"] != entry["id"]
    assert "boat" in result["entry"]["change"]
    before = client.get("GET", f"/api/entries/{entry['id']}")["payload"]
    result = client.run(kind="diagnose", entry=entry["id"], words=[2])
    assert result["entry"] == entry
    assert client.get("GET", f"/api/entries/{entry['id']}")["payload"] != before


def test_a_given_answer_and_a_begun_one(client):
    asked = {"kind": "explain", "pictures": [client.picture], "model": DEFAULT}
    assert client.run(**asked, answer="A red star.")["entry"]["answer"] == "A red star."
    begun = client.run(**asked, answer_start="A red", method="tam", max_new_tokens=4)["entry"]
    assert begun["answer"].startswith("A red")
    assert begun["method"] == "tam"


def test_what_is_put_side_by_side_is_a_page_to_save(client, entry):
    result = client.run(kind="compare", entry=entry["id"], methods=["tam"])
    labels = [column["label"] for column in result["comparison"]["columns"]]
    assert labels == ["logit-shares", "tam"]
    reply = client.sitting.handle("GET", result["url"])
    assert reply.body.startswith(b"<!doctype html>")
    assert reply.headers["Content-Disposition"].startswith("attachment")
    other = client.get("POST", "/api/examples/scene-1", status=201)["id"]
    result = client.run(kind="compare", entry=entry["id"], pictures=[other])
    assert result["comparison"]["kind"] == "pictures"
    second = client.run(kind="reprompt", entry=entry["id"], prompt="What is this?")["entry"]["id"]
    assert client.run(kind="compare", entries=[entry["id"], second])["comparison"]["columns"]


def test_a_zip_of_an_entry_is_imported_and_can_be_asked(client, entry):
    content = client.sitting.handle("GET", f"/api/entries/{entry['id']}/folder.zip").body
    imported = client.get("POST", "/api/entries/import", content, status=201)
    assert (imported["answer"], imported["can_ask"]) == (entry["answer"], True)
    result = client.run(kind="effect", entry=imported["id"], region=BOX)
    assert len(result["words"]) > 1
    client.get("DELETE", f"/api/entries/{imported['id']}")
    assert client.refused("GET", f"/api/entries/{imported['id']}")[0] == 404


def test_an_imported_answer_of_another_model_can_be_looked_at_alone(client, entry):
    content = client.sitting.handle("GET", f"/api/entries/{entry['id']}/folder.zip").body
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename.endswith("manifest.json"):
                data = json.dumps({**json.loads(data), "model": "someone/else"}).encode()
            new.writestr(info.filename, data)
    imported = client.get("POST", "/api/entries/import", buffer.getvalue(), status=201)
    assert (imported["model"], imported["can_ask"]) == ("someone/else", False)
    status, message = client.refused(
        "POST", "/api/jobs", {"kind": "effect", "entry": imported["id"], "region": BOX}
    )
    assert status == 409
    assert "someone/else" in message


def test_figures_are_saved_in_every_format(client, entry):
    path = f"/api/entries/{entry['id']}/figure"
    for kind in ("svg", "tex"):
        reply = client.sitting.handle("GET", path, {"words": "1,2", "format": kind})
        assert reply.status == 200, reply.body
        assert f'.{kind}"' in reply.headers["Content-Disposition"]
    for query in (
        {"format": "exe"}, {"layout": "spiral"}, {"words": "1,x"}, {"words": "-1"},
        {"words": "9999"}, {"words": "²"}, {"words": ",".join("1" * 30)}, {"words": "1,,2"},
    ):  # fmt: skip
        assert client.refused("GET", path, None, query)[0] == 400


def test_uploads_become_pictures_with_their_names_as_text(client):
    buffer = io.BytesIO()
    Image.new("RGB", (30, 20), (1, 2, 3)).save(buffer, "BMP")
    name = "../<img src=x>.bmp"
    told = client.get("POST", "/api/pictures", buffer.getvalue(), {"name": name}, status=201)
    assert (told["name"], told["width"], told["height"]) == ("<img src=x>.bmp", 30, 20)
    reply = client.sitting.handle("GET", told["url"])
    assert (reply.content_type, reply.body[:4]) == ("image/png", b"\x89PNG")


@pytest.mark.parametrize(
    ("job", "status", "said"),
    [
        ({}, 400, "the field kind"),
        ({"kind": "format-disk"}, 400, "one of explain"),
        ({"kind": "explain"}, 400, "the field pictures"),
        ({"kind": "explain", "pictures": []}, 400, "1 to 8 texts"),
        ({"kind": "explain", "pictures": ["x"] * 9}, 400, "1 to 8 texts"),
        ({"kind": "explain", "pictures": ["/etc/passwd"]}, 404, "a picture of this sitting"),
        ({"kind": "explain", "pictures": ["P"], "model": "no-such"}, 422, "the name of a model"),
        ({"kind": "explain", "pictures": ["P"], "model": "/etc"}, 422, "the name of a model"),
        ({"kind": "explain", "pictures": ["P"], "method": "tma"}, 422, "did you mean 'tam'"),
        ({"kind": "explain", "pictures": ["P"], "method": "rise(samples=9)"}, 422, "a method"),
        ({"kind": "explain", "pictures": ["P"], "prompt": "x" * 101}, 400, "at most 100"),
        ({"kind": "explain", "pictures": ["P"], "max_new_tokens": 10**6}, 400, "from 1 to 1,024"),
        ({"kind": "explain", "pictures": ["P"], "answer": "a", "answer_start": "a"}, 400, "both"),
        ({"kind": "explain", "pictures": ["P"], "do_sample": True}, 400, "no field 'do_sample'"),
        ({"kind": "effect", "entry": "x", "region": BOX}, 404, "an entry of this sitting"),
        ({"kind": "effect", "entry": "E", "region": {}}, 422, "Expected a region"),
        ({"kind": "effect", "entry": "E", "region": "all"}, 400, "an object as region"),
        ({"kind": "effect", "entry": "E", "region": BOX, "fill": "fire"}, 400, "one of blur"),
        (
            {"kind": "effect", "entry": "E", "region": BOX, "to": [1, 2]},
            400,
            "with the change move",
        ),
        ({"kind": "change", "entry": "E", "region": BOX, "change": "move"}, 400, "change move"),
        ({"kind": "continue", "entry": "E", "word": -1, "replacement": "a"}, 400, "a whole number"),
        ({"kind": "continue", "entry": "E", "word": 99, "replacement": "a"}, 400, "a word from 0"),
        ({"kind": "contrast", "entry": "E", "word": 99, "alternative": "a"}, 400, "a word from 0"),
        ({"kind": "diagnose", "entry": "E", "words": "all"}, 400, "a list of whole numbers"),
        ({"kind": "diagnose", "entry": "E", "words": [-1]}, 400, "a word from 0"),
        ({"kind": "compare", "entry": "E"}, 400, "Expected one of methods"),
        ({"kind": "compare", "entry": "E", "methods": ["tam", "tam"]}, 400, "different methods"),
        ({"kind": "compare", "entry": "E", "methods": ["logit-shares"]}, 422, "2 to 4"),
        ({"kind": "compare", "entry": "E", "models": ["no-such"]}, 422, "the name of a model"),
        ({"kind": "compare", "entry": "E", "pictures": ["x"]}, 404, "a picture"),
    ],
)
def test_jobs_that_cannot_be_done_are_refused_before_they_wait(client, entry, job, status, said):
    job = json.loads(json.dumps(job).replace('["P"]', f'["{client.picture}"]'))
    job = {name: entry["id"] if value == "E" else value for name, value in job.items()}
    got = client.refused("POST", "/api/jobs", job)
    assert got[0] == status, got
    assert said in got[1]


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ({"kind": "continue", "word": 2, "replacement": " "}, "Expected words"),
        ({"kind": "effect", "region": {**BOX, "view": 7}}, "view 7"),
        ({"kind": "effect", "region": {**BOX, "points": [[900, 900], [950, 950]]}}, "Expected"),
        ({"kind": "contrast", "word": 2, "alternative": ""}, "Expected"),
    ],
)
def test_jobs_that_fail_say_why(client, entry, job, said):
    last = client.events(entry=entry["id"], **job)[-1]
    assert last.name == "failed"
    assert said in last.data["message"]
    assert last.data["kind"] not in ("internal", "")


def test_a_stopped_answer_is_explained_as_far_as_it_went(client):
    asked = {"kind": "explain", "pictures": [client.picture], "prompt": ""}
    number = client.get("POST", "/api/jobs", asked, status=202)["job"]
    entry = None
    for event in client.sitting.events(number):
        if event.name == "answer":
            client.get("POST", f"/api/jobs/{number}/stop")
        if event.name == "done":
            entry = event.data["result"]["entry"]
    whole = client.run(**asked)["entry"]["answer"]
    assert whole.startswith(entry["answer"].rstrip())
    assert len(entry["answer"]) <= len(whole)


def test_a_cancelled_job_ends_and_makes_no_entry(client):
    before = len(client.get("GET", "/api/state")["entries"])
    asked = {"kind": "explain", "pictures": [client.picture], "method": "rise"}
    number = client.get("POST", "/api/jobs", asked, status=202)["job"]
    names = []
    for event in client.sitting.events(number):
        names.append(event.name)
        if event.name == "stage" and event.data["text"] == "explaining":
            client.get("POST", f"/api/jobs/{number}/cancel")
    assert names[-1] == "cancelled"
    client.run(kind="explain", pictures=[client.picture], answer="A star.")
    assert len(client.get("GET", "/api/state")["entries"]) == before + 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/nothing", None, 404),
        ("GET", "/api/entries/../../etc/passwd", None, 404),
        ("PUT", "/api/state", None, 405),
        ("POST", "/api/jobs", b"{", 400),
        ("POST", "/api/jobs", b"x" * (LIMITS.json_bytes + 1), 413),
        ("POST", "/api/pictures", None, 400),
        ("POST", "/api/pictures", b"", 400),
        ("POST", "/api/pictures", b"x" * (LIMITS.picture_bytes + 1), 413),
        ("POST", "/api/entries/import", b"x" * (LIMITS.import_bytes + 1), 413),
        ("POST", "/api/entries/import", b"no zip", 422),
        ("GET", "/api/jobs/x/events", None, 404),
        ("GET", "/api/comparisons/x.html", None, 404),
        ("GET", "/api/examples/scene-99", None, 404),
        ("DELETE", "/api/entries/x", None, 404),
    ],
)
def test_other_requests_are_refused_in_json(client, method, path, body, status):
    got, message = client.refused(method, path, body)
    assert got == status
    assert message.startswith("Expected")


def test_too_many_requests_are_told_to_wait(tmp_path):
    with Service(limits=Limits(requests=3, requests_second=0.01), folder=tmp_path) as service:
        sitting = service.sitting()
        replies = [sitting.handle("GET", "/api/examples/scene-0") for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429]
    assert int(replies[-1].headers["Retry-After"]) > 1


def test_a_full_sitting_says_so(tmp_path):
    with Service(limits=Limits(sitting_bytes=1), folder=tmp_path) as service:
        sitting = service.sitting()
        assert sitting.handle("POST", "/api/examples/scene-0").status == 201
        reply = sitting.handle("POST", "/api/examples/scene-0")
    assert reply.status == 409
    assert "remove some entries" in reply.json()["error"]["message"]


def test_an_error_inside_is_reported_and_not_told(tmp_path, monkeypatch):
    reported = []
    with Service(folder=tmp_path, report=reported.append) as service:
        sitting = service.sitting()
        monkeypatch.setattr("seewhy.app.sitting.state.of", lambda *a: {}["words of a user"])
        reply = sitting.handle("GET", "/api/state")
    assert (reply.status, reply.json()["error"]["kind"]) == (500, "internal")
    assert b"words" not in reply.body
    assert [type(error) for error in reported] == [KeyError]
