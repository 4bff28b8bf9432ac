"""What a person names in a few characters: `msea(base=attention)`, `insertion(fill=mean)`."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from seewhy.core.errors import ParameterError
from seewhy.core.registry import unknown
from seewhy.methods import Method, create
from seewhy.metrics import METRICS, Metric


def parse(spec: str) -> tuple[str, dict[str, Any]]:
    """Take a name and its parameters apart; words and numbers need no quotation marks.

    Raises:
        ParameterError: if it does not read as a name with parameters.

    Example:
        >>> parse("arc(base=attention, k=20, scales=(0.5, 1))")
        ('arc', {'base': 'attention', 'k': 20, 'scales': (0.5, 1)})
        >>> parse("grad-cam")
        ('grad-cam', {})
    """
    name, bracket, rest = spec.strip().partition("(")
    try:
        call = ast.parse(f"f({rest}" if bracket else "f()", mode="eval").body
        if not name or not isinstance(call, ast.Call) or call.args:
            raise ValueError("no name with parameters")
        return name.strip(), {str(k.arg): _value(k.value) for k in call.keywords}
    except (SyntaxError, ValueError) as error:
        raise ParameterError(
            f"Expected a name with parameters, such as 'arc(k=20)', got {spec!r}: {error}."
        ) from error


def method_of(given: str | Method) -> Method:
    """A method from its spec; an instance is returned as it is.

    Raises:
        UnknownNameError, ParameterError: as `seewhy.methods.create`.
    """
    if isinstance(given, Method):
        return given
    name, parameters = parse(given)
    return create(name, **parameters)


def metric_of(given: str | Metric) -> Metric:
    """A metric from its spec; an instance is returned as it is.

    Raises:
        UnknownNameError: if no metric bears the name.
        ParameterError: if it has no such parameter, or a value is out of range.
    """
    if isinstance(given, Metric):
        return given
    name, parameters = parse(given)
    chosen = METRICS.get(name)
    known = tuple(f.name for f in fields(chosen) if f.init)  # type: ignore[arg-type]
    for parameter in parameters:
        if parameter not in known:
            raise ParameterError(unknown(f"parameter of {chosen.name}", parameter, known))
    return chosen(**parameters)


def label_of(thing: Method | Metric) -> str:
    """Its name, with the parameters that differ from their defaults.

    Example:
        >>> label_of(create("tam")), label_of(create("tam", window=5))
        ('tam', 'tam(window=5)')
    """
    said = thing.parameters
    changed = [
        f"{f.name}={_plain(said[f.name])}"
        for f in fields(thing)
        if f.init and getattr(thing, f.name) != _default(f)
    ]
    return f"{thing.name}({', '.join(changed)})" if changed else thing.name


def key_of(thing: Method | Metric) -> str:
    """A hash of what it is and of all its parameters, defaults included.

    Of one that is not ours the text of its class counts too: who works on a method of their own
    changes it more often than its name.
    """
    kind = type(thing)
    own = kind.__module__.partition(".")[0] == "seewhy"
    return digest([thing.name, thing.parameters, "" if own else _source(kind)])


def digest(data: object) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of data as JSON."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Name):
        return {"true": True, "false": False, "none": None}.get(node.id.lower(), node.id)
    if isinstance(node, ast.Tuple | ast.List):
        return tuple(_value(one) for one in node.elts)
    # Names of methods hold dashes, which Python reads as a difference.
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        return f"{_value(node.left)}-{_value(node.right)}"
    if isinstance(node, ast.Call):
        return ast.unparse(node).replace(" - ", "-")
    return ast.literal_eval(node)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True)
    if isinstance(value, list | tuple):
        return f"({', '.join(_plain(one) for one in value)}{',' * (len(value) == 1)})"
    return str(value)


def _default(field: Any) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _source(kind: type) -> str:
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):  # defined in an interpreter, or compiled
        return ""
