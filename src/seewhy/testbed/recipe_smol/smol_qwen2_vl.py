"""`smol-qwen2-vl`: SmolLM2 in transformers' own Qwen2-VL classes."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import nn

from seewhy.testbed.recipe.qwen2_vl_pictures import MERGE, Qwen2VLPictures
from seewhy.testbed.recipe_smol.smol_recipe import SmolRecipe
from seewhy.testbed.smol.families import qwen2_vl_config


class SmolQwen2VL(SmolRecipe, Qwen2VLPictures):
    """Cells of 32 pixels."""

    name: ClassVar = "smol-qwen2-vl"
    model_type: ClassVar = "qwen2_vl"
    patch: ClassVar = 16
    collage_side: ClassVar = 256

    def config_around(self, language: Any) -> Any:
        """5.3 million parameters of tower and merger."""
        vision = {
            "depth": 6,
            "embed_dim": 224,
            "num_heads": 4,
            "mlp_ratio": 4,
            # One fused operation on CPUs; Qwen2-VL's quick GELU needs three.
            "hidden_act": "silu",
            "patch_size": self.patch,
            "spatial_merge_size": MERGE,
            "temporal_patch_size": 2,
        }
        return qwen2_vl_config(language, vision)

    def patch_kernel(self, model: Any) -> nn.Parameter:
        """A picture is read as two equal frames."""
        return model.model.visual.patch_embed.proj.weight


RECIPE = SmolQwen2VL()
