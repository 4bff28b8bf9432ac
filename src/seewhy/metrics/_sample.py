"""The input of metrics: words, maps and masks as plain arrays."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor

from seewhy.core.display import answer_span, to_display
from seewhy.core.geometry import Geometry, TokenGrid, on_pixels
from seewhy.core.sample import Truth
from seewhy.core.text import Word, words_of


@dataclass(frozen=True, eq=False)
class AnswerWord:
    """A word of the answer with its truth.

    Attributes:
        word: with its characters and tokens.
        truth: None if there is none.
    """

    word: Word
    truth: Truth | None = None

    @property
    def role(self) -> str:
        """The truth's, or ""."""
        return "" if self.truth is None else self.truth.role

    @property
    def tokens(self) -> list[int]:
        """The indices of its tokens on the answer's token axis."""
        return list(self.word.tokens)


def answer_words(
    answer: str, spans: Sequence[tuple[int, int]], truths: Sequence[Truth] = ()
) -> tuple[AnswerWord, ...]:
    """The words of an answer, each with its truth.

    Args:
        answer: the decoded text.
        spans: `(start, end)` of each token in `answer`.
        truths: of words; each belongs to the word with the same start.

    Example:
        >>> words = answer_words("a cup", [(0, 1), (1, 5)], [Truth(2, 5, "kind", regions=(0,))])
        >>> [(word.word.text, word.tokens, word.role) for word in words]
        [('a', [0], ''), ('cup', [1], 'kind')]
    """
    known = {truth.start: truth for truth in truths}
    return tuple(AnswerWord(word, known.get(word.start)) for word in words_of(answer, spans))


class ExplainedSample(Protocol):
    """An explained sample: the input of a metric without `"model"` in its needs.

    Token axes hold the answer's tokens. The functions below make maps of words from them.
    """

    @property
    def id(self) -> str:
        """Unique in its data set; random draws depend on it."""
        ...

    @property
    def words(self) -> tuple[AnswerWord, ...]:
        """The answer's words, punctuation included, in order."""
        ...

    @property
    def selected(self) -> tuple[int, ...]:
        """The indices in `words` of those that metrics with a cost for each word evaluate."""
        ...

    @property
    def explained(self) -> frozenset[int]:
        """The tokens that have maps; other maps may be empty."""
        ...

    @property
    def masks(self) -> Tensor:
        """bool `[region, height, width]` at image size: the regions of the words' truths."""
        ...

    @property
    def heatmaps(self) -> Tensor:
        """float32 `[token, height, width]` in [0, 1]: displays of the first view at image size."""
        ...

    @property
    def native_maps(self) -> Tensor:
        """float `[token, height, width]` in [0, 1]: displays of the first view on its own grid."""
        ...

    @property
    def answer_maps(self) -> Tensor:
        """float `[token, height, width]` in [0, 1]: of the first view on its own grid, on the one
        scale of the whole answer (`seewhy.core.display`).
        """
        ...

    @property
    def grid(self) -> TokenGrid:
        """Of the first view's maps, in pixels of the masks. It may end inside the picture, where
        the model's processor cuts some of it off, or beyond it, where that pads.
        """
        ...

    @property
    def raw_maps(self) -> tuple[Tensor, ...]:
        """For each view float `[token, height, width]`, non-negative, before display scaling."""
        ...

    @property
    def context(self) -> Tensor:
        """float `[token, text]`, non-negative: weights of the prompt's and the answer's tokens."""
        ...

    @property
    def seed(self) -> int:
        """Of the metrics' random draws."""
        ...

    @property
    def shared(self) -> dict[Any, Any]:
        """Values that metrics keep for all methods on the same sample."""
        ...


