"""Methods and metrics by spec, such as `msea(base=attention)`; their labels and keys."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from seewhy.core.errors import ParameterError
from seewhy.core.specs import parse_spec
from seewhy.core.suggestions import unknown_name_message
from seewhy.methods import Method, create
from seewhy.metrics import METRICS, Metric

HASHED_NAMES = {"relevance": "witness"}
"""Renamed parameters, and their old names, which keys still hash: old rows stay valid."""


def method_of(given: str | Method) -> Method:
    """A method from its spec; an instance is returned as it is.

    Raises:
        UnknownNameError, ParameterError: as `seewhy.methods.create`.
    """
    if isinstance(given, Method):
        return given
    return create(given)


def metric_of(given: str | Metric) -> Metric:
    """A metric from its spec; an instance is returned as it is.

    Raises:
        UnknownNameError: if no metric has the name.
        ParameterError: if it has no such parameter, or a value is out of range.
    """
    if isinstance(given, Metric):
        return given
    name, parameters = parse_spec(given)
    metric_class = METRICS.get(name)
    known = tuple(f.name for f in fields(metric_class) if f.init)  # type: ignore[arg-type]
    for parameter in parameters:
        if parameter not in known:
            raise ParameterError(
                unknown_name_message(f"parameter of {metric_class.name}", parameter, known)
            )
    return metric_class(**parameters)


def label_of(item: Method | Metric) -> str:
    """Its name, with the parameters that differ from their defaults.

    Example:
        >>> label_of(create("tam")), label_of(create("tam", window=5))
        ('tam', 'tam(window=5)')
    """
    values = item.parameters
    changed = [
        f"{f.name}={_text(values[f.name])}"
        for f in fields(item)
        if f.init and getattr(item, f.name) != _default(f)
    ]
    return f"{item.name}({', '.join(changed)})" if changed else item.name


ADDED = {
    "attention": ("head",),
    "intra-modal": ("grid",),
    "logit-lens": ("layer",),
    "msea": ("grid",),
    "region-search": ("superpixels",),
    "tam": ("published",),
}
"""Parameters that methods got after their first release: at its default none is part of a key."""


def key_of(item: Method | Metric) -> str:
    """A hash of its name and all its parameters, with defaults and the parameters of its base.

    For a class that is not seewhy's, its source is hashed too, because it may change without its
    name. Of a metric of seewhy its revision is hashed, if it is not the first.
    """
    item_class = type(item)
    is_own = item_class.__module__.partition(".")[0] == "seewhy"
    parts = (getattr(item, f.name) for f in fields(item) if f.init)
    nested = "".join(key_of(part) for part in parts if isinstance(part, Method))
    if not is_own:
        return digest([item.name, item.parameters, nested, _source(item_class)])
    added = {name for name in ADDED.get(item.name, ()) if _is_default(item, name)}
    parameters = {
        _hashed(name): _hashed(value)
        for name, value in item.parameters.items()
        if name not in added
    }
    revision = getattr(item, "revision", 1)
    return digest([item.name, parameters, nested, "" if revision == 1 else revision])


def digest(data: object) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of data as JSON."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _is_default(item: Method | Metric, name: str) -> bool:
    return getattr(item, name) == getattr(type(item), name)


def _hashed(value: Any) -> Any:
    """A parameter's name, or the spec of a method, with the names that keys hash.

    Example:
        >>> _hashed("relevance"), _hashed("corroborated(relevance=tam)")
        ('witness', 'corroborated(witness=tam)')
    """
    if not isinstance(value, str):
        return value
    names = "|".join(HASHED_NAMES)
    return re.sub(rf"\b({names})(?==|$)", lambda match: HASHED_NAMES[match[0]], value)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True)
    if isinstance(value, list | tuple):
        return f"({', '.join(_text(item) for item in value)}{',' * (len(value) == 1)})"
    return str(value)


def _default(field: Any) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _source(item_class: type) -> str:
    try:
        return inspect.getsource(item_class)
    except (OSError, TypeError):  # defined in an interpreter, or compiled
        return ""
