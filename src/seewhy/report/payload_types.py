"""The payloads' types in TypeScript, generated from the Python types, for the pages' modules.

`python -m seewhy.report.payload_types` writes them; a test fails if they are out of date.
"""

from __future__ import annotations

from pathlib import Path
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

from seewhy.report.audit_payload import AuditPayload
from seewhy.report.bench_payload import BenchPayload
from seewhy.report.comparison_payload import ComparisonPayload
from seewhy.report.payload import Payload

ASSETS = Path(__file__).with_name("assets")

PAYLOADS = {
    "js/report/payload.d.ts": Payload,
    "js/bench/payload.d.ts": BenchPayload,
    "js/audit/payload.d.ts": AuditPayload,
    "js/comparison/payload.d.ts": ComparisonPayload,
}
"""The type of each page's payload by the file below `assets` that declares it."""

_HEADER = (
    "// Generated from Python by `python -m seewhy.report.payload_types`: change the types there."
)
_PLAIN = {
    int: "number", float: "number", str: "string", bool: "boolean", Any: "unknown",
    NoneType: "null",
}  # fmt: skip


def declarations(payload: type) -> str:
    """A payload's type and all types that it contains, as TypeScript interfaces.

    Args:
        payload: a TypedDict.
    """
    return "\n\n".join([_HEADER, *map(_interface, _parts(payload))]) + "\n"


def _parts(hint: Any) -> list[type]:
    """The TypedDicts that a type contains, itself last."""
    parts = [part for inner in _inner(hint) for part in _parts(inner)]
    return list(dict.fromkeys([*parts, hint] if is_typeddict(hint) else parts))


def _inner(hint: Any) -> list[Any]:
    return list(get_type_hints(hint).values()) if is_typeddict(hint) else list(get_args(hint))


def _interface(typed_dict: type) -> str:
    summary = (typed_dict.__doc__ or "").strip().split("\n")[0]
    fields = get_type_hints(typed_dict, include_extras=True).items()
    return "\n".join(
        [
            f"/** {summary} */",
            f"export interface {typed_dict.__name__} {{",
            *(f"  {_field(name, hint)};" for name, hint in fields),
            "}",
        ]
    )


def _field(name: str, hint: Any) -> str:
    if get_origin(hint) is NotRequired:
        return f"{name}?: {_script_type(get_args(hint)[0])}"
    return f"{name}: {_script_type(hint)}"


def _script_type(hint: Any) -> str:
    """A Python type as TypeScript's; a list of fixed length is annotated with its types.

    >>> _script_type(list[int | None]), _script_type(Annotated[list[Any], (str, float)])
    ('(number | null)[]', '[string, number]')
    """
    if hint in _PLAIN:
        return _PLAIN[hint]
    if is_typeddict(hint):
        return hint.__name__
    if get_origin(hint) is Literal:
        return " | ".join(f'"{value}"' for value in get_args(hint))
    parts = [_script_type(part) for part in get_args(hint) if not isinstance(part, tuple)]
    if get_origin(hint) is Annotated:
        return f"[{', '.join(map(_script_type, hint.__metadata__[0]))}]"
    if get_origin(hint) is list:
        union = get_origin(get_args(hint)[0]) in (Union, UnionType)
        return f"({parts[0]})[]" if union else f"{parts[0]}[]"
    if get_origin(hint) is dict:
        return f"Record<{', '.join(parts)}>"
    return " | ".join(dict.fromkeys(parts))


if __name__ == "__main__":
    for path, payload_type in PAYLOADS.items():
        (ASSETS / path).write_text(declarations(payload_type), "utf-8")
