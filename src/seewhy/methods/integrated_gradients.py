"""Integrated gradients from a blank picture's embeddings to the picture's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from PIL import Image
from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.core.errors import ModelError
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
    r"""Gradients of the token's logit along the straight way from a grey picture to this one.

    $$A_i[v] = \Big(\sum_d (x_{v,d} - x'_{v,d}) \int_0^1
      \frac{\partial z_i(x' + a (x - x'))}{\partial x_{v,d}} \, da\Big)_+$$

    x are the embeddings of visual tokens that enter the first decoder layer, x' those of a grey
    picture (128, 128, 128) of the same size in each picture's place; the text stays. The integral
    is the mean over the midpoints of equal steps, in each one forward pass and one backward pass a
    token; two more passes give x and x'. Text tokens are no part of the way, so the context are
    text activations.

    Source: Sundararajan et al. (2017), Eq. 1 and 3. The baseline, its steps, midpoints and the cut
    at 0 are ours. Families that hand the picture to deeper layers too (Qwen3-VL) keep it there, so
    there the sum falls short of the difference of the logits.

    Attributes:
        steps: of the integral, at least 1.
    """

    name: ClassVar = "integrated-gradients"
    summary: ClassVar = (
        "Integrated gradients in 16 steps on visual embeddings, from those of a grey picture."
    )
    citations: ClassVar = ("sundararajan2017axiomatic",)
    needs: ClassVar = frozenset({"gradients", "pictures"})
    contrastive: ClassVar = True

    steps: int = 16

    def __post_init__(self) -> None:
        expect_at_least("steps", self.steps, 1)

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`."""
        inside = WhiteBox.of(evidence, self.name)
        return inside.attribution(lambda: self.completed(inside).relu(), context=False)

    def completed(self, inside: WhiteBox) -> Tensor:
        """`[selected, position]` with its sign: a row sums to z(x) - z(x'), up to the steps."""
        session = inside.session
        shown = layer_input_states(session.loaded, inside.trace.inputs, session.ids)
        way = torch.zeros_like(shown)
        places = inside.visual.to(shown.device)
        way[places] = shown[places] - blank_embeddings(inside).to(shown.device)

        def gradients_at(share: float) -> Tensor:
            def change(states: Tensor) -> Tensor:
                return (shown - (1 - share) * way).to(states)

            return inside.gradients(lambda _, gradient: (way * gradient).sum(-1), change=change)

        total = gradients_at(0.5 / self.steps)
        for step in range(1, self.steps):
            total += gradients_at((step + 0.5) / self.steps)
        return total / self.steps


def blank_embeddings(inside: WhiteBox) -> Tensor:
    """At least float32 `[visual, hidden]`: what enters where grey pictures stand for the real.

    Raises:
        ModelError: if a grey picture of the same size has other visual tokens.
    """
    session = inside.session.with_images(*map(blank, inside.session.images))
    inputs = session.inputs(inside.trace.inputs.scale)
    if not torch.equal(inputs.visual_positions.cpu(), inside.visual):
        raise ModelError(
            f"Expected a grey picture of the same size to have {len(inside.visual)} visual tokens "
            f"in the same places, got {len(inputs.visual_positions)}: this model's tokens depend "
            "on what is shown; choose input-x-gradient."
        )
    states = layer_input_states(session.loaded, inputs, session.ids)
    return states[inputs.visual_positions.to(states.device)]


def blank(medium: Image.Image | Clip) -> Any:
    """A grey picture, or a clip of grey frames, of the same size."""
    if isinstance(medium, Clip):
        return Clip(tuple(Image.new("RGB", f.size, GREY) for f in medium.frames), medium.seconds)
    return Image.new("RGB", medium.size, GREY)
