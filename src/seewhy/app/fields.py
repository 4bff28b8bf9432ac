"""Reading the fields of a JSON body: types and limits are checked, and unknown fields refused."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from seewhy.app.errors import bad_request

DEPTH = 32
"""How deep a body may be nested."""


def parsed(body: bytes | Mapping[str, Any] | None) -> dict[str, Any]:
    """A JSON object from a body.

    Raises:
        RequestError: with 400 if it is none, is nested too deeply, or holds NaN or infinity.
    """
    if body is None or isinstance(body, Mapping):
        data: Any = {} if body is None else dict(body)
    else:
        try:
            data = json.loads(body, parse_constant=_refuse, parse_float=_finite)
        except (ValueError, RecursionError) as error:
            raise bad_request("Expected a JSON object as body, got something else.") from error
    if not isinstance(data, dict):
        raise bad_request("Expected a JSON object as body, got something else.")
    if not _is_shallow(data):
        raise bad_request(f"Expected a body nested at most {DEPTH} deep, got more.")
    return data


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _is_shallow(data: Any) -> bool:
    level = [data]
    for _ in range(DEPTH):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return True
    return False


class Fields:
    """The fields of a JSON object, taken out one by one.

    Args:
        data: the object.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._left = dict(data)

    def text(self, name: str, longest: int, *, needed: bool = True) -> str | None:
        """A text, with at most so many characters; None where it is not needed and not there."""
        value = self._take(name, needed)
        if value is None:
            return None
        if not isinstance(value, str):
            raise _wrong(name, "a text", value)
        if len(value) > longest:
            raise bad_request(
                f"Expected {name} of at most {longest:,} characters, got {len(value):,}: "
                "shorten it."
            )
        return value

    def whole(self, name: str, low: int, high: int, *, needed: bool = True) -> int | None:
        """A whole number within its bounds, both included."""
        value = self._take(name, needed)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _wrong(name, f"a whole number from {low:,} to {high:,}", value)
        return value

    def flag(self, name: str) -> bool:
        """True or false; false where it is not there."""
        value = self._take(name, needed=False)
        if not (value is None or isinstance(value, bool)):
            raise _wrong(name, "true or false", value)
        return bool(value)

    def choice(self, name: str, choices: tuple[str, ...], *, needed: bool = True) -> str | None:
        """One of some words; the first of them where it is not needed and not there."""
        value = self._take(name, needed)
        if value is None:
            return choices[0]
        if value not in choices:
            raise _wrong(name, f"one of {', '.join(choices)}", value)
        return value

    def items(self, name: str, kind: type, low: int, high: int, *, needed: bool = True) -> list:
        """A list of texts or of whole numbers, from `low` to `high` of them."""
        value = self._take(name, needed)
        if value is None:
            return []
        what = {str: "texts", int: "whole numbers", float: "numbers"}[kind]
        allowed = (int, float) if kind is float else kind
        if not isinstance(value, list) or not all(
            isinstance(item, allowed) and not isinstance(item, bool) for item in value
        ):
            raise _wrong(name, f"a list of {what}", value)
        if not low <= len(value) <= high:
            bounds = f"{low}" if low == high else f"{low} to {high}"
            raise bad_request(f"Expected {bounds} {what} in {name}, got {len(value)}.")
        return value

    def object(self, name: str) -> dict[str, Any]:
        """An object."""
        value = self._take(name, needed=True)
        if not isinstance(value, dict):
            raise _wrong(name, "an object", value)
        return value

    def has(self, name: str) -> bool:
        """Whether a field is there and not null."""
        return self._left.get(name) is not None

    def skip(self, name: str) -> None:
        """Take a field that may be null, and not use it."""
        self._left.pop(name, None)

    def done(self) -> None:
        """Refuse what was not taken.

        Raises:
            RequestError: with 400 and the first name.
        """
        if self._left:
            name = str(next(iter(self._left)))[:40]
            raise bad_request(f"Expected no field {name!r} in this request, got it: leave it out.")

    def _take(self, name: str, needed: bool) -> Any:
        value = self._left.pop(name, None)
        if value is None and needed:
            raise bad_request(f"Expected the field {name} in this request, got none: add it.")
        return value


def _wrong(name: str, wanted: str, value: Any) -> Exception:
    got = type(value).__name__ if isinstance(value, dict | list) else repr(value)[:40]
    return bad_request(f"Expected {wanted} as {name}, got {got}.")
