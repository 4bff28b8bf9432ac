"""Rates: a burst, then a steady trickle."""

import pytest

from seewhy.app.errors import RequestError
from seewhy.app.rates import Rate


@pytest.fixture
def now(monkeypatch):
    seconds = [50.0]
    monkeypatch.setattr("seewhy.app.rates.time.monotonic", lambda: seconds[0])
    return seconds


def test_a_burst_is_let_through_and_then_so_many_a_second(now):
    rate = Rate(3, 2)
    assert [rate.wait() for _ in range(4)] == [0, 0, 0, 0.5]
    now[0] += 0.5
    assert [rate.wait() for _ in range(2)] == [0, 0.5]


def test_a_long_rest_does_not_allow_more_than_a_burst(now):
    rate = Rate(2, 10)
    now[0] += 1000
    assert [rate.wait() > 0 for _ in range(3)] == [False, False, True]


def test_expect_says_when_to_try_again(now):
    rate = Rate(1, 0.1)
    rate.expect("uploads")
    with pytest.raises(RequestError, match="fewer uploads") as refused:
        rate.expect("uploads")
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "10")
