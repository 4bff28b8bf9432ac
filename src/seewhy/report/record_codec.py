"""A record as JSON, named tensors and pictures, and back, exactly.

Names of tensors follow the record's own fields: `attribution.maps.0` is the answer's map of the
first view, `prompt_attribution.scales.1.is_top1` whether each token of the prompt is still the
first choice at the second scale, `base_grids.0.row_edges` the edges of the first view's rows,
`layers.lens_maps.0` the logit lens of the first view after every layer. Tensors that a record does
not have are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from torch import Tensor

from seewhy.core.attribution import Attribution, ScaleView
from seewhy.core.boxes import BoxFormat
from seewhy.core.geometry import TokenGrid
from seewhy.core.layers import Layers
from seewhy.core.record import Picture, Provenance, Record
from seewhy.core.text import Token, Word
from seewhy.core.trace import PromptSpan
from seewhy.report.location_json import locations_to_json
from seewhy.report.spans import TextSpan, spans_of
from seewhy.report.verdict_codec import verdicts_from_json, verdicts_to_json

Tensors = Mapping[str, Tensor]

CONTEXT_MOST = 1000
"""Earlier words of one word whose relevance is written in the JSON, the strongest."""


def picture_file(view: int) -> str:
    """Where the picture of a view is kept, relative to the record's folder."""
    return f"pictures/{view}.png"


def record_to_json(record: Record) -> dict[str, Any]:
    """A record without tensors and provenance, with the numbers of its words for other readers.

    `record_from_parts` does not need the words' numbers: they follow from the tensors.
    """
    spans = spans_of(record)
    explained = [_numbers(span) for span in spans.prompt_words]
    return {
        "prompt": record.prompt,
        "turns": [asdict(turn) for turn in record.turns],
        "answer": record.answer,
        "contrasts": [{"word": word, "alternative": other} for word, other in record.contrasts],
        "pictures": [
            _picture_to_json(view, picture) for view, picture in enumerate(record.pictures)
        ],
        "prompt_words": [
            {**asdict(word), **(explained[index] if explained else {})}
            for index, word in enumerate(record.prompt_words)
        ],
        "words": [
            {**asdict(word), **_numbers(span)}
            for word, span in zip(record.words, spans.words, strict=True)
        ],
        "prompt_tokens": [asdict(token) for token in record.prompt_tokens],
        "tokens": [asdict(token) for token in record.tokens],
        "attribution": _attribution_to_json(record.attribution),
        "prompt_attribution": None
        if record.prompt_attribution is None
        else _attribution_to_json(record.prompt_attribution),
        "verdicts": verdicts_to_json(record.verdicts),
        "warnings": list(record.warnings),
        "word_notes": [{"word": word, "note": note} for word, note in record.word_notes],
        "box_format": None if record.box_format is None else asdict(record.box_format),
        **locations_to_json(record),
        "thinking": record.thinking and list(record.thinking),
    }


def record_to_tensors(record: Record) -> dict[str, Tensor]:
    """All tensors of a record except its pictures, by name, each with its own memory."""
    parts = {
        "base_grids": tuple(picture.base_grid for picture in record.pictures),
        "attribution": record.attribution,
        "prompt_attribution": record.prompt_attribution,
        "layers": record.layers,
    }
    # Tensors that share memory, as low and high of one range may, cannot be stored without a copy.
    return {
        name: tensor.detach().cpu().clone().contiguous()
        for part, value in parts.items()
        for name, tensor in _named_tensors(part, value)
    }


def record_from_parts(
    data: Mapping[str, Any], tensors: Tensors, images: Sequence[Tensor], provenance: Provenance
) -> Record:
    """Undo `record_to_json` and `record_to_tensors`.

    Args:
        data, tensors: what these two functions returned.
        images: for each view uint8 `[height, width, 3]`.
        provenance: how the explanation was made.

    Raises:
        LookupError, TypeError, ValueError, GeometryError: if the parts do not match.
    """
    return Record(
        pictures=tuple(
            _picture(view, picture, tensors, image)
            for view, (picture, image) in enumerate(zip(data["pictures"], images, strict=True))
        ),
        prompt=data["prompt"],
        answer=data["answer"],
        prompt_tokens=tuple(map(_token, data["prompt_tokens"])),
        tokens=tuple(map(_token, data["tokens"])),
        words=tuple(map(_word, data["words"])),
        attribution=_attribution("attribution", data, tensors),
        prompt_attribution=None
        if data["prompt_attribution"] is None
        else _attribution("prompt_attribution", data, tensors),
        turns=tuple(PromptSpan(**turn) for turn in data["turns"]),
        contrasts=tuple((pair["word"], pair["alternative"]) for pair in data["contrasts"]),
        layers=_layers(len(data["pictures"]), tensors),
        provenance=provenance,
        verdicts=verdicts_from_json(data["verdicts"], len(data["words"])),
        warnings=tuple(map(_text, data["warnings"])),
        word_notes=tuple(_word_note(note, len(data["words"])) for note in data["word_notes"]),
        box_format=_box_format(data["box_format"]),
        thinking=None if data["thinking"] is None else _pair(data["thinking"]),
    )


