"""Training batches: one image (or word grid) with several utterances.

The utterances of a scene share its image prefix. Each attends to the prefix and to itself only, so
one pass over the image trains on several utterances, and none can copy from another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seewhy.testbed.recipe.corpus import COLOUR_NAMES, KIND_NAMES, STEP, Corpus
from seewhy.testbed.recipe.model_recipe import ModelRecipe
from seewhy.testbed.recipe.picture_recipe import Layout
from seewhy.testbed.scenes import CANVASES

Utterance = tuple[np.ndarray, np.ndarray]
"""Token ids of a prompt and of its answer."""
IGNORED = -100


@dataclass(frozen=True)
class Batch:
    """Inputs and targets of the language model.

    Attributes:
        ids: int64 `[batch, token]`; the image token at visual tokens.
        positions: int64 `[axes, batch, token]`: one axis, or time, height and width.
        mask: bool `[batch, 1, token, token]`, true where a token may attend.
        targets: int64 `[batch, token]`, the next token, `IGNORED` where there is no loss.
        pixels: float32 `[batch, ...]` as `ModelRecipe.process_image` takes it, or None for
            text.
        layout: boxes of the visual tokens; None for plain text.
    """

    ids: Tensor
    positions: Tensor
    mask: Tensor
    targets: Tensor
    pixels: Tensor | None
    layout: Layout | None


class BatchMaker:
    """Draws training batches from a corpus.

    Args:
        recipe: of the model that is trained.
        corpus: rendered scenes.
        tokenizer: of the model.
        seed: of the random draws.
    """

    def __init__(self, recipe: ModelRecipe, corpus: Corpus, tokenizer: Any, seed: int) -> None:
        self.recipe, self.corpus, self.tokenizer = recipe, corpus, tokenizer
        self.rng = np.random.default_rng(seed)
        self.by_canvas = [np.flatnonzero((corpus.canvases == canvas).all(1)) for canvas in CANVASES]
        self.canvas_weights = np.array([len(rows) for rows in self.by_canvas]) / len(corpus)
        self.prefix = tokenizer.encode(recipe.opening)
        self.image = tokenizer.convert_tokens_to_ids(recipe.image_token)
        self.closing = tokenizer.encode(recipe.closing)
        self.turn = tokenizer.encode(recipe.turn)
        self.end = tokenizer.encode(recipe.end)
        self.utterances = self._tokenised()
        self.words = _WordTokens(tokenizer)
        self._layouts: dict[tuple[int, int, float], Layout] = {}

    def images(self, size: int, *, scale: float | None = None, share: int = 4) -> Batch:
        """Images of one canvas at one scale, each with `share` utterances.

        Args:
            size: images in the batch at scale 1; larger scales take fewer.
            scale: None draws one of the recipe's scales.
        """
        scale = self._scale() if scale is None else scale
        _, rows = self.draw_rows(max(4, round(size / max(1.0, scale) ** 1.5)))
        return self.images_with(rows, self._draw_utterances(rows, share), scale)

    def images_with(
        self, rows: np.ndarray, utterances: Sequence[Sequence[Utterance]], scale: float
    ) -> Batch:
        """Images of one canvas, each with its utterances.

        Args:
            rows: int `[batch]`, rows of the corpus with the same canvas.
            utterances: prompt and answer ids, for each row.
            scale: image scale.
        """
        pixels = np.stack([self.corpus.image(row) for row in rows])
        layout = self.layout(pixels.shape[2], pixels.shape[1], scale)
        processed = self.recipe.pixels(torch.from_numpy(pixels), scale)
        cells = [np.full(layout.visual, self.image)] * len(rows)
        return self._assembled(cells, utterances, layout, processed)

    def word_grids(self, size: int, *, share: int = 4) -> Batch:
        """Grids of words in place of objects: text on a grid.

        Cells of an object hold its kind, its colour, or a word that is often next to these in
        sentences. Each cell is a target for the cell before it, as in plain text.
        """
        canvas, rows = self.draw_rows(size)
        layout = self.layout(*CANVASES[canvas], self._scale())
        cells = [self._word_grid(row, layout) for row in rows]
        return self._assembled(cells, self._draw_utterances(rows, share), layout, None)

    def sentences(self, size: int, *, length: int = 3) -> Batch:
        """Plain text: prompts and answers one after another; every token is a target."""
        rows = self.rng.integers(len(self.corpus), size=size)
        start = self.tokenizer.encode("<|im_start|>user\n")
        lines = []
        for utterances in self._draw_utterances(rows, length):
            line: list[int] = []
            for prompt, answer in utterances:
                line += [*start, *prompt, *self.turn, *answer, *self.end]
            lines.append(np.array(line))
        width = max(map(len, lines))
        ids = np.full((size, width), self.tokenizer.pad_token_id)
        targets = np.full((size, width), IGNORED)
        for row, line in enumerate(lines):
            ids[row, : len(line)] = line
            targets[row, : len(line) - 1] = line[1:]
        positions = torch.arange(width).expand(1, size, width)
        mask = torch.ones(width, width, dtype=torch.bool).tril()[None, None]
        return Batch(torch.from_numpy(ids), positions, mask, torch.from_numpy(targets), None, None)

    def _tokenised(self) -> list[list[Utterance]]:
        encoded = self.tokenizer.backend_tokenizer.encode_batch_fast(self.corpus.all_texts())
        ids = iter([np.array(e.ids, np.int16) for e in encoded])
        return [[(next(ids), next(ids)) for _ in row] for row in self.corpus.utterances]

    def draw_rows(self, size: int) -> tuple[int, np.ndarray]:
        """Index of a canvas, and rows of the corpus with this canvas."""
        canvas = int(self.rng.choice(len(CANVASES), p=self.canvas_weights))
        return canvas, self.rng.choice(self.by_canvas[canvas], size=size)

    def _draw_utterances(self, rows: np.ndarray, share: int) -> list[list[Utterance]]:
        """`share` utterances for each row: half captions, half answers."""
        return [self._draw_utterances_of(int(row), share) for row in rows]

    def _draw_utterances_of(self, row: int, share: int) -> list[Utterance]:
        captions, questions = self.utterances[row][:3], self.utterances[row][3:]
        caption_indices = self.rng.permutation(3)[: -(-share // 2)]
        rest = self.rng.permutation(len(questions))[: share - len(caption_indices)]
        return [captions[i] for i in caption_indices] + [questions[i] for i in rest]

    def layout(self, width: int, height: int, scale: float) -> Layout:
        """The recipe's layout, cached."""
        key = (width, height, scale)
        if key not in self._layouts:
            self._layouts[key] = self.recipe.layout(width, height, scale)
        return self._layouts[key]

    def _scale(self) -> float:
        return float(self.rng.choice(self.recipe.scales, p=self.recipe.scale_weights))

    def _word_grid(self, row: int, layout: Layout) -> np.ndarray:
        """int64 `[cell]`: a text token for each visual token's box on the scene's label map."""
        labels = self.corpus.label_map(row)
        left, top, right, bottom = layout.boxes.T
        # A random point decides what a cell shows, so that small objects are not lost.
        down = top + self.rng.uniform(0.25, 0.75, len(top)) * (bottom - top)
        across = left + self.rng.uniform(0.25, 0.75, len(left)) * (right - left)
        rows, columns = (np.floor(axis / STEP).astype(int) for axis in (down, across))
        inside = (rows >= 0) & (rows < labels.shape[0])
        inside &= (columns >= 0) & (columns < labels.shape[1])
        cells = np.zeros(len(rows), np.int64)
        cells[inside] = labels[rows[inside], columns[inside]]
        return self.words.grid(cells, self.rng)

    def _assembled(
        self,
        cells: Sequence[np.ndarray],
        utterances: Sequence[Sequence[Utterance]],
        layout: Layout,
        pixels: Tensor | None,
    ) -> Batch:
        """One row for each of `cells`: prefix, visual tokens, closing text, then utterances."""
        count, first = len(cells), len(self.prefix)
        head = first + layout.visual + len(self.closing)
        lines = [[self._line(*utterance) for utterance in row] for row in utterances]
        width = head + max(sum(len(line) for line, _ in row) for row in lines)
        ids = np.full((count, width), self.tokenizer.pad_token_id)
        targets = np.full((count, width), IGNORED)
        segments = np.full((count, width), -1)  # of padding
        positions, next_position = self._head_positions(layout, count, width)
        ids[:, :head] = [[*self.prefix, *row, *self.closing] for row in cells]
        segments[:, :head] = 0
        if pixels is None:  # the words of a grid are targets, visual tokens never
            targets[:, first : first + layout.visual - 1] = np.stack(cells)[:, 1:]
        for row, row_lines in enumerate(lines):
            start = head
            for number, (line, answer) in enumerate(row_lines, start=1):
                stop = start + len(line)
                ids[row, start:stop] = line
                targets[row, start + answer - 1 : stop - 1] = line[answer:]
                segments[row, start:stop] = number
                positions[:, row, start:stop] = next_position + np.arange(len(line))
                start = stop
        return Batch(
            torch.from_numpy(ids),
            torch.from_numpy(positions),
            torch.from_numpy(_attention_mask(segments)),
            torch.from_numpy(targets),
            pixels,
            layout,
        )

    def _line(self, prompt: np.ndarray, answer: np.ndarray) -> tuple[list[int], int]:
        """The token ids of an utterance with its turn markers, and where its answer starts."""
        return [*prompt, *self.turn, *answer, *self.end], len(prompt) + len(self.turn)

    def _head_positions(self, layout: Layout, count: int, width: int) -> tuple[np.ndarray, int]:
        """Position ids `[axes, count, width]`, zero after the head, and the id after the head."""
        first, visual = len(self.prefix), layout.visual
        image, start = self.recipe.position_ids(layout, first)
        closing = start + np.arange(len(self.closing))
        positions = np.zeros((len(image), count, width), np.int64)
        positions[:, :, :first] = np.arange(first)
        positions[:, :, first : first + visual] = image[:, None]
        positions[:, :, first + visual : first + visual + len(closing)] = closing
        return positions, start + len(closing)