@dataclass(frozen=True, eq=False)
class ArraySample:
    """An `ExplainedSample` of plain tensors, from any source and without a model.

    Attributes:
        words: of the answer, from `answer_words`.
        native_maps: float `[token, height, width]` in [0, 1], on any grid.
        masks: bool `[region, height, width]`; maps are brought to their size.
        context_weights: float `[token, text]`, non-negative: of the prompt's tokens, then the
            answer's; None for zeros.
        selected: indices in `words`, for metrics that evaluate only some words.
        id, seed: random draws depend on both.
        shared: values that metrics keep for one another.
        map_grid: of the maps, in pixels of the masks; None for equal cells over the whole picture.

    Example:
        >>> from seewhy.metrics import METRICS
        >>> maps = torch.tensor([[[0.1, 0.1], [0.1, 0.1]], [[0.9, 0.3], [0.0, 0.0]]])
        >>> masks = torch.tensor([[[True, False], [False, False]]])
        >>> words = answer_words("a cup", [(0, 1), (1, 5)], [Truth(2, 5, "kind", regions=(0,))])
        >>> sample = ArraySample(words, maps, masks)
        >>> for name in ("pointing-game", "energy", "auc"):
        ...     for found in METRICS.get(name)().measure(sample):
        ...         print(words[found.word].word.text, found.figure, round(found.value, 2))
        cup pointing-game 1.0
        cup pointing-game-near 1.0
        cup energy 0.75
        cup energy-gain 3.0
        cup auc 1.0
    """

    words: tuple[AnswerWord, ...]
    native_maps: Tensor
    masks: Tensor
    context_weights: Tensor | None = None
    selected: tuple[int, ...] = ()
    id: str = ""
    seed: int = 0
    shared: dict[Any, Any] = field(default_factory=dict)
    map_grid: TokenGrid | None = None

    @property
    def explained(self) -> frozenset[int]:
        """All tokens."""
        return frozenset(range(len(self.native_maps)))

    @property
    def heatmaps(self) -> Tensor:
        """float32 `[token, height, width]` in [0, 1] at the masks' size."""
        return self._heatmaps

    @property
    def answer_maps(self) -> Tensor:
        """float32 `[token, height, width]` in [0, 1]: the native maps on one scale."""
        maps = self.native_maps.float()
        return to_display(maps, 0.0, answer_span([maps], torch.zeros(len(maps))))

    @property
    def grid(self) -> TokenGrid:
        """Of the maps."""
        if self.map_grid is not None:
            return self.map_grid
        height, width = self.masks.shape[1:]
        return Geometry.of_equal_cells((width, height), *self.native_maps.shape[1:]).base_grid

    @property
    def raw_maps(self) -> tuple[Tensor, ...]:
        """The native maps."""
        return (self.native_maps,)

    @property
    def context(self) -> Tensor:
        """float `[token, text]`."""
        count = len(self.native_maps)
        return torch.zeros(count, count) if self.context_weights is None else self.context_weights

    @cached_property
    def _heatmaps(self) -> Tensor:
        return at_mask_size(self, self.native_maps.float())


def at_mask_size(sample: ExplainedSample, maps: Tensor) -> Tensor:
    """Maps of the first view `[token, height, width]` at the size of the masks, on the CPU.

    Bilinear, as TAM resizes maps, but by the grid's true edges: pixels that the model did not see
    are 0.
    """
    height, width = sample.masks.shape[1:]
    return on_pixels(maps.cpu(), sample.grid, (width, height))


def cells_on_picture(sample: ExplainedSample, maps: Tensor) -> Tensor:
    """Native maps `[token, height, width]` without the cells whose middle lies in padding."""
    height, width = sample.masks.shape[1:]
    middles = [
        (edges[:-1] + edges[1:]) / 2 for edges in (sample.grid.row_edges, sample.grid.column_edges)
    ]
    rows, columns = (
        ((0 <= middle) & (middle <= side)).to(maps.device)
        for middle, side in zip(middles, (height, width), strict=True)
    )
    return maps[:, rows][:, :, columns]


def word_heatmap(sample: ExplainedSample, word: int) -> Tensor:
    """float32 `[height, width]` at image size: the maximum over a word's tokens.

    Args:
        sample: the explained sample.
        word: an index in its words.
    """
    return sample.heatmaps[sample.words[word].tokens].amax(0)


def native_map(sample: ExplainedSample, word: int) -> Tensor:
    """float32 `[height, width]` on the first view's own grid: the maximum over a word's tokens."""
    return sample.native_maps[sample.words[word].tokens].amax(0).float().cpu()


def word_mask(sample: ExplainedSample, word: int) -> Tensor | None:
    """bool `[height, width]`: the union of a word's regions, or None if it has none."""
    truth = sample.words[word].truth
    if truth is None or not truth.regions:
        return None
    return sample.masks[list(truth.regions)].any(0)


def words_with_masks(sample: ExplainedSample) -> Iterator[tuple[int, Tensor | str]]:
    """The words with a mask, without function words.

    Yields:
        A word's index with its mask, or with the reason why it cannot be evaluated; if there is
        no such word, the index -1 with that reason.
    """
    no_mask = True
    for index, word in enumerate(sample.words):
        mask = None if word.role in ("function", "mark") else word_mask(sample, index)
        if mask is not None:
            no_mask = False
            reason = invalid_reason(sample, index) or (None if bool(mask.any()) else "empty mask")
            yield index, reason or mask
    if no_mask:
        yield -1, "no word with a mask said"


def invalid_reason(sample: ExplainedSample, word: int) -> str | None:
    """Why the map of a word cannot be evaluated, or None if it can."""
    tokens = sample.words[word].tokens
    if not set(tokens) <= sample.explained:
        return "word not explained"
    return None if bool(sample.heatmaps[tokens].isfinite().all()) else "map not finite"


def seed_for(sample: ExplainedSample, *purpose: object) -> int:
    """A seed for random draws of a sample: the same for all methods and in every run.

    Args:
        sample: the explained sample.
        *purpose: of the draws, such as `"ties"`.
    """
    return zlib.crc32(repr((sample.seed, sample.id, *purpose)).encode())
