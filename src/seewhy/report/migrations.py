"""Folders of older versions, converted step by step to the current schema.

A folder's JSON and tensors are changed by one function for each schema, from that schema to the
next. Only what `record_from_parts` reads is converted: the numbers of words in the JSON
follow from the tensors and are computed again when the record is saved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from seewhy.core.errors import SeewhyError
from seewhy.core.thinking import thinking_span
from seewhy.methods import METHODS, create, parameters_of
from seewhy.methods._parameters import SCALES
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
        data, tensors: as they were read, and `family` of the manifest; they may be changed.

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


def method_spec(name: str, parameters: Mapping[str, Any]) -> str:
    """The spec of a method, from the name and the parameters that folders before schema 5 hold.

    Scales are those that were used: the usual ones do not count as a parameter that was given. The
    name alone, if the method is unknown or its parameters have changed since.

    Example:
        >>> method_spec("intra-modal", {"window": None, "scales": [1.0, 0.75], "seed": 3})
        'intra-modal(window=None)'
    """
    try:
        known = parameters_of(METHODS.get(name))
        given = {key: _tuples(parameters[key]) for key in known if key in parameters}
        if set(given.get("scales") or ()) <= set(SCALES):
            given.pop("scales", None)
        return create(name, **given).spec
    except SeewhyError:
        return name


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _from_4_to_5(data: dict[str, Any], tensors: dict[str, Tensor]) -> Parts:
    """Schema 4 had no warnings, notes of words, special tokens with a text and thinking blocks.

    How boxes are written, its family says. It also named a method without its parameters
    (`method_spec`), and its numbers of words, which are computed again, were context in the
    method's unit and heights on the joint scale.
    """
    found = BOX_FORMATS_OF_4.get(data["family"])
    box_format = None if found is None else {"convention": found[0], "syntaxes": list(found[1])}
    span = thinking_span(data["answer"])
    new = {
        "box_format": box_format,
        "warnings": [],
        "word_notes": [],
        "thinking": span and list(span),
        **{
            name: [{**entry, "special": False} for entry in data[name]]
            for name in ("words", "tokens", "prompt_tokens")
        },
    }
    return data | new, tensors


#: How the families of schema 4 write boxes and points: the convention, and the ways to write them.
BOX_FORMATS_OF_4: dict[str, tuple[str | None, tuple[str, ...]]] = {
    "gemma4": ("relative-1000-yx", ("json-box_2d",)),
    "glm4v": ("relative-1000", ("glm-tokens", "json")),
    "idefics3": ("relative-500", ("doctags",)),
    "internvl": ("relative-1000", ("box-tags",)),
    "llava": ("relative-1-input", ("fractions",)),
    "llava-next": (None, ("fractions",)),
    "llava-onevision": (None, ("fractions",)),
    "paligemma": ("relative-1024-yx", ("loc",)),
    "qwen2-vl": ("relative-1000", ("qwen-tokens", "pairs")),
    "qwen2-5-vl": ("pixels-input", ("json", "qwen-tokens", "point-tags")),
    "qwen3-vl": ("relative-1000", ("json", "qwen-tokens")),
}


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
