"""Replies: JSON that holds every text, and downloads with safe names."""

import pytest

from seewhy.app.errors import busy
from seewhy.app.replies import download, error_reply, json_reply


def test_json_holds_half_characters_and_markup():
    text = "</script>\ud800\u2028"
    reply = json_reply({"text": text}, 201)
    assert (reply.status, reply.content_type) == (201, "application/json")
    assert reply.body.isascii()
    assert reply.json() == {"text": text}


def test_json_refuses_numbers_that_are_none():
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_reply({"value": float("nan")})


def test_an_error_of_python_tells_nothing():
    reply = error_reply(KeyError("what a user asked"))
    assert reply.status == 500
    assert b"asked" not in reply.body
    assert reply.json()["error"]["kind"] == "internal"


def test_an_error_has_its_headers():
    reply = error_reply(busy("Wait.", 7))
    assert (reply.status, dict(reply.headers)) == (429, {"Retry-After": "7"})
    assert reply.json() == {"error": {"kind": "busy", "message": "Wait."}}


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("seewhy-star.pdf", 'attachment; filename="seewhy-star.pdf"'),
        ("寿司.pdf", "attachment; filename=\"__.pdf\"; filename*=UTF-8''%E5%AF%BF%E5%8F%B8.pdf"),
        (
            'a"\r\nSet-Cookie: x/../b.svg',
            'attachment; filename="a___Set-Cookie__x_.._b.svg"; '
            "filename*=UTF-8''a%22%0D%0ASet-Cookie%3A%20x-..-b.svg",
        ),
    ],
)
def test_a_download_is_saved_and_its_name_cannot_break_out(name, header):
    reply = download(b"x", "text/plain", name)
    assert reply.headers["Content-Disposition"] == header