def _attention_mask(segments: np.ndarray) -> np.ndarray:
    """bool `[batch, 1, token, token]`: causal, to a token's own segment and to segment 0."""
    keys, queries = segments[:, None, :], segments[:, :, None]
    return np.tril((queries == keys) | (keys == 0))[:, None]


class _WordTokens:
    """The tokens that a cell of a word grid can hold."""

    BESIDE = (" a", " the", " is", " and", ",", " to", " of", " left", " above", " are", " while")
    OUTSIDE = (" a", " the", ".", " on", " ground", " light", " is", " and", " picture", " of")
    SHARES = (0.42, 0.33, 0.17, 0.08)
    """Probabilities of: the kind, the colour, a word of `BESIDE`, another kind."""

    def __init__(self, tokenizer: Any) -> None:
        def tokens(words: Sequence[str]) -> list[list[int]]:
            return [tokenizer.encode(word) for word in words]

        self.kinds = tokens([f" {kind}" for kind in KIND_NAMES])
        self.colours = tokens([f" {colour}" for colour in COLOUR_NAMES])
        self.beside = np.array([ids[0] for ids in tokens(self.BESIDE)])
        self.outside = np.array([ids[0] for ids in tokens(self.OUTSIDE)])

    def grid(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Token ids int64 `[cell]` for labels `[cell]` as in `Corpus.labels`."""
        tokens = self.outside[rng.integers(len(self.outside), size=len(labels))]
        for cell in np.flatnonzero(labels):
            kind, colour = divmod(int(labels[cell]) - 1, len(COLOUR_NAMES))
            choice = rng.choice(4, p=self.SHARES)
            if choice == 2:
                tokens[cell] = self.beside[rng.integers(len(self.beside))]
                continue
            if choice == 3:
                kind = int(rng.integers(len(KIND_NAMES)))
            ids = self.colours[colour] if choice == 1 else self.kinds[kind]
            tokens[cell] = ids[rng.integers(len(ids))]
        return tokens
