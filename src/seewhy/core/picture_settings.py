"""Names of the settings of transformers' image processors that decide what a model sees."""

from __future__ import annotations

PICTURE_SETTINGS = frozenset(
    {
        *("do_resize", "size", "resample", "do_center_crop", "crop_size", "do_pad", "pad_size"),
        *("do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std"),
        *("do_convert_rgb", "default_to_square", "min_pixels", "max_pixels", "patch_size"),
        *("temporal_patch_size", "merge_size", "do_image_splitting", "max_image_size"),
        *("crop_to_patches", "min_patches", "max_patches", "image_grid_pinpoints"),
        *("do_pan_and_scan", "pan_and_scan_min_crop_size", "pan_and_scan_max_num_crops"),
        *("pan_and_scan_min_ratio_to_activate", "max_soft_tokens", "pooling_kernel_size"),
    }
)
"""Settings that the image processor of at least one family has."""

LIMITS = {"min_pixels": "shortest_edge", "max_pixels": "longest_edge"}
"""Names of limits of pixels, and the entries of `size` that they set."""
