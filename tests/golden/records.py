"""Records made by hand: drawn pictures, smooth random maps, a caption. No model is needed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from seewhy.core.attribution import Attribution, ScaleView
from seewhy.core.geometry import TokenGrid
from seewhy.core.layers import Layers
from seewhy.core.record import Picture, Provenance, Record
from seewhy.core.text import Token, words_of
from seewhy.core.thinking import thinking_span
from seewhy.core.trace import PromptSpan

PROMPT = "Write a one-sentence caption for this image:"
# Each piece: its text, and the object of the picture that it names, or nothing.
PIECES = (
    ("A", ""), (" red", "star"), (" st", "star"), ("ar", "star"), (" shines", "star"),
    (" above", "star house"), (" the", ""), (" blue", "house"), (" house", "house"),
    (" and", ""), (" a", ""), (" small", "tree"), (" green", "tree"), (" tree", "tree"),
    (" stands", "tree"), (" to", ""), (" the", ""), (" right", "tree"), (" of", ""),
    (" it", "house"), (".", ""), ("", ""),
)  # fmt: skip
# Centre and radius of each thing, as fractions of the sides.
Places = Mapping[str, tuple[float, float, float]]
THINGS: Places = {
    "star": (0.3, 0.24, 0.13),
    "house": (0.35, 0.7, 0.2),
    "tree": (0.77, 0.66, 0.15),
}


@dataclass(frozen=True)
class Shown:
    """A view to make a record of: its picture, its grid, and the objects in it."""

    image: Image.Image
    grid: tuple[int, int] = (12, 16)
    objects: Places = field(default_factory=lambda: THINGS)
    medium: int = 0
    frames: tuple[int, ...] = ()
    seconds: float | None = None


def draw(width: int = 480, height: int = 360, objects: Places = THINGS) -> Image.Image:
    """A star, a house and a tree on a pale ground, or those of them that `things` holds."""
    image = Image.new("RGB", (width, height), (233, 228, 214))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, height * 0.84, width, height), fill=(196, 205, 170))

    def at(thing: str, dx: float, dy: float) -> tuple[float, float]:
        x, y, _ = objects[thing]
        return (x + dx) * width, (y + dy) * height

    if "star" in objects:
        x, y = at("star", 0, 0)
        side = min(width, height)
        points = [
            (x + r * math.sin(a) * side, y - r * math.cos(a) * side)
            for k in range(10)
            for r, a in [((0.17, 0.07)[k % 2], k * math.pi / 5)]
        ]
        pen.polygon(points, fill=(206, 52, 45))
    if "house" in objects:
        pen.rectangle((*at("house", -0.13, -0.1), *at("house", 0.13, 0.16)), fill=(54, 96, 178))
        roof = [at("house", -0.16, -0.09), at("house", 0, -0.25), at("house", 0.16, -0.09)]
        pen.polygon(roof, fill=(34, 58, 112))
        pen.rectangle((*at("house", -0.03, 0), *at("house", 0.03, 0.16)), fill=(244, 236, 214))
    if "tree" in objects:
        pen.rectangle((*at("tree", -0.015, 0.04), *at("tree", 0.015, 0.21)), fill=(103, 72, 48))
        pen.ellipse((*at("tree", -0.1, -0.24), *at("tree", 0.1, 0.08)), fill=(58, 128, 72))
    return image


def blob(height: int, width: int, place: tuple[float, float, float]) -> Tensor:
    """A hill over one place: float32 `[height, width]`, its top near 1."""
    x, y, radius = place
    down = (torch.arange(height) + 0.5)[:, None] / height - y
    across = (torch.arange(width) + 0.5)[None, :] / width - x
    return torch.exp(-(down**2 + across**2) / (2 * (radius * 0.6) ** 2))


def pixels(image: Image.Image) -> Tensor:
    """A picture as uint8 `[height, width, 3]`."""
    width, height = image.size
    return torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(height, width, 3)


def record_of(
    pieces: tuple[tuple[str, str], ...] = PIECES,
    *,
    image: Image.Image | None = None,
    shown: tuple[Shown, ...] = (),
    prompt: str = PROMPT,
    turns: tuple[PromptSpan, ...] = (),
    contrasts: tuple[tuple[int, str], ...] = (),
    grid: tuple[int, int] = (12, 16),
    scales: tuple[float, ...] = (1.0, 0.5, 0.75, 1.25, 1.5),
    margin: float = 0.0,
    explained: bool = False,
    seed: int = 0,
    special: tuple[int, ...] = (),
) -> Record:
    """A record whose words point at the things that `pieces` names, in every view that has them.

    `margin` is the share of a picture's width at either side that the canvas leaves unseen.
    Words of an `explained` prompt point at the things that they name. `special` are the indices of
    the pieces that are special tokens; a thinking block is told apart by its tags.
    """
    rng = torch.Generator().manual_seed(seed)
    shown = shown or (Shown(draw() if image is None else image, grid),)
    prompt_tokens = _prompt_tokens(prompt, rng)
    tokens: list[Token] = []
    answer = ""
    for text, _ in pieces:
        start, answer = len(answer), answer + text
        p = float(0.97 - 0.5 * torch.rand((), generator=rng) ** 2)
        rest = [(" and", (1 - p) * 0.6), (" </b>", (1 - p) * 0.25), (" on", (1 - p) * 0.1)]
        candidates, index = ((text, p), *rest), len(tokens)
        tokens.append(Token(index, text, start, len(answer), p, candidates, index in special))

    def maps_of(view: Shown, scale: float, named: list[list[str]]) -> Tensor:
        rows, columns = (side if scale == 1 else max(2, round(side * scale)) for side in view.grid)
        maps = torch.zeros(len(named), rows, columns)
        for i, objects in enumerate(named):
            for thing in filter(view.objects.__contains__, objects):
                hill = blob(rows, columns, view.objects[thing])
                maps[i] += hill * (6 if len(objects) == 1 else 3.5)
            coarse = torch.rand(1, 1, 4, 5, generator=rng)
            noise = torch.nn.functional.interpolate(coarse, (rows, columns), mode="bilinear")[0, 0]
            maps[i] += 0.8 * noise
        return maps

    def attribution_of(
        of: tuple[Token, ...], named: list[list[str]], leaning: list[bool], offset: int
    ) -> Attribution:
        count = len(of)
        maps = tuple(maps_of(view, 1.0, named) for view in shown)
        context = torch.rand(count, len(prompt_tokens) + len(pieces), generator=rng) ** 6 * 5
        for i in range(count):
            context[i, offset + i :] = 0
            if leaning[i] and i:
                context[i, offset + i - 1] = 6.0
        views = tuple(
            ScaleView(
                scale=s,
                model_sizes=tuple(
                    (round(v.image.width * s), round(v.image.height * s)) for v in shown
                ),
                maps=tuple(maps_of(view, s, named) for view in shown),
                probabilities=torch.tensor([t.probability for t in of])
                * (1 - 0.4 * abs(s - 1) * torch.rand(count, generator=rng)),
                is_top1=torch.rand(count, generator=rng) > 0.3 * abs(s - 1) * 2,
                weights=torch.full((count,), 1 / len(scales)),
            )
            for s in scales
        )
        flat = torch.cat([*(one.flatten(1) for one in maps), context], 1)
        return Attribution(maps, context, flat.amin(1), flat.amax(1), views)

    given = attribution_of(
        tuple(tokens),
        [objects.split() for _, objects in pieces],
        [not objects for _, objects in pieces],
        len(prompt_tokens),
    )
    named = [[thing for thing in THINGS if thing in token.text.lower()] for token in prompt_tokens]
    return Record(
        pictures=tuple(_picture(view, margin) for view in shown),
        prompt=prompt,
        answer=answer,
        prompt_tokens=prompt_tokens,
        tokens=tuple(tokens),
        words=words_of(answer, tokens),
        thinking=thinking_span(answer),
        attribution=given,
        prompt_attribution=attribution_of(prompt_tokens, named, [False] * len(prompt_tokens), 0)
        if explained
        else None,
        turns=turns or (PromptSpan("user", 0, len(prompt)),),
        contrasts=contrasts,
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


def _picture(view: Shown, margin: float) -> Picture:
    width, height = view.image.size
    return Picture(
        image=pixels(view.image),
        base_grid=TokenGrid.over((width * margin, 0, width * (1 - margin), height), *view.grid),
        medium=view.medium,
        frames=view.frames,
        seconds=view.seconds,
    )


def still(width: int, height: int, objects: Places, medium: int = 0) -> Shown:
    """A picture of some things, about 30 pixels to a cell."""
    grid = max(2, round(height / 30)), max(2, round(width / 30))
    return Shown(draw(width, height, objects), grid, objects, medium)


def clip(steps: int = 8, medium: int = 0, every: float = 0.5) -> tuple[Shown, ...]:
    """A star that rises over a house; in the second half a tree has grown beside it."""
    views = []
    for step in range(steps):
        done = step / max(steps - 1, 1)
        high = math.sin(math.pi * done)
        objects = {"star": (0.12 + 0.5 * done, 0.5 - 0.3 * high, 0.04 + 0.14 * high)}
        objects["house"] = THINGS["house"]
        if done > 0.5:
            objects["tree"] = THINGS["tree"]
        frames = 2 * step, 2 * step + 1
        views.append(Shown(draw(480, 270, objects), (9, 16), objects, medium, frames, step * every))
    return tuple(views)


def with_visual_share(record: Record, seed: int = 0) -> Record:
    """The record with a random visual share of every token of the answer."""
    rng = torch.Generator().manual_seed(seed)
    share = torch.rand(len(record.tokens), generator=rng)
    return replace(record, attribution=replace(record.attribution, visual_share=share))


def with_layers(record: Record, layers: int = 6, heads: int = 4, seed: int = 0) -> Record:
    """The record with random layers, in which probabilities grow from layer to layer."""
    rng = torch.Generator().manual_seed(seed)
    tokens, depth = len(record.tokens), torch.linspace(0, 1, layers)
    rise = depth ** (1 + 4 * torch.rand(tokens, 1, generator=rng))
    own = torch.tensor([token.probability for token in record.tokens])
    taken = torch.exp(-((depth - torch.rand(tokens, 1, generator=rng)) ** 2) / 0.05)

    def maps(strength: Tensor) -> tuple[Tensor, ...]:
        return tuple(
            strength[:, :, None, None]
            * (one[:, None] + torch.rand(tokens, layers, *one.shape[1:], generator=rng))
            for one in record.attribution.maps
        )

    made = Layers(
        probabilities=own[:, None] * rise,
        ranks=(500 * (1 - rise) ** 3).long(),
        lens_maps=maps(rise),
        share_maps=maps(taken),
        picture=taken[:, :, None] * torch.rand(tokens, layers, heads, generator=rng) ** 3,
        text=torch.rand(tokens, layers, heads, generator=rng) ** 3,
        feed_forward=torch.randn(tokens, layers, generator=rng) / 3,
    )
    return replace(record, layers=made)


def pictures_record(explained: bool = False) -> Record:
    """Two pictures: a wide one with a star and a house, a tall one with a tree."""
    wide = still(480, 300, {k: THINGS[k] for k in ("star", "house")}, 0)
    tall = still(300, 400, {"tree": (0.5, 0.6, 0.15)}, 1)
    prompt = "Where is the star, and where the tree?" if explained else PROMPT
    return record_of(shown=(wide, tall), prompt=prompt, explained=explained)


def clip_record(steps: int = 8) -> Record:
    """A clip."""
    return record_of(shown=clip(steps), prompt="What happens in this clip?")


def mixed_record() -> Record:
    """Two pictures and a clip between them."""
    return record_of(
        shown=(
            still(300, 400, {"tree": (0.5, 0.6, 0.15)}, 0),
            *clip(6, 1),
            still(480, 300, {"house": THINGS["house"]}, 2),
        ),
        prompt="What do these have in common?",
    )


def chat_record() -> Record:
    """A conversation of four turns, explained throughout, one word of the answer contrasted."""
    said = (
        ("system", "Answer in one sentence."),
        ("user", "What is blue in this picture?"),
        ("assistant", "The house is blue, and the tree is green."),
        ("user", "And where is the star?\nSay what else you see."),
    )
    turns, prompt = [], ""
    for role, text in said:
        start = len(prompt) + 1 if prompt else 0
        prompt = f"{prompt}\n{text}" if prompt else text
        turns.append(PromptSpan(role, start, len(prompt)))
    record = record_of(prompt=prompt, turns=tuple(turns), contrasts=((2, "sun"),), explained=True)
    # The newline between two turns belongs to no turn.
    starts = {turn.start - 1 for turn in turns}
    tokens = tuple(
        replace(t, text=t.text[1:], start=t.start + 1) if t.start in starts else t
        for t in record.prompt_tokens
    )
    return replace(record, prompt_tokens=tokens)


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
        model_sizes=((30, 20),),
        maps=(torch.tensor([[[0.0, 1.0]], [[2.0, 0.0]], [[4.0, 1.0]]]),),
        probabilities=torch.tensor([0.5, 0.25, 0.5]),
        is_top1=torch.tensor([True, True, False]),
        weights=torch.tensor([0.5, 0.25, 0.75]),
    )
    return Record(
        pictures=(Picture(ramp(40, 60), TokenGrid.over((0, 0, 60, 40), 2, 3)),),
        prompt="Look up",
        answer="a star",
        prompt_tokens=prompt_tokens,
        tokens=tokens,
        words=words_of("a star", [(t.start, t.end) for t in tokens]),
        attribution=Attribution(
            (maps,), context, torch.tensor([0.0, 0.0, 0.0]), torch.tensor([2.0, 4.0, 9.0]), (half,)
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


def small_views_record() -> Record:
    """The small record with a second picture, of 1 x 2 cells, and its prompt explained."""
    record = small_record()
    given = record.attribution
    second = torch.tensor([[[1.0, 0.0]], [[0.0, 2.0]], [[0.0, 0.0]]])
    (half,) = given.scales
    half = replace(half, model_sizes=((30, 20), (20, 10)), maps=(*half.maps, second / 2))
    prompt_attribution = Attribution(
        (torch.tensor([[[0.0] * 3, [0.0, 3.0, 0.0]]] * 2), torch.tensor([[[0.0, 6.0]]] * 2)),
        torch.tensor([[0.0] * 5, [2.0, 0.0, 0.0, 0.0, 0.0]]),
        torch.tensor([0.0, 0.0]),
        torch.tensor([6.0, 6.0]),
    )
    return replace(
        record,
        pictures=(
            *record.pictures,
            Picture(ramp(20, 40), TokenGrid.over((0, 0, 40, 20), 1, 2), 1, (4, 5), 2.5),
        ),
        attribution=replace(given, maps=(*given.maps, second), scales=(half,)),
        prompt_attribution=prompt_attribution,
        turns=(PromptSpan("user", 0, 7),),
        contrasts=((1, "sun"),),
    )


def ramp(height: int, width: int) -> Tensor:
    """A picture whose every pixel differs from its neighbours."""
    return torch.arange(height * width * 3).view(height, width, 3).remainder(251).to(torch.uint8)


def same(one: Any, other: Any) -> bool:
    """Whether two records, or parts of records, are equal to the bit."""
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if hasattr(one, "__dataclass_fields__"):
        return type(one) is type(other) and all(
            same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one)
        )
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def _prompt_tokens(prompt: str, rng: torch.Generator) -> tuple[Token, ...]:
    tokens: list[Token] = []
    for found in re.finditer(r"\s?[^\s]*", prompt):
        if not found[0] and tokens:
            continue
        p = float(torch.rand((), generator=rng))
        tokens.append(Token(len(tokens), found[0], found.start(), found.end(), p))
    return tuple(tokens)
