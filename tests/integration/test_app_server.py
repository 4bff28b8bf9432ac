"""The app's server attacked: a real one on loopback, and clients that do what none should."""

import concurrent.futures
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from app_server import TOKEN, everything, running_server, wait_until
from seewhy.app.folders import AppFolder
from seewhy.app.http import WRONG_TOKENS
from seewhy.app.job_kinds import KINDS
from seewhy.app.limits import Limits
from seewhy.core.errors import Cancelled, ParameterError

LIMITS = Limits(
    picture_bytes=100_000,
    import_bytes=200_000,
    json_bytes=10_000,
    pixels=100_000,
    body_seconds=0.3,
    listener_seconds=0.3,
    queue=6,
    queue_each=3,
    requests=2000,
    requests_second=500,
    uploads=500,
    uploads_second=100,
)


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    folder = tmp_path_factory.mktemp("app")
    with running_server(folder, LIMITS) as running:
        yield running
    assert os.listdir(folder) == []


@pytest.fixture(scope="module")
def client(app):
    return app.client()


@pytest.fixture
def held(app, monkeypatch):
    """Jobs that run until they are let go or cancelled, in place of asking a model."""
    go, cancelled = threading.Event(), []
    held = SimpleNamespace(set=go.set, cancelled=cancelled)

    def explain(fields, sitting):
        fields.items("pictures", str, 0, 8, needed=False)

        def work(job):
            job.stage("working")
            job.answer("so far")
            while not go.wait(0.005):
                if job.is_cancelled():
                    cancelled.append(job.id)
                    raise Cancelled("got cancelled")
            return {"entry": {"id": "x"}}

        return work

    monkeypatch.setitem(KINDS, "explain", explain)
    yield held
    go.set()
    wait_until(lambda: app.service.worker.is_idle())


def error_of(content):
    return json.loads(content)["error"]["kind"]


# Getting in


def test_the_token_opens_a_sitting_by_a_cookie_that_scripts_and_other_sites_do_not_get(app):
    status, headers, _ = app.ask("GET", f"/?token={TOKEN}")
    assert (status, headers["Location"]) == (303, "/")
    cookie = headers["Set-Cookie"]
    assert re.fullmatch(r"seewhy-\w{8}=[\w-]{43}; Path=/; HttpOnly; SameSite=Strict", cookie)
    assert TOKEN not in cookie
    page = app.ask("GET", "/", Cookie=cookie.split(";")[0])
    assert page[0] == 200
    assert b"app.js" in page[2]


def test_a_second_visit_keeps_the_sitting(app, client):
    status, headers, _ = app.ask("GET", f"/?token={TOKEN}", Cookie=client.cookie)
    assert (status, headers["Set-Cookie"]) == (303, None)


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", "?Token=" + TOKEN, "?token[]=x"])
def test_without_the_token_there_is_a_page_that_says_what_to_do(app, query):
    status, headers, body = app.ask("GET", f"/{query}")
    assert status in (401, 403)
    assert headers["Set-Cookie"] is None
    assert b"seewhy app" in body


def test_many_wrong_tokens_are_slowed_down_and_the_right_one_is_not(app):
    statuses = [app.ask("GET", f"/?token=wrong-{n}")[0] for n in range(WRONG_TOKENS + 5)]
    assert 429 in statuses
    assert app.ask("GET", f"/?token={TOKEN}")[0] == 303


@pytest.mark.parametrize("cookie", [None, "", "seewhy=x", "NAME=", "NAME=../x", "NAME=" + "x" * 43])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/state"), ("POST", "/api/jobs"), ("DELETE", "/api/entries/x"),
     ("GET", "/api/jobs/x/events"), ("POST", "/api/pictures"), ("GET", "/api/nothing")],
)  # fmt: skip
def test_without_a_sitting_nothing_is_answered(app, method, path, cookie):
    headers = {} if cookie is None else {"Cookie": cookie.replace("NAME", app.access.cookie)}
    status, _, body = app.ask(method, path, b"{}", Origin=app.origin, **headers)
    assert (status, error_of(body)) == (401, "no-sitting")


