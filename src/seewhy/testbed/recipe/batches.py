"""Training batches: one image (or word grid), and several things said of it side by side.

Everything said of a scene shares its image prefix: each utterance attends to the prefix and to
itself alone, so one pass over the image teaches several utterances, and none can copy another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import Qwen2Tokenizer

from seewhy.testbed.recipe.corpus import COLOUR_NAMES, KIND_NAMES, Corpus
from seewhy.testbed.recipe.tiny_qwen2_vl import CELL, MEAN, MERGE, PATCH, STD
from seewhy.testbed.scenes import CANVASES

Utterance = tuple[np.ndarray, np.ndarray]
"""Token ids of a prompt and of its answer."""
IGNORED = -100
SCALES = (0.5, 0.625, 0.75, 0.875, 1.0, 1.25, 1.5, 2.0)
SCALE_WEIGHTS = (0.12, 0.12, 0.14, 0.12, 0.35, 0.07, 0.06, 0.02)


@dataclass(frozen=True)
class Batch:
    """What the language model reads, and what it should say.

    Attributes:
        ids: int64 `[batch, token]`; image places hold the image token.
        positions: int64 `[3, batch, token]`, time, height and width as in Qwen2-VL.
        mask: bool `[batch, 1, token, token]`, true where a token may look.
        targets: int64 `[batch, token]`, the next token, `IGNORED` where none is taught.
        patches: float32 `[batch, patch, channels * pixels]` or None for text.
        grid: rows and columns of image tokens.
    """

    ids: Tensor
    positions: Tensor
    mask: Tensor
    targets: Tensor
    patches: Tensor | None
    grid: tuple[int, int]


class Teacher:
    """Makes batches of a corpus.

    Args:
        corpus: rendered scenes.
        tokenizer: the model's.
        seed: of everything drawn here.
    """

    def __init__(self, corpus: Corpus, tokenizer: Qwen2Tokenizer, seed: int) -> None:
        self.corpus, self.tokenizer = corpus, tokenizer
        self.rng = np.random.default_rng(seed)
        self.by_canvas = [np.flatnonzero((corpus.canvases == canvas).all(1)) for canvas in CANVASES]
        self.canvas_weights = np.array([len(rows) for rows in self.by_canvas]) / len(corpus)
        self.prefix = tokenizer.encode("<|im_start|>user\n<|vision_start|>")
        self.image = tokenizer.convert_tokens_to_ids("<|image_pad|>")
        self.closing = tokenizer.encode("<|vision_end|>")
        self.turn = tokenizer.encode("<|im_end|>\n<|im_start|>assistant\n")
        self.end = tokenizer.encode("<|im_end|>")
        self.said = self._tokenised()
        self.words = _WordTokens(tokenizer)

    def images(self, size: int, *, scale: float | None = None, share: int = 4) -> Batch:
        """Images of one canvas at one scale, each with `share` things said of it.

        Args:
            size: images in the batch at scale 1; larger scales take fewer.
            scale: None draws one of `SCALES`.
        """
        scale = float(self.rng.choice(SCALES, p=SCALE_WEIGHTS)) if scale is None else scale
        _, rows = self.draw_rows(max(4, round(size / max(1.0, scale) ** 1.5)))
        return self.told(rows, [self._chosen(int(row), share) for row in rows], scale)

    def told(self, rows: np.ndarray, said: Sequence[Sequence[Utterance]], scale: float) -> Batch:
        """Images of one canvas, each with the utterances given for it.

        Args:
            rows: int `[batch]`, rows of the corpus with the same canvas.
            said: prompt and answer ids, for each row.
            scale: of the images.
        """
        pixels = np.stack([self.corpus.image(row) for row in rows])
        patches, grid = patchify(torch.from_numpy(pixels), scale)
        cells = [np.full(grid[0] * grid[1], self.image)] * len(rows)
        return self._assembled(cells, said, grid, patches)

    def word_grids(self, size: int, *, share: int = 4) -> Batch:
        """Grids of words that stand where objects would be: text, laid out on a grid.

        Cells of a thing hold its kind, its colour, or a word that stands beside them in
        sentences; the next cell is taught as the next word of any text is.
        """
        scale = float(self.rng.choice(SCALES, p=SCALE_WEIGHTS))
        canvas, rows = self.draw_rows(size)
        grid = grid_of(*CANVASES[canvas], scale)
        cells = [self._word_grid(row, grid) for row in rows]
        said = [self._chosen(int(row), share) for row in rows]
        return self._assembled(cells, said, grid, None)

    def sentences(self, size: int, *, length: int = 3) -> Batch:
        """Plain text: prompts and answers after one another, every token taught."""
        rows = self.rng.integers(len(self.corpus), size=size)
        start = self.tokenizer.encode("<|im_start|>user\n")
        lines = []
        for row in rows:
            line: list[int] = []
            for prompt, answer in self._chosen(int(row), length):
                line += [*start, *prompt, *self.turn, *answer, *self.end]
            lines.append(np.array(line))
        width = max(map(len, lines))
        ids = np.full((size, width), self.tokenizer.pad_token_id)
        targets = np.full((size, width), IGNORED)
        for place, line in enumerate(lines):
            ids[place, : len(line)] = line
            targets[place, : len(line) - 1] = line[1:]
        positions = torch.arange(width).expand(3, size, width)
        mask = torch.ones(width, width, dtype=torch.bool).tril()[None, None]
        return Batch(
            torch.from_numpy(ids), positions, mask, torch.from_numpy(targets), None, (0, 0)
        )

    def _tokenised(self) -> list[list[Utterance]]:
        texts = [text for row in self.corpus.said for pair in row for text in pair]
        encoded = self.tokenizer.backend_tokenizer.encode_batch_fast(texts)
        ids = iter([np.array(e.ids, np.int16) for e in encoded])
        return [[(next(ids), next(ids)) for _ in row] for row in self.corpus.said]

    def draw_rows(self, size: int) -> tuple[int, np.ndarray]:
        """A canvas' number, and rows of the corpus with this canvas."""
        canvas = int(self.rng.choice(len(CANVASES), p=self.canvas_weights))
        return canvas, self.rng.choice(self.by_canvas[canvas], size=size)

    def _chosen(self, row: int, share: int) -> list[Utterance]:
        """Half captions, half answers."""
        captions, questions = self.said[row][:3], self.said[row][3:]
        first = self.rng.permutation(3)[: -(-share // 2)]
        rest = self.rng.permutation(len(questions))[: share - len(first)]
        return [captions[i] for i in first] + [questions[i] for i in rest]

    def _word_grid(self, row: int, grid: tuple[int, int]) -> np.ndarray:
        """int64 `[cell]`: a token for each cell of the scene's label map."""
        labels = self.corpus.label_map(row)
        height, width = labels.shape
        # A cell shows what stands at a point in it, so that small things stay.
        down = (np.arange(grid[0]) + self.rng.uniform(0.25, 0.75, grid[0])) * height / grid[0]
        across = (np.arange(grid[1]) + self.rng.uniform(0.25, 0.75, grid[1])) * width / grid[1]
        seen = labels[np.ix_(down.astype(int), across.astype(int))].reshape(-1)
        return self.words.grid(seen, self.rng)

    def _assembled(
        self,
        cells: Sequence[np.ndarray],
        chosen: Sequence[Sequence[Utterance]],
        grid: tuple[int, int],
        patches: Tensor | None,
    ) -> Batch:
        count, visual = len(cells), grid[0] * grid[1]
        head = len(self.prefix) + visual + len(self.closing)
        extra = len(self.turn) + len(self.end)
        width = head + max(sum(len(p) + len(a) + extra for p, a in said) for said in chosen)
        ids = np.full((count, width), self.tokenizer.pad_token_id)
        targets = np.full((count, width), IGNORED)
        segments = np.full((count, width), -1)  # padding looks at itself alone
        positions = np.zeros((3, count, width), np.int64)
        first = len(self.prefix)
        start = first + max(grid)  # Qwen2-VL goes on after the longer side
        positions[:, :, :first] = np.arange(first)
        positions[0, :, first : first + visual] = first
        positions[1, :, first : first + visual] = first + np.arange(visual) // grid[1]
        positions[2, :, first : first + visual] = first + np.arange(visual) % grid[1]
        positions[:, :, first + visual : head] = start
        for place, said in enumerate(chosen):
            ids[place, :head] = [*self.prefix, *cells[place], *self.closing]
            segments[place, :head] = 0
            if patches is None:  # words are taught as text is, an image's places never
                targets[place, first : first + visual - 1] = cells[place][1:]
            at = head
            for number, (prompt, answer) in enumerate(said, start=1):
                line = [*prompt, *self.turn, *answer, *self.end]
                stop, spoken = at + len(line), at + len(prompt) + len(self.turn)
                ids[place, at:stop] = line
                targets[place, spoken - 1 : stop - 1] = line[len(prompt) + len(self.turn) :]
                segments[place, at:stop] = number
                positions[:, place, at:stop] = start + 1 + np.arange(len(line))
                at = stop
        segment = torch.from_numpy(segments)
        same = segment[:, :, None] == segment[:, None, :]
        mask = (same | (segment[:, None, :] == 0)).tril()[:, None]
        return Batch(
            torch.from_numpy(ids),
            torch.from_numpy(positions),
            mask,
            torch.from_numpy(targets),
            patches,
            grid,
        )


class _WordTokens:
    """What may stand in a cell of a word grid."""

    BESIDE = (" a", " the", " is", " and", ",", " to", " of", " left", " above", " are", " while")
    OUTSIDE = (" a", " the", ".", " on", " ground", " light", " is", " and", " picture", " of")
    SHARES = (0.42, 0.33, 0.17, 0.08)
    """Kind, colour, a word from beside them, another kind."""

    def __init__(self, tokenizer: Qwen2Tokenizer) -> None:
        def tokens(words: Sequence[str]) -> list[list[int]]:
            return [tokenizer.encode(word) for word in words]

        self.kinds = tokens([f" {kind}" for kind in KIND_NAMES])
        self.colours = tokens([f" {colour}" for colour in COLOUR_NAMES])
        self.beside = np.array([ids[0] for ids in tokens(self.BESIDE)])
        self.outside = np.array([ids[0] for ids in tokens(self.OUTSIDE)])

    def grid(self, seen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """int64 `[cell]` for labels `seen` `[cell]`."""
        cells = self.outside[rng.integers(len(self.outside), size=len(seen))]
        for at in np.flatnonzero(seen):
            kind, colour = divmod(int(seen[at]) - 1, len(COLOUR_NAMES))
            what = rng.choice(4, p=self.SHARES)
            if what == 2:
                cells[at] = self.beside[rng.integers(len(self.beside))]
                continue
            if what == 3:
                kind = int(rng.integers(len(KIND_NAMES)))
            ids = self.colours[colour] if what == 1 else self.kinds[kind]
            cells[at] = ids[rng.integers(len(ids))]
        return cells


def grid_of(width: int, height: int, scale: float) -> tuple[int, int]:
    """Rows and columns of visual tokens at a scale, as Qwen2-VL's processor rounds them."""
    return max(1, round(height * scale / CELL)), max(1, round(width * scale / CELL))


def patchify(images: Tensor, scale: float = 1.0) -> tuple[Tensor, tuple[int, int]]:
    """Cut images into the patches that Qwen2-VL's processor makes, after its resize.

    Args:
        images: uint8 `[batch, height, width, 3]`.

    Returns:
        float32 `[batch, patch, 2 * 3 * PATCH**2]` in blocks of `MERGE`, and the token grid.
    """
    _, height, width, _ = images.shape
    grid = grid_of(width, height, scale)
    size = (grid[0] * CELL, grid[1] * CELL)
    pixels = images.permute(0, 3, 1, 2).float()
    if size != (height, width):
        pixels = F.interpolate(pixels, size, mode="bicubic", antialias=True, align_corners=False)
        pixels = pixels.round().clamp(0, 255)
    pixels = (pixels / 255 - MEAN[0]) / STD[0]
    blocks = pixels.view(len(images), 3, grid[0], MERGE, PATCH, grid[1], MERGE, PATCH)
    blocks = blocks.permute(0, 2, 5, 3, 6, 1, 4, 7)  # rows, columns, block, channel, pixels
    # A still picture stands for two frames.
    blocks = blocks.unsqueeze(6).expand(*blocks.shape[:6], 2, PATCH, PATCH)
    return blocks.reshape(len(images), grid[0] * grid[1] * MERGE**2, -1), grid
