"""What the recipe needs to know of a smol model: SmolLM2 in a family's own classes."""

from __future__ import annotations

import importlib
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
import transformers
from torch import Tensor, nn
from transformers import LlamaConfig

from seewhy.testbed.recipe.picture_recipe import Layout, PictureRecipe
from seewhy.testbed.smol.families import FAMILIES, SmolFamily

MODELS = ("smol-qwen2-vl", "smol-llava", "smol-internvl")
WIDTH = 576
"""Of SmolLM2's states."""
TEXT = {
    "vocab_size": 49152,
    "hidden_size": WIDTH,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "max_position_embeddings": 8192,
    "rms_norm_eps": 1e-5,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "rope_parameters": {"rope_type": "default", "rope_theta": 100_000.0},
}
"""SmolLM2's sizes, as its wheel has them."""


@dataclass(frozen=True)
class Beginning:
    """The tokens up to and with a picture.

    Attributes:
        ids: int64 `[token]`, the image token at places.
        places: of the picture.
        positions: int64 `[axes, token]`.
        then: the position of the next token.
    """

    ids: np.ndarray
    places: slice
    positions: np.ndarray
    then: int


class SmolRecipe(PictureRecipe):
    """How a smol model of a family's real classes is made: one file with one final class.

    Class attributes:
        name: of the model.
        model_type: of its family.
        collage_side: of the pictures on which the tower learns, pixels.
    """

    name: ClassVar[str]
    model_type: ClassVar[str]
    collage_side: ClassVar[int]

    @abstractmethod
    def config_around(self, language: Any) -> Any:
        """The config of the whole model around a config of a language model."""

    @property
    def family(self) -> SmolFamily:
        """Class, tokens and processor."""
        return FAMILIES[self.model_type]

    def config(self) -> Any:
        """The config of the whole model."""
        return self.config_around(LlamaConfig(**TEXT))

    def without_language(self, seed: int = 0) -> Any:
        """The family's model with a fresh tower and projector, and no language model."""
        torch.manual_seed(seed)
        small = LlamaConfig(**{**TEXT, "num_hidden_layers": 1, "vocab_size": 32})
        model = getattr(transformers, self.family.architecture)(self.config_around(small))
        model.model.language_model = model.lm_head = None
        return self.with_positions(model)

    def with_positions(self, model: Any) -> Any:
        """Give position embeddings that transformers sets to zero a start."""
        return model

    def vision(self, model: Any) -> dict[str, nn.Parameter]:
        """The parameters of tower and projector, by the whole model's names."""
        return {
            name: parameter
            for name, parameter in model.named_parameters()
            if name.startswith(self.family.vision)
        }

    def load_vision(self, model: Any, saved: Mapping[str, Tensor]) -> None:
        """Copy saved parameters of tower and projector into a model."""
        with torch.no_grad():
            for name, parameter in self.vision(model).items():
                parameter.copy_(saved[name])

    def see(self, model: Any, images: Tensor) -> Tensor:
        """Output of the projector `[batch, visual, WIDTH]` for uint8 `[batch, h, w, 3]`."""
        height, width = images.shape[1:3]
        layout = self.layout(width, height, 1)
        return self.process_image(model, self.pixels(images), layout)

    def beginning(self, tokenizer: Any, layout: Layout) -> Beginning:
        """The start of the user's turn, with a picture."""
        opening, closing = (
            tokenizer.encode(text, add_special_tokens=False)
            for text in (self.opening, self.closing)
        )
        image = tokenizer.convert_tokens_to_ids(self.image_token)
        first, after = len(opening), len(opening) + layout.visual
        of_image, then = self.position_ids(layout, first)
        axes = len(of_image)
        before = np.tile(np.arange(first), (axes, 1))
        behind = np.tile(then + np.arange(len(closing)), (axes, 1))
        return Beginning(
            np.array([*opening, *[image] * layout.visual, *closing]),
            slice(first, after),
            np.concatenate([before, of_image, behind], 1),
            then + len(closing),
        )

    def language(
        self, model: Any, embeds: Tensor, mask: Any, positions: Tensor, cache: Any = None
    ) -> Tensor:
        """Final states `[batch, token, WIDTH]`.

        Args:
            model: with a language model.
            embeds: `[batch, token, WIDTH]`.
            mask: float `[batch, 1, token, key]`, added to scores.
            positions: int64 `[axes, batch, token]`; one axis is enough for words.
            cache: of keys and values, which grows; or None.
        """
        if self.family.has_attention_biases:  # Qwen2-VL
            mask, positions = {"full_attention": mask}, positions.expand(3, -1, -1)
        else:
            positions = positions[0]
        return model.model.language_model(
            inputs_embeds=embeds,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=cache is not None,
        ).last_hidden_state

    def start_from(self, model: Any, saved: Mapping[str, Tensor]) -> None:
        """Copy what fits of the trained tower of `smol-qwen2-vl`.

        Raises:
            ValueError: if nothing does.
        """
        raise ValueError(f"The tower of {self.name} starts from nothing: leave --start out.")

    def start_attention(self, model: Any, images: Tensor) -> None:
        """Prepare a tower's attention for training; of one with rotary positions nothing.

        Args:
            model: whose tower it is.
            images: some square pictures, uint8 `[batch, height, width, 3]`.
        """

    def embed_patches(self, model: Any, images: Tensor) -> None:
        """Start the patch embedding with the principal components of pictures' patches."""
        kernel = self.patch_kernel(model)
        patch = kernel.shape[-1]
        pixels = images.permute(0, 3, 1, 2).float() / 127.5 - 1
        basis = principal_patches(pixels, patch, len(kernel)) * 0.5
        with torch.no_grad():
            frames = kernel.shape[2] if kernel.ndim == 5 else 1
            shape = (len(kernel), 3, *(1,) * (kernel.ndim - 4), patch, patch)
            kernel.copy_(basis.view(shape).expand_as(kernel) / frames)

    @abstractmethod
    def patch_kernel(self, model: Any) -> nn.Parameter:
        """The weight of the patch embedding, `[width, 3, (frames,) patch, patch]`."""


