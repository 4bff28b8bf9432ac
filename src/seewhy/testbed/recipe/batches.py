"""Training batches: one image (or word grid), and several things said of it side by side.

Everything said of a scene shares its image prefix: each utterance attends to the prefix and to
itself alone, so one pass over the image teaches several utterances, and none can copy another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seewhy.testbed.recipe.corpus import COLOUR_NAMES, KIND_NAMES, STEP, Corpus
from seewhy.testbed.recipe.student import Layout, Student
from seewhy.testbed.scenes import CANVASES

Utterance = tuple[np.ndarray, np.ndarray]
"""Token ids of a prompt and of its answer."""
IGNORED = -100


@dataclass(frozen=True)
class Batch:
    """What the language model reads, and what it should say.

    Attributes:
        ids: int64 `[batch, token]`; image places hold the image token.
        positions: int64 `[axes, batch, token]`: one axis, or time, height and width.
        mask: bool `[batch, 1, token, token]`, true where a token may look.
        targets: int64 `[batch, token]`, the next token, `IGNORED` where none is taught.
        pixels: float32 `[batch, ...]` as the student's `see` takes it, or None for text.
        layout: of the image's tokens; None for plain text.
    """

    ids: Tensor
    positions: Tensor
    mask: Tensor
    targets: Tensor
    pixels: Tensor | None
    layout: Layout | None


class Teacher:
    """Makes batches of a corpus.

    Args:
        student: the model that is taught.
        corpus: rendered scenes.
        tokenizer: the model's.
        seed: of everything drawn here.
    """

    def __init__(self, student: Student, corpus: Corpus, tokenizer: Any, seed: int) -> None:
        self.student, self.corpus, self.tokenizer = student, corpus, tokenizer
        self.rng = np.random.default_rng(seed)
        self.by_canvas = [np.flatnonzero((corpus.canvases == canvas).all(1)) for canvas in CANVASES]
        self.canvas_weights = np.array([len(rows) for rows in self.by_canvas]) / len(corpus)
        self.prefix = tokenizer.encode(student.opening)
        self.image = tokenizer.convert_tokens_to_ids(student.image_token)
        self.closing = tokenizer.encode(student.closing)
        self.turn = tokenizer.encode(student.turn)
        self.end = tokenizer.encode(student.end)
        self.said = self._tokenised()
        self.words = _WordTokens(tokenizer)
        self._layouts: dict[tuple[int, int, float], Layout] = {}

    def images(self, size: int, *, scale: float | None = None, share: int = 4) -> Batch:
        """Images of one canvas at one scale, each with `share` things said of it.

        Args:
            size: images in the batch at scale 1; larger scales take fewer.
            scale: None draws one of the student's.
        """
        scale = self._scale() if scale is None else scale
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
        layout = self.layout(pixels.shape[2], pixels.shape[1], scale)
        seen = self.student.pixels(torch.from_numpy(pixels), scale)
        cells = [np.full(layout.visual, self.image)] * len(rows)
        return self._assembled(cells, said, layout, seen)

    def word_grids(self, size: int, *, share: int = 4) -> Batch:
        """Grids of words that stand where objects would be: text, laid out on a grid.

        Cells of a thing hold its kind, its colour, or a word that stands beside them in
        sentences; the next cell is taught as the next word of any text is.
        """
        canvas, rows = self.draw_rows(size)
        layout = self.layout(*CANVASES[canvas], self._scale())
        cells = [self._word_grid(row, layout) for row in rows]
        said = [self._chosen(int(row), share) for row in rows]
        return self._assembled(cells, said, layout, None)

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
        positions = torch.arange(width).expand(1, size, width)
        mask = torch.ones(width, width, dtype=torch.bool).tril()[None, None]
        return Batch(torch.from_numpy(ids), positions, mask, torch.from_numpy(targets), None, None)

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

    def layout(self, width: int, height: int, scale: float) -> Layout:
        """The student's, remembered."""
        key = (width, height, scale)
        if key not in self._layouts:
            self._layouts[key] = self.student.layout(width, height, scale)
        return self._layouts[key]

    def _scale(self) -> float:
        return float(self.rng.choice(self.student.scales, p=self.student.scale_weights))

    def _word_grid(self, row: int, layout: Layout) -> np.ndarray:
        """int64 `[cell]`: a token for each visual token's box on the scene's label map."""
        labels = self.corpus.label_map(row)
        left, top, right, bottom = layout.boxes.T
        # A cell shows what stands at a point in it, so that small things stay.
        down = top + self.rng.uniform(0.25, 0.75, len(top)) * (bottom - top)
        across = left + self.rng.uniform(0.25, 0.75, len(left)) * (right - left)
        rows, columns = (np.floor(axis / STEP).astype(int) for axis in (down, across))
        inside = (rows >= 0) & (rows < labels.shape[0])
        inside &= (columns >= 0) & (columns < labels.shape[1])
        seen = np.zeros(len(rows), np.int64)
        seen[inside] = labels[rows[inside], columns[inside]]
        return self.words.grid(seen, self.rng)

    def _assembled(
        self,
        cells: Sequence[np.ndarray],
        chosen: Sequence[Sequence[Utterance]],
        layout: Layout,
        pixels: Tensor | None,
    ) -> Batch:
        count, visual = len(cells), layout.visual
        head = len(self.prefix) + visual + len(self.closing)
        extra = len(self.turn) + len(self.end)
        width = head + max(sum(len(p) + len(a) + extra for p, a in said) for said in chosen)
        ids = np.full((count, width), self.tokenizer.pad_token_id)
        targets = np.full((count, width), IGNORED)
        segments = np.full((count, width), -1)  # padding looks at itself alone
        first = len(self.prefix)
        places, start = self.student.places(layout, first)
        positions = np.zeros((len(places), count, width), np.int64)
        positions[:, :, :first] = np.arange(first)
        positions[:, :, first : first + visual] = places[:, None]
        positions[:, :, first + visual : head] = start + np.arange(len(self.closing))
        start += len(self.closing)
        for place, said in enumerate(chosen):
            ids[place, :head] = [*self.prefix, *cells[place], *self.closing]
            segments[place, :head] = 0
            if pixels is None:  # words are taught as text is, an image's places never
                targets[place, first : first + visual - 1] = cells[place][1:]
            at = head
            for number, (prompt, answer) in enumerate(said, start=1):
                line = [*prompt, *self.turn, *answer, *self.end]
                stop, spoken = at + len(line), at + len(prompt) + len(self.turn)
                ids[place, at:stop] = line
                targets[place, spoken - 1 : stop - 1] = line[len(prompt) + len(self.turn) :]
                segments[place, at:stop] = number
                positions[:, place, at:stop] = start + np.arange(len(line))
                at = stop
        segment = torch.from_numpy(segments)
        same = segment[:, :, None] == segment[:, None, :]
        mask = (same | (segment[:, None, :] == 0)).tril()[:, None]
        return Batch(
            torch.from_numpy(ids),
            torch.from_numpy(positions),
            mask,
            torch.from_numpy(targets),
            pixels,
            layout,
        )


class _WordTokens:
    """What may stand in a cell of a word grid."""

    BESIDE = (" a", " the", " is", " and", ",", " to", " of", " left", " above", " are", " while")
    OUTSIDE = (" a", " the", ".", " on", " ground", " light", " is", " and", " picture", " of")
    SHARES = (0.42, 0.33, 0.17, 0.08)
    """Kind, colour, a word from beside them, another kind."""

    def __init__(self, tokenizer: Any) -> None:
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
