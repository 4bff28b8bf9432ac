"""What changed pictures do to the words of an answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from seewhy.core.errors import NonFiniteError
from seewhy.core.geometry import Box
from seewhy.core.trace import View
from seewhy.diagnosis.evidence import Answered
from seewhy.diagnosis.words import Unit
from seewhy.images.changes import (
    RECOLOURINGS,
    changed_frames,
    changed_medium,
    fitted,
    grey_picture,
    mirrored,
    only_place,
    turned_place,
    upside_down,
    without_place,
)
from seewhy.models.session import Session

Place = tuple[int, Box]
"""A view, and a box in pixels of its picture."""

LEAST = -1000.0
"""In nats: a token that a model excludes has a log-probability of minus infinity."""

MARGIN = 1 / 16
"""Added around a word's place, as a share of the picture's longer side: a map may end too early."""


@dataclass(frozen=True, eq=False)
class PictureEffects:
    """Log-probabilities of an answer's tokens with changed pictures, the words kept.

    Attributes:
        before: float32 `[token]`, with nothing changed.
        whole: for each kind of change of whole pictures float32 `[variant, token]`.
        places: for each kind of change of a place, and for each place, float32 `[token]`.
    """

    before: Tensor
    whole: dict[str, Tensor]
    places: dict[str, dict[Place, Tensor]] = field(default_factory=dict)


def picture_effects(session: Session, units: Sequence[Unit], answered: Answered) -> PictureEffects:
    """Read the answer with other pictures and on grey.

    If a word names a colour, also in other colours and upside down; if a word says where something
    is, also mirrored and upside down.

    Args:
        session: the model, its pictures and the answer.
        units: the words that say something.
        answered: the other pictures.
    """
    media, roles = session.source.media, {unit.role for unit in units}
    variants: dict[str, list[list[Any]]] = {
        "other-pictures": [_replaced(media, other) for other in answered.others],
        "grey": [[changed_medium(medium, grey_picture) for medium in media]],
    }
    if "colour" in roles:
        variants["hues-turned"] = _recoloured(media)
    if "relation" in roles:
        variants["mirrored"] = [[changed_medium(medium, mirrored) for medium in media]]
    if roles & {"colour", "relation"}:
        variants["upside-down"] = [[changed_medium(medium, upside_down) for medium in media]]
    groups = [[list(media)], *variants.values()]
    values = session.log_probabilities([variant for group in groups for variant in group])
    before, *whole = values.split([len(group) for group in groups])
    return PictureEffects(before[0], dict(zip(variants, whole, strict=True)))


def read_places(
    session: Session,
    views: Sequence[View],
    effects: PictureEffects,
    wanted: Mapping[str, Iterable[Place | None]],
) -> None:
    """Add the answer's log-probabilities with some places changed.

    Args:
        session: the model, its pictures and the answer.
        views: of the answer.
        effects: to which they are added.
        wanted: for each kind of change, `"place-removed"`, `"place-kept"` or `"place-turned"`, the
            places; None is left out, and each is read once.
    """
    media = session.source.media
    pairs = list(
        dict.fromkeys((kind, place) for kind, places in wanted.items() for place in places if place)
    )
    values = session.log_probabilities(
        _with_change(media, views, place, *_CHANGES[kind]) for kind, place in pairs
    )
    for (kind, place), value in zip(pairs, values, strict=True):
        effects.places.setdefault(kind, {})[place] = value


_CHANGES = {
    "place-removed": (without_place, False),
    "place-kept": (only_place, True),
    "place-turned": (turned_place, False),
}
"""How a place is changed, and whether everything else is grey."""


def place_of(unit: Unit, views: Sequence[View], answered: Answered) -> Place | None:
    """A word's own place with a margin; None for an empty map, and for colours and relations.

    Removing one of several things of a colour, or one of two things that are related, says little.
    """
    return None if unit.role in ("colour", "relation") else _place(unit.word, views, answered)


def coloured_place(unit: Unit, views: Sequence[View], answered: Answered) -> Place | None:
    """The place of the thing whose colour a word is; None for other words, and for an empty map."""
    if unit.role != "colour":
        return None
    thing = None if unit.noun is None else _place(unit.noun, views, answered)
    return _place(unit.word, views, answered) if thing is None else thing


def _place(word: int, views: Sequence[View], answered: Answered) -> Place | None:
    found = answered.evidence[word]
    if found.box is None:
        return None
    width, height = views[found.view].geometry.size
    margin = MARGIN * max(width, height)
    left, top, right, bottom = found.box
    box = (
        max(left - margin, 0.0),
        max(top - margin, 0.0),
        min(right + margin, float(width)),
        min(bottom + margin, float(height)),
    )
    return found.view, box


def expression(effects: Tensor, tokens: Sequence[int]) -> Tensor:
    """The log-probability of some of the answer's tokens together.

    Args:
        effects: float32 `[..., token]`.
        tokens: their indices.

    Returns:
        float64 `[...]`, at least `LEAST`.

    Raises:
        NonFiniteError: if a value is NaN.
    """
    found = effects[..., torch.tensor(list(tokens))].double().sum(-1)
    if bool(found.isnan().any()):
        raise NonFiniteError(
            "Expected log-probabilities of the answer with a changed picture, got NaN: if the "
            "model is in float16, load it in float32 or bfloat16, float16 overflows in some "
            "families."
        )
    return found.clamp(min=LEAST)


def _replaced(media: Sequence[Any], other: Any) -> list[Any]:
    """Another picture in place of every picture, at its size."""
    return [changed_medium(medium, lambda frame: fitted(other, frame.size)) for medium in media]


def _recoloured(media: Sequence[Any]) -> list[list[Any]]:
    return [[changed_medium(medium, change) for medium in media] for change in RECOLOURINGS]


def _with_change(
    media: Sequence[Any],
    views: Sequence[View],
    place: Place,
    change: Any,
    others_grey: bool,
) -> list[Any]:
    """The media with one place changed; with `others_grey` everything else is grey."""
    number, box = place
    view = views[number]
    changed = []
    for index, medium in enumerate(media):
        base = changed_medium(medium, grey_picture) if others_grey else medium
        if index != view.medium:
            changed.append(base)
            continue
        part = changed_frames(medium, view.frames, lambda frame: change(frame, box))
        if others_grey and view.frames:
            part = _frames_of(part, base, view.frames)
        changed.append(part)
    return changed


def _frames_of(part: Any, base: Any, frames: tuple[int, ...]) -> Any:
    """A clip with some frames of `part` and the others of `base`."""
    chosen = tuple(
        part.frames[index] if index in frames else base.frames[index]
        for index in range(len(base.frames))
    )
    return type(base)(chosen, base.seconds, base.notes)
