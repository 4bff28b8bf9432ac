"""`smol-llava`: SmolLM2 in transformers' own LLaVA classes, with a CLIP tower."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import nn
from transformers import CLIPVisionConfig

from seewhy.testbed.recipe.llava_pictures import LlavaPictures
from seewhy.testbed.recipe_smol.smol_recipe import WIDTH, SmolRecipe
from seewhy.testbed.smol.families import llava_config


class SmolLlava(SmolRecipe, LlavaPictures):
    """Pads to a square of 144 patches of 32 pixels."""

    name: ClassVar = "smol-llava"
    model_type: ClassVar = "llava"
    side: ClassVar = 384
    patch: ClassVar = 32
    collage_side: ClassVar = 384

    def config_around(self, language: Any) -> Any:
        """5.4 million parameters of tower and projector."""
        vision = CLIPVisionConfig(
            hidden_size=256,
            intermediate_size=1024,
            projection_dim=WIDTH,
            num_hidden_layers=6,
            num_attention_heads=4,
            image_size=self.side,
            patch_size=self.patch,
            hidden_act="silu",
        )
        return llava_config(language, vision)

    def patch_kernel(self, model: Any) -> nn.Parameter:
        """Of CLIP."""
        return model.model.vision_tower.embeddings.patch_embedding.weight


RECIPE = SmolLlava()
