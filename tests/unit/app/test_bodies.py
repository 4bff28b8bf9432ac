"""Bodies: refused before they are read whole, in time, and not too many at once."""

import asyncio

import pytest

from seewhy.app.bodies import Received, limit_of, linger, read_body
from seewhy.app.errors import RequestError
from seewhy.app.limits import Limits
from seewhy.app.routes import found_route

LIMITS = Limits(body_seconds=0.05)


def receiver(*chunks, more_at_the_end=False):
    """A `receive` that gives chunks, then waits for ever; and how many it has given."""
    given = []

    async def receive():
        if len(given) == len(chunks):
            await asyncio.Event().wait()
        chunk = chunks[len(given)]
        given.append(chunk)
        if chunk is None:
            return {"type": "http.disconnect"}
        is_last = len(given) == len(chunks) and not more_at_the_end
        return {"type": "http.request", "body": chunk, "more_body": not is_last}

    return receive, given


def read(receive, length=None, most=10, take=lambda size: None, limits=LIMITS):
    return asyncio.run(read_body(receive, length, "a body", most, limits, take))


def test_read_body_joins_what_comes():
    receive, _ = receiver(b"ab", b"", b"cd")
    assert read(receive, "4") == b"abcd"


@pytest.mark.parametrize("length", ["11", "99999999999999999999999999"])
def test_a_length_beyond_the_limit_is_refused_before_anything_is_read(length):
    receive, given = receiver(b"x")
    with pytest.raises(RequestError, match="at most 10 bytes") as refused:
        read(receive, length)
    assert refused.value.status == 413
    assert not given


@pytest.mark.parametrize("length", [None, "10", "-5", "²", "x"])
def test_a_body_that_is_longer_than_stated_is_refused_at_the_limit(length):
    receive, given = receiver(*[b"xxxx"] * 100)
    with pytest.raises(RequestError, match="at most 10 bytes"):
        read(receive, length)
    assert len(given) == 3


def test_a_slow_body_is_given_up():
    receive, _ = receiver(b"x", more_at_the_end=True)
    with pytest.raises(RequestError, match="too slowly") as refused:
        read(receive, "5")
    assert refused.value.status == 408


def test_a_body_that_comes_byte_by_byte_is_given_up_too():
    async def receive():
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    with pytest.raises(RequestError, match="too slowly"):
        read(receive, "1000", most=1000)


def test_a_client_that_goes_away_is_noticed():
    receive, _ = receiver(b"x", None)
    with pytest.raises(RequestError, match="went away"):
        read(receive, "5")


def test_received_counts_all_bodies_and_each_sitting_and_forgets_them_at_the_end():
    received = Received(10, 6)
    with received.held("one") as one, received.held("two") as two:
        one(6)
        with pytest.raises(RequestError, match="Too many files"):
            one(1)
        two(4)
        with pytest.raises(RequestError, match="Too many files") as refused:
            two(1)
        assert refused.value.status == 429
        assert refused.value.headers["Retry-After"]
    with received.held("one") as again:
        again(6)


def test_linger_reads_on_until_the_client_has_sent_all():
    receive, given = receiver(b"x", b"y", b"z")
    asyncio.run(linger(receive))
    assert given == [b"x", b"y", b"z"]


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/api/pictures", LIMITS.picture_bytes),
        ("/api/entries/import", LIMITS.import_bytes),
        ("/api/jobs", LIMITS.json_bytes),
        ("/api/jobs/x/cancel", LIMITS.json_bytes),
    ],
)
def test_limit_of_depends_on_what_the_body_is(path, most):
    assert limit_of(found_route("POST", path)[0], LIMITS)[1] == most
