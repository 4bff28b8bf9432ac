"""Integrated gradients from a blank picture's embeddings to the picture's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from PIL import Image
from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.images.clips import Clip
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._perturbation import expect_at_least
from seewhy.methods._whitebox import WhiteBox
from seewhy.models.decoder import layer_input_states

GREY = (128, 128, 128)
"""The blank picture's colour."""


@dataclass(frozen=True)
class IntegratedGradients(Method):
    r"""Gradients of the token's logit along the straight path from a grey picture to this one.

    $$A_i[v] = \Big(\sum_d (x_{v,d} - x'_{v,d}) \int_0^1
      \frac{\partial z_i(x' + a (x - x'))}{\partial x_{v,d}} \, da\Big)_+$$

    x are the embeddings of visual tokens that enter the first decoder layer, x' those of a grey
    picture (128, 128, 128) of the same size instead of each picture; the text stays. The integral
    is the mean over the midpoints of equal steps, each with one forward pass and one backward pass
    per token; two more passes give x and x'. Text tokens do not change along the path, so the
    context is the text activations.

    Source: Sundararajan et al. (2017), Eq. 1 and 3. The baseline, its steps, midpoints and the cut
    at 0 are ours. Families that also add visual features in deeper layers (Qwen3-VL) keep them
    there, so for them the sum is not the full difference of the logits.

    Attributes:
        steps: of the integral, at least 1.
    """

    name: ClassVar = "integrated-gradients"
    summary: ClassVar = (
        "Integrated gradients in 16 steps from the visual embeddings of a grey picture."
    )
    citations: ClassVar = ("sundararajan2017axiomatic",)
    needs: ClassVar = frozenset({"gradients", "pictures"})
    contrastive: ClassVar = True

    steps: int = 16

    def __post_init__(self) -> None:
        expect_at_least("steps", self.steps, 1)

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`."""
        white_box = WhiteBox.of(evidence, self.name)
        return white_box.attribution(lambda: self.completed(white_box).relu(), context=False)

    def completed(self, white_box: WhiteBox) -> Tensor:
        """`[selected, position]`, signed: a row sums to about z(x) - z(x')."""
        session = white_box.session
        embeddings = layer_input_states(session.loaded, white_box.inputs, session.ids)
        path = torch.zeros_like(embeddings)
        visual = white_box.visual.to(embeddings.device)
        path[visual] = embeddings[visual] - blank_embeddings(white_box).to(embeddings.device)

        def gradients_at(share: float) -> Tensor:
            def change(states: Tensor) -> Tensor:
                return (embeddings - (1 - share) * path).to(states)

            return white_box.gradients(lambda _, gradient: (path * gradient).sum(-1), change=change)

        total = gradients_at(0.5 / self.steps)
        for step in range(1, self.steps):
            total += gradients_at((step + 0.5) / self.steps)
        return total / self.steps


def blank_embeddings(white_box: WhiteBox) -> Tensor:
    """At least float32 `[visual, hidden]`: the embeddings of grey pictures.

    Raises:
        ModelError: if a grey picture of the same size has other visual tokens.
    """
    session = white_box.session
    inputs = white_box.inputs_of(*map(blank, session.images))
    states = layer_input_states(session.loaded, inputs, session.ids)
    return states[inputs.visual_positions.to(states.device)]


def blank(medium: Image.Image | Clip) -> Any:
    """A grey picture, or a clip of grey frames, of the same size."""
    if isinstance(medium, Clip):
        return Clip(tuple(Image.new("RGB", f.size, GREY) for f in medium.frames), medium.seconds)
    return Image.new("RGB", medium.size, GREY)
