"""Records made by hand: a drawn picture, smooth random maps, a caption. No model is needed."""

from __future__ import annotations

import math

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from seewhy.core.attribution import Attribution, ScaleView
from seewhy.core.geometry import Layer
from seewhy.core.record import Provenance, Record
from seewhy.core.text import Token, words_of

PROMPT = "Write a one-sentence caption for this image:"
# Each piece: its text, and where it points to: a thing of the picture, or nothing.
PIECES = (
    ("A", ""), (" red", "star"), (" st", "star"), ("ar", "star"), (" shines", "star"),
    (" above", "star house"), (" the", ""), (" blue", "house"), (" house", "house"),
    (" and", ""), (" a", ""), (" small", "tree"), (" green", "tree"), (" tree", "tree"),
    (" stands", "tree"), (" to", ""), (" the", ""), (" right", "tree"), (" of", ""),
    (" it", "house"), (".", ""), ("", ""),
)  # fmt: skip
# Centre and radius of each thing, as fractions of the sides.
THINGS = {"star": (0.3, 0.24, 0.13), "house": (0.35, 0.7, 0.2), "tree": (0.77, 0.66, 0.15)}


def draw(width: int = 480, height: int = 360) -> Image.Image:
    """A star, a house and a tree on a pale ground."""
    image = Image.new("RGB", (width, height), (233, 228, 214))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, height * 0.84, width, height), fill=(196, 205, 170))

    def at(x: float, y: float) -> tuple[float, float]:
        return x * width, y * height

    points = [
        (0.3 * width + r * math.sin(a) * height, 0.24 * height - r * math.cos(a) * height)
        for k in range(10)
        for r, a in [((0.17, 0.07)[k % 2], k * math.pi / 5)]
    ]
    pen.polygon(points, fill=(206, 52, 45))
    pen.rectangle((*at(0.22, 0.6), *at(0.48, 0.86)), fill=(54, 96, 178))
    pen.polygon([at(0.19, 0.61), at(0.35, 0.45), at(0.51, 0.61)], fill=(34, 58, 112))
    pen.rectangle((*at(0.32, 0.7), *at(0.38, 0.86)), fill=(244, 236, 214))
    pen.rectangle((*at(0.755, 0.7), *at(0.785, 0.87)), fill=(103, 72, 48))
    pen.ellipse((*at(0.67, 0.42), *at(0.87, 0.74)), fill=(58, 128, 72))
    return image


def blob(height: int, width: int, thing: str) -> Tensor:
    """A hill over one thing: float32 `[height, width]`, its top near 1."""
    x, y, radius = THINGS[thing]
    down = (torch.arange(height) + 0.5)[:, None] / height - y
    across = (torch.arange(width) + 0.5)[None, :] / width - x
    return torch.exp(-(down**2 + across**2) / (2 * (radius * 0.6) ** 2))


