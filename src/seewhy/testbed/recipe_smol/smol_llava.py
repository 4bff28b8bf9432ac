"""`smol-llava`: SmolLM2 in transformers' own LLaVA classes, with a CLIP tower."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers import CLIPVisionConfig

from seewhy.testbed.recipe.llava_pictures import LlavaPictures
from seewhy.testbed.recipe_smol.near_attention import Layer, start_near
from seewhy.testbed.recipe_smol.smol_recipe import WIDTH, SmolRecipe, layers_of_qwen2_vl
from seewhy.testbed.smol.families import llava_config

HEADS = 4
LAYER = {
    "self_attn.out_proj": "attn.proj",
    "layer_norm1": "norm1",
    "layer_norm2": "norm2",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
}
"""Modules of a layer, and what they are called in Qwen2-VL's tower."""


class SmolLlava(SmolRecipe, LlavaPictures):
    """Pads to a square of 144 patches of 32 pixels."""

    name: ClassVar = "smol-llava"
    model_type: ClassVar = "llava"
    side: ClassVar = 384
    patch: ClassVar = 32
    collage_side: ClassVar = 384

    def config_around(self, language: Any) -> Any:
        """4.8 million parameters of tower and projector."""
        vision = CLIPVisionConfig(
            hidden_size=224,
            intermediate_size=896,
            projection_dim=WIDTH,
            num_hidden_layers=6,
            num_attention_heads=HEADS,
            image_size=self.side,
            patch_size=self.patch,
            hidden_act="silu",
        )
        return llava_config(language, vision)

    def start_from(self, model: Any, saved: Mapping[str, Tensor]) -> None:
        """Copy patches and layers of `smol-qwen2-vl`'s tower: all but positions and projector.

        A patch has twice the side: the kernel sees it at half the resolution.
        """
        tower = model.model.vision_tower
        state = tower.state_dict()
        kernel = saved["model.visual.patch_embed.proj.weight"].sum(2)  # two equal frames
        fine = kernel.repeat_interleave(2, 2).repeat_interleave(2, 3) / 4
        state["embeddings.patch_embedding.weight"] = fine
        # CLIP norms embedded patches; in Qwen2-VL's tower their deviation is about 3.
        state["pre_layrnorm.weight"] = 3 * state["pre_layrnorm.weight"]
        state |= layers_of_qwen2_vl(saved, LAYER, "encoder.layers", "self_attn")
        tower.load_state_dict(state)
        # Its last layer's states deviate by about 25, and LLaVA's projector does not norm them.
        with torch.no_grad():
            model.model.multi_modal_projector.linear_1.weight /= 25

    def start_attention(self, model: Any, images: Tensor) -> None:
        """To the neighbours: its positions are learned."""
        tower = model.model.vision_tower
        layers = [
            Layer(
                layer.layer_norm1,
                layer.self_attn.q_proj,
                layer.self_attn.k_proj,
                layer.self_attn.out_proj,
                layer.mlp.fc2,
            )
            for layer in tower.encoder.layers
        ]
        positions = tower.embeddings.position_embedding.weight.data[1:]
        patches = tower.embeddings.patch_embedding
        start_near(patches, positions, layers, HEADS, self.pixels(images))

    def patch_kernel(self, model: Any) -> nn.Parameter:
        """Of CLIP."""
        return model.model.vision_tower.embeddings.patch_embedding.weight


RECIPE = SmolLlava()
