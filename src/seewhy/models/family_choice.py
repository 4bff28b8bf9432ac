"""Which family supports a model, which models are refused, and which class loads a checkpoint."""

from __future__ import annotations

from functools import cache
from typing import Any

from seewhy.core.errors import UnsupportedModelError
from seewhy.core.registry import Registry
from seewhy.models.family import Family

FAMILIES: Registry[Family] = Registry(
    "seewhy.models.families",
    Family,
    "family",
    group="seewhy.families",
)
"""Every family, by file name."""

#: Model types that are refused, each with the reason why no map would be faithful.
REFUSED = {
    "mllama": (
        "it reads pictures through layers of cross-attention, so its sequence has no visual tokens "
        "whose states a logit lens could use"
    ),
    **dict.fromkeys(
        ("blip-2", "instructblip", "instructblipvideo", "idefics2", "kosmos-2"),
        "between its vision tower and language model is a resampler, whose tokens all attend to "
        "the whole picture, so none owns pixels",
    ),
}

#: Classes that may load a checkpoint with its own code, the most likely first.
AUTO_CLASSES = (
    "AutoModelForImageTextToText",
    "AutoModelForVision2Seq",
    "AutoModelForCausalLM",
    "AutoModel",
)


def family_of(config: Any, *, name: str) -> type[Family]:
    """The family that supports a config's `model_type`, or else `probed`.

    Raises:
        UnsupportedModelError: if the model is text-only, or refused for a reason.
    """
    model_type, by_type = config.model_type, families_by_type()
    architecture = ", ".join(config.architectures or ()) or type(config).__name__
    if model_type in REFUSED:
        raise UnsupportedModelError(
            f"Expected a model with image tokens in its sequence, got {name!r}, a "
            f"{architecture} (model_type {model_type!r}): {REFUSED[model_type]}. Choose another "
            "model."
        )
    for family in by_type.get(model_type, ()):
        if family.supports(config):
            return family
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

    if model_type in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES or _has_own_code(config):
        return FAMILIES.get("probed")
    raise UnsupportedModelError(
        f"Expected a model that reads images and writes text, got {name!r}, a {architecture} "
        f"(model_type {model_type!r}), which reads no images: choose a model of "
        f"one of the types {', '.join(sorted(by_type))}."
    )


def _has_own_code(config: Any) -> bool:
    """Whether a checkpoint has its own class, not one of transformers."""
    return type(config).__module__.startswith("transformers_modules") or bool(
        getattr(config, "auto_map", None)
    )


def auto_class(config: Any) -> Any:
    """The class that loads a model: transformers' own, or the one that its own code names."""
    import transformers

    auto_map = getattr(config, "auto_map", None) or {}
    if _has_own_code(config) and config.model_type not in transformers.CONFIG_MAPPING:
        named = next((name for name in AUTO_CLASSES if name in auto_map), AUTO_CLASSES[0])
        return getattr(transformers, named, transformers.AutoModelForImageTextToText)
    return transformers.AutoModelForImageTextToText


@cache
def families_by_type() -> dict[str, list[type[Family]]]:
    """The families of each `model_type`."""
    by_type: dict[str, list[type[Family]]] = {}
    for family in FAMILIES:
        for model_type in family.model_types:
            by_type.setdefault(model_type, []).append(family)
    return by_type