def provenance_from_json(data: Mapping[str, Any]) -> Provenance:
    """The provenance in a manifest.

    Raises:
        KeyError: if a field is missing.
    """
    values = {field.name: data[field.name] for field in fields(Provenance)}
    return Provenance(**{**values, "notes": _listed(values["notes"])})


def _numbers(span: TextSpan) -> dict[str, Any]:
    return {
        "probability": span.probability,
        "visual_share": span.visual_share,
        "shares": span.shares,
        "best_view": span.best_view,
        "peaks": span.peaks,
        "boxes": span.boxes,
        "low": span.low,
        "high": span.high,
        "display_range": span.range_of(),
        "brightness": span.brightness,
        # All of it is in the tensors; all pairs of a long text would be its square.
        "context": span.strongest_context(CONTEXT_MOST),
    }


def _picture_to_json(view: int, picture: Picture) -> dict[str, Any]:
    return {
        "file": picture_file(view),
        "size": list(picture.size),
        "base_grid": picture.base_grid.name,
        "medium": picture.medium,
        "frames": list(picture.frames),
        "seconds": picture.seconds,
    }


def _attribution_to_json(attribution: Attribution) -> dict[str, Any]:
    return {
        "scales": [
            {"scale": view.scale, "model_sizes": view.model_sizes} for view in attribution.scales
        ]
    }


def _named_tensors(name: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    """Every tensor in nested dataclasses and tuples, with its path of fields."""
    if isinstance(value, Tensor):
        yield name, value
        return
    parts: dict[Any, Any] = {}
    if isinstance(value, tuple):
        parts = dict(enumerate(value))
    elif is_dataclass(value):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
    for key, part in parts.items():
        yield from _named_tensors(f"{name}.{key}", part)


def _picture(view: int, data: Mapping[str, Any], tensors: Tensors, image: Tensor) -> Picture:
    names = ("index", "row_edges", "column_edges")
    return Picture(
        image=image,
        base_grid=TokenGrid(
            **{name: tensors[f"base_grids.{view}.{name}"] for name in names}, name=data["base_grid"]
        ),
        medium=data["medium"],
        frames=_listed(data["frames"]),
        seconds=data["seconds"],
    )


def _box_format(data: Mapping[str, Any] | None) -> BoxFormat | None:
    return None if data is None else BoxFormat(data["convention"], tuple(data["syntaxes"]))


def _token(data: Mapping[str, Any]) -> Token:
    candidates = tuple((text, p) for text, p in data["candidates"])
    return Token(**{**data, "candidates": candidates})


def _word(data: Mapping[str, Any]) -> Word:
    return Word(data["text"], data["start"], data["end"], _listed(data["tokens"]), data["special"])


def _listed(values: Any) -> tuple[Any, ...]:
    """A list as a tuple; a text, which has parts too, is refused."""
    if not isinstance(values, list | tuple):
        raise TypeError(f"Expected a list, got {str(values)[:60]!r}.")
    return tuple(values)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"Expected a text, got {value!r}.")
    return value


def _word_note(note: Mapping[str, Any], words: int) -> tuple[int, str]:
    word = note["word"]
    if isinstance(word, bool) or not isinstance(word, int) or not 0 <= word < words:
        raise ValueError(f"Expected a note of one of {words} words, got one of {word!r}.")
    return word, _text(note["note"])


def _pair(values: Any) -> tuple[int, int]:
    start, end = _listed(values)
    return start, end


def _attribution(part: str, data: Mapping[str, Any], tensors: Tensors) -> Attribution:
    views = len(data["pictures"])
    return Attribution(
        maps=_maps(part, views, tensors),
        context=tensors[f"{part}.context"],
        low=tensors[f"{part}.low"],
        high=tensors[f"{part}.high"],
        scales=tuple(
            _scale(f"{part}.scales.{index}", scale, views, tensors)
            for index, scale in enumerate(data[part]["scales"])
        ),
        # Most methods do not measure it, and folders of seewhy 0.1 do not have it.
        visual_share=tensors.get(f"{part}.visual_share"),
    )


def _scale(part: str, data: Mapping[str, Any], views: int, tensors: Tensors) -> ScaleView:
    names = ("probabilities", "is_top1", "weights")
    return ScaleView(
        scale=data["scale"],
        model_sizes=tuple((width, height) for width, height in data["model_sizes"]),
        maps=_maps(part, views, tensors),
        **{name: tensors[f"{part}.{name}"] for name in names},
    )


def _maps(part: str, views: int, tensors: Tensors, name: str = "maps") -> tuple[Tensor, ...]:
    return tuple(tensors[f"{part}.{name}.{view}"] for view in range(views))


def _layers(views: int, tensors: Tensors) -> Layers | None:
    if "layers.probabilities" not in tensors:
        return None
    names = ("probabilities", "ranks", "picture", "text", "feed_forward")
    return Layers(
        lens_maps=_maps("layers", views, tensors, "lens_maps"),
        share_maps=_maps("layers", views, tensors, "share_maps"),
        **{name: tensors[f"layers.{name}"] for name in names},
    )
