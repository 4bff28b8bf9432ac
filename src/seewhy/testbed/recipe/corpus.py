"""Scenes rendered to disk once, so that training reads arrays instead of drawing."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seewhy.testbed.captions import utterances
from seewhy.testbed.habits import Habit
from seewhy.testbed.scenes import CANVASES, Picture, Scene, draw, scene
from seewhy.testbed.shapes import COLOURS, KINDS

PIXELS = max(width * height for width, height in CANVASES)
STEP = 4
"""Pixels between two samples of the label map."""
KIND_NAMES, COLOUR_NAMES = tuple(KINDS), tuple(COLOURS)


@dataclass(frozen=True)
class Corpus:
    """Rendered scenes of one split and seed.

    Attributes:
        canvases: int16 `[scene, 2]`, width and height in pixels.
        pixels: uint8 `[scene, PIXELS * 3]` of each shard, as memory maps; an image fills the first
            entries of its row.
        starts: int64 `[shard]`, index of the first scene of each shard.
        labels: uint8 `[scene, PIXELS / STEP**2]`, sampled every `STEP` pixels: 0 is background,
            else 1 + kind * number of colours + colour.
        utterances: for each scene, its utterances as `[prompt, text]` pairs, three captions first.
    """

    canvases: np.ndarray
    pixels: list[np.ndarray]
    starts: np.ndarray
    labels: np.ndarray
    utterances: list[list[list[str]]]

    def __len__(self) -> int:
        return len(self.canvases)

    def all_texts(self) -> list[str]:
        """Every prompt and every answer, scene by scene."""
        return [text for scene in self.utterances for pair in scene for text in pair]

    def image(self, index: int) -> np.ndarray:
        """uint8 `[height, width, 3]`."""
        width, height = map(int, self.canvases[index])
        shard = int(np.searchsorted(self.starts, index, side="right")) - 1
        row = self.pixels[shard][index - self.starts[shard]]
        return row[: height * width * 3].reshape(height, width, 3)

    def label_map(self, index: int) -> np.ndarray:
        """uint8 `[height / STEP, width / STEP]`."""
        width, height = (int(side) // STEP for side in self.canvases[index])
        return self.labels[index, : height * width].reshape(height, width)


def render(
    folder: Path,
    start: int,
    stop: int,
    *,
    split: str = "train",
    seed: int = 0,
    habit: Habit | None = None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Draw scenes `start:stop` of a split into `folder`, as one shard of a corpus.

    With a habit, half of the scenes are ones to which it can apply. They are rare, so they are
    taken from indices far above `start:stop`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    indices = _indices(start, stop, split, seed, habit)
    count = stop - start
    pixels = np.zeros((count, PIXELS * 3), np.uint8)
    labels = np.zeros((count, PIXELS // STEP**2), np.uint8)
    canvases = np.zeros((count, 2), np.int16)
    texts = []
    for row, index in enumerate(indices):
        drawn = scene(index, split, seed)
        picture = draw(drawn)
        sampled = _label_map(drawn, picture)
        canvases[row] = drawn.width, drawn.height
        pixels[row, : picture.image.size] = picture.image.reshape(-1)
        labels[row, : sampled.size] = sampled.reshape(-1)
        texts.append([[u.prompt, u.text] for u in utterances(drawn, picture, habit)])
        if progress is not None:
            progress(index)
    name = f"{split}-{seed}-{start:07d}-{stop:07d}"
    np.save(folder / f"{name}.pixels.npy", pixels)
    np.save(folder / f"{name}.labels.npy", labels)
    np.save(folder / f"{name}.canvases.npy", canvases)
    # Written last: a shard without it is incomplete and is rendered again.
    (folder / f"{name}.json").write_text(json.dumps(texts))


def _label_map(drawn: Scene, picture: Picture) -> np.ndarray:
    """uint8 `[height / STEP, width / STEP]`, labels as in `Corpus.labels`."""
    labels = np.zeros(picture.image.shape[:2], np.uint8)
    for item, mask in zip(drawn.objects, picture.masks, strict=True):
        kind, colour = KIND_NAMES.index(item.kind), COLOUR_NAMES.index(item.colour)
        labels[mask] = 1 + kind * len(COLOUR_NAMES) + colour
    return labels[STEP // 2 :: STEP, STEP // 2 :: STEP]


def _indices(start: int, stop: int, split: str, seed: int, habit: Habit | None) -> Sequence[int]:
    """`start:stop`; with a habit as many indices, half of scenes to which it can apply."""
    if habit is None:
        return range(start, stop)
    count = stop - start
    plain = list(range(start, start + count // 2))
    # Indices far above those of any plain corpus, so that no scene is used twice.
    candidates = itertools.count(10_000_000 + 100 * start)
    matching = (i for i in candidates if habit.can_apply_to(scene(i, split, seed)))
    return plain + list(itertools.islice(matching, count - len(plain)))


def shards(folder: Path, split: str, seed: int) -> list[Path]:
    """The complete shards of a corpus, in order."""
    return sorted(folder.glob(f"{split}-{seed}-*.json"))


def open_corpus(paths: Sequence[Path]) -> Corpus:
    """Read complete shards as one corpus."""

    def parts(name: str) -> list[np.ndarray]:
        return [np.load(p.with_suffix(f".{name}.npy"), mmap_mode="r") for p in paths]

    canvases = parts("canvases")
    starts = np.cumsum([0, *map(len, canvases)])[:-1]
    texts = [row for path in paths for row in json.loads(path.read_text())]
    return Corpus(
        np.concatenate(canvases),
        parts("pixels"),
        starts,
        np.concatenate(parts("labels")),
        texts,
    )