def principal_patches(pixels: Tensor, patch: int, count: int) -> Tensor:
    """The first principal components of patches, whitened: float32 `[count, 3 * patch**2]`."""
    patches = nn.functional.unfold(pixels, patch, stride=patch).transpose(1, 2).flatten(0, 1)
    centred = patches - patches.mean(0)
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(centred))
    order = values.argsort(descending=True)[:count]
    return (vectors[:, order] / (values[order].sqrt() + 0.02)).T


def working_dtype() -> torch.dtype:
    """bfloat16 where the processor multiplies it; elsewhere float32 is several times faster."""
    found = torch.cpu.get_capabilities()
    has_bfloat16 = found.get("amx_bf16") or found.get("avx512_bf16")
    return torch.bfloat16 if has_bfloat16 else torch.float32


def autocast() -> torch.autocast:
    """The context in which a step computes in `working_dtype`."""
    dtype = working_dtype()
    return torch.autocast("cpu", dtype, enabled=dtype != torch.float32)


def recipe_of(model_type: str) -> SmolRecipe:
    """The recipe of a family's model."""
    recipes = [smol_recipe(name) for name in MODELS]
    return next(recipe for recipe in recipes if recipe.model_type == model_type)


def layers_of_qwen2_vl(
    saved: Mapping[str, Tensor], names: Mapping[str, str], layers: str, attention: str
) -> dict[str, Tensor]:
    """The layers of `smol-qwen2-vl`'s tower by the names of another one's.

    Args:
        saved: the tower's parameters, by the whole model's names.
        names: of a layer's other modules, each with Qwen2-VL's.
        layers, attention: the paths of the layers, and of attention in one.
    """
    state = {}
    depth = sum(name.endswith("attn.qkv.weight") for name in saved)
    for number in range(depth):
        theirs, ours = f"model.visual.blocks.{number}", f"{layers}.{number}"
        for part in ("weight", "bias"):
            for name, other in names.items():
                state[f"{ours}.{name}.{part}"] = saved[f"{theirs}.{other}.{part}"]
            mixed = saved[f"{theirs}.attn.qkv.{part}"].chunk(3)
            for name, value in zip("qkv", mixed, strict=True):
                state[f"{ours}.{attention}.{name}_proj.{part}"] = value
    return state


def smol_recipe(name: str) -> SmolRecipe:
    """The recipe of a model.

    Args:
        name: one of `MODELS`.

    Raises:
        ValueError: if the name is unknown.
    """
    if name not in MODELS:
        raise ValueError(
            f"Expected one of {', '.join(MODELS)}, got {name!r}: choose one of these models."
        )
    module = importlib.import_module(f"seewhy.testbed.recipe_smol.{name.replace('-', '_')}")
    return module.RECIPE
