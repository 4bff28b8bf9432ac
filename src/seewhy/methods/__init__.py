"""Methods: one file each, found by file name.

`METHODS` lists them, `create` makes one from a name and parameters, `citation` gives its BibTeX.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from seewhy.core.errors import ParameterError
from seewhy.core.registry import Registry
from seewhy.core.specs import parse_spec
from seewhy.core.suggestions import unknown_name_message
from seewhy.methods._base import Method
from seewhy.methods._citations import bibtex
from seewhy.methods._evidence import Evidence
from seewhy.methods._scores import attribution_from_maps

__all__ = [
    "DEFAULT",
    "FALLBACK",
    "METHODS",
    "PARTS",
    "Evidence",
    "Method",
    "attribution_from_maps",
    "citation",
    "create",
    "parameters_of",
    "unknown_parameter",
]

METHODS: Registry[Method] = Registry(
    "seewhy.methods",
    Method,
    "method",
    group="seewhy.methods",
)
DEFAULT = "logit-shares"
"""The default method, chosen on training scenes of three families (`docs/logit-shares.md`)."""
FALLBACK = "intra-modal(window=None)"
"""The method in place of the default for a model whose attention cannot be read exactly: the
paper's without the filter."""
PARTS = frozenset({"base", "relevance"})
"""Names of the parameters whose values are methods."""


def create(method: str | Method = DEFAULT, /, **parameters: Any) -> Method:
    """Make a method from its name and parameters; an instance is returned as it is.

    A base map is named like a method: `create("msea", base="occlusion")` is the same as
    `create("msea(base=occlusion)")`. A spec may contain specs.

    Args:
        method: a registry name (`-` and `_` are the same), a spec, or a `Method`; `DEFAULT` if
            left out.
        **parameters: of the method; those left out have their defaults.

    Raises:
        UnknownNameError: if there is no method of this name.
        ParameterError: if a spec cannot be read, the method has no such parameter, or its value
            is out of range; or if parameters are given with an instance, or twice.

    Example:
        >>> create("tam", window=5)
        TokenActivationMap(window=5, published=False)
        >>> create("arc(base=msea(window=3), k=20)").spec
        'arc(k=20, base=msea(window=3))'
    """
    if isinstance(method, Method):
        if parameters:
            raise ParameterError(
                f"Expected parameters inside the method instance, got {', '.join(parameters)} "
                f"beside {method!r}: give them to its class, or name the method."
            )
        return method
    name, of_spec = parse_spec(method)
    if twice := of_spec.keys() & parameters:
        raise ParameterError(
            f"Expected each parameter once, got {', '.join(sorted(twice))} beside {method!r}: "
            "give it inside the spec or beside it."
        )
    parameters = of_spec | parameters
    method_class = METHODS.get(name)
    known = parameters_of(method_class)
    for name in parameters:
        if name not in known:
            raise unknown_parameter(name, method_class)
    for name in PARTS & parameters.keys():
        if isinstance(part := parameters[name], str):
            parameters[name] = create(part)
    return method_class(**parameters)


def parameters_of(method: type[Method]) -> tuple[str, ...]:
    """Names of a method's parameters, in order.

    Example:
        >>> parameters_of(METHODS.get("tam"))
        ('window', 'published')
    """
    return tuple(f.name for f in fields(method) if f.init)  # type: ignore[arg-type]


def unknown_parameter(name: str, method: type[Method]) -> ParameterError:
    """The error for a parameter that a method lacks; it names the methods that have it."""
    others = [other.name for other in METHODS if name in parameters_of(other)]
    if not others:
        kind = f"parameter of {method.name}"
        return ParameterError(unknown_name_message(kind, name, parameters_of(method)))
    known = ", ".join(parameters_of(method)) or "it has none"
    return ParameterError(
        f"Expected a parameter of {method.name} ({known}), got {name!r}, which is one of "
        f"{', '.join(others)}: leave it out, or choose another method."
    )


def citation(name: str) -> str:
    """BibTeX of the papers that a method is based on, its own paper first.

    Args:
        name: a registry name, or a spec: the papers of a base map are included.

    Raises:
        UnknownNameError: if there is no method of this name.

    Example:
        >>> print(citation("tam").splitlines()[0])
        @inproceedings{li2025tam,
    """
    return "\n\n".join(bibtex(key) for key in create(name).all_citations)
