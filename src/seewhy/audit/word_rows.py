"""An explanation as rows: its words with verdicts, each with what the source knows of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from seewhy.audit.schema import WordRow
from seewhy.audit.source import Judged
from seewhy.core.geometry import TokenGrid, on_pixels
from seewhy.core.sample import Truth
from seewhy.core.verdict import Because, Verdict
from seewhy.functional.overlap import object_iou
from seewhy.report.spans import peak_position

if TYPE_CHECKING:
    from seewhy.explained_word import ExplainedWord
    from seewhy.explanation import Explanation


@dataclass(frozen=True, eq=False)
class _Known:
    """What is known of the words of an answer.

    Attributes:
        judged: by the source.
        truths: of words, by their index.
        phrases: of truths with a region, by the index of the word whose row has the map's figures:
            the phrase's last word with a verdict.
    """

    judged: Judged
    truths: dict[int, Truth] = field(default_factory=dict)
    phrases: dict[int, tuple[Truth, ExplainedWord]] = field(default_factory=dict)


def word_rows(id: str, explanation: Explanation, judged: Judged) -> Iterator[WordRow]:
    """The rows of all words with a verdict, without those of a thinking block.

    Args:
        id: of the answer.
        explanation: with verdicts.
        judged: what the source knows of the answer. A truth belongs to the word that begins where
            it begins, and to the other words within it that have no truth of their own.
    """
    known = _known(explanation, judged)
    hidden = [getattr(word, "thinking", False) for word in explanation.words]
    for index, word in enumerate(explanation.words):
        if word.verdict is not None and (all(hidden) or not hidden[index]):
            yield _row(id, index, word, word.verdict, explanation, known)


def _known(explanation: Explanation, judged: Judged) -> _Known:
    known = _Known(judged)
    begins = {truth.start: truth for truth in judged.truths}
    for index, word in enumerate(explanation.words):
        around = (t for t in judged.truths if t.start <= word.start and word.end <= t.end)
        truth = begins.get(word.start) or next(around, None)
        if truth is not None:
            known.truths[index] = truth
    for truth in judged.truths:
        within = [
            index
            for index, word in enumerate(explanation.words)
            if truth.start <= word.start < max(truth.end, truth.start + 1)
        ]
        named = [index for index in within if explanation.words[index].verdict is not None]
        if truth.regions and named:
            known.phrases[named[-1]] = truth, explanation.phrase(within[0], within[-1])
    return known


def _row(
    id: str,
    index: int,
    word: ExplainedWord,
    verdict: Verdict,
    explanation: Explanation,
    known: _Known,
) -> WordRow:
    from seewhy.diagnosis.words import lemma

    because, truth = verdict.because, known.truths.get(index)
    earlier = _earlier(explanation, because)
    row = WordRow(
        id=id,
        word=index,
        text=word.text,
        start=word.start,
        end=word.end,
        lemma=lemma(word.text),
        role=verdict.role,
        probability=word.probability,
        support=verdict.support,
        source=verdict.source,
        sentence=verdict.sentence,
        # As `to_json` writes it, but without its copies: most of a row's time went into them.
        because=json.dumps(because, default=vars, allow_nan=False),
        visual_share=word.visual_share if because.visual_share is None else because.visual_share,
        follows=lemma(earlier.text) if earlier is not None else "",
        follows_part=because.part if earlier is not None else "",
    )
    if truth is not None:
        group = known.judged.groups.get(truth.start, "")
        row = replace(row, category=truth.category, group=group, supported=truth.supported)
    return replace(row, **_map_columns(index, word, explanation, known))


def _map_columns(
    index: int, word: ExplainedWord, explanation: Explanation, known: _Known
) -> dict[str, Any]:
    """The columns of a word's map of the first view, as it is shown: on the answer's scale."""
    if not explanation.views:
        return {}
    display, grid = _tensor(word.displays), explanation.views[0].base_grid
    height, width = display.shape
    columns: dict[str, Any] = {
        "map": (display * 255).round().to(torch.uint8).numpy().tobytes(),
        "map_height": height,
        "map_width": width,
        # On the answer's scale several cells may be at full brightness.
        "peak": peak_position(_tensor(word.heatmaps), grid),
    }
    if index in known.phrases and known.judged.masks is not None:
        truth, phrase = known.phrases[index]
        mask = known.judged.masks[list(truth.regions)].any(0)
        columns |= _agreement(_tensor(phrase.displayed("joint")), grid, mask)
    return columns


def _tensor(views: Sequence[np.ndarray]) -> Tensor:
    """The first view's map."""
    return torch.from_numpy(np.asarray(views[0]))


def _agreement(display: Tensor, grid: TokenGrid, mask: Tensor) -> dict[str, Any]:
    """How a map agrees with the true region: its peak, and its overlap at Otsu's threshold.

    The scale is TAM's, that of the metrics, which cuts no value of the image off.
    """
    if not bool(mask.any()):
        return {}
    sized = on_pixels(display.float(), grid, (mask.shape[1], mask.shape[0]))
    overlap = float(object_iou(sized, mask))
    highest = peak_position(display, grid)
    return {
        "pointing": highest is not None and _at(mask, highest),
        "iou": None if math.isnan(overlap) else overlap,
    }


def _at(mask: Tensor, position: tuple[float, float]) -> bool:
    """Whether a position lies in a mask of the picture's pixels."""
    height, width = mask.shape
    x, y = position
    return bool(mask[min(height - 1, max(0, int(y))), min(width - 1, max(0, int(x)))])


def _earlier(explanation: Explanation, because: Because) -> ExplainedWord | None:
    """The earlier word that a word follows from, if there is one."""
    if because.follows is None:
        return None
    words: Sequence[ExplainedWord] = (
        explanation.words if because.part == "answer" else explanation.prompt_words
    )
    return words[because.follows] if 0 <= because.follows < len(words) else None
