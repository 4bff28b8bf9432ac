"""`tam(published=True)` against a slow replica of the facts of TAM's published code.

The replica works on the logits of the whole vocabulary at every position, round by round of
generation, as that code does; it is written from the facts, in float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.optimize import minimize_scalar

from seewhy.core.trace import Trace
from seewhy.methods import Evidence, create
from seewhy.models import load, prepare, read
from seewhy.models.session import Session
from seewhy.testbed.captions import captions
from seewhy.testbed.scenes import draw, scene
from whole_models import whole_models

MODELS = sorted(whole_models())


def filtered(grid: np.ndarray) -> np.ndarray:
    """The rank Gaussian filter over 3 x 3 windows; a flat window keeps its value."""
    padded, out = np.pad(grid, 1, mode="reflect"), np.zeros_like(grid)
    for row, column in np.ndindex(grid.shape):
        ranked = np.sort(padded[row : row + 3, column : column + 3].ravel())
        if ranked.mean() > 0:
            spread = ranked.std() / ranked.mean()
            ranks = np.arange(-4, 5)
            weights = np.exp(-(ranks**2) / (2 * spread**2)) if spread > 1e-9 else ranks == 0
            out[row, column] = (ranked * weights).sum() / weights.sum()
    return out


class PublishedTAM:
    """TAM of one answer: maps of all tokens of the prompt, then of the answer, in their order.

    Args:
        model: with a head.
        trace: for ids, positions and the order of visual tokens.
    """

    def __init__(self, model, trace: Trace) -> None:
        inputs = trace.inputs
        self.trace, self.prompt = trace, inputs.prompt_positions.tolist()
        self.ids = inputs.tensors["input_ids"][0].tolist()
        self.length, answer = len(self.ids), list(trace.ids)
        given = {**inputs.tensors}
        given["input_ids"] = torch.tensor([self.ids + answer])
        for name in ("attention_mask", "mm_token_type_ids", "token_type_ids"):
            if name in given:
                added = torch.full((1, len(answer)), int(name == "attention_mask"))
                given[name] = torch.cat([given[name], added.to(given[name])], 1)
        with torch.no_grad():
            self.logits = model(**given).logits[0].double().numpy()
        self.visual = inputs.visual_positions.tolist()
        self.texts = [token.text for token in trace.text_tokens]
        self.earlier: list[np.ndarray] = []

    def displays(self) -> list[np.ndarray]:
        """One map for each token of prompt and answer, in [0, 1]."""
        count = len(self.prompt)
        return [self._display(at) for at in range(count + len(self.trace.ids))]

    def _class(self, at: int) -> int:
        count = len(self.prompt)
        if at == count:  # the first token of the answer: the last one of the input
            return self.ids[self.length - 1]
        if at == 0:  # the first token of the prompt: what would follow it
            return int(self.logits[self.prompt[0]].argmax())
        return self.ids[self.prompt[at]] if at < count else self.trace.ids[at - count]

    def _display(self, at: int) -> np.ndarray:
        count, chosen = len(self.prompt), self._class(at)
        scores = np.maximum(self.logits[:, chosen], 0)
        # Every text position read so far, the last of them the one that predicts this token.
        rounds = max(at - count, 0)
        answered = [self.length - 1 + j for j in range(rounds + 1)]
        text = scores[[*self.prompt, *answered]]
        (grid,) = self.trace.to_grid(torch.from_numpy(scores[self.visual]))
        shape, image = grid.shape, grid.numpy().ravel()
        self.earlier.append(image)
        others = [j for j in range(at) if self.texts[j] != self.texts[at]]
        if at and others:
            shares = text[others] / (text[others].sum() + 1e-8)
            mean = sum(s * self.earlier[j] for s, j in zip(shares, others, strict=True))

            def distance(x: float) -> float:
                return float(((image - x * mean) ** 2).sum())

            found: Any = minimize_scalar(distance, tol=1e-12)
            image = np.maximum(image - found.x * mean, 0)
        together = np.concatenate([image, text[:-1]])
        low, high = together.min(), together.max()
        return filtered(((image - low) / (high - low)).reshape(shape))


@pytest.fixture(scope="module", params=MODELS)
def case(request):
    """A shipped model in float32 with a drawn scene, its right caption and its evidence."""
    loaded = load(whole_models()[request.param], dtype="float32")
    picture = draw(of := scene(5, "heldout"))
    caption = captions(of, picture)[0]
    image = Image.fromarray(picture.image)
    trace = read(loaded, prepare(loaded.family, image, caption.prompt), caption.text)
    session = Session.from_image(loaded, image, caption.prompt, trace.ids)
    return loaded, session, trace


def test_published_tam_equals_the_facts_of_its_code(case) -> None:
    loaded, session, trace = case
    expected = PublishedTAM(loaded.model, trace).displays()
    evidence = Evidence.from_session(session, trace=trace, start=0)
    (made,) = create("tam(published=True)").attribute(evidence).display
    for token, display in enumerate(expected):
        difference = np.abs(made[token].double().numpy() - display).max()
        assert difference < 1e-5, (token, trace.text_tokens[token].text, difference)


def test_published_tam_differs_from_the_paper_s(case) -> None:
    _, session, trace = case
    evidence = Evidence.from_session(session, trace=trace)
    (made,) = create("tam(published=True)").attribute(evidence).display
    (paper,) = create("tam").attribute(evidence).display
    apart = (made - paper).abs().amax((1, 2))
    assert float(apart[0]) > 0.01
    assert int((apart > 1e-4).sum()) > len(apart) / 2
