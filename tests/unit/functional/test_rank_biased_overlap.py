import importlib

import pytest
import torch

from seewhy.core.errors import ParameterError, ShapeError
from seewhy.functional import rank_biased_overlap
from seewhy.functional.rank_biased_overlap import tail_weights


def test_rank_biased_overlap_in_parts_equals_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = torch.Generator().manual_seed(0)
    rankings = torch.stack([torch.randperm(40, generator=draw)[:12] for _ in range(17)])
    module = importlib.import_module("seewhy.functional.rank_biased_overlap")
    monkeypatch.setattr(module, "NUMBERS_AT_ONCE", 2**20)
    whole = rank_biased_overlap(rankings)
    for numbers in (1, 17 * 12 * 5):
        monkeypatch.setattr(module, "NUMBERS_AT_ONCE", numbers)
        torch.testing.assert_close(rank_biased_overlap(rankings), whole)


def test_rank_biased_overlap_takes_ids_of_a_whole_vocabulary_and_any_integer_type() -> None:
    rankings = torch.tensor([[151_935, 0], [151_935, 7]])
    expected = rank_biased_overlap(rankings)
    assert float(expected[0, 1]) == pytest.approx(1.45 / 1.9)
    assert torch.equal(rank_biased_overlap(rankings.int()), expected)


def test_rank_biased_overlap_of_no_tokens_is_empty() -> None:
    assert rank_biased_overlap(torch.zeros(0, 5, dtype=torch.long)).shape == (0, 0)


def test_rank_biased_overlap_with_small_p_compares_only_the_first_rank() -> None:
    overlaps = rank_biased_overlap(torch.tensor([[1, 2, 3], [1, 5, 6], [2, 1, 3]]), 1e-6)
    assert overlaps[0].tolist() == pytest.approx([1, 1, 0], abs=1e-5)


@pytest.mark.parametrize("p", [0.0, 1.0, -0.5, 1.5, float("nan")])
def test_rank_biased_overlap_refuses_p_out_of_range(p: float) -> None:
    with pytest.raises(ParameterError, match="Expected p between 0 and 1, both excluded, got"):
        rank_biased_overlap(torch.tensor([[1, 2]]), p)


@pytest.mark.parametrize("depth", [0, -1, 3])
def test_rank_biased_overlap_refuses_a_depth_that_the_lists_lack(depth: int) -> None:
    with pytest.raises(ParameterError, match=f"depth from 1 to the lists' length 2, got {depth}"):
        rank_biased_overlap(torch.tensor([[1, 2]]), depth=depth)


def test_rank_biased_overlap_refuses_a_list_that_repeats_an_id() -> None:
    with pytest.raises(ParameterError, match="an id twice in that of token 1"):
        rank_biased_overlap(torch.tensor([[1, 2, 3], [4, 5, 4]]))


def test_rank_biased_overlap_allows_repetition_below_the_depth() -> None:
    overlaps = rank_biased_overlap(torch.tensor([[1, 2, 1], [1, 2, 2]]), depth=2)
    torch.testing.assert_close(overlaps, torch.ones(2, 2))


def test_rank_biased_overlap_refuses_logits_in_place_of_ids() -> None:
    with pytest.raises(ParameterError, match="Expected rankings of integer ids, got torch.float32"):
        rank_biased_overlap(torch.rand(2, 3))


def test_rank_biased_overlap_refuses_a_single_list() -> None:
    with pytest.raises(ShapeError, match=r"Expected rankings with axes \[token rank\]"):
        rank_biased_overlap(torch.tensor([1, 2, 3]))


def test_tail_weights_fall_and_sum_to_one() -> None:
    for p in (0.01, 0.5, 0.9, 0.999999):
        weights = tail_weights(p, 50)
        assert bool((weights.diff() <= 0).all())
        assert float(weights.sum()) == pytest.approx(1)


def test_tail_weights_refuse_no_ranks() -> None:
    with pytest.raises(ParameterError, match="depth of at least 1, got 0"):
        tail_weights(0.9, 0)
