"""Properties of the equations that must hold for all numbers."""

from itertools import pairwise

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seewhy.core.geometry import TokenGrid, flatten, unflatten
from seewhy.functional import (
    aggregate_scales,
    auc,
    context_weights,
    function_iou,
    half_maximum_box,
    interference,
    iou,
    logit_lens,
    otsu_threshold,
    peak,
    rank_biased_overlap,
    rank_gaussian_filter,
    remove_interference,
)

quick = settings(max_examples=60, deadline=None)

persistence = st.floats(0.01, 0.99)
numbers = st.floats(0, 1e6, width=32)
amounts = st.floats(0.015625, 1024, width=32)


@st.composite
def maps_of(draw: st.DrawFn, *leading: int, values: st.SearchStrategy[float] = numbers) -> Tensor:
    """float32 `[*leading, height, width]` of up to 6 x 6 cells."""
    shape = (*leading, draw(st.integers(1, 6)), draw(st.integers(1, 6)))
    count = torch.Size(shape).numel()
    cells = draw(st.lists(values, min_size=count, max_size=count))
    return torch.tensor(cells, dtype=torch.float32).view(shape)


@st.composite
def rankings(draw: st.DrawFn) -> Tensor:
    """int64 `[token, rank]` over a small vocabulary, so that lists overlap."""
    rank = draw(st.integers(1, 8))
    lists = st.permutations(range(12)).map(lambda ids: list(ids)[:rank])
    return torch.tensor(draw(st.lists(lists, min_size=1, max_size=6)))


@quick
@given(rankings(), persistence)
def test_rank_biased_overlap_is_symmetric_bounded_and_one_on_equal_lists(
    lists: Tensor, p: float
) -> None:
    overlaps = rank_biased_overlap(lists, p)
    assert torch.equal(overlaps, overlaps.T)
    assert bool(((overlaps >= 0) & (overlaps <= 1)).all())
    torch.testing.assert_close(overlaps.diagonal(), torch.ones(len(lists)))


@quick
@given(rankings(), persistence, st.permutations(range(12)))
def test_rank_biased_overlap_does_not_depend_on_the_numbering_of_ids(
    lists: Tensor, p: float, names: list[int]
) -> None:
    renamed = torch.tensor(names)[lists] * 1000 + 7
    torch.testing.assert_close(rank_biased_overlap(renamed, p), rank_biased_overlap(lists, p))


@quick
@given(rankings(), persistence, st.data())
def test_rank_biased_overlap_grows_as_a_list_takes_over_shared_ids(
    lists: Tensor, p: float, data: st.DataObject
) -> None:
    first = lists[0]
    # An id of one list only is replaced by a missing id of the first list: agreement can only grow.
    second = first + 100 * torch.tensor(
        data.draw(st.lists(st.booleans(), min_size=len(first), max_size=len(first)))
    )
    rank = data.draw(st.integers(0, len(first) - 1))
    closer = second.clone()
    closer[rank] = first[rank]
    before = rank_biased_overlap(torch.stack([first, second]), p)[0, 1]
    after = rank_biased_overlap(torch.stack([first, closer]), p)[0, 1]
    # At each depth that holds it, one more id is shared: a gain that float32 may not resolve.
    depth = len(first)
    gain = sum(p ** (d - 1) / d for d in range(rank + 1, depth + 1)) * (1 - p) / (1 - p**depth)
    gain = gain if int(second[rank]) != int(first[rank]) else 0.0
    assert abs(float(after) - float(before) - gain) <= 2e-6


@quick
@given(rankings(), persistence, st.data())
def test_rank_biased_overlap_grows_as_a_shared_id_moves_up(
    lists: Tensor, p: float, data: st.DataObject
) -> None:
    first = lists[0]
    second = torch.cat([torch.tensor([999]), first])
    first = torch.cat([first, torch.tensor([555])])
    rank = data.draw(st.integers(0, len(second) - 2))
    overlaps = []
    for _ in range(rank + 1):
        overlaps.append(float(rank_biased_overlap(torch.stack([first, second]), p)[0, 1]))
        place = int((second == 999).nonzero()[0])
        second[[place, place + 1]] = second[[place + 1, place]]
    overlaps.append(float(rank_biased_overlap(torch.stack([first, second]), p)[0, 1]))
    assert all(b >= a - 1e-6 for a, b in pairwise(overlaps))


@quick
@given(maps_of(2))
def test_rank_gaussian_filter_stays_within_each_window(maps: Tensor) -> None:
    filtered = rank_gaussian_filter(maps)
    height, width = maps.shape[1:]
    for row in range(height):
        for column in range(width):
            rows = slice(max(0, row - 1), row + 2)
            near = maps[:, rows, max(0, column - 1) : column + 2].flatten(1)
            # Below the smallest normal number a product rounds to 0.
            slack = 1e-5 * near.amax(1) + torch.finfo(maps.dtype).tiny
            assert bool((filtered[:, row, column] <= near.amax(1) + slack).all())
            assert bool((filtered[:, row, column] >= near.amin(1) - slack).all())


