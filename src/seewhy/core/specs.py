"""Specs: a name with parameters in a few characters, such as `msea(base=grad-cam, window=3)`."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from seewhy.core.errors import ParameterError


def parse_spec(spec: str) -> tuple[str, dict[str, Any]]:
    """Split a spec into its name and its parameters.

    Words need no quotation marks, and a value may be a spec itself: it is returned as text.

    Raises:
        ParameterError: if it is not a name with parameters.

    Example:
        >>> parse_spec("arc(base=grad-cam(layer=1), k=20)")
        ('arc', {'base': 'grad-cam(layer=1)', 'k': 20})
        >>> parse_spec("msea(scales=(0.5, 1), window=none)")
        ('msea', {'scales': (0.5, 1), 'window': None})
        >>> parse_spec("attention(layer=4-7)")
        ('attention', {'layer': '4-7'})
        >>> parse_spec("tam")
        ('tam', {})
    """
    name, bracket, rest = spec.strip().partition("(")
    try:
        call = ast.parse(f"_({rest}" if bracket else "_()", mode="eval").body
        if (
            not name.strip()
            or not isinstance(call, ast.Call)
            or not isinstance(call.func, ast.Name)
        ):
            raise ValueError("it is not a name followed by brackets")
        if call.args or any(keyword.arg is None for keyword in call.keywords):
            raise ValueError("every value needs its parameter's name")
        return name.strip(), {str(k.arg): _value(k.value) for k in call.keywords}
    except (SyntaxError, ValueError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise ParameterError(
            f"Expected a name and, in brackets, parameters by name, got {spec!r} ({reason}): "
            "write it like 'arc(base=attention, k=20)'."
        ) from error


def spec_of(name: str, parameters: Mapping[str, Any]) -> str:
    """The text that `parse_spec` splits into this name and these parameters.

    Example:
        >>> spec_of("msea", {"scales": (0.5,), "base": "grad-cam"})
        'msea(scales=(0.5,), base=grad-cam)'
        >>> spec_of("tam", {})
        'tam'
    """
    inside = ", ".join(f"{key}={_text(value)}" for key, value in parameters.items())
    return f"{name}({inside})" if inside else name


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_text, value))}{',' * (len(value) == 1)})"
    return str(value)


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Name(id=word):
            return {"true": True, "false": False, "none": None}.get(word.lower(), word)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return tuple(map(_value, parts))
        # Python parses a dash in a name or range as a subtraction, and a nested spec as a call.
        case ast.BinOp(op=ast.Sub()) | ast.Call():
            return _source(node)
    return ast.literal_eval(node)


def _source(node: ast.expr) -> str:
    """The text of names with dashes, of ranges and of specs, as it was written."""
    match node:
        case ast.Constant(value=int() as number) if not isinstance(number, bool):
            return str(number)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as number)):
            return f"-{number}"
        case ast.Name(id=word):
            return word
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return f"{_source(left)}-{_source(right)}"
        case ast.Call(func=called, args=[], keywords=keywords):
            inside = {str(keyword.arg): _value(keyword.value) for keyword in keywords}
            return spec_of(_source(called), inside) if inside else f"{_source(called)}()"
    raise ValueError(f"{ast.unparse(node)!r} is neither a name nor a value")
