"""Published detectors of words that the picture does not support, which need no training.

All of them read one forward pass, layer by layer: see `detect`. Papers give layers of models with
32 layers; for other models they are moved to the same share of the depth, which is our reading.
Depths count as the hidden states of transformers: 0 are the embeddings, the last one is after the
final norm. Where a paper unembeds a middle layer, no norm stands before the unembedding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from seewhy.core.errors import ParameterError
from seewhy.core.trace import Inputs
from seewhy.functional.hallucination_scores import (
    attention_dispersion,
    contextual_lens,
    global_local_similarity,
    grounding_consistency,
    instruction_lens_score,
    summed_visual_attention,
    top_patch_similarity,
)
from seewhy.metrics._detector_base import DepthStates, Detector, Reading, at_depth, middle_half
from seewhy.models.decoder import layers_of
from seewhy.models.isolation import eval_mode
from seewhy.models.layer_visits import visit_layers
from seewhy.models.session import Session
from seewhy.models.unembedding import cached_unembedding


class InternalConfidence(Detector):
    """-max over depths, visual tokens and the word's tokens of p(token) under the logit lens.

    Jiang et al. (ICLR 2025, arXiv 2410.02762), stated: all depths, the embeddings included. Their
    code first leaves all but the 50 likeliest tokens out of each distribution; the paper's formula,
    which is used here, does not.
    """

    name: ClassVar[str] = "negative-internal-confidence"

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading)
        self._largest: Tensor | None = None

    def on_states(self, states: DepthStates) -> None:
        """Take the largest probabilities."""
        found = states.lens("visual").amax(1)
        self._largest = found if self._largest is None else self._largest.maximum(found)

    def scores(self) -> Tensor:
        """The largest of each word's tokens, negative."""
        assert self._largest is not None
        return -torch.stack([self._largest[list(tokens)].max() for tokens in self.reading.words])


class Svar(Detector):
    """-the attention on the picture, from where the word's first token is predicted.

    Jiang et al. (CVPR 2025), stated: the sum over layers 5 to 18 of 32.
    """

    name: ClassVar[str] = "negative-svar"
    needs: ClassVar[frozenset[str]] = frozenset({"attention"})

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading)
        first, end = (at_depth(layer, reading.layers) for layer in (5, 19))
        self._layers = range(first, max(end, first + 1))
        self._sum: dict[int, Tensor] = {}

    def on_attention(self, layer: int, weights: Tensor) -> None:
        """Take the attention on the picture."""
        if layer in self._layers:
            self._sum[layer] = summed_visual_attention(weights[None])

    def scores(self) -> Tensor:
        """The sums, negative."""
        if len(self._sum) < len(self._layers):
            return self.undefined()
        return -torch.stack(list(self._sum.values())).sum(0)


class ContextualLens(Detector):
    """-the largest cosine of the word's mean state and a patch's state.

    Phukan et al. (NAACL 2025). The paper scores an answer by the mean over its tokens, at their own
    positions; a word by the mean over its tokens is our reading. Layers 27 (text) and 13 (picture)
    of 32 are those of InternLM-VL in its appendix, as a public implementation of others quotes
    them.
    """

    name: ClassVar[str] = "negative-contextual-lens"

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading)
        self._depths = at_depth(27, reading.layers), at_depth(13, reading.layers)
        self._text = self._patches = torch.empty(0)

    def on_states(self, states: DepthStates) -> None:
        """Take the tokens' and the patches' states."""
        text, picture = self._depths
        if states.depth == picture:
            self._patches = states["visual"]
        if states.depth == text:
            self._text = states["own"]

    def scores(self) -> Tensor:
        """The largest cosines, negative."""
        patches = self._patches.to(self._text.device)
        words = self.reading.words
        return -torch.stack([contextual_lens(self._text[list(t)], patches) for t in words])


class Glsim(Detector):
    """-(0.6 the word's similarity to the instruction + 0.4 that to its 32 patches).

    Park and Li (NeurIPS 2025), layers and positions as in the authors' code: the word's state is
    that from which its first token is predicted; its patches are ranked by p(token) after the last
    layer. Of states after the last layer and the one before it, the cosine with the instruction
    takes the word's after the last and the instruction's one before, the cosine with patches the
    other way round. The last two layers of any model are our reading (layers 32 and 31 there).
    """

    name: ClassVar[str] = "negative-glsim"

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading)
        self._earlier = self._later = self._patches = self._ranking = torch.empty(0)

    def on_states(self, states: DepthStates) -> None:
        """Take the last two depths."""
        if states.depth == self.reading.layers - 1:
            self._earlier = states["before"]
        if states.depth == self.reading.layers:
            self._later, self._patches = states["before"], states["visual"]
            self._ranking = states.lens("visual")

    def scores(self) -> Tensor:
        """The similarities, negative."""
        earlier = self._earlier.to(self._later.device)
        found = []
        for token in self.reading.first:
            # The first answer token is predicted at the last position of the instruction.
            overall = F.cosine_similarity(self._later[token], earlier[0], dim=0)
            local = top_patch_similarity(earlier[token], self._patches, self._ranking[token])
            found.append(global_local_similarity(overall, local))
        return -torch.stack(found)


