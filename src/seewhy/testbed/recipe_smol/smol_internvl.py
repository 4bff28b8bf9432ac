"""`smol-internvl`: SmolLM2 in transformers' own InternVL classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor, nn
from transformers import InternVLVisionConfig

from seewhy.testbed.recipe.internvl_pictures import InternVLPictures
from seewhy.testbed.recipe_smol.near_attention import Layer, start_near
from seewhy.testbed.recipe_smol.smol_recipe import SmolRecipe, layers_of_qwen2_vl
from seewhy.testbed.smol.families import internvl_config

HEADS = 4
LAYER = {
    "attention.projection_layer": "attn.proj",
    "layernorm_before": "norm1",
    "layernorm_after": "norm2",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
}
"""Modules of a layer, and what they are called in Qwen2-VL's tower."""


class SmolInternVL(SmolRecipe, InternVLPictures):
    """One tile of 384 pixels with 144 tokens."""

    name: ClassVar = "smol-internvl"
    model_type: ClassVar = "internvl"
    tile: ClassVar = 384
    patch: ClassVar = 16
    most_tiles: ClassVar = 1
    collage_side: ClassVar = 384

    def config_around(self, language: Any) -> Any:
        """5.2 million parameters of tower and projector."""
        vision = InternVLVisionConfig(
            hidden_size=224,
            intermediate_size=896,
            num_hidden_layers=6,
            num_attention_heads=HEADS,
            image_size=self.tile,
            patch_size=self.patch,
            hidden_act="silu",
            attention_bias=True,
            layer_scale_init_value=1.0,
        )
        return internvl_config(language, vision)

    def with_positions(self, model: Any) -> Any:
        """Transformers sets them to zero: every blank patch would be the same."""
        embeddings = model.model.vision_tower.embeddings
        nn.init.normal_(embeddings.position_embeddings, std=0.02)
        nn.init.normal_(embeddings.cls_token, std=0.02)
        return model

    def start_from(self, model: Any, saved: Mapping[str, Tensor]) -> None:
        """Copy patches and layers of `smol-qwen2-vl`'s tower: all but positions and projector."""
        tower = model.model.vision_tower
        state = tower.state_dict()
        kernel = saved["model.visual.patch_embed.proj.weight"].sum(2)  # two equal frames
        state["embeddings.patch_embeddings.projection.weight"] = kernel
        state |= layers_of_qwen2_vl(saved, LAYER, "encoder.layer", "attention")
        tower.load_state_dict(state)

    def start_attention(self, model: Any, images: Tensor) -> None:
        """To the neighbours: its positions are learned."""
        tower = model.model.vision_tower
        layers = [
            Layer(
                layer.layernorm_before,
                layer.attention.q_proj,
                layer.attention.k_proj,
                layer.attention.projection_layer,
                layer.mlp.fc2,
            )
            for layer in tower.encoder.layer
        ]
        patches = tower.embeddings.patch_embeddings.projection
        positions = tower.embeddings.position_embeddings.data[0, 1:]
        start_near(patches, positions, layers, HEADS, self.pixels(images).flatten(0, 1))

    def patch_kernel(self, model: Any) -> nn.Parameter:
        """Of the tower."""
        return model.model.vision_tower.embeddings.patch_embeddings.projection.weight


RECIPE = SmolInternVL()
