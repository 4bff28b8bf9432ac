"""Hallucination without attribution: what the model's own figures tell of a word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from seewhy.core.errors import UnsupportedModelError
from seewhy.core.trace import Inputs
from seewhy.metrics._base import Case, Figure, Measurement, Metric, Undefined
from seewhy.metrics._hallucination import (
    erasable,
    labelled,
    score_figures,
    scored,
    unscored,
)
from seewhy.metrics._perturbation import grey_of, lacks_model, session_of
from seewhy.models.attention import attention_rows
from seewhy.models.inputs import batch
from seewhy.models.session import Session, last_logits

SCORES = {
    "improbability": "the word's negative log-probability",
    "entropy": "the entropy of the prediction of the word's first token",
    "image-loss": "the word's log-probability without the picture less that with it",
    "inattention": "the share of attention that does not lie on the picture",
}


@dataclass(frozen=True)
class HallucinationBaselines(Metric):
    """Token probability, entropy, attention, and log-probability with and without the picture.

    `improbability` = -log p(word), the sum over its tokens; `entropy` = -sum p log p over the
    whole vocabulary where the word's first token is predicted; `image-loss` = log p(word | grey
    picture) - log p(word | picture); `inattention` = 1 - the attention on all visual positions
    from where the word's tokens are predicted, the mean over them, all layers and heads. Labels as
    in `hallucination`. Of the model: the same beside every method.
    """

    name: ClassVar[str] = "hallucination-baselines"
    summary: ClassVar[str] = (
        "How well probability, entropy, attention and a grey picture tell them."
    )
    citations: ClassVar[tuple[str, ...]] = ("fawcett2006roc", "zhou2024lure", "favero2024m3id")
    needs: ClassVar[frozenset[str]] = frozenset({"model"})
    of_model: ClassVar[bool] = True
    figures: ClassVar[tuple[Figure, ...]] = score_figures(SCORES)

    def measure(self, case: Case) -> Iterator[Measurement | Undefined]:
        """The scores of every word with a label, and of one word with and without its object."""
        if reason := lacks_model(case):
            yield from self.undefined(reason)
            return
        session, image = session_of(case), case.sample.image
        labels, found = labelled(case), erasable(case)
        own, grey, *without = predictions(
            session, [image, grey_of(image), *([found[1]] if found else [])]
        )
        if not labels:
            yield from unscored(SCORES, "no word with a label", counterfactual=False)
        for at, label in labels.items():
            for score, value in _scores(own, grey, case.tokens(at)).items():
                yield from scored(score, value, at, label, counterfactual=False)
        if found is None:
            reason = "no object that can be erased"
            yield from unscored(SCORES, reason, counterfactual=True)
            return
        for side, label in ((own, False), (without[0], True)):
            for score, value in _scores(side, grey, case.tokens(found[0])).items():
                yield from scored(score, value, found[0], label, counterfactual=True)


@dataclass(frozen=True, eq=False)
class Predictions:
    """How sure a model is of an answer.

    Attributes:
        log_probabilities: float32 `[token]`, nats.
        entropies: float32 `[token]`, nats, of the whole prediction at each token's place.
        attention: float32 `[token]` in [0, 1], the share on visual positions where each token is
            predicted, the mean over layers and heads; NaN where it cannot be read.
    """

    log_probabilities: Tensor
    entropies: Tensor
    attention: Tensor


def predictions(session: Session, pictures: list[Any]) -> list[Predictions]:
    """Read the answer with each picture in the place of the first.

    One pass for all, and one for each for its attention.
    """
    others, count = session.images[1:], len(session.ids)
    rows = [session.with_images(picture, *others).inputs() for picture in pictures]
    loaded = session.loaded
    shown = batch(loaded.family, rows, [session.ids] * len(rows))
    scores = last_logits(loaded, shown, count).float().log_softmax(-1)
    said = torch.tensor(session.ids, device=scores.device)[None, :, None]
    probable = scores.gather(-1, said.expand(len(rows), -1, -1))[..., 0].cpu()
    # 0 log 0 is 0: ids that a head rules out altogether have a log-probability of -inf.
    entropies = torch.special.entr(scores.exp()).sum(-1).cpu()
    attention = [_attention(session, row) for row in rows]
    return [Predictions(*all_of) for all_of in zip(probable, entropies, attention, strict=True)]


def _attention(session: Session, inputs: Inputs) -> Tensor:
    """float32 `[token]`: the attention on visual positions where each token is predicted."""
    count = len(session.ids)
    before = torch.arange(inputs.length - 1, inputs.length + count - 1)
    try:
        rows = attention_rows(session.loaded, inputs, session.ids, before)
    except UnsupportedModelError:
        return torch.full((count,), float("nan"))
    return rows.mean(0)[:, inputs.visual_positions.cpu()].sum(1)


def _scores(own: Predictions, grey: Predictions, tokens: list[int]) -> dict[str, float]:
    said = float(own.log_probabilities[tokens].sum())
    return {
        "improbability": -said,
        "entropy": float(own.entropies[tokens[0]]),
        "image-loss": float(grey.log_probabilities[tokens].sum()) - said,
        "inattention": 1 - float(own.attention[tokens].mean()),
    }
