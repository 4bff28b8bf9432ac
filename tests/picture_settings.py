"""Values for every setting of an image processor, to go through all of them in every family."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seewhy.models.processor_settings import setting_names_of


def variants(image_processor: Any) -> Iterator[dict[str, Any]]:
    """Settings that differ from the processor's own, each name at least once.

    Sizes and crops are varied alone and together: they have an effect only with one another.
    """
    known = setting_names_of(image_processor)
    for name in known:
        own = getattr(image_processor, name, None)
        for value in _values(name, own, image_processor):
            yield {name: value}
    side = _side(image_processor)
    for extent in (side // 2, side + side // 4):
        crop = {"height": extent, "width": extent}
        for settings in (
            {"do_center_crop": True, "crop_size": crop},
            {"do_center_crop": True, "crop_size": crop, "do_resize": False},
            {"do_center_crop": False, "crop_size": crop},
            {"do_center_crop": False, "size": {"height": side, "width": side}},
            {"size": {"shortest_edge": extent}, "do_center_crop": True},
            {"size": {"height": side, "width": 2 * side}, "do_center_crop": True},
            {"do_pad": True, "pad_size": {"height": 3 * side, "width": 3 * side}},
        ):
            if set(settings) <= set(known):
                yield settings


def _side(image_processor: Any) -> int:
    """A side in pixels that suits a processor."""
    size = dict(getattr(image_processor, "size", None) or {})
    sides = [v for v in size.values() if v is not None]
    return min(sides, default=64) if max(sides, default=64) < 1000 else 64


def _values(name: str, own: Any, image_processor: Any) -> list[Any]:
    side = _side(image_processor)
    if name == "size":
        of_areas = [{"shortest_edge": 1024, "longest_edge": 6400}]
        return [
            side // 2,
            {"height": side // 2, "width": side // 2},
            {"height": side, "width": 2 * side},
            {"shortest_edge": side // 2},
            {"longest_edge": side // 2},
            {"shortest_edge": side, "longest_edge": 2 * side},
            {"max_height": side, "max_width": side},
            {"min_pixels": 1024, "max_pixels": 6400},
            *(of_areas if hasattr(image_processor, "merge_size") else []),
        ]
    if name in ("crop_size", "pad_size"):
        return [side // 2, {"height": 2 * side, "width": 2 * side}]
    if name.startswith("do_") or name in ("crop_to_patches", "default_to_square"):
        return [True, False]
    special = {
        "max_image_size": [{"longest_edge": n} for n in (16, 48, 64)],
        "image_grid_pinpoints": [[[56, 112]], [[112, 112]], [[112, 56], [28, 28]]],
        "resample": [0, 2],
        "rescale_factor": [1.0],
        "image_mean": [[0.1, 0.2, 0.3]],
        "image_std": [[0.9, 0.8, 0.7]],
        "max_pixels": [3200],
        "min_pixels": [32000],
        "max_soft_tokens": [140, 71],
        "min_patches": [2, 4],
        "max_patches": [1, 3],
        "pan_and_scan_min_ratio_to_activate": [1.0, 3.0],
    }
    if name in special:
        return special[name]
    if isinstance(own, int):
        return [own * 2, max(1, own // 2)]
    if isinstance(own, dict) or hasattr(own, "height"):
        return [{"height": 28, "width": 28}]
    return [2]
