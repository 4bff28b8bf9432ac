"""Base64 and `data:` URLs."""

from __future__ import annotations

import base64

import pytest

from seewhy.chats import encoded, limits
from seewhy.core.errors import ImageError


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data:image/png;base64", "no comma before the data"),
        ("data:image/png;base64,!!!!", "Expected a picture in base64, got '!!!!'"),
        ("data:image/png;base64,AAAAA", "which is none"),
        ("data:image/png;base64,", "got an empty text"),
        ("data:image/png;base64,ééé", "which is none"),
        ("data:text/plain;base64,aGk=", "got one of type 'text/plain'"),
        ("data:audio/wav;base64,aGk=", "got one of type 'audio/wav'"),
        ("data:application/pdf;base64,aGk=", "got one of type 'application/pdf'"),
    ],
)
def test_decoded_url_refuses_what_is_no_picture(text, message):
    with pytest.raises(ImageError, match=message):
        encoded.decoded_url(text)


@pytest.mark.parametrize("text", ["data:image/png;base64," + "A" * 200, "data:," + "a" * 200])
def test_decoded_url_has_a_limit_of_size(monkeypatch, text):
    monkeypatch.setattr(limits, "MAX_MEDIUM", 100)
    with pytest.raises(ImageError, match="Expected at most 0 MiB in one picture of a chat"):
        encoded.decoded_url(text)


def test_decoded_url_counts_escaped_bytes_once(monkeypatch):
    monkeypatch.setattr(limits, "MAX_MEDIUM", 100)
    assert encoded.decoded_url("data:," + "%00" * 100) == bytes(100)


@pytest.mark.parametrize("length", range(1, 12))
def test_decoded_base64_of_any_length_with_and_without_padding(length):
    data = bytes(range(250, 250 - length, -1))
    text = base64.b64encode(data).decode()
    assert encoded.decoded_base64(text) == data
    assert encoded.decoded_base64(text.rstrip("=")) == data
    assert encoded.decoded_base64(base64.urlsafe_b64encode(data).decode()) == data


@pytest.mark.parametrize(
    "text",
    ["cat.png", "/9j/photo.jpg", "images/train/000000001.jpg", "a" * 300, "", "R0lGOD", "é" * 99],
)
def test_looks_encoded_takes_no_path_for_a_picture(text):
    assert not encoded.looks_encoded(text)
