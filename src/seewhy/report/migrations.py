"""Folders of older versions, converted step by step to the current schema.

A folder's JSON and tensors are changed by one function for each schema, from that schema to the
next. Only what `record_from_parts` reads is converted: the numbers of words in the JSON
follow from the tensors and are computed again when the record is saved.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from seewhy.core.thinking import thinking_span
from seewhy.report.record_codec import picture_file

Parts = tuple[dict[str, Any], dict[str, Tensor]]
"""The content of `explanation.json`, and the tensors of `maps.safetensors` by name."""

#: Increased by one for each change after which older folders need a conversion. Tensors that a
#: record may lack, as the visual share and the layers, need none.
SCHEMA_VERSION = 5


def migrated(schema: int, data: dict[str, Any], tensors: dict[str, Tensor]) -> Parts:
    """Convert the parts of a folder to `SCHEMA_VERSION`.

    Args:
        schema: the schema in the folder's manifest.
        data, tensors: as they were read; they may be changed.

    Raises:
        LookupError, TypeError: if the folder does not have the form of its schema.
    """
    for version in range(schema, SCHEMA_VERSION):
        data, tensors = STEPS[version](data, tensors)
    return data, tensors


def _from_1_to_2(data: dict[str, Any], tensors: dict[str, Tensor]) -> Parts:
    """Schema 1 had one picture, one turn, and no explained prompt."""
    # Schema 2 derived the file's name from the view's number; schema 3 keeps an existing name.
    picture = {"file": "picture.png", "canvas": data["canvas"], "medium": 0}
    turn = {"role": "user", "start": 0, "end": len(data["prompt"])}
    changed = {
        "pictures": [picture | {"frames": [], "seconds": None}],
        "turns": [turn],
        "contrasts": [],
        "scales": [scale | {"seen": [scale["seen"]]} for scale in data["scales"]],
        "asked": None,
    }

    def renamed(name: str) -> str:
        if name.startswith("canvas."):
            return name.replace("canvas.", "canvases.0.", 1)
        return f"attribution.{name}.0" if name.split(".")[-1] == "maps" else f"attribution.{name}"

    return data | changed, {renamed(name): tensor for name, tensor in tensors.items()}


def _from_2_to_3(data: dict[str, Any], tensors: dict[str, Tensor]) -> Parts:
    """Schema 2 had other names for the same things."""
    prompt_part = data.pop("asked")
    changed = {
        "pictures": [
            {"file": picture_file(view), **picture, "base_grid": picture["canvas"]}
            for view, picture in enumerate(data["pictures"])
        ],
        "attribution": _scales_of_3(data.pop("scales")),
        "prompt_attribution": None if prompt_part is None else _scales_of_3(prompt_part["scales"]),
    }
    return data | changed, {_name_of_3(name): tensor for name, tensor in tensors.items()}


def _from_3_to_4(data: dict[str, Any], tensors: dict[str, Tensor]) -> Parts:
    """Schema 3 had no verdicts."""
    return data | {"verdicts": None}, tensors


def _from_4_to_5(data: dict[str, Any], tensors: dict[str, Tensor]) -> Parts:
    """Schema 4 had no special tokens with a text, and told no thinking block apart."""
    changed: dict[str, Any] = {
        name: [{**entry, "special": False} for entry in data[name]]
        for name in ("words", "tokens", "prompt_tokens")
    }
    span = thinking_span(data["answer"])
    return data | changed | {"thinking": span and list(span)}, tensors


def _scales_of_3(scales: list[dict[str, Any]]) -> dict[str, Any]:
    return {"scales": [{"scale": s["scale"], "model_sizes": s["seen"]} for s in scales]}


def _name_of_3(name: str) -> str:
    """The name of a tensor of schema 2 in schema 3.

    >>> _name_of_3("asked.scales.0.said"), _name_of_3("canvases.1.rows")
    ('prompt_attribution.scales.0.is_top1', 'base_grids.1.row_edges')
    """
    first, *middle, last = name.split(".")
    new_first = {"asked": "prompt_attribution", "canvases": "base_grids"}
    new_last = {"said": "is_top1", "rows": "row_edges", "columns": "column_edges"}
    return ".".join([new_first.get(first, first), *middle, new_last.get(last, last)])


#: For each older schema, the step to the next one.
STEPS: dict[int, Callable[[dict[str, Any], dict[str, Tensor]], Parts]] = {
    1: _from_1_to_2,
    2: _from_2_to_3,
    3: _from_3_to_4,
    4: _from_4_to_5,
}
