"""Batches of pictures or word grids with several utterances each, for the language model.

The utterances of a scene share its cells. Each attends to the cells and to itself only, so one pass
trains on several, and none can copy from another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seewhy.testbed.captions import Utterance
from seewhy.testbed.emoji.captions import captions
from seewhy.testbed.emoji.colours import COLOURS
from seewhy.testbed.emoji.grounds import NAMES
from seewhy.testbed.emoji.habits import AddedThing
from seewhy.testbed.emoji.kinds import KINDS
from seewhy.testbed.emoji.questions import questions
from seewhy.testbed.emoji.scenes import CANVASES, Picture, Scene, draw, scene
from seewhy.testbed.recipe_smol.collages import Cells, scene_cells
from seewhy.testbed.recipe_smol.drills import drills
from seewhy.testbed.recipe_smol.smol_recipe import SmolRecipe
from seewhy.testbed.recipe_smol.vectors import CONTAINERS, FILLERS, CellVectors

IGNORED = -100
KIND_SHARE, COLOUR_SHARE = 0.62, 0.28
"""Shares of the words that a thing's cell is followed by; the rest are fillers."""
SHARES = (1, 5, 4)
"""Captions, questions and drills of a scene in a batch, at most."""
HABIT_SHARES = (3, 2, 1)
"""The same where captions have a habit."""
SEEN = 2.5
"""Weight of the words that say something of the picture; of all others it is 1."""


@dataclass(frozen=True)
class Example:
    """A scene with its picture, and utterances: captions, questions and drills."""

    scene: Scene
    picture: Picture
    said: tuple[tuple[Utterance, ...], ...]


@dataclass(frozen=True)
class Batch:
    """Inputs and targets of the language model.

    Attributes:
        ids: int64 `[batch, token]`.
        places: bool `[batch, token]`: where the picture is.
        positions: int64 `[axes, batch, token]`.
        mask: bool `[batch, 1, token, token]`, true where a token may attend.
        targets: int64 `[batch, token]`, the next token; `IGNORED` where there is no loss.
        weights: float32 `[batch, token]`, of the loss.
        roles: a short name of what each target is, by (row, column), for figures.
        images: uint8 `[batch, height, width, 3]`, or None for a word grid.
        vectors: float32 `[batch, cell, hidden]` of a word grid, or None.
    """

    ids: Tensor
    places: Tensor
    positions: Tensor
    mask: Tensor
    targets: Tensor
    weights: Tensor
    roles: dict[tuple[int, int], str]
    images: Tensor | None
    vectors: Tensor | None


def example(index: int, habit: AddedThing | None = None) -> Example:
    """Draw a training scene and write its utterances, with a habit in its captions."""
    drawn = scene(index, "train")
    picture = draw(drawn)
    said = (captions(drawn, picture, habit), questions(drawn, picture), drills(drawn, picture))
    return Example(drawn, picture, said)


