"""Methods: one file each, found by file name, composed of the stages in `stages`.

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

__all__ = [
    "DEFAULT",
    "METHODS",
    "PARTS",
    "Evidence",
    "Method",
    "citation",
    "create",
    "parameters_of",
]

METHODS: Registry[Method] = Registry(
    "seewhy.methods",
    Method,
    "method",
    group="seewhy.methods",
)
DEFAULT = "intra-modal(window=None)"
"""What explains unless another is named: the paper's method without the filter, as the training
scenes of all three families prefer it (`seewhy bench --suite ablation`)."""
PARTS = frozenset({"base", "relevance"})
"""The parameters that are methods themselves."""


def create(method: str | Method = DEFAULT, /, **parameters: Any) -> Method:
    """Make a method from its name and parameters; an instance is returned as it is.

    A base map is named like a method: `create("msea", base="occlusion")` is the same as
    `create("msea(base=occlusion)")`, and specs may stand within specs.

    Args:
        method: a registry name (`-` and `_` are the same), a spec, or a `Method`; `DEFAULT` if
            left out, whose parameters are then replaced by those given.
        **parameters: the method's own parameters; those left out have their defaults.

    Raises:
        UnknownNameError: if no method bears the name.
        ParameterError: if a spec cannot be read, the method has no such parameter, or its value
            is out of range; or if parameters are given beside an instance, or twice.

    Example:
        >>> create("tam", window=5)
        TokenActivationMap(window=5)
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
    name, own = parse_spec(method)
    if method == DEFAULT:
        own = {k: v for k, v in own.items() if k not in parameters}
    if twice := own.keys() & parameters:
        raise ParameterError(
            f"Expected each parameter once, got {', '.join(sorted(twice))} beside {method!r}: "
            "give it inside the spec or beside it."
        )
    parameters = own | parameters
    chosen = METHODS.get(name)
    known = parameters_of(chosen)
    for name in parameters:
        if name not in known:
            raise ParameterError(unknown_name_message(f"parameter of {chosen.name}", name, known))
    for name in PARTS & parameters.keys():
        if isinstance(part := parameters[name], str):
            parameters[name] = create(part)
    return chosen(**parameters)


def parameters_of(method: type[Method]) -> tuple[str, ...]:
    """Names of a method's parameters, in order.

    Example:
        >>> parameters_of(METHODS.get("tam"))
        ('window',)
    """
    return tuple(f.name for f in fields(method) if f.init)  # type: ignore[arg-type]


def citation(name: str) -> str:
    """BibTeX of every work that a method rests on, its own paper first.

    Args:
        name: a registry name, or a spec: a composition rests on its base map's works too.

    Raises:
        UnknownNameError: if no method bears the name.

    Example:
        >>> print(citation("tam").splitlines()[0])
        @inproceedings{li2025tam,
    """
    return "\n\n".join(bibtex(key) for key in create(name).all_citations)
