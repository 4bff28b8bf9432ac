"""Checks that the values in nested dataclasses are of the types that their fields state.

Data from files may hold any JSON: text for a number, a number for text, true for 1. What passes
here has the type that its annotation states, so later code needs no checks of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from torch import Tensor

from seewhy.core.errors import InputError

DEPTH_MAX = 32
"""Nesting of free JSON, such as the parameters of a method."""

WHOLE_MAX = 2**53
"""Whole numbers beyond this are not exact in JavaScript."""

_NOUNS = {
    str: "text",
    int: "a whole number",
    float: "a finite number",
    bool: "true or false",
    NoneType: "null",
    Tensor: "a tensor",
}


def expect_typed(value: Any, hint: Any, name: str) -> None:
    """Check a value and all that it holds.

    Args:
        value: a dataclass, tuple, list, mapping, tensor, text, number or None.
        hint: its annotation: of these types, unions, `TypedDict`, `Literal` or `Any` (free JSON).
        name: what it is called in errors, such as `"tokens"`.

    Raises:
        InputError: if a value has another type, a number is not finite, or free JSON is nested too
            deep.

    Example:
        >>> expect_typed((1, 2), tuple[int, ...], "frames")
        >>> expect_typed(("1",), tuple[int, ...], "frames")
        Traceback (most recent call last):
        seewhy.core.errors.InputError: Expected frames.0 as a whole number, got '1': ...
    """
    if hint is Any:
        _expect_json(value, name, 0)
    elif get_origin(hint) in (Union, UnionType):
        _expect_union(value, get_args(hint), name)
    elif get_origin(hint) is Literal:
        if value not in get_args(hint):
            _refuse(value, " or ".join(map(repr, get_args(hint))), name)
    elif get_origin(hint) in (Annotated, NotRequired):
        expect_typed(value, get_args(hint)[0], name)
    elif get_origin(hint) is list:
        _expect_list(value, get_args(hint)[0], name)
    elif is_typeddict(hint):
        _expect_object(value, hint, name)
    elif get_origin(hint) is tuple:
        _expect_tuple(value, get_args(hint), name)
    elif isinstance(get_origin(hint), type) and issubclass(get_origin(hint), Mapping):  # type: ignore[arg-type]
        _expect_mapping(value, get_args(hint), name)
    elif is_dataclass(hint):
        if type(value) is not hint:
            _refuse(value, f"a {getattr(hint, '__name__', hint)}", name)
        for field, field_hint in _field_hints(hint):
            expect_typed(getattr(value, field), field_hint, f"{name}.{field}")
    else:
        _expect_plain(value, hint, name)


@cache
def _field_hints(cls: Any) -> tuple[tuple[str, Any], ...]:
    """Names and annotations of the fields that a dataclass is made with."""
    hints = get_type_hints(cls)
    return tuple((field.name, hints[field.name]) for field in fields(cls) if field.init)


@cache
def _key_hints(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls, include_extras=True)


def _expect_union(value: Any, hints: tuple[Any, ...], name: str) -> None:
    if value is None and NoneType in hints:
        return
    others = [hint for hint in hints if hint is not NoneType]
    for number, hint in enumerate(others, 1):
        try:
            expect_typed(value, hint, name)
        except InputError:
            if number == len(others):
                raise
        else:
            return


def _expect_tuple(value: Any, hints: tuple[Any, ...], name: str) -> None:
    if not isinstance(value, tuple):
        _refuse(value, "a list", name)
    if len(hints) == 2 and hints[1] is Ellipsis:
        hints = (hints[0],) * len(value)
    if len(value) != len(hints):
        _refuse(value, f"a list of {len(hints)}", name)
    for index, (item, hint) in enumerate(zip(value, hints, strict=True)):
        expect_typed(item, hint, f"{name}.{index}")


def _expect_list(value: Any, hint: Any, name: str) -> None:
    if not isinstance(value, list):
        _refuse(value, "a list", name)
    for index, item in enumerate(value):
        expect_typed(item, hint, f"{name}.{index}")


def _expect_object(value: Any, hint: Any, name: str) -> None:
    """A `TypedDict`; further keys are free JSON."""
    if not isinstance(value, Mapping):
        _refuse(value, "an object of names and values", name)
    hints = _key_hints(hint)
    for key in hints:
        if key not in value and get_origin(hints[key]) is not NotRequired:
            raise InputError(f"Expected {key!r} in {name[-120:]}, got none: make it again.")
    for key, item in value.items():
        expect_typed(item, hints.get(key, Any), f"{name}.{str(key)[:40]}")


def _expect_mapping(value: Any, hints: tuple[Any, ...], name: str) -> None:
    if not isinstance(value, Mapping):
        _refuse(value, "an object of names and values", name)
    for key, item in value.items():
        expect_typed(key, hints[0], f"a key of {name}")
        expect_typed(item, hints[1], f"{name}.{str(key)[:40]}")


def _expect_plain(value: Any, hint: Any, name: str) -> None:
    """Text, numbers, true and false, None, tensors."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if hint is float:
        good = (is_whole or isinstance(value, float)) and abs(value) < math.inf
        good = good and (not is_whole or abs(value) <= WHOLE_MAX)
    elif hint is int:
        good = is_whole and abs(value) <= WHOLE_MAX
    else:
        good = isinstance(value, hint)
    if not good:
        _refuse(value, _NOUNS.get(hint, str(hint)), name)


def _expect_json(value: Any, name: str, depth: int) -> None:
    """Free JSON of a limited depth."""
    if depth > DEPTH_MAX:
        _refuse(value, f"values nested at most {DEPTH_MAX} deep", name)
    if isinstance(value, Mapping):
        for key, item in value.items():
            expect_typed(key, str, f"a key of {name}")
            _expect_json(item, f"{name}.{str(key)[:40]}", depth + 1)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _expect_json(item, f"{name}.{index}", depth + 1)
    elif isinstance(value, float):
        _expect_plain(value, float, name)
    elif not (value is None or isinstance(value, str | int)):
        _refuse(value, "values of JSON", name)


def _refuse(value: Any, noun: str, name: str) -> None:
    shown = f"shape {list(value.shape)}" if isinstance(value, Tensor) else repr(value)[:60]
    raise InputError(f"Expected {name[-120:]} as {noun}, got {shown}: make it again.")