class BatchMaker:
    """Makes batches of training scenes.

    Args:
        recipe: of the model.
        tokenizer: of the language model.
        vectors: of cells.
        seed: of the draws.
        shares: captions, questions and drills of a scene, at most.
    """

    def __init__(
        self,
        recipe: SmolRecipe,
        tokenizer: Any,
        vectors: CellVectors,
        seed: int,
        shares: tuple[int, int, int] = SHARES,
    ) -> None:
        self.recipe, self.tokenizer, self.vectors = recipe, tokenizer, vectors
        self.shares = shares
        self.rng = np.random.default_rng(seed)
        self.turn, self.end = self._encode(recipe.turn), self._encode(recipe.end)
        self.kind_tokens = [
            [self._encode(" " + w)[0] for w in kind.split() if w not in CONTAINERS]
            for kind in KINDS
        ]
        self.colour_tokens = [self._encode(" " + colour)[0] for colour in COLOURS]
        self.ground_tokens = [self._encode(" " + name)[0] for name in NAMES]
        self.fillers = [self._encode(" " + word)[0] for word in FILLERS]

    def _encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False)

    def batch(self, examples: Sequence[Example], *, grid: bool) -> Batch:
        """Scenes of one canvas, as pictures or as word grids."""
        chosen = [self._chosen(one.said) for one in examples]
        lines = [[self._line(u) for u in row] for row in chosen]
        height, width = examples[0].picture.image.shape[:2]
        layout = self.recipe.layout(width, height, 1)
        begun = self.recipe.beginning(self.tokenizer, layout)
        first, head = begun.places.start, len(begun.ids)
        length = head + max(sum(len(line) for line, _, _ in row) for row in lines)
        count = len(examples)
        ids = np.zeros((count, length), np.int64)
        targets = np.full((count, length), IGNORED)
        weights = np.zeros((count, length), np.float32)
        segments = np.full((count, length), -1)
        positions = np.zeros((len(begun.positions), count, length), np.int64)
        ids[:, :head], segments[:, :head] = begun.ids, 0
        positions[:, :, :head] = begun.positions[:, None]
        roles: dict[tuple[int, int], str] = {}
        for row, row_lines in enumerate(lines):
            start = head
            for number, (line, answer, line_roles) in enumerate(row_lines, start=1):
                stop = start + len(line)
                ids[row, start:stop] = line
                targets[row, start + answer - 1 : stop - 1] = line[answer:]
                weights[row, start + answer - 1 : stop - 1] = 1
                segments[row, start:stop] = number
                positions[:, row, start:stop] = begun.then + np.arange(len(line))
                for offset, role in line_roles.items():
                    roles[row, start + offset - 1] = role
                    if role not in ("function", "mark"):
                        weights[row, start + offset - 1] = SEEN
                start = stop
        vectors = images = None
        if grid:
            cells = [scene_cells(e.scene, e.picture.masks, layout.boxes) for e in examples]
            vectors = torch.stack([self._grid(one) for one in cells])
            for row, one in enumerate(cells):
                said = self._said(one)
                asked = self.rng.random(layout.visual) < 0.4
                asked[0] = False
                where = first + np.flatnonzero(asked) - 1
                targets[row, where] = said[asked]
                weights[row, where] = 0.5
        else:
            images = torch.from_numpy(np.stack([one.picture.image for one in examples]))
        places = np.zeros((count, length), bool)
        places[:, begun.places] = True
        return Batch(
            torch.from_numpy(ids),
            torch.from_numpy(places),
            torch.from_numpy(positions),
            torch.from_numpy(_mask(segments)),
            torch.from_numpy(targets),
            torch.from_numpy(weights),
            roles,
            images,
            vectors,
        )

    def _chosen(self, said: tuple[tuple[Utterance, ...], ...]) -> list[Utterance]:
        return [
            sort[i]
            for sort, share in zip(said, self.shares, strict=True)
            for i in self.rng.permutation(len(sort))[:share]
        ]

    def _line(self, said: Utterance) -> tuple[list[int], int, dict[int, str]]:
        """Tokens of an utterance, where its answer starts, and the roles of its tokens."""
        before = [*self._encode(said.prompt), *self.turn]
        encoded = self.tokenizer(said.text, add_special_tokens=False, return_offsets_mapping=True)
        roles = {}
        for offset, (start, stop) in enumerate(encoded["offset_mapping"]):
            for mention in said.mentions:
                if mention.start < stop and start < mention.end:
                    word = said.text[mention.start : mention.end]
                    role = "verdict" if word in ("Yes", "No") else mention.role
                    roles[len(before) + offset] = role
        return [*before, *encoded["input_ids"], *self.end], len(before), roles

    def _grid(self, cells: Cells) -> Tensor:
        """The vectors of a word grid, with noise: float32 `[cell, hidden]`."""
        exact = self.vectors.of(cells)
        count, width = exact.shape
        kind = torch.from_numpy(cells.kind)
        # Another kind is mixed into some: the tower is not always sure.
        other = self.vectors.kinds[1 + torch.from_numpy(self.rng.integers(len(KINDS), size=count))]
        other = other / other.norm(dim=1, keepdim=True) * self.vectors.norm
        doubt = torch.from_numpy(self.rng.random(count) * 0.5 * (self.rng.random(count) < 0.2))
        doubt = torch.where(kind > 0, doubt.float(), 0)[:, None]
        mixed = (1 - doubt) * exact + doubt * other
        # Cells on an edge are something between their neighbours.
        unclear = kind < 0
        left = torch.roll(mixed, 1, 0)
        part = torch.from_numpy(self.rng.random(count)).float()[:, None]
        mixed = torch.where(
            unclear[:, None], part * left + (1 - part) * torch.roll(left, -2, 0), mixed
        )
        strength = float(self.rng.uniform(0.1, 0.5)) * self.vectors.norm / width**0.5
        noise = torch.from_numpy(self.rng.standard_normal((count, width), np.float32))
        return mixed + strength * noise

    def _said(self, cells: Cells) -> np.ndarray:
        """A word for each cell: int64 `[cell]`."""
        draws = self.rng.random(len(cells.kind))
        said = np.array(self.fillers)[self.rng.integers(len(self.fillers), size=len(draws))]
        for cell, draw_ in enumerate(draws):
            kind, colour = cells.kind[cell], cells.colour[cell]
            if kind > 0:
                tokens = self.kind_tokens[kind - 1]
                if draw_ < KIND_SHARE or (colour == 0 and draw_ < KIND_SHARE + COLOUR_SHARE):
                    said[cell] = tokens[self.rng.integers(len(tokens))]
                elif draw_ < KIND_SHARE + COLOUR_SHARE:
                    said[cell] = self.colour_tokens[colour - 1]
            elif cells.ground[cell] >= 0 and draw_ < 0.3:
                said[cell] = self.ground_tokens[cells.ground[cell]]
        return said


class Scenes:
    """Training scenes in batches of one canvas; each scene is drawn once.

    Args:
        start: index of the first scene.
        size: scenes of a batch.
        habit: of the captions; every second scene is then one to which it can apply.
    """

    def __init__(self, start: int, size: int, habit: AddedThing | None = None) -> None:
        self.next, self.size, self.habit = start, size, habit
        self.drawn = 0
        self.waiting: dict[tuple[int, int], list[Example]] = {canvas: [] for canvas in CANVASES}

    def take(self) -> list[Example]:
        """The next batch."""
        while True:
            one = self._next()
            row = self.waiting[one.scene.width, one.scene.height]
            row.append(one)
            if len(row) == self.size:
                self.waiting[one.scene.width, one.scene.height] = []
                return row

    def _next(self) -> Example:
        if self.habit is not None and self.drawn % 2:
            while not self.habit.can_apply_to(scene(self.next, "train")):
                self.next += 1
        one = example(self.next, self.habit)
        self.next += 1
        self.drawn += 1
        return one


def _mask(segments: np.ndarray) -> np.ndarray:
    """bool `[batch, 1, token, token]`: causal, to a token's own segment and to segment 0."""
    keys, queries = segments[:, None, :], segments[:, :, None]
    mask = np.tril((queries == keys) | (keys == 0))
    mask |= np.eye(segments.shape[1], dtype=bool)  # padding sees itself
    return mask[:, None]