class Inslen(Detector):
    """-InsLen: a local score calibrated by the instruction's lens, and context consistency.

    Lai et al. (ICML 2026), as in the authors' code for LLaVA-1.5-7B: the word's state, from which
    its first token is predicted, after the last layer; patches of layer 24 of 32, instruction of
    layer 22; logits times 0.1. The instruction is all text after the picture, the template's
    included.
    """

    name: ClassVar[str] = "negative-inslen"
    temperature: ClassVar[float] = 0.1

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading)
        self._depths = at_depth(24, reading.layers), at_depth(22, reading.layers)
        self._words = self._patches = self._instruction = torch.empty(0)
        self._ranking = self._said = torch.empty(0)

    def on_states(self, states: DepthStates) -> None:
        """Take patches, instruction and words at their depths."""
        picture, instruction = self._depths
        if states.depth == picture:
            self._patches = states["visual"]
            self._ranking = states.lens("visual", self.temperature)
        if states.depth == instruction:
            self._instruction = states["instruction"]
            self._said = states.lens("instruction", self.temperature)
        if states.depth == self.reading.layers:
            self._words = states["before"]

    def scores(self) -> Tensor:
        """The scores, negative; NaN if no text follows the picture."""
        if not len(self._instruction):
            return self.undefined()
        device, found = self._words.device, []
        patches, instruction = self._patches.to(device), self._instruction.to(device)
        for token in self.reading.first:
            word = self._words[token]
            local = top_patch_similarity(word, patches, self._ranking[token].to(device))
            said = self._said[token].to(device)
            found.append(instruction_lens_score(word, local, instruction, said))
        return -torch.stack(found)


class Ads(Detector):
    """ADS: attention outside compact bright groups, the mean over the middle half of the layers.

    Nguyen et al. (CVPR 2026), from where the word's first token is predicted. The paper trains a
    classifier on the values of all layers; this mean is the score without training of its code.
    """

    name: ClassVar[str] = "ads"
    needs: ClassVar[frozenset[str]] = frozenset({"attention"})

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading)
        self._layers = middle_half(reading.layers)
        self._found: dict[int, Tensor] = {}

    def on_attention(self, layer: int, weights: Tensor) -> None:
        """Take the dispersion of one layer."""
        if layer in self._layers:
            self._found[layer] = attention_dispersion(weights, self.reading.grids)

    def scores(self) -> Tensor:
        """The means."""
        if len(self._found) < len(self._layers):
            return self.undefined()
        return torch.stack(list(self._found.values())).mean(0)


class Cgc(Detector):
    """-CGC: cosines with the most similar patches, the mean over the middle half of the layers.

    Nguyen et al. (CVPR 2026), as `Ads`.
    """

    name: ClassVar[str] = "negative-cgc"

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading)
        # Depth l + 1 are the states that leave layer l.
        self._depths = [layer + 1 for layer in middle_half(reading.layers)]
        self._found: list[Tensor] = []

    def on_states(self, states: DepthStates) -> None:
        """Take the consistency of one layer."""
        if states.depth in self._depths:
            words = states["before"][self.reading.first]
            self._found.append(grounding_consistency(words, states["visual"]).cpu())

    def scores(self) -> Tensor:
        """The means, negative."""
        return -torch.stack(self._found).mean(0)


DETECTORS: tuple[type[Detector], ...] = (
    *(InternalConfidence, Svar, ContextualLens, Glsim, Inslen, Ads, Cgc),
)


def detect(
    session: Session,
    inputs: Inputs,
    words: Sequence[Sequence[int]],
    detectors: Sequence[type[Detector]] = DETECTORS,
) -> dict[str, Tensor]:
    """The scores of an answer's words, in one forward pass.

    Args:
        session: the model and the answer.
        inputs: the prompt with its pictures.
        words: the tokens of each word, indices on the token axis.
        detectors: which.

    Returns:
        By name, `[word]` on the CPU; high scores predict that a word is unsupported. NaN where a
        score is not defined, such as one of attention that the model's class does not give.

    Raises:
        ParameterError: if there is no word.
        UnsupportedModelError: if the model has no list of decoder layers.
    """
    if not words or not all(words):
        raise ParameterError(
            f"Expected at least one word with tokens, got {list(words)!r}: name the words to score."
        )
    visual = inputs.visual_positions.cpu()
    instruction = torch.arange(int(visual.max()) + 1, inputs.length)
    # Where tokens are predicted, and their own positions: the same, one further.
    answer = torch.arange(inputs.length - 1, inputs.length + len(session.ids))
    reading = _reading(session, inputs, words)
    active = [detector(reading) for detector in detectors]
    sizes = [len(visual), len(instruction), len(answer)]

    def on_states(depth: int, states: Tensor) -> None:
        at_visual, at_instruction, at_answer = states.split(sizes)
        parts = {"visual": at_visual, "instruction": at_instruction}
        parts |= {"before": at_answer[:-1], "own": at_answer[1:]}
        here = DepthStates(reading, depth, parts)
        for detector in active:
            detector.on_states(here)

    def on_attention(layer: int, weights: Tensor) -> None:
        on_picture = weights[:, visual.to(weights.device)].cpu()
        for detector in active:
            detector.on_attention(layer, on_picture)

    needed = any("attention" in detector.needs for detector in detectors)
    visit_layers(
        session.loaded,
        inputs,
        session.ids,
        torch.cat([visual, instruction, answer]),
        on_states,
        on_attention if needed else None,
        answer[reading.first],
    )
    with eval_mode(session.loaded.model):  # an adapter of the head may have a dropout
        return {detector.name: detector.scores().detach().float().cpu() for detector in active}


def _reading(session: Session, inputs: Inputs, words: Sequence[Sequence[int]]) -> Reading:
    model = session.loaded.model
    grids, first = [], 0
    for view in inputs.views:
        grids += [grid.index + first for grid in view.geometry.grids]
        first += view.geometry.visual
    return Reading(
        tuple(tuple(tokens) for tokens in words),
        torch.tensor(session.ids),
        len(layers_of(model)),
        tuple(grids),
        cached_unembedding(model),
    )