def record_of(
    pieces: tuple[tuple[str, str], ...] = PIECES,
    *,
    image: Image.Image | None = None,
    prompt: str = PROMPT,
    grid: tuple[int, int] = (12, 16),
    scales: tuple[float, ...] = (1.0, 0.5, 0.75, 1.25, 1.5),
    margin: float = 0.0,
    seed: int = 0,
) -> Record:
    """A record whose words point at the things that `pieces` names.

    `margin` is the share of the picture's width at either side that the canvas leaves unseen.
    """
    dice = torch.Generator().manual_seed(seed)
    image = draw() if image is None else image
    width, height = image.size
    asked = _prompt_tokens(prompt, dice)
    tokens: list[Token] = []
    spans: list[tuple[int, int]] = []
    answer = ""
    for text, _ in pieces:
        start, answer = len(answer), answer + text
        p = float(0.97 - 0.5 * torch.rand((), generator=dice) ** 2)
        rest = [(" and", (1 - p) * 0.6), (" </b>", (1 - p) * 0.25), (" on", (1 - p) * 0.1)]
        spans.append((start, len(answer)))
        tokens.append(Token(len(tokens), text, start, len(answer), p, ((text, p), *rest)))

    def field(rows: int, columns: int) -> Tensor:
        maps = torch.zeros(len(pieces), rows, columns)
        for i, (_, things) in enumerate(pieces):
            for thing in things.split():
                maps[i] += blob(rows, columns, thing) * (6 if len(things.split()) == 1 else 3.5)
            coarse = torch.rand(1, 1, 4, 5, generator=dice)
            noise = torch.nn.functional.interpolate(coarse, (rows, columns), mode="bilinear")[0, 0]
            maps[i] += 0.8 * noise
        return maps

    maps = field(*grid)
    text = len(asked) + len(pieces)
    context = torch.rand(len(pieces), text, generator=dice) ** 6 * 5
    for i in range(len(pieces)):
        context[i, len(asked) + i :] = 0
        if i and not pieces[i][1]:
            context[i, len(asked) + i - 1] = 6.0
    views = tuple(
        ScaleView(
            scale=s,
            seen=(round(width * s), round(height * s)),
            maps=field(max(2, round(grid[0] * s)), max(2, round(grid[1] * s))),
            probabilities=torch.tensor([t.probability for t in tokens])
            * (1 - 0.4 * abs(s - 1) * torch.rand(len(pieces), generator=dice)),
            said=torch.rand(len(pieces), generator=dice) > 0.3 * abs(s - 1) * 2,
            weights=torch.full((len(pieces),), 1 / len(scales)),
        )
        for s in scales
    )
    flat = torch.cat([maps.flatten(1), context], 1)
    words = words_of(answer, spans)
    return Record(
        image=torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(
            height, width, 3
        ),
        prompt=prompt,
        answer=answer,
        prompt_tokens=asked,
        tokens=tuple(tokens),
        words=words,
        canvas=Layer.over((width * margin, 0, width * (1 - margin), height), *grid),
        attribution=Attribution(maps, context, flat.amin(1), flat.amax(1), views),
        provenance=Provenance(
            model="seewhy/tiny-qwen2-vl",
            family="qwen2-vl",
            method="intra-modal",
            parameters={"scales": list(scales), "k": 50, "p": 0.9, "window": 3},
            versions={"seewhy": "0.1.0", "torch": "2.13.0", "transformers": "5.23.0"},
            seconds={"generate": 1.204, "scales": 0.611, "attribute": 0.018},
            created="2026-11-22T18:40:00Z",
            seed=7,
            notes=("Scale 0.25 was left out: it collapses onto the size of 0.5.",),
        ),
    )


def small_record() -> Record:
    """Two words, the second of two tokens, on a grid of 2 x 3: every number can be read off."""
    tokens = (
        Token(5, "a", 0, 1, 0.5, (("a", 0.5), ("the", 0.25))),
        Token(6, " st", 1, 4, 0.5, ((" st", 0.5), (" cat", 0.125))),
        Token(7, "ar", 4, 6, 0.75, (("ar", 0.75),)),
    )
    prompt_tokens = (Token(1, "Look", 0, 4, 0.25), Token(2, " up", 4, 7, 0.125))
    maps = torch.tensor([
        [[0.0, 0.5, 0.0], [0.0, 0.0, 0.25]],
        [[0.0, 4.0, 1.0], [0.0, 3.0, 0.0]],
        [[0.0, 2.0, 8.0], [0.0, 0.0, 1.0]],
    ])  # fmt: skip
    context = torch.tensor([
        [1.0, 2.0, 0.0, 0.0, 0.0],
        [0.0, 0.5, 2.0, 0.0, 0.0],
        [4.0, 0.0, 1.0, 9.0, 0.0],
    ])  # fmt: skip
    half = ScaleView(
        scale=0.5,
        seen=(30, 20),
        maps=torch.tensor([[[0.0, 1.0]], [[2.0, 0.0]], [[4.0, 1.0]]]),
        probabilities=torch.tensor([0.5, 0.25, 0.5]),
        said=torch.tensor([True, True, False]),
        weights=torch.tensor([0.5, 0.25, 0.75]),
    )
    return Record(
        image=torch.arange(40 * 60 * 3).view(40, 60, 3).remainder(251).to(torch.uint8),
        prompt="Look up",
        answer="a star",
        prompt_tokens=prompt_tokens,
        tokens=tokens,
        words=words_of("a star", [(t.start, t.end) for t in tokens]),
        canvas=Layer.over((0, 0, 60, 40), 2, 3),
        attribution=Attribution(
            maps, context, torch.tensor([0.0, 0.0, 0.0]), torch.tensor([2.0, 4.0, 9.0]), (half,)
        ),
        provenance=Provenance(
            model="m",
            family="f",
            method="tam",
            parameters={"window": 3},
            versions={"seewhy": "0"},
            seconds={"generate": 0.123456789},
            created="2026-11-22T00:00:00Z",
        ),
    )


def _prompt_tokens(prompt: str, dice: torch.Generator) -> tuple[Token, ...]:
    tokens: list[Token] = []
    start = 0
    for word in prompt.split(" "):
        text = word if start == 0 else f" {word}"
        p = float(torch.rand((), generator=dice))
        tokens.append(Token(len(tokens), text, start, start + len(text), p))
        start += len(text)
    return tuple(tokens)
