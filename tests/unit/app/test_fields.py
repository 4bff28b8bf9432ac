"""JSON bodies: types and limits are checked, unknown fields and strange numbers refused."""

import json

import pytest

from seewhy.app.errors import RequestError
from seewhy.app.fields import DEPTH, Fields, parsed


def nested(depth):
    return json.dumps({"a": json.loads("[" * depth + "]" * depth)}).encode()


def test_parsed_takes_objects_as_bytes_or_as_they_are():
    assert parsed(b'{"a": [1]}') == {"a": [1]}
    assert parsed({"a": 1}) == {"a": 1}
    assert parsed(None) == {}
    assert parsed(nested(DEPTH - 2)) == json.loads(nested(DEPTH - 2))


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"1", b'"text"', b"null", b"{", b"\xff\xfe", b"{'a': 1}", b'{"a": 1} x'),
        *(b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}', b'{"a": 1e999}'),
        *(b'{"a": ' + b"9" * 5000 + b"}", b"[" * 100_000, b'{"a":' * 100_000),
    ],
)
def test_parsed_refuses_what_is_no_object_of_finite_numbers(body):
    with pytest.raises(RequestError, match="Expected a JSON object") as refused:
        parsed(body)
    assert refused.value.status == 400


def test_parsed_refuses_what_is_nested_too_deeply():
    with pytest.raises(RequestError, match="nested at most"):
        parsed(nested(DEPTH + 1))


def test_fields_are_taken_with_their_types():
    fields = Fields(
        {
            "t": "text",
            "n": 3,
            "f": True,
            "c": "b",
            "l": ["x"],
            "x": [1, 2.5],
            "o": {"a": 1},
            "e": None,
        }
    )
    assert fields.text("t", 4) == "text"
    assert fields.whole("n", 1, 3) == 3
    assert fields.flag("f") is True
    assert fields.choice("c", ("a", "b")) == "b"
    assert fields.items("l", str, 1, 1) == ["x"]
    assert fields.items("x", float, 2, 2) == [1, 2.5]
    assert fields.object("o") == {"a": 1}
    assert fields.text("e", 1, needed=False) is None
    fields.done()


def test_fields_that_are_not_there_have_their_defaults():
    fields = Fields({})
    assert fields.text("t", 4, needed=False) is None
    assert fields.whole("n", 1, 3, needed=False) is None
    assert fields.flag("f") is False
    assert fields.choice("c", ("a", "b"), needed=False) == "a"
    assert fields.items("l", str, 1, 1, needed=False) == []
    assert not fields.has("t")


@pytest.mark.parametrize(
    ("take", "value", "said"),
    [
        (lambda f: f.text("x", 4), 5, "a text as x, got 5"),
        (lambda f: f.text("x", 4), "12345", "at most 4 characters, got 5"),
        (lambda f: f.text("x", 4), ["a"], "a text as x, got list"),
        (lambda f: f.whole("x", 0, 9), True, "a whole number from 0 to 9"),
        (lambda f: f.whole("x", 0, 9), 1.0, "a whole number"),
        (lambda f: f.whole("x", 0, 9), 10, "a whole number"),
        (lambda f: f.whole("x", 0, 9), -1, "a whole number"),
        (lambda f: f.flag("x"), 1, "true or false"),
        (lambda f: f.flag("x"), "yes", "true or false"),
        (lambda f: f.choice("x", ("a",)), "b", "one of a"),
        (lambda f: f.choice("x", ("a",)), {}, "one of a"),
        (lambda f: f.items("x", str, 1, 2), "ab", "a list of texts"),
        (lambda f: f.items("x", str, 1, 2), [1], "a list of texts"),
        (lambda f: f.items("x", int, 1, 2), [True], "a list of whole numbers"),
        (lambda f: f.items("x", str, 1, 2), [], "1 to 2 texts in x, got 0"),
        (lambda f: f.items("x", str, 1, 2), ["a"] * 3, "1 to 2 texts in x, got 3"),
        (lambda f: f.object("x"), [], "an object as x"),
        (lambda f: f.text("x", 4), None, "the field x in this request, got none"),
    ],
)
def test_fields_of_the_wrong_kind_are_refused(take, value, said):
    with pytest.raises(RequestError, match=said):
        take(Fields({"x": value}))


def test_unknown_fields_are_refused_by_name():
    fields = Fields({"known": 1, "unknwon": 2})
    fields.whole("known", 0, 9)
    with pytest.raises(RequestError, match="no field 'unknwon'"):
        fields.done()