def test_a_link_of_another_page_opens_the_same_sitting(app, client):
    """The browser keeps the cookie back once: the page is opened again by the server's own."""
    status, headers, body = app.ask("GET", f"/?token={TOKEN}", Sec_Fetch_Site="cross-site")
    assert (status, headers["Set-Cookie"]) == (401, None)
    assert f'url=/?token={TOKEN}"'.encode() in body
    status, headers, body = app.ask("GET", '/?token="><script>', Sec_Fetch_Site="cross-site")
    assert b"<script" not in body


# Other sites


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example"])
@pytest.mark.parametrize("path", ["/", f"/?token={TOKEN}", "/api/state", "/app.js"])
def test_a_name_that_was_pointed_here_reads_nothing(app, client, host, path):
    """DNS rebinding: the cookie would not come along, but the answer is refused with it too."""
    status, headers, body = app.ask(
        "GET", path, Host=host.format(port=app.port), Cookie=client.cookie
    )
    assert (status, error_of(body)) == (403, "host")
    assert headers["Set-Cookie"] is None


def test_a_request_without_a_host_or_with_two_is_refused(app):
    assert app.send(b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 403")
    assert app.send(b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400")
    two = f"GET / HTTP/1.1\r\nHost: {app.host}\r\nHost: evil.example\r\n\r\n".encode()
    assert app.send(two).startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"Origin": "http://evil.example"}, {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"}, {"Origin": "http://localhost:{port}"},
        {"Origin": "{own}", "Sec_Fetch_Site": "cross-site"},
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/examples/scene-0"), ("DELETE", "/api/entries/x")]
)
def test_a_form_of_another_site_changes_nothing(app, client, method, path, headers):
    """CSRF: also from another port of this machine, which is the same site for cookies."""
    named = {n: v.format(port=app.port, own=app.origin) for n, v in headers.items()}
    status, _, body = app.ask(method, path, b"", Cookie=client.cookie, **named)
    assert (status, error_of(body)) == (403, "origin")


def test_json_of_another_type_is_not_taken(client):
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        status, told = client.ask("POST", "/api/jobs", b'{"kind": "explain"}', Content_Type=kind)
        assert (status, told["error"]["kind"]) == (415, "type")


def test_every_answer_has_the_headers_of_safety_and_none_of_cors(app, client):
    for path, cookie in (("/", client.cookie), ("/", ""), ("/app.js", ""), ("/api/state", "")):
        _, headers, _ = app.ask("GET", path, Cookie=cookie)
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert not [name for name in headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("method", ["HEAD", "PUT", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_other_methods_are_refused(app, client, method):
    status, headers, _ = app.ask(method, "/api/state", Cookie=client.cookie, Origin=app.origin)
    assert (status, headers["Allow"]) == (405, "GET, POST, DELETE")
    assert client.ask("DELETE", "/api/state")[0] == 405


@pytest.mark.parametrize(
    "path",
    [
        *("/docs", "/redoc", "/openapi.json", "/static/x", "/etc/passwd", "/app.js/", "/api"),
        *("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/api/pictures/..%2f..%2fetc%2fpasswd"),
        *("/api/entries/..%2f..%2fx/report.html", "/api/pictures/%00", "/api/pictures/a%0d%0ab:c"),
        *("/api/entries/%2e%2e/folder.zip", "//evil.example/", "/api//state", "/api/state%2f"),
    ],
)
def test_no_path_of_a_client_is_opened(client, path):
    status, told = client.ask("GET", path)
    assert status == 404
    assert told["error"]["kind"] == "not-found"


# Bodies


def test_a_body_that_is_too_large_by_its_length_is_refused_before_it_is_sent(app, client):
    head = (
        f"POST /api/pictures HTTP/1.1\r\nHost: {app.host}\r\nOrigin: {app.origin}\r\n"
        f"Cookie: {client.cookie}\r\nContent-Length: 99999999999\r\n\r\n"
    )
    with app.send(head.encode(), wait=False) as link:
        assert link.recv(100).startswith(b"HTTP/1.1 413")


def test_a_client_that_sends_on_hears_why_it_was_refused(client):
    status, told = client.ask("POST", "/api/pictures", b"x" * 3_000_000)
    assert (status, told["error"]["kind"]) == (413, "too-large")


def test_a_body_without_a_length_is_cut_at_the_limit(app, client):
    head = (
        f"POST /api/pictures HTTP/1.1\r\nHost: {app.host}\r\nOrigin: {app.origin}\r\n"
        f"Cookie: {client.cookie}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    with app.send(head.encode() + 4 * chunk, wait=False) as link:
        assert link.recv(100).startswith(b"HTTP/1.1 413")


def test_a_slow_body_is_given_up(app, client):
    head = (
        f"POST /api/jobs HTTP/1.1\r\nHost: {app.host}\r\nOrigin: {app.origin}\r\n"
        f"Cookie: {client.cookie}\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n"
    )
    with app.send(head.encode() + b'{"kind"', wait=False) as link:
        assert link.recv(100).startswith(b"HTTP/1.1 408")


def test_a_request_whose_headers_never_end_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("seewhy.app.serving.HEADER_SECONDS", 0.2)
    with running_server(tmp_path, LIMITS) as app:
        with app.send(f"GET / HTTP/1.1\r\nHost: {app.host}\r\nX-A".encode(), wait=False) as link:
            assert everything(link) == b""
        with app.send(b"", wait=False) as link:
            assert everything(link) == b""
        twice = f"GET /app.css HTTP/1.1\r\nHost: {app.host}\r\n\r\nGET /app".encode()
        with app.send(twice, wait=False) as link:
            assert everything(link).count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"kind": 1}', b"\xff\xfe\x00", b"[" * 9000, b'{"kind":"explain"}']
)
def test_bodies_that_are_no_jobs_are_refused_in_plain_words(client, body):
    status, told = client.ask("POST", "/api/jobs", body, Content_Type="application/json")
    assert status == 400
    assert told["error"]["message"].startswith("Expected")


def test_hostile_names_and_words_never_become_markup(client):
    name = "%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E.png"
    assert client.ask("POST", f"/api/pictures?name={name}", b"no picture")[0] == 422
    _, page = client.ask("GET", f"/?x={name}")
    assert b"onerror" not in page


# Sittings


def test_another_sittings_ids_are_worth_nothing(app, client, held):
    other, picture = app.client(), client.example()
    assert other.cookie != client.cookie
    assert other.ask("GET", f"/api/pictures/{picture}")[0] == 404
    job = client.start(kind="explain")
    for path in (f"/api/jobs/{job}/stop", f"/api/jobs/{job}/cancel"):
        assert other.ask("POST", path, {})[0] == 404
    assert other.ask("GET", f"/api/jobs/{job}/events")[0] == 404
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        heard = pool.submit(lambda: [name for _, name, _ in client.stream(job)])
        held.set()
        assert heard.result(30)[-1] == "done"


# Jobs


def test_a_stream_that_broke_off_is_taken_up_where_it_was(client, held):
    job = client.start(kind="explain")
    first = client.stream(job)
    assert first.reply.headers["Content-Type"].startswith("text/event-stream")
    heard = []
    for event in first:
        heard.append(event)
        if event[1] == "answer":
            break
    first.close()
    again = client.stream(job, after=heard[-1][0])
    held.set()
    heard += list(again)
    assert [event[0] for event in heard] == sorted({event[0] for event in heard})
    names = [event[1] for event in heard]
    assert names == ["queued", "started", "stage", "answer", "done"]
    assert heard[-1][2] == {"result": {"entry": {"id": "x"}}}
    # Nothing is left: the browser is told not to connect again.
    over = client.stream(job, after=heard[-1][0])
    assert over.reply.status == 204
    over.close()
    assert [event[1] for event in client.stream(job)] == names


@pytest.mark.parametrize("number", ["-1", "x", "9" * 30, "²", "1e3", ""])
def test_strange_numbers_of_events_are_taken_as_the_beginning(client, held, number):
    held.set()
    job = client.start(kind="explain")
    assert [event[1] for event in client.stream(job, after=number)][-1] == "done"


def test_a_client_that_goes_away_cancels_its_job(app, client, held):
    job = client.start(kind="explain")
    stream = client.stream(job)
    for _, name, _ in stream:
        if name == "answer":
            break
    began = time.monotonic()
    stream.close()
    wait_until(lambda: job in held.cancelled)
    assert time.monotonic() - began < 10


def test_a_job_that_nobody_ever_listens_to_is_cancelled(client, held):
    job = client.start(kind="explain")
    wait_until(lambda: job in held.cancelled)


def test_a_full_queue_says_when_to_try_again_and_each_sitting_has_its_part(app, held):
    clients = [app.client() for _ in range(3)]
    streams, statuses = [], []
    for client in clients:
        for _ in range(5):
            status, told = client.ask("POST", "/api/jobs", {"kind": "explain"})
            statuses.append(status)
            if status == 202:
                streams.append(client.stream(told["job"]))
            else:
                assert told["error"]["kind"] == "busy"
    # One runs; of each sitting three wait, of all six.
    assert statuses.count(202) == 7
    status, headers, _ = app.ask(
        "POST", "/api/jobs", '{"kind": "explain"}', Content_Type="application/json",
        **clients[0].headers,
    )  # fmt: skip
    assert (status, int(headers["Retry-After"]) > 0) == (429, True)
    held.set()
    for stream in streams:
        assert [name for _, name, _ in stream][-1] == "done"


def test_too_many_streams_of_one_sitting_are_refused(app, client, held):
    job = client.start(kind="explain")
    streams = [client.stream(job) for _ in range(17)]
    assert [stream.reply.status for stream in streams] == [200] * 16 + [429]
    for stream in streams:
        stream.close()
    wait_until(lambda: job in held.cancelled)


# Load, and the end


def test_fifty_clients_at_once_are_all_answered(app):
    """Three seconds; a minute of it is `benchmarks/app_load.py`."""
    clients = [app.client() for _ in range(50)]
    end = time.monotonic() + 3

    def use(client):
        statuses = []
        while time.monotonic() < end and len(statuses) < 40:
            picture = client.example()
            statuses.append(client.ask("GET", f"/api/pictures/{picture}")[0])
            statuses.append(client.ask("GET", "/api/entries/x")[0])
            statuses.append(client.ask("POST", "/api/pictures", b"x" * 150_000)[0])
        return statuses

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        found = list(pool.map(use, clients))
    assert all(found)
    assert {status for statuses in found for status in statuses} <= {200, 404, 413, 429}
    assert len({client.cookie for client in clients}) == 50


def test_the_server_ends_while_clients_listen_and_leaves_nothing(tmp_path, monkeypatch):
    with running_server(tmp_path, LIMITS) as app:
        client = app.client()
        link = socket.create_connection(("127.0.0.1", app.port), timeout=30)
        link.sendall(f"GET /app.js HTTP/1.1\r\nHost: {app.host}\r\n\r\n".encode())
        client.example()
        assert os.listdir(tmp_path)
    link.close()
    assert os.listdir(tmp_path) == []


def test_a_killed_app_leaves_nothing_after_the_next_start(tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "seewhy.cli.main", "app", "--no-browser", "--token", TOKEN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        address = process.stdout.readline()
        port = int(re.search(r"http://127\.0\.0\.1:(\d+)/\?token=", address)[1])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", f"/?token={TOKEN}")
        assert connection.getresponse().status == 303
        connection.close()
        (folder,) = [path for path in tmp_path.iterdir() if path.name.startswith("seewhy-app-")]
        assert len(os.listdir(folder)) == 1
        os.kill(process.pid, signal.SIGKILL)
    assert folder.is_dir()
    AppFolder(tmp_path).close()
    assert not folder.exists()


def test_a_port_that_is_taken_is_named(app):
    from seewhy.app.serving import bound_socket

    with pytest.raises(ParameterError, match=f"a free port at 127.0.0.1, got {app.port}"):
        bound_socket("127.0.0.1", app.port)
    with bound_socket("127.0.0.1", None) as free:
        assert free.getsockname()[1] != app.port
