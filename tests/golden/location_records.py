"""Records made by hand whose answers hold boxes and points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from golden.records import (
    THINGS,
    Shown,
    draw,
    pictures_record,
    record_of,
    small_record,
    still,
)
from seewhy.core.attribution import Attribution, ScaleView
from seewhy.core.boxes import BoxFormat
from seewhy.core.geometry import TokenGrid
from seewhy.core.record import Picture, Record
from seewhy.core.text import Token, words_of

THOUSANDTHS = BoxFormat("relative-1000", ("qwen-tokens", "pairs"))

# Each piece: its text, and the thing that its map is over. The box is that of the drawn star.
BOX = (
    ("The", ""), (" star", "star"), ("<|box_start|>", ""), ("(", ""), ("190", "star"), (",", ""),
    ("60", "star"), ("),(", ""), ("410", "star"), (",", ""), ("420", "star"), (")", ""),
    ("<|box_end|>", ""), (" shines", ""), (".", ""),
)  # fmt: skip
POINT = (
    (" A", ""), (" tree", "tree"), ("<|box_start|>", ""), ("(", ""), ("770", "tree"), (",", ""),
    ("660", "tree"), (")", ""), ("<|box_end|>", ""), (" too", ""), (".", ""),
)  # fmt: skip


def box_record() -> Record:
    """A star with its box and a tree with a point, in thousandths of a picture of 480 x 360."""
    return replace(record_of((*BOX, *POINT)), box_format=THOUSANDTHS)


def boxes_of_pictures() -> Record:
    """The same answer about two pictures: it does not say which is meant."""
    record = pictures_record()
    shown = (
        still(480, 300, {key: THINGS[key] for key in ("star", "house")}, 0),
        still(300, 400, {"tree": (0.5, 0.6, 0.15)}, 1),
    )
    return replace(
        record_of((*BOX, *POINT), shown=shown, prompt=record.prompt), box_format=THOUSANDTHS
    )


def clip_box_record() -> Record:
    """A box in a clip of three steps."""
    steps = tuple(
        Shown(draw(320, 240), (6, 8), THINGS, 0, (2 * step, 2 * step + 1), step * 0.5)
        for step in range(3)
    )
    return replace(record_of(BOX, shown=steps), box_format=THOUSANDTHS)


def small_box_record() -> Record:
    """The small record with a box: every number can be read off.

    The picture has 60 x 40 pixels in cells of 20 x 20, and the map of "star" is highest in the
    lower middle one. The box is the lower right quarter.
    """
    texts = ("star", "(500,", "500),", "(1000,", "1000)")
    tokens, start = [], 0
    for number, text in enumerate(texts):
        tokens.append(Token(number, text, start, start + len(text), 0.5, ((text, 0.5),)))
        start += len(text)
    answer = "".join(texts)
    maps = torch.zeros(5, 2, 3)
    maps[0, 1, 1] = 8.0
    maps[1:, 1, 2] = 4.0
    record = small_record()
    whole = ScaleView(
        scale=1.0,
        model_sizes=((56, 28),),
        maps=(maps,),
        probabilities=torch.full((5,), 0.5),
        is_top1=torch.ones(5, dtype=torch.bool),
        weights=torch.ones(5),
    )
    low, high = torch.zeros(5), torch.full((5,), 8.0)
    return replace(
        record,
        answer=answer,
        tokens=tuple(tokens),
        words=words_of(answer, [(token.start, token.end) for token in tokens]),
        attribution=Attribution((maps,), torch.zeros(5, 7), low, high, (whole,)),
        box_format=THOUSANDTHS,
    )


def answered(
    answer: str,
    box_format: BoxFormat | None,
    *,
    family: str = "qwen2-vl",
    size: tuple[int, int] = (100, 50),
    grid: TokenGrid | None = None,
    model_size: tuple[int, int] | None = (100, 50),
    cuts: Sequence[int] = (),
) -> Record:
    """A record with this answer about one picture, its maps empty.

    Args:
        answer: the text.
        box_format: how it is read.
        family: named in its provenance.
        size: of the picture in pixels.
        grid: of its maps; 5 x 10 cells over the whole picture if None.
        model_size: of the model's input at scale 1; None keeps no scale.
        cuts: where tokens end; every character is a token of its own if empty.
    """
    width, height = size
    grid = grid or TokenGrid.over((0.0, 0.0, width, height), 5, 10)
    ends = [*cuts, len(answer)] if cuts else range(1, len(answer) + 1)
    starts = [0, *list(ends)[:-1]]
    tokens = tuple(
        Token(number, answer[start:end], start, end, 0.5)
        for number, (start, end) in enumerate(zip(starts, ends, strict=True))
    )
    count = len(tokens)
    maps = torch.zeros(count, *grid.shape)
    scales = ()
    if model_size is not None:
        ones = torch.ones(count)
        scales = (ScaleView(1.0, (model_size,), (maps,), ones, ones.bool(), ones),)
    record = small_record()
    return replace(
        record,
        pictures=(Picture(torch.zeros(height, width, 3, dtype=torch.uint8), grid),),
        answer=answer,
        tokens=tokens,
        words=words_of(answer, [(token.start, token.end) for token in tokens]),
        attribution=Attribution(
            (maps,), torch.zeros(count, 2 + count), torch.zeros(count), torch.ones(count), scales
        ),
        provenance=replace(record.provenance, family=family),
        box_format=box_format,
    )