@quick
@given(st.floats(0, 2.0**100, width=32), st.integers(1, 5), st.integers(1, 5))
def test_rank_gaussian_filter_keeps_a_constant_map(value: float, height: int, width: int) -> None:
    constant = torch.full((height, width), value)
    # Below the smallest normal number a mean counts as 0.
    expected = constant if value >= torch.finfo(torch.float32).tiny else torch.zeros_like(constant)
    torch.testing.assert_close(rank_gaussian_filter(constant), expected, rtol=1e-6, atol=0)


@quick
@given(maps_of(values=amounts), st.sampled_from([2.0**-40, 2.0**-3, 2.0, 2.0**50]))
def test_rank_gaussian_filter_scales_with_the_map(maps: Tensor, size: float) -> None:
    torch.testing.assert_close(
        rank_gaussian_filter(maps * size), rank_gaussian_filter(maps) * size, rtol=1e-5, atol=0
    )


@quick
@given(maps_of())
def test_rank_gaussian_filter_turns_and_mirrors_with_the_map(maps: Tensor) -> None:
    filtered = rank_gaussian_filter(maps)
    slack = 1e-6 * float(maps.max())
    for turn in (Tensor.t, Tensor.fliplr):
        torch.testing.assert_close(
            rank_gaussian_filter(turn(maps)), turn(filtered), rtol=1e-5, atol=slack
        )


@quick
@given(maps_of(3, values=amounts), st.integers(0, 2**16), st.floats(-3, 3))
def test_remove_interference_takes_the_best_share(maps: Tensor, seed: int, step: float) -> None:
    taken = torch.rand(maps.shape, generator=torch.Generator().manual_seed(seed))
    cleaned, shares = remove_interference(maps, taken)
    rest = maps - shares[:, None, None] * taken
    torch.testing.assert_close(cleaned, rest.relu(), rtol=1e-4, atol=1e-3)
    # What is left is orthogonal to what was taken, so no other share leaves less.
    product = (rest * taken).double().sum((1, 2)).abs()
    assert bool((product <= 1e-4 * maps.norm(dim=(1, 2)) * taken.norm(dim=(1, 2)) + 1e-6).all())
    other = maps - (shares + step)[:, None, None] * taken
    assert bool((rest.norm(dim=(1, 2)) <= other.norm(dim=(1, 2)) * (1 + 1e-5)).all())


@quick
@given(maps_of(3), st.integers(0, 2**16))
def test_interference_is_between_the_maps_it_averages(maps: Tensor, seed: int) -> None:
    weights = torch.rand(2, 3, generator=torch.Generator().manual_seed(seed))
    mixed = interference(maps, weights)
    slack = 1e-5 * maps.amax(0)
    assert bool((mixed <= maps.amax(0) + slack).all())
    assert bool((mixed >= maps.amin(0) - slack).all())
    torch.testing.assert_close(interference(maps, weights * 1000), mixed, rtol=1e-4, atol=1e-3)


