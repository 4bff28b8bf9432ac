"""Any explanations side by side: what differs, matched words, differences and agreement."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from golden.records import PIECES, Shown, clip, draw, record_of
from golden.verdict_records import diagnosed_record
from seewhy.comparison import Agreement, Comparison
from seewhy.core.errors import InputError, ParameterError, SchemaError, UnknownNameError
from seewhy.core.geometry import TokenGrid
from seewhy.explanation import Explanation
from seewhy.functional.similarity import spearman

STAR, TREE = 2, 12


def explained(method: str = "tam", model: str = "tiny", **options) -> Explanation:
    record = record_of(**options)
    provenance = replace(record.provenance, method=method, model=model)
    return Explanation(replace(record, provenance=provenance))


@pytest.fixture(scope="module")
def methods() -> Comparison:
    names = ("tam", "arc", "attention")
    return Comparison.of([explained(name, seed=0 if n < 2 else 9) for n, name in enumerate(names)])


def test_columns_are_named_by_what_differs():
    a, b = explained("tam"), explained("arc")
    other = explained("tam", model="big")
    picture = explained("tam", image=draw(480, 360, {"star": (0.6, 0.5, 0.1)}))
    assert (Comparison.of([a, b]).kind, Comparison.of([a, b]).labels) == (
        "methods",
        ("tam", "arc"),
    )
    assert Comparison.of([a, other]).labels == ("tiny", "big")
    assert Comparison.of([a, other]).kind == "models"
    shown = Comparison.of([a, picture])
    assert (shown.kind, shown.labels) == ("pictures", ("picture 1", "picture 2"))
    mixed = Comparison.of([a, explained("arc", model="big")])
    assert (mixed.kind, mixed.labels) == ("explanations", ("tiny · tam", "big · arc"))
    same = Comparison.of([a, a])
    assert (same.kind, same.labels) == ("explanations", ("explanation 1", "explanation 2"))
    assert Comparison.of([a, b], labels=["x", "x"]).labels == ("x (1)", "x (2)")


def test_another_answer_to_one_picture_is_something_else():
    a, b = explained(), explained(pieces=PIECES[:5])
    assert Comparison.of([a, b]).kind == "explanations"
    assert Comparison.of([a, explained(prompt="What is it?")]).kind == "explanations"


def test_two_to_four_columns(methods):
    one = methods.first
    for count in (0, 1, 5):
        with pytest.raises(ParameterError, match=f"2 to 4 explanations, got {count}"):
            Comparison.of([one] * count)
    with pytest.raises(ParameterError, match="a label for each of 2"):
        Comparison.of([one, one], labels=["a"])
    with pytest.raises(ParameterError, match="got int"):
        Comparison.of([one, 3])  # type: ignore[list-item]
    for alone in (one, "folder"):
        with pytest.raises(ParameterError, match="Expected a list of explanations"):
            Comparison.of(alone)  # type: ignore[arg-type]


def test_of_several_methods_maps_are_compared_in_shares(methods):
    word = methods[STAR]
    for maps, (first, second) in ((word.maps, (0, 1)), (word.maps_of(2, 0), (2, 0))):
        shares = []
        for column in (first, second):
            positive = np.maximum(word.words[column].heatmap, 0)
            shares.append(positive / positive.sum())
        np.testing.assert_allclose(maps[0].first, shares[0], atol=1e-6)
        np.testing.assert_allclose(maps[0].difference, shares[1] - shares[0], atol=1e-6)
        assert maps[0].first.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(word.differences_of(0, 2)[0], -word.differences_of(2, 0)[0])


def test_of_one_method_values_are_subtracted():
    found = Comparison.of([explained(seed=0), explained(seed=1, model="big")])
    word = found[STAR]
    np.testing.assert_allclose(word.difference, word.second.heatmap - word.first.heatmap, atol=1e-6)
    assert found.to_json()["pairs"] == [{"columns": [0, 1], "unit": "values", "same_places": True}]


def test_agreement_of_pairs_and_its_means(methods):
    word = methods["star"]
    assert word.agreement_of(0, 1) == Agreement(pytest.approx(1), pytest.approx(1), 12 * 16)
    pair = word.agreement_of(2, 1)
    maps = [torch.from_numpy(one.heatmap) for one in (word.second, word.words[2])]
    assert pair.rank_correlation == pytest.approx(spearman(*maps))
    assert 0 < pair.top_overlap < 1
    mean = word.agreement
    assert mean.pairs == 3
    assert mean.rank_correlation == pytest.approx((1 + 2 * pair.rank_correlation) / 3)
    overall = methods.agreement_of(0, 2)
    says = [one for one in methods if any(map(str.isalnum, one.text))]
    assert len(says) < len(methods)
    assert overall.pairs == len(says)
    numbers = [one.agreement_of(0, 2).top_overlap for one in says]
    assert overall.top_overlap == pytest.approx(sum(numbers) / len(numbers))
    assert methods.agreement.pairs == 3 * len(says)
    for bad in ((0, 0), (0, 3), (-1, 0)):
        with pytest.raises(ParameterError, match="two different columns, from 0 to 2"):
            word.agreement_of(*bad)


def test_words_are_found_by_number_and_text(methods):
    assert methods["star"].index == STAR
    assert methods[-1].index == len(methods) - 1
    with pytest.raises(UnknownNameError, match="'stars'"):
        methods["stars"]
    with pytest.raises(IndexError, match="got 99"):
        methods[99]


def test_method_of_several_methods(methods):
    with pytest.raises(InputError, match="Expected columns of one method, got tam, arc"):
        _ = methods.method
    assert methods.methods == ("tam", "arc", "attention")
    assert methods.to_json()["method"] is None
    assert Comparison.of([methods.first] * 2).method == "tam"


def test_answers_that_differ_are_matched_word_by_word():
    shorter = (PIECES[0], (" blue", "star"), *PIECES[2:9], PIECES[20])
    found = Comparison.of([explained(), explained(pieces=shorter)])
    assert found.by == "diff"
    assert found.answers == (found.first.answer, found.second.answer)
    red, blue = found["red"], found[2]
    assert (blue.text, blue.words[0], red.words[1]) == ("blue", None, None)
    assert red.probabilities == (red.first.probability, None)
    assert red.agreement is None
    assert red.agreement_of(0, 1) is None
    with pytest.raises(InputError, match="column 1 has, got 'red'"):
        _ = red.second
    with pytest.raises(InputError, match="column 1 has"):
        _ = red.difference
    star = found["star"]
    assert (star.first.text, star.second.text) == ("star", "star")
    assert star.agreement.cells == 12 * 16
    data = found.to_json()
    assert data["compared_by"] == "diff"
    assert data["words"][1]["columns"][1] is None
    assert data["words"][1]["maps"][1] is None
    assert "views" in data["words"][0]


def test_pictures_of_other_sizes_have_no_difference():
    small = Shown(draw(320, 240), (9, 12))
    found = Comparison.of([explained(), explained(shown=(small,))])
    word = found[STAR]
    assert word.agreement is None
    assert found.agreement is None
    assert word.probabilities[0] is not None
    with pytest.raises(InputError, match=r"same sizes, got \[\(480, 360\)\] and \[\(320, 240\)\]"):
        _ = word.difference
    assert found.to_json()["pairs"][0]["same_places"] is False
    assert [len(maps[0]) for maps in found.to_json()["words"][0]["maps"]] == [12, 9]


def test_third_column_is_brought_to_the_grid_of_the_second_where_the_first_has_another_size():
    small = (Shown(draw(320, 240), (9, 12)), Shown(draw(320, 240), (6, 8)))
    found = Comparison.of([explained(), *(explained(shown=(one,)) for one in small)])
    assert [column.grid for column in found.columns] == [0, 1, 1]
    word = found[STAR]
    assert list(word.agreements) == [(1, 2)]
    assert word.maps_of(1, 2)[0].second.shape == (9, 12)
    assert found.notes == (
        "Picture 1: the third column's maps of 6 x 8 cells were brought to the second column's "
        "9 x 12 cells, with area weights.",
    )


def test_shares_keep_their_sum_on_another_grid():
    coarse = Shown(draw(), (6, 8))
    found = Comparison.of([explained("tam"), explained("arc", shown=(coarse,))])
    maps = found[STAR].maps[0]
    assert maps.second.shape == (12, 16)
    assert maps.second.sum() == pytest.approx(1, abs=1e-5)
    own = found[STAR].second.heatmap
    np.testing.assert_allclose(
        maps.second.reshape(6, 2, 8, 2).sum((1, 3)), own / own.sum(), atol=1e-6
    )


def test_cells_outside_of_the_picture_are_not_compared():
    """A grid with cells beyond the picture, as of a family that pads."""
    record = record_of()
    view = record.pictures[0]
    wide = TokenGrid.over((-120, 0, 600, 360), 12, 16)
    padded = Explanation(replace(record, pictures=(replace(view, base_grid=wide),)))
    found = Comparison.of([padded, padded])
    assert found[STAR].agreement.cells < 12 * 16
    apart = TokenGrid.over((0, 0, 240, 360), 12, 8), TokenGrid.over((240, 0, 480, 360), 12, 8)
    halves = [
        Explanation(replace(record_of(grid=(12, 8)), pictures=(replace(view, base_grid=grid),)))
        for grid in apart
    ]
    assert Comparison.of(halves)[STAR].agreement is None


def test_empty_maps_have_shares_of_zero_and_no_agreement():
    record = record_of()
    maps = tuple(torch.zeros_like(one) for one in record.attribution.maps)
    attribution = replace(record.attribution, maps=maps)
    provenance = replace(record.provenance, method="arc")
    empty = Explanation(replace(record, attribution=attribution, provenance=provenance))
    found = Comparison.of([explained("tam"), empty])
    word = found[STAR]
    assert not word.maps[0].second.any()
    assert math.isnan(word.agreement.top_overlap)
    data = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert data["words"][STAR]["agreement"][0]["rank_correlation"] is None
    assert found.html()


def test_views_of_clips_are_compared_together():
    steps = clip(4)
    found = Comparison.of([explained("tam", shown=steps), explained("arc", shown=steps)])
    word = found[STAR]
    assert len(word.maps) == 4
    assert word.agreement.cells == 4 * 9 * 16
    assert sum(maps.first.sum() for maps in word.maps) == pytest.approx(1, abs=1e-5)
    with pytest.raises(InputError, match="4 views"):
        _ = word.difference


def test_saved_folders_are_opened(tmp_path):
    folders = [
        explained(name).save(tmp_path / f"by-{name}") for name in ("tam", "arc", "attention")
    ]
    found = Comparison.of([folders[0], str(folders[1]), explained("logit-lens")])
    assert found.labels == ("tam", "arc", "logit-lens")
    asked = explained(prompt="What is it?").save(tmp_path / "asked")
    assert Comparison.of([folders[0], asked]).labels == ("by-tam", "asked")
    saved = found.save(tmp_path / "three")
    data = json.loads((saved / "comparison.json").read_text("utf-8"))
    assert data == found.to_json()
    assert data["schema"] == "comparison 2"
    with pytest.raises(SchemaError, match="'comparison 2'"):
        Comparison.of([saved, folders[0]])


def test_verdicts_of_diagnosed_columns_are_kept():
    record = diagnosed_record()
    told = Comparison.of([Explanation(record), Explanation(replace(record, verdicts=None))])
    words = told.to_json()["words"]
    assert [any("verdict" in (w["columns"][n] or {}) for w in words) for n in (0, 1)] == [
        True,
        False,
    ]
    columns = told.payload["columns"]
    assert [column["diagnosed"] for column in columns] == [True, False]
    sources = [word["verdict"] and word["verdict"]["source"] for word in columns[0]["words"]]
    assert sources == [verdict and verdict.source for verdict in record.verdicts]
    assert not any(word["verdict"] for word in columns[1]["words"])


def test_payload_holds_each_picture_once(methods):
    data = methods.payload
    assert len(data["sources"]) == 1
    assert len(data["maps"]) == 3 * len(methods)
    assert data["rows"] == [[n, n, n] for n in range(len(methods))]
    other = Comparison.of([methods.first, explained(image=draw(480, 360, {}))])
    assert len(other.payload["sources"]) == 2
    json.dumps(data, allow_nan=False)


def test_contrasts_are_told():
    against = explained(contrasts=((STAR, "moon"),))
    found = Comparison.of([explained(), against])
    assert found.notes == ("The second column's map of 'star' shows why this word and not 'moon'.",)
