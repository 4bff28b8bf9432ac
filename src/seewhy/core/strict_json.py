"""JSON from files that others may have written: no key twice, no NaN, no endless nesting."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def parse(content: bytes | str) -> Any:
    """Parse JSON in UTF-8.

    Raises:
        ValueError: if it is not JSON, has a key twice or a number that JSON does not have (NaN,
            Infinity), or is nested too deep.

    Example:
        >>> parse('{"a": [1, null]}')
        {'a': [1, None]}
        >>> parse('{"a": 1, "a": 2}')
        Traceback (most recent call last):
        ValueError: the key 'a' is there twice
    """
    try:
        return json.loads(content, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("values are nested too deep") from error


def parse_object(content: bytes | str) -> dict[str, Any]:
    """Parse JSON that is an object.

    Raises:
        ValueError: as `parse`, or if it is something else.
    """
    value = parse(content)
    if not isinstance(value, dict):
        raise ValueError(f"a {type(value).__name__} in place of an object")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice[:60]!r} is there twice")
    return made


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"the number {name}, which JSON does not have")
