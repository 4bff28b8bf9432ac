"""What changed pictures do to the words of an answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from seewhy.core.geometry import Box
from seewhy.core.trace import View
from seewhy.diagnosis.evidence import Answered
from seewhy.diagnosis.words import Unit
from seewhy.images.changes import (
    changed_frames,
    changed_medium,
    fitted,
    grey_picture,
    mirrored,
    only_place,
    recoloured,
    upside_down,
    without_place,
)
from seewhy.models.session import Session

Place = tuple[int, Box]
"""A view, and a box in pixels of its picture."""

MARGIN = 1 / 16
"""Added around a word's place, as a share of the picture's longer side: a map may end too early."""


@dataclass(frozen=True, eq=False)
class PictureEffects:
    """Log-probabilities of an answer's tokens with changed pictures, the words kept.

    Attributes:
        before: float32 `[token]`, with nothing changed.
        whole: for each kind of change of whole pictures float32 `[variant, token]`.
        removed, kept: for each place float32 `[token]`, without it and with nothing else.
    """

    before: Tensor
    whole: dict[str, Tensor]
    removed: dict[Place, Tensor] = field(default_factory=dict)
    kept: dict[Place, Tensor] = field(default_factory=dict)


def picture_effects(
    session: Session, views: Sequence[View], units: Sequence[Unit], answered: Answered
) -> PictureEffects:
    """Read the answer with other pictures, on grey, without each word's place.

    Colours are changed if a word names one, and the picture is mirrored if a word says where
    something is.

    Args:
        session: the model, its pictures and the answer.
        views: of the answer.
        units: the words that say something.
        answered: their places, and the other pictures.
    """
    media, roles = session.source.media, {unit.role for unit in units}
    variants: dict[str, list[list[Any]]] = {
        "other-pictures": [_replaced(media, other) for other in answered.others],
        "grey": [[changed_medium(medium, grey_picture) for medium in media]],
    }
    if "colour" in roles:
        variants["hues-turned"] = _recoloured(media)
    if "relation" in roles:
        variants["mirrored"] = [
            [changed_medium(medium, change) for medium in media]
            for change in (mirrored, upside_down)
        ]
    found = (place_of(unit, views, answered) for unit in units)
    places = list(dict.fromkeys(place for place in found if place is not None))
    removed = [_with_change(media, views, place, without_place) for place in places]
    flat = [list(media), *(v for rows in variants.values() for v in rows), *removed]
    values = session.log_probabilities(flat)
    sizes = [1, *map(len, variants.values()), len(places)]
    before, *whole, without = values.split(sizes)
    return PictureEffects(
        before[0],
        dict(zip(variants, whole, strict=True)),
        dict(zip(places, without, strict=True)),
    )


def read_kept(
    session: Session, views: Sequence[View], effects: PictureEffects, places: Iterable[Place]
) -> None:
    """Add the answer's log-probabilities with nothing but each of some places."""
    media, wanted = session.source.media, list(dict.fromkeys(places))
    kept = session.log_probabilities(
        _with_change(media, views, place, only_place, others_grey=True) for place in wanted
    )
    effects.kept.update(zip(wanted, kept, strict=True))


def place_of(unit: Unit, views: Sequence[View], answered: Answered) -> Place | None:
    """A word's own place with a margin; None for an empty map, and for colours and relations.

    Removing one of several things of a colour, or one of two things that are related, says little.
    """
    found = answered.evidence[unit.word]
    if unit.role in ("colour", "relation") or found.box is None:
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
    """float32 `[...]`: log-probabilities of some of the answer's tokens together."""
    return effects[..., torch.tensor(list(tokens))].double().sum(-1)


def _replaced(media: Sequence[Any], other: Any) -> list[Any]:
    """Another picture in place of every picture, at its size."""
    return [changed_medium(medium, lambda frame: fitted(other, frame.size)) for medium in media]


def _recoloured(media: Sequence[Any]) -> list[list[Any]]:
    return [
        [changed_medium(medium, lambda frame, n=number: recoloured(frame)[n]) for medium in media]
        for number in range(3)
    ]


def _with_change(
    media: Sequence[Any],
    views: Sequence[View],
    place: Place,
    change: Any,
    *,
    others_grey: bool = False,
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
