"""Who may ask the server: its names, its own page, its token."""

import time

import pytest

from seewhy.app.access import Access, is_loopback, new_token
from seewhy.core.errors import ParameterError

TOKEN = "a-token-of-enough-letters"


@pytest.fixture
def access():
    return Access("127.0.0.1", 8765, TOKEN)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8765", "localhost:8765", "[::1]:8765", "localhost:9000", "LOCALHOST", "[::1]"],
)
def test_is_host_takes_the_names_of_this_machine_at_any_port(access, host):
    assert access.is_host(host)


@pytest.mark.parametrize(
    "host",
    [
        *(
            None,
            "",
            "evil.example",
            "evil.example:8765",
            "127.0.0.1.evil.example",
            "localhost.evil",
        ),
        *("0.0.0.0:8765", "192.168.1.7:8765", "localhost:8765:80", "localhost:port", "a@localhost"),
        *(
            "localhost/x",
            "localhost:8765, evil.example",
            "127.1",
            "2130706433",
            "[::ffff:127.0.0.1]",
        ),
        *(
            "localhost ",
            " localhost",
            "localhost\n",
            "lоcalhost",
            "::1",
            "[::1",
            "localhost:999999",
        ),
    ],
)
def test_is_host_refuses_every_other_name(access, host):
    """A page whose name was pointed at this machine sends its own name (DNS rebinding)."""
    assert not access.is_host(host)


def test_a_server_for_others_takes_addresses_and_its_own_names_and_no_other():
    access = Access("0.0.0.0", 80, TOKEN)
    assert access.is_host("192.168.1.7:80")
    assert access.is_host("[fe80::1]")
    assert access.is_host("localhost")
    assert not access.is_host("evil.example")
    assert Access("box.lan", 80, TOKEN).is_host("box.lan:80")


def test_a_server_at_an_address_of_version_6_takes_it_in_brackets():
    assert Access("::1", 8765, None).is_host("[::1]:8765")
    assert Access("::1", 8765, TOKEN).url(TOKEN) == f"http://[::1]:8765/?token={TOKEN}"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "box.lan", ""])
def test_others_than_this_machine_need_a_token(host):
    with pytest.raises(ParameterError, match="Expected a token for a server at"):
        Access(host, 8765, None)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.9.9.9"])
def test_this_machine_alone_needs_none(host):
    assert Access(host, 8765, None).is_token("anything")


@pytest.mark.parametrize("token", ["", "short", "with space in the token", "a" * 300, "ü" * 20])
def test_a_token_that_can_be_guessed_or_not_written_is_refused(token):
    with pytest.raises(ParameterError, match="Expected a token of 16 to 256 letters"):
        Access("127.0.0.1", 8765, token)


def test_is_token_takes_the_token_alone(access):
    assert access.is_token(TOKEN)
    for wrong in ("", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "ünïcode", "\0"):
        assert not access.is_token(wrong)


def test_a_ticket_is_good_once_and_for_a_while(access, monkeypatch):
    ticket = access.ticket()
    assert access.is_token(ticket)
    assert not access.is_token(ticket)
    late = access.ticket()
    now = time.monotonic()
    monkeypatch.setattr("seewhy.app.access.time.monotonic", lambda: now + 1000)
    assert not access.is_token(late)


def test_new_tokens_differ_and_hold_256_bits():
    assert len({new_token() for _ in range(50)}) == 50
    assert len(new_token()) >= 43


@pytest.mark.parametrize(
    ("origin", "site", "own"),
    [
        ("http://localhost:8765", None, True),
        ("http://localhost:8765", "same-origin", True),
        (None, "same-origin", True),
        (None, None, False),
        ("null", None, False),
        ("null", "same-origin", False),
        ("http://localhost:3000", "same-site", False),
        ("http://localhost:3000", None, False),
        ("http://localhost:8765.evil.example", None, False),
        ("http://evil.example", "cross-site", False),
        ("https://localhost:8765", None, False),
        ("http://localhost:8765", "cross-site", False),
        ("http://localhost:8765", "none", False),
        ("http://127.0.0.1:8765", None, False),
        ("http://localhost:8765/", None, False),
    ],
)
def test_is_own_page_takes_the_page_that_the_host_names(access, origin, site, own):
    """Another port of this machine is the same site for cookies, but another page."""
    assert access.is_own_page(origin, site, "localhost:8765") is own


def test_cookies_of_two_servers_have_two_names():
    names = {Access(host, port, None).cookie for host in ("127.0.0.1", "::1") for port in (1, 2)}
    assert len(names) == 4


def test_loopback_is_what_only_this_machine_reaches():
    assert [is_loopback(host) for host in ("LocalHost", "127.0.0.1", "::1", "[::1]")] == [True] * 4
    assert [is_loopback(host) for host in ("", "0.0.0.0", "::", "example.com")] == [False] * 4


def test_the_address_of_a_server_for_all_is_one_that_opens_here(access):
    assert Access("0.0.0.0", 80, TOKEN).url(None) == "http://localhost:80/"
    assert access.url(TOKEN) == f"http://127.0.0.1:8765/?token={TOKEN}"
