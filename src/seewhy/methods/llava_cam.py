"""LLaVA-CAM: smoothed Grad-CAM on the normed states that enter the MLP of a decoder layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from PIL import Image
from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.core.errors import ParameterError
from seewhy.core.trace import Inputs
from seewhy.images.clips import Clip
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._perturbation import expect_at_least, expect_share
from seewhy.methods._whitebox import WhiteBox, expect_layer
from seewhy.models.decoder import layer_at, layers_of


@dataclass(frozen=True)
class LLaVACAM(Method):
    r"""The mean over noisy pictures of a Grad-CAM with positive gradients.

    $$w_d = \operatorname{mean}_v \Big(\frac{\partial z_i}{\partial m_{v,d}}\Big)_+, \quad
      C[v] = \Big(\sum_d w_d m_{v,d}\Big)_+, \quad
      A_i[v] = \operatorname{mean}_n \frac{C^{(n)}[v]}{\max_u C^{(n)}[u]}$$

    m are the normed states that enter the MLP of a decoder layer (the output of
    `post_attention_layernorm` in Llama and Qwen); z_i is the token's logit; u and v run over the
    visual tokens of all views. The n-th picture is the original plus Gaussian noise, cut off to 8
    bits. The context is text tokens with the same weights. Values are in [0, 1] at visual tokens.
    Each noisy picture costs one forward pass, and one backward pass per token.

    Source: Zhang et al. (2025), NAACL, arXiv:2406.06579. The formulas and settings are those of the
    published code (github.com/zhangbaijin/From-Redundancy-to-Relevance) and of EAGLE's code of this
    baseline (github.com/RuoyuChen10/EAGLE, `baselines/llavacam.py`), which agree: the states, the
    positive part before the mean, each map divided by its maximum, 50 samples, noise of 0.1 of the
    colour range. (The first code's demo draws the map without noise, and sets values below
    half of the maximum to 0; EAGLE does not.) The layer is not fixed: the first code shows all
    of them; EAGLE takes 13 of 32 for LLaVA-1.5-7B, 26 of 36 for Qwen2.5-VL-3B, 26 of 28 for
    Qwen2.5-VL-7B and 32 of 36 for InternVL3.5-4B, counted from 0.

    Ours: the default layer -2, which is EAGLE's for Qwen2.5-VL-7B and exists in small models; the
    target is one token's logit (both codes add those of several tokens); the seed; the context;
    and a map without a positive value stays empty.

    Attributes:
        layer: the states enter its MLP; counted from 0, or from the end if negative; not the last
            one, where no token sees another any more.
        samples: noisy pictures, at least 1.
        noise: the standard deviation, as a share of the colour range.
        seed: of the noise.
    """

    name: ClassVar = "llava-cam"
    summary: ClassVar = (
        "Grad-CAM with positive gradients on the MLP's input, mean of 50 noisy pictures."
    )
    citations: ClassVar = ("zhang2025redundancy", "selvaraju2017gradcam", "chen2026eagle")
    needs: ClassVar = frozenset({"gradients", "pictures"})
    contrastive: ClassVar = True

    layer: int = -2
    samples: int = 50
    noise: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        expect_layer(self.layer)
        expect_at_least("samples", self.samples, 1)
        expect_share("noise", self.noise)

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`."""
        white_box = WhiteBox.of(evidence, self.name)
        self._expect_layer_below_the_last(white_box.session.loaded.model)
        return white_box.attribution(lambda: self._smoothed(white_box))

    def _smoothed(self, white_box: WhiteBox) -> Tensor:
        """`[selected, position]`."""
        visual = white_box.visual

        def score(states: Tensor, gradient: Tensor) -> Tensor:
            return normalized_cam(states, gradient, visual.to(gradient.device))

        maps = (
            white_box.gradients(score, layer=self.layer, part="mlp", inputs=inputs)
            for inputs in self._noisy_inputs(white_box)
        )
        return sum(maps, start=next(maps)) / self.samples

    def _noisy_inputs(self, white_box: WhiteBox) -> Iterator[Inputs]:
        generator = np.random.default_rng(self.seed)
        for _ in range(self.samples):
            images = white_box.session.images
            yield white_box.inputs_of(*(noisy(one, self.noise, generator) for one in images))

    def _expect_layer_below_the_last(self, model: object) -> None:
        last = len(layers_of(model)) - 1
        if layer_at(model, self.layer) == last:
            raise ParameterError(
                f"Expected a layer below the last, got {self.layer}: from the MLP of layer {last} "
                f"on no token of {type(model).__name__} sees another, so its map would be empty."
            )


def normalized_cam(states: Tensor, gradient: Tensor, visual: Tensor) -> Tensor:
    r"""Grad-CAM with positive gradients, divided by its maximum over the visual tokens.

    Args:
        states, gradient: float `[position, hidden]`.
        visual: int64 `[visual]`, the visual positions.

    Returns:
        `[position]`, non-negative; 0 if it is not positive at any visual token.
    """
    cam = (states @ gradient[visual].relu().mean(0)).relu()
    largest = cam[visual].max()
    return cam / largest if largest > 0 else cam * 0


def noisy(medium: Image.Image | Clip, noise: float, generator: np.random.Generator) -> Any:
    """A picture, or a clip with every frame, plus Gaussian noise, cut off to 8 bits.

    Args:
        medium: the picture or clip.
        noise: standard deviation, as a share of the colour range.
        generator: of the noise.
    """
    if isinstance(medium, Clip):
        frames = (noisy(frame, noise, generator) for frame in medium.frames)
        return Clip(tuple(frames), medium.seconds)
    pixels = np.asarray(medium.convert("RGB"), dtype=np.float32)
    moved = pixels + generator.normal(0, noise * 255, pixels.shape)
    return Image.fromarray(moved.clip(0, 255).astype(np.uint8))