@quick
@given(st.integers(1, 6), st.integers(0, 2**16))
def test_context_weights_never_exceed_those_without_rho(text: int, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    activation, rho = torch.rand(2, text, text, generator=draw)
    same = torch.eye(text, dtype=torch.bool)
    plain = context_weights(activation, same)
    assert torch.equal(plain, plain.tril(-1))
    for variant in ("scaled", "threshold"):
        assert bool((context_weights(activation, same, rho, variant) <= plain).all())


@quick
@given(maps_of(2), st.integers(0, 2**16), st.floats(0.125, 8))
def test_aggregate_scales_is_linear_in_the_maps(maps: Tensor, seed: int, factor: float) -> None:
    draw = torch.Generator().manual_seed(seed)
    other = torch.rand(maps.shape, generator=draw)
    more = torch.rand(maps.shape, generator=draw)
    weights = torch.rand(2, 2, generator=draw)
    joint = aggregate_scales([maps + factor * more, other + factor * maps], weights)
    apart = aggregate_scales([maps, other], weights) + factor * aggregate_scales(
        [more, maps], weights
    )
    torch.testing.assert_close(joint, apart, rtol=1e-4, atol=1e-4 * (1 + float(maps.max())))


@quick
@given(maps_of(2), st.integers(0, 2**16))
def test_aggregate_scales_depends_on_neither_order_nor_size_of_weights(
    maps: Tensor, seed: int
) -> None:
    draw = torch.Generator().manual_seed(seed)
    other, weights = torch.rand(maps.shape, generator=draw), torch.rand(2, 2, generator=draw)
    joint = aggregate_scales([maps, other], weights)
    turned = aggregate_scales([other, maps], weights.flip(0) * 1e-3)
    torch.testing.assert_close(joint, turned, rtol=1e-4, atol=1e-6)


@quick
@given(st.integers(0, 2**16), st.floats(0, 100))
def test_logit_lens_grows_with_the_states(seed: int, factor: float) -> None:
    states, rows = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(
        logit_lens(states * factor, rows), logit_lens(states, rows) * factor, rtol=1e-4, atol=1e-4
    )


caps = st.one_of(st.none(), st.floats(0.0625, 100, width=32))


def lens_of(seed: int) -> tuple[Tensor, ...]:
    """States `[5, 4]`, then twice rows `[6, 4]` and biases `[6]`: words and their foils."""
    draw = torch.Generator().manual_seed(seed)
    states = torch.randn(5, 4, generator=draw)
    words = [(torch.randn(6, 4, generator=draw), torch.randn(6, generator=draw)) for _ in range(2)]
    return states, *(part for word in words for part in word)


@quick
@given(st.integers(0, 2**16), caps)
def test_logit_lens_of_a_word_against_itself_is_zero(seed: int, cap: float | None) -> None:
    states, rows, biases, _, _ = lens_of(seed)
    itself = logit_lens(states, rows, biases, softcap=cap, foils=rows, foil_biases=biases)
    assert not itself.any()


@quick
@given(st.integers(0, 2**16), caps)
def test_logit_lens_of_two_words_is_positive_for_one_alone(seed: int, cap: float | None) -> None:
    states, rows, biases, foils, foil_biases = lens_of(seed)
    one = logit_lens(states, rows, biases, softcap=cap, foils=foils, foil_biases=foil_biases)
    other = logit_lens(states, foils, foil_biases, softcap=cap, foils=rows, foil_biases=biases)
    assert not ((one > 0) & (other > 0)).any()
    assert one.any() or other.any()


@quick
@given(st.integers(0, 2**16), caps)
def test_logit_lens_against_rows_of_zeros_is_the_word_alone(seed: int, cap: float | None) -> None:
    states, rows, biases, _, _ = lens_of(seed)
    alone = logit_lens(states, rows, biases, softcap=cap)
    against = logit_lens(states, rows, biases, softcap=cap, foils=torch.zeros_like(rows))
    assert torch.equal(alone, against)


@quick
@given(st.integers(0, 2**16), st.floats(0.0625, 100, width=32))
def test_logit_lens_under_a_cap_keeps_the_order_and_stays_below_it(seed: int, cap: float) -> None:
    states, rows, biases, foils, _ = lens_of(seed)
    free, capped = logit_lens(states, rows, biases), logit_lens(states, rows, biases, softcap=cap)
    assert bool((capped <= free * (1 + 1e-6) + 1e-6).all())
    assert float(capped.max()) <= cap * (1 + 1e-6)
    assert bool((capped.gather(1, free.argsort(1)).diff(dim=1) >= -1e-6 * cap).all())
    against = logit_lens(states, rows, biases, softcap=cap, foils=foils)
    assert float(against.max()) <= 2 * cap * (1 + 1e-6)


@quick
@given(st.integers(0, 2**16))
def test_logit_lens_under_a_huge_cap_is_the_free_one(seed: int) -> None:
    states, rows, biases, _, _ = lens_of(seed)
    free = logit_lens(states, rows, biases)
    torch.testing.assert_close(
        logit_lens(states, rows, biases, softcap=1e5), free, rtol=1e-4, atol=1e-2
    )


@quick
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=4))
def test_flatten_and_unflatten_undo_each_other(grids: list[tuple[int, int]]) -> None:
    base_grids = [TokenGrid.over((0, 0, 8, 8), *shape) for shape in grids]
    maps = [torch.rand(2, *grid) for grid in grids]
    back = unflatten(flatten(maps), base_grids)
    assert all(torch.equal(a, b) for a, b in zip(back, maps, strict=True))


@quick
@given(maps_of(values=st.floats(0, 1, width=32)))
def test_otsu_threshold_keeps_both_sides_of_a_map_with_two_levels(maps: Tensor) -> None:
    levels = (maps * 255).round()
    bright = levels / 255 > otsu_threshold(maps)
    if levels.min() < levels.max():
        assert bright.any()
        assert not bright.all()
    dark = float(function_iou(levels / 255, otsu_threshold(maps)))
    assert abs(dark + float(bright.float().mean()) - 1) < 1e-6


@quick
@given(maps_of(values=st.integers(0, 9).map(float)), st.integers(0, 2**16))
def test_overlaps_are_unchanged_by_a_common_rotation(maps: Tensor, seed: int) -> None:
    mask = torch.rand(maps.shape, generator=torch.Generator().manual_seed(seed)) < 0.5
    if mask.any() and not mask.all():
        assert abs(float(auc(maps, mask)) + float(auc(maps, ~mask)) - 1) < 1e-6
        assert abs(float(auc(maps, mask)) - float(auc(maps**3 + 1, mask))) < 1e-6
        assert float(iou(mask, mask)) == 1
        assert float(iou(~mask, mask)) == 0


@quick
@given(maps_of())
def test_half_maximum_box_holds_the_peak(maps: Tensor) -> None:
    top, box = peak(maps), half_maximum_box(maps)
    assert (top is None) == (box is None) == (not maps.any())
    if top and box:
        assert float(maps[top]) == float(maps.max())
        assert box[0] <= top[0] < box[2]
        assert box[1] <= top[1] < box[3]
