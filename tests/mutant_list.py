"""The mutants of `mutants.py`: one-line mistakes, each with the test that must find it.

A mutant names no file: its text is looked up in the whole package, its test in all tests, so that
code may move. `tests/unit/test_mutant_list.py` says which entry has to be brought up to date.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A mistake of one line.

    Attributes:
        name: says what is wrong.
        old: text that stands once in the package, within a line.
        new: what it becomes.
        test: the name of the test function that must fail then; no other test bears it.
    """

    name: str
    old: str
    new: str
    test: str


MUTANTS = (
    Mutant(
        "area-without-span",
        "return torch.trapezoid(values, at) / (at[-1] - at[0])",
        "return torch.trapezoid(values, at)",
        "test_area_under_is_the_mean_height_whatever_the_span",
    ),
    Mutant(
        "falling-order-rises",
        "argsort(descending=True, stable=True)",
        "argsort(descending=False, stable=True)",
        "test_falling_order_is_a_permutation_from_the_highest_down",
    ),
    Mutant(
        "between-adds-the-ends",
        "span = torch.as_tensor(high) - torch.as_tensor(low)",
        "span = torch.as_tensor(high) + torch.as_tensor(low)",
        "test_between_refuses_ends_that_leave_no_room",
    ),
    Mutant(
        "disc-on-the-diagonal",
        "down = torch.arange(height, dtype=torch.float64)[:, None] - row",
        "down = torch.arange(height, dtype=torch.float64)[:, None] - column",
        "test_nearest_cells_equal_a_sort_by_distance",
    ),
    Mutant(
        "first-of-one-more",
        "chosen[order[:count]] = True",
        "chosen[order[: count + 1]] = True",
        "test_first_of_takes_none_or_all",
    ),
    Mutant(
        "lens-without-relu",
        "return logits.relu()",
        "return logits",
        "test_logit_lens_equals_the_equation",
    ),
    Mutant(
        "lens-adds-the-foil",
        "logits = logits - _logits(states, foils",
        "logits = logits + _logits(states, foils",
        "test_logit_lens_with_cap_and_foils_equals_the_equation",
    ),
    Mutant(
        "lens-softcap-inverted",
        "softcap * (logits / softcap).tanh()",
        "softcap * (logits * softcap).tanh()",
        "test_logit_lens_with_cap_and_foils_equals_the_equation",
    ),
    Mutant(
        "lens-drops-the-bias",
        "logits = logits + biases.float()[:, None]",
        "logits = logits - biases.float()[:, None]",
        "test_logit_lens_equals_the_equation",
    ),
    Mutant(
        "text-activation-of-itself",
        "**output).tril(-1)",
        "**output).tril(0)",
        "test_text_activation_equals_the_equation",
    ),
    Mutant(
        "arc-keeps-what-agrees",
        "weights = (1 - rho) * weights",
        "weights = rho * weights",
        "test_context_weights_equal_the_equations",
    ),
    Mutant(
        "same-word-interferes",
        "return weights.masked_fill(same_text, 0).tril(-1)",
        "return weights.tril(-1)",
        "test_context_weights_equal_the_equations",
    ),
    Mutant(
        "threshold-inclusive",
        "weights = weights * (rho < threshold)",
        "weights = weights * (rho <= threshold)",
        "test_context_weights_spare_contexts_that_agree",
    ),
    Mutant(
        "interference-not-averaged",
        "shares = weights / total.where(total != 0, 1)",
        "shares = weights",
        "test_interference_equals_the_equation",
    ),
    Mutant(
        "interference-left-negative",
        "cleaned = (given - share * unit).relu()",
        "cleaned = given - share * unit",
        "test_remove_interference_equals_least_squares_at_any_size",
    ),
    Mutant(
        "lambda-without-norm",
        "share = (given * unit).sum(1, keepdim=True) / norm.where(norm != 0, 1)",
        "share = (given * unit).sum(1, keepdim=True)",
        "test_remove_interference_equals_least_squares_at_any_size",
    ),
    Mutant(
        "lambda-of-the-scaled-map",
        "return cleaned, (share / peak)[:, 0]",
        "return cleaned, share[:, 0]",
        "test_remove_interference_empties_a_map_that_is_nothing_else",
    ),
    Mutant(
        "rbo-without-depth",
        "steps = p ** (ranks - 1) / ranks",
        "steps = p ** (ranks - 1)",
        "test_rank_biased_overlap_equals_the_definition",
    ),
    Mutant(
        "rbo-best-rank",
        "torch.minimum(found, weights[:, None])",
        "torch.maximum(found, weights[:, None])",
        "test_rank_biased_overlap_equals_the_definition",
    ),
    Mutant(
        "rbo-heads-for-tails",
        "tails = steps.flip(0).cumsum(0).flip(0)",
        "tails = steps.cumsum(0)",
        "test_rank_biased_overlap_equals_the_definition",
    ),
    Mutant(
        "filter-half-width",
        "reciprocal_().mul_(-0.5).exp_()",
        "reciprocal_().mul_(-1.0).exp_()",
        "test_rank_gaussian_filter_equals_the_equation",
    ),
    Mutant(
        "filter-weighs-one-side",
        "total.add_(weight, alpha=2)",
        "total.add_(weight, alpha=1)",
        "test_rank_gaussian_filter_equals_the_equation",
    ),
    Mutant(
        "filter-repeats-the-edge",
        "period = max(1, 2 * (size - 1))",
        "period = max(1, 2 * size)",
        "test_rank_gaussian_filter_equals_the_equation",
    ),
    Mutant(
        "scales-not-normalised",
        "shares / shares.sum(0), stack)",
        "shares, stack)",
        "test_aggregate_scales_equals_the_equation",
    ),
    Mutant(
        "power-mean-without-root",
        "return (mean ** (1 / exponent)).float()",
        "return mean.float()",
        "test_power_mean_equals_the_equation",
    ),
    Mutant(
        "iou-over-the-difference",
        "return both / (prediction | mask).sum((-2, -1))",
        "return both / (prediction ^ mask).sum((-2, -1))",
        "test_overlaps_equal_their_definitions",
    ),
    Mutant(
        "function-iou-strict",
        "return (maps <= _per_map(threshold, maps))",
        "return (maps < _per_map(threshold, maps))",
        "test_function_iou_is_one_for_an_empty_map",
    ),
    Mutant(
        "auc-ties-win",
        "below = torch.searchsorted(outside, inside).sum(-1)",
        "below = torch.searchsorted(outside, inside, right=True).sum(-1)",
        "test_auc_of_a_constant_map_is_a_half_and_of_a_perfect_one_is_one",
    ),
    Mutant(
        "energy-over-area",
        "return (maps * mask).sum((-2, -1)) / maps.sum((-2, -1))",
        "return (maps * mask).sum((-2, -1)) / mask.sum((-2, -1))",
        "test_auc_and_energy_are_undefined_without_anything_to_find",
    ),
    Mutant(
        "otsu-below-the-level",
        "split = between.argmax(1).float().add(0.5)",
        "split = between.argmax(1).float()",
        "test_otsu_threshold_equals_the_definition",
    ),
    Mutant(
        "otsu-wrong-sign",
        "apart = (mass * cells - mass[:, -1:] * below).double()",
        "apart = (mass * cells + mass[:, -1:] * below).double()",
        "test_otsu_threshold_equals_the_definition",
    ),
    Mutant(
        "box-excludes-its-last-row",
        "return int(rows[0]), int(columns[0]), int(rows[-1]) + 1",
        "return int(rows[0]), int(columns[0]), int(rows[-1])",
        "test_half_maximum_box_bounds_parts_that_do_not_touch",
    ),
    Mutant(
        "ranks-not-shared",
        "return (counts.cumsum(0) - (counts - 1) / 2).double()[level]",
        "return counts.cumsum(0).double()[level]",
        "test_similarities_equal_scipy",
    ),
    Mutant(
        "ssim-biased-variance",
        "sample = side**2 / (side**2 - 1)",
        "sample = 1.0",
        "test_ssim_equals_a_loop_over_windows",
    ),
    Mutant(
        "pearson-not-centred",
        "a, b = a - a.mean(), b - b.mean()",
        "a, b = a - a.mean(), b",
        "test_similarities_equal_scipy",
    ),
    Mutant(
        "change-over-the-other",
        "return float((b - a).norm() / a.norm())",
        "return float((b - a).norm() / b.norm())",
        "test_relative_change_of_an_empty_map_is_undefined",
    ),
    Mutant(
        "auroc-ties-lose",
        "won = positive * (negative.cumsum(1) - negative / 2)",
        "won = positive * (negative.cumsum(1) - negative)",
        "test_statistic_equals_repeating_each_value_as_often_as_its_picture",
    ),
    Mutant(
        "precision-from-below",
        "positive, negative = positive.flip(1), negative.flip(1)",
        "positive, negative = positive, negative",
        "test_statistic_equals_repeating_each_value_as_often_as_its_picture",
    ),
    Mutant(
        "interval-of-twice-the-tail",
        "ends = torch.tensor([(1 - level) / 2, (1 + level) / 2]",
        "ends = torch.tensor([1 - level, level]",
        "test_interval_of_a_mean_covers_it_as_often_as_it_says",
    ),
    Mutant(
        "paired-difference-turned",
        "return statistic(kind, first, drawn) - statistic(kind, second, drawn)",
        "return statistic(kind, second, drawn) - statistic(kind, first, drawn)",
        "test_paired_difference_equals_a_loop_over_shared_pictures",
    ),
    Mutant(
        "shapley-not-centred",
        "centred = inside - inside.mean(1, keepdim=True)",
        "centred = inside",
        "test_shapley_values_of_all_coalitions_are_those_of_all_orders",
    ),
    Mutant(
        "shapley-unweighted",
        "root = weights.double().sqrt()[:, None]",
        "root = torch.ones_like(weights.double())[:, None]",
        "test_shapley_values_are_those_of_captum_on_the_same_coalitions",
    ),
    Mutant(
        "blur-brightens",
        "kernel = kernel / kernel.sum()",
        "kernel = kernel / kernel.max()",
        "test_fill_has_the_pictures_shape_range_and_colour",
    ),
    Mutant(
        "blend-swapped",
        "torch.lerp(fill.float(), image.float(), keep.float()[..., None])",
        "torch.lerp(image.float(), fill.float(), keep.float()[..., None])",
        "test_blend_is_the_picture_or_the_fill_at_the_ends",
    ),
    Mutant(
        "windows-inside-the-edge",
        "starts = torch.arange(1 - window, cells, stride)[:, None]",
        "starts = torch.arange(0, cells, stride)[:, None]",
        "test_windows_cover_each_cell_equally_often",
    ),
    Mutant(
        "masks-keep-the-others",
        "cells, generator=dice) < share).float()",
        "cells, generator=dice) > share).float()",
        "test_coarse_masks_keep_their_share_and_are_smooth",
    ),
    Mutant(
        "overlap-of-cells-negative",
        "pixels)).clamp_min(0).float()",
        "pixels)).float()",
        "test_cells_and_pixels_are_there_and_back",
    ),
    Mutant(
        "shares-not-normalised",
        "return means / means.sum(1, keepdim=True).clamp_min(1e-12)",
        "return means",
        "test_shares_compare_means_whatever_the_number_of_cells",
    ),
    Mutant(
        "boxes-swap-axes",
        "torch.stack([left, top, right, bottom], -1)",
        "torch.stack([top, left, bottom, right], -1)",
        "test_geometry_boxes_are_cells_in_visual_order",
    ),
    Mutant(
        "interpolation-from-edges",
        "centres, wanted = (source[:-1] + source[1:]) / 2, (target[:-1] + target[1:]) / 2",
        "centres, wanted = source[:-1], (target[:-1] + target[1:]) / 2",
        "test_resample_equals_interpolate_over_equal_boxes",
    ),
    Mutant(
        "interpolation-mirrored",
        "weights[rows, left] = 1 - share",
        "weights[rows, left] = share",
        "test_resample_equals_interpolate_over_equal_boxes",
    ),
    Mutant(
        "interpolation-extrapolates",
        "(centres[right] - centres[left])).clamp(0, 1)",
        "(centres[right] - centres[left]))",
        "test_resample_equals_interpolate_over_equal_boxes",
    ),
    Mutant(
        "base-grid-coarsest",
        "return max(self.grids, key=lambda grid: grid.index.numel())",
        "return min(self.grids, key=lambda grid: grid.index.numel())",
        "test_rasterise_fuses_layers_by_their_mean_on_the_finest",
    ),
    Mutant(
        "grid-swaps-sides",
        "row_edges=torch.linspace(top, bottom, height + 1, dtype=torch.float64)",
        "row_edges=torch.linspace(left, right, height + 1, dtype=torch.float64)",
        "test_layer_over_lays_cells_row_by_row",
    ),
    Mutant(
        "words-share-backwards",
        "shared = [min(end, b) - max(start, a) for a, b in words]",
        "shared = [min(end, b) - min(start, a) for a, b in words]",
        "test_words_of_leaves_out_space_and_empty_tokens",
    ),
    Mutant(
        "spaces-belong-to-words",
        "if best is not None and shared[best] > 0:",
        "if best is not None:",
        "test_words_of_leaves_out_space_and_empty_tokens",
    ),
    Mutant(
        "hyphens-split-words",
        "(?:['’\\-]\\w+)*",
        "(?:['’]\\w+)*",
        "test_split_words_separates_words_and_marks",
    ),
    Mutant(
        "registry-lists-shared-files",
        'if not m.name.startswith("_")',
        "if m.name",
        "test_registry_lists_names_without_importing",
    ),
    Mutant(
        "rise-over-the-number-of-masks",
        "sums / total.clamp_min(1e-12), least)",
        "sums / self.samples, least)",
        "test_rise_is_the_mean_probability_weighted_by_the_masks",
    ),
    Mutant(
        "context-one-state-late",
        "opening[None].to(states), states[prompt:-1]",
        "states[prompt:]",
        "test_context_states_are_those_that_predicted_the_answer",
    ),
    Mutant(
        "range-takes-later-words",
        ".triu(text - tokens)",
        ".triu(text - tokens + 1)",
        "test_joint_range_looks_at_the_image_and_the_text_before_alone",
    ),
    Mutant(
        "origin-one-late",
        "return (self.text[list(self.evidence.selected)] - 1).clamp_min(0)",
        "return self.text[list(self.evidence.selected)]",
        "test_origins_are_the_positions_before_the_tokens",
    ),
    Mutant(
        "rollout-keeps-itself",
        "return (relevance - alone * start).clamp_min(0.0)",
        "return relevance.clamp_min(0.0)",
        "test_rolled_leaves_out_what_stays_by_itself",
    ),
    Mutant(
        "rollout-upside-down",
        "for step in reversed(steps):",
        "for step in steps:",
        "test_rolled_equals_the_product_of_matrices",
    ),
    Mutant(
        "grad-cam-over-the-text",
        "weights = gradient[visual.to(gradient.device)].mean(0)",
        "weights = gradient.mean(0)",
        "test_cams_equal_their_equations",
    ),
    Mutant(
        "grad-cam-pp-without-the-cube",
        "(2 + speaking * states.sum(0).relu())",
        "(2 + speaking)",
        "test_channel_weights_equal_the_equation",
    ),
    Mutant(
        "layer-cam-negative-gradients",
        "return (gradient.relu() * states).sum(-1).relu()",
        "return (gradient * states).sum(-1).relu()",
        "test_cams_equal_their_equations",
    ),
    Mutant(
        "attention-gradients-relu-late",
        "(gradient * weight).relu().mean(0)",
        "(gradient * weight).mean(0).relu()",
        "test_gradient_attention_equals_the_update_of_square_matrices",
    ),
    Mutant(
        "integral-not-averaged",
        "return total / self.steps",
        "return total",
        "test_integrated_gradients_add_up_to_the_difference_of_the_logits",
    ),
    Mutant(
        "noise-regardless-of-range",
        "spread = self.noise * (own.max() - own.min())",
        "spread = self.noise",
        "test_smooth_grad_equals_the_equation",
    ),
    Mutant(
        "lrp-whole-gradient",
        "return half + half.detach()",
        "return half + half",
        "test_halved_keeps_values_and_half_of_the_gradient",
    ),
    Mutant(
        "occlusion-gains",
        "whole - found, over).relu()",
        "found - whole, over).relu()",
        "test_occlusion_of_a_single_cell_is_the_drop_under_the_mean_colour",
    ),
    Mutant(
        "occlusion-not-averaged",
        "over = covered.float() / covered.sum(0)",
        "over = covered.float()",
        "test_occlusion_averages_the_windows_that_cover_a_cell",
    ),
    Mutant(
        "shap-kernel-lopsided",
        "(features - 1) / (sizes * (features - sizes))",
        "(features - 1) / sizes",
        "test_coalitions_are_drawn_by_the_shapley_kernel",
    ),
    Mutant(
        "centre-spot-too-narrow",
        "(2 * self.sigma**2)",
        "self.sigma**2",
        "test_centre_is_a_spot_in_the_middle_of_the_pixels",
    ),
    Mutant(
        "arc-relevance-unweighted",
        "relevance = rho * activation",
        "relevance = activation",
        "test_intra_modal_equals_its_slow_replica",
    ),
    Mutant(
        "prompt-predicted-one-late",
        " - 1).clamp_min(0))",
        " - 0).clamp_min(0))",
        "test_trace_predicts_each_token_from_the_position_before_it",
    ),
    Mutant(
        "answer-read-one-late",
        ".logits[:, -count - 1 : -1]",
        ".logits[:, -count:]",
        "test_log_probabilities_of_the_own_picture_are_the_traces",
    ),
    Mutant(
        "dropout-stays-on",
        "training = [module for module in model.modules() if module.training]",
        "training = []",
        "test_generate_of_a_model_in_training_is_that_in_evaluation",
    ),
    Mutant(
        "attention-heads-shuffled",
        "key = key.repeat_interleave(query.shape[1] // key.shape[1], 1)",
        "key = key.repeat(1, query.shape[1] // key.shape[1], 1, 1)",
        "test_attention_weights_equal_the_equation_row_by_row",
    ),
    Mutant(
        "attention-not-on-itself",
        "<= rows[:, None]",
        "< rows[:, None]",
        "test_attention_weights_equal_the_equation_row_by_row",
    ),
    Mutant(
        "attention-softcap-dropped",
        "scores = softcap * (scores / softcap).tanh()",
        "scores = scores",
        "test_attention_weights_equal_the_equation_row_by_row",
    ),
    Mutant(
        "rows-without-logit-scale",
        "rows = rows * self.scale",
        "rows = rows * 1",
        "test_head_follows_what_the_class_does_to_logits",
    ),
    Mutant(
        "logits-scaling-inverted",
        '"logits_scaling": lambda factor: 1 / factor',
        '"logits_scaling": lambda factor: factor',
        "test_head_follows_what_the_class_does_to_logits",
    ),
    Mutant(
        "head-cap-inverted",
        "(logits / self.softcap).tanh()",
        "(logits * self.softcap).tanh()",
        "test_head_bends_logits_as_it_is_told",
    ),
)
