"""The gate: what it refuses, and the headers that it puts on every answer."""

import asyncio

import pytest

from seewhy.app.access import Access
from seewhy.app.errors import RequestError
from seewhy.app.guard import HEADERS, Guard

HOST = {"host": "127.0.0.1:8765"}
OWN = {**HOST, "origin": "http://127.0.0.1:8765"}


async def echo(scope, receive, send):
    headers = [(b"content-type", b"text/plain"), (b"Cache-Control", b"no-cache")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"let in"})


@pytest.fixture
def guard():
    return Guard(echo, Access("127.0.0.1", 8765, None))


def asked(guard, method="GET", path="/", headers=HOST, kind="http"):
    """Status, headers (lists, by name) and body of an answer."""
    sent = []

    async def send(message):
        sent.append(message)

    raw = headers if isinstance(headers, list) else list(headers.items())
    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in raw],
    }
    asyncio.run(guard(scope, None, send))
    if not sent:
        return None, {}, b""
    found = {}
    for name, value in sent[0]["headers"]:
        found.setdefault(name.decode().lower(), []).append(value.decode())
    return sent[0]["status"], found, b"".join(m.get("body", b"") for m in sent[1:])


def test_a_request_of_the_page_is_let_in_with_every_header_of_safety_once(guard):
    status, headers, body = asked(guard)
    assert (status, body) == (200, b"let in")
    assert headers["cache-control"] == ["no-cache"]  # the answer's own
    for name, value in HEADERS.items():
        if name != "cache-control":
            assert headers[name] == [value]


def test_the_policy_allows_no_script_in_the_page_none_from_elsewhere_and_no_frame(guard):
    rules = dict(rule.split(" ", 1) for rule in HEADERS["content-security-policy"].split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == rules["form-action"] == rules["base-uri"] == "'none'"
    assert "unsafe" not in HEADERS["content-security-policy"]


def test_refusals_have_the_headers_too_and_no_cors(guard):
    status, headers, body = asked(guard, headers={"host": "evil.example"})
    assert status == 403
    assert headers["content-security-policy"] == [HEADERS["content-security-policy"]]
    assert not [name for name in headers if name.startswith("access-control")]
    assert b'"kind": "host"' in body


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "HEAD", "TRACE", "CONNECT", "get"])
def test_other_methods_are_refused_with_those_that_there_are(guard, method):
    status, headers, _ = asked(guard, method, headers=OWN)
    assert status == 405
    assert headers["allow"] == ["GET, POST, DELETE"]


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        HOST,
        {**HOST, "origin": "http://evil.example"},
        {**HOST, "origin": "null"},
        {**HOST, "origin": "http://127.0.0.1:3000"},
        {**OWN, "sec-fetch-site": "cross-site"},
        {**OWN, "sec-fetch-site": "same-site"},
        [*OWN.items(), ("origin", "http://127.0.0.1:8765")],
        [*HOST.items(), ("host", "127.0.0.1:8765"), ("origin", "http://127.0.0.1:8765")],
    ],
    ids=["none", "other", "null", "port", "cross", "same site", "twice", "two hosts"],
)
def test_what_changes_something_must_come_from_the_page(guard, method, headers):
    status, _, body = asked(guard, method, "/api/jobs", headers)
    assert status == 403
    assert b'"origin"' in body or b'"host"' in body


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_the_page_itself_may_change_things(guard, method):
    assert asked(guard, method, "/api/jobs", OWN)[0] == 200
    assert asked(guard, method, "/api/jobs", {**HOST, "sec-fetch-site": "same-origin"})[0] == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
def test_other_pages_may_link_to_the_page_and_read_nothing_else(guard, site):
    headers = {**HOST, "sec-fetch-site": site}
    assert asked(guard, "GET", "/", headers)[0] == 200
    for path in ("/api/state", "/app.js", "/api/pictures/x"):
        assert asked(guard, "GET", path, headers)[0] == 403


def test_a_socket_of_the_web_is_left_without_an_answer(guard):
    assert asked(guard, kind="websocket") == (None, {}, b"")


def test_check_refuses_a_request_without_a_host(guard):
    with pytest.raises(RequestError, match="answers to its own names only"):
        guard.check("GET", "/", {})
