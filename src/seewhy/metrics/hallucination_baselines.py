"""Hallucination scores from the model alone, without attribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from seewhy.core.errors import UnsupportedModelError
from seewhy.core.trace import Inputs
from seewhy.images.changes import grey_picture
from seewhy.metrics._base import Figure, Metric, Results
from seewhy.metrics._hallucination import (
    erasable,
    labelled,
    score_figures,
    scored,
    unscored,
)
from seewhy.metrics._reruns import RerunnableSample, lacks_model, session_of
from seewhy.models.attention import attention_rows
from seewhy.models.batching import batch
from seewhy.models.session import Session, last_logits

SCORES = {
    "nll": "the word's negative log-probability",
    "entropy": "the entropy of the prediction of the word's first token",
    "image-log-probability-gap": "the word's log-probability without the picture less that with it",
    "non-image-attention": "the share of attention that does not lie on the picture",
}


@dataclass(frozen=True)
class HallucinationBaselines(Metric):
    """Token probability, entropy, attention, and log-probability with and without the picture.

    `nll` = -log p(word), the sum over its tokens; `entropy` = -sum p log p over the
    whole vocabulary where the word's first token is predicted; `image-log-probability-gap` =
    log p(word | grey picture) - log p(word | picture); `non-image-attention` = 1 - the attention
    on all visual positions from the positions that predict the word's tokens, the mean over them,
    all layers and heads. Labels as in `hallucination`. The scores do not depend on the method.
    """

    name: ClassVar[str] = "hallucination-baselines"
    summary: ClassVar[str] = (
        "How well entropy, attention, probability with and without the image detect such words."
    )
    citations: ClassVar[tuple[str, ...]] = ("fawcett2006roc", "zhou2024lure", "favero2024m3id")
    needs: ClassVar[frozenset[str]] = frozenset({"model"})
    of_model: ClassVar[bool] = True
    figures: ClassVar[tuple[Figure, ...]] = score_figures(SCORES)

    def measure(self, sample: RerunnableSample) -> Results:
        """The scores of every word with a label, and of one word with and without its object."""
        if reason := lacks_model(sample):
            yield from self.undefined(reason)
            return
        session, image = session_of(sample), sample.image
        labels, erased = labelled(sample), erasable(sample)
        original, grey, *without_object = predictions(
            session, [image, grey_picture(image), *([erased[1]] if erased else [])]
        )
        if not labels:
            yield from unscored(SCORES, "no word with a label", counterfactual=False)
        for index, label in labels.items():
            for score, value in _scores(original, grey, sample.words[index].tokens).items():
                yield from scored(score, value, index, label, counterfactual=False)
        if erased is None:
            reason = "no object that can be erased"
            yield from unscored(SCORES, reason, counterfactual=True)
            return
        for variant, label in ((original, False), (without_object[0], True)):
            for score, value in _scores(variant, grey, sample.words[erased[0]].tokens).items():
                yield from scored(score, value, erased[0], label, counterfactual=True)


@dataclass(frozen=True, eq=False)
class Predictions:
    """Log-probabilities, entropies and attention of an answer's tokens.

    Attributes:
        log_probabilities: float32 `[token]`, nats.
        entropies: float32 `[token]`, nats, of each prediction over the vocabulary.
        attention: float32 `[token]` in [0, 1], the share on visual positions from where each
            token is predicted, the mean over layers and heads; NaN if the model is unsupported.
    """

    log_probabilities: Tensor
    entropies: Tensor
    attention: Tensor


def predictions(session: Session, pictures: list[Any]) -> list[Predictions]:
    """Read the answer with each picture instead of the first.

    One pass for all pictures, and one per picture for its attention.
    """
    others, count = session.images[1:], len(session.ids)
    rows = [session.with_images(picture, *others).inputs() for picture in pictures]
    loaded = session.loaded
    inputs = batch(loaded.family, rows, [session.ids] * len(rows))
    scores = last_logits(loaded, inputs, count).float().log_softmax(-1)
    ids = torch.tensor(session.ids, device=scores.device)[None, :, None]
    log_probabilities = scores.gather(-1, ids.expand(len(rows), -1, -1))[..., 0].cpu()
    # 0 log 0 is 0: ids that the model excludes have a log-probability of -inf.
    entropies = torch.special.entr(scores.exp()).sum(-1).cpu()
    attention = [_attention(session, row) for row in rows]
    columns = zip(log_probabilities, entropies, attention, strict=True)
    return [Predictions(*row) for row in columns]


def _attention(session: Session, inputs: Inputs) -> Tensor:
    """float32 `[token]`: the attention on visual positions from where each token is predicted."""
    count = len(session.ids)
    before = torch.arange(inputs.length - 1, inputs.length + count - 1)
    try:
        rows = attention_rows(session.loaded, inputs, session.ids, before)
    except UnsupportedModelError:
        return torch.full((count,), float("nan"))
    return rows.mean(0)[:, inputs.visual_positions.cpu()].sum(1)


def _scores(original: Predictions, grey: Predictions, tokens: list[int]) -> dict[str, float]:
    log_probability = float(original.log_probabilities[tokens].sum())
    return {
        "nll": -log_probability,
        "entropy": float(original.entropies[tokens[0]]),
        "image-log-probability-gap": float(grey.log_probabilities[tokens].sum()) - log_probability,
        "non-image-attention": 1 - float(original.attention[tokens].mean()),
    }
