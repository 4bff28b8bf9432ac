"""Benchmarks on scenes of the model's own world: agreement, leak, photographs."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from seewhy.core.attribution import Attribution
from seewhy.core.geometry import Geometry
from seewhy.methods import create

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NAMES = ("worlds", "agreement", "leak", "finer_grid", "photographs", "invented", "misread")


@pytest.fixture(scope="module")
def bench():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in NAMES})


@pytest.fixture(scope="module")
def scene(bench):
    loaded = bench.worlds.loaded_model("tiny-qwen2-vl")
    with torch.no_grad():
        (found,) = bench.worlds.readings(loaded, "testbed:start=4,count=1,captions=3", 1)
    return found


@pytest.mark.parametrize(("row", "method"), [("_tam", "tam(window=None)"), ("_arc", "arc")])
def test_removal_is_that_of_the_methods(bench, scene, row, method):
    removal = bench.leak.Removal(None, getattr(bench.leak, row), scene)
    ours = bench.leak.Pipeline(interference=removal)(scene.evidence)
    theirs = create(method).attribute(scene.evidence)
    assert torch.allclose(ours.display[0], theirs.display[0], atol=1e-6)


def test_shuffled_agreements_are_the_same_values_in_other_places(bench, scene):
    ones, rho = torch.ones(5, 5), torch.rand(5, 5, generator=torch.Generator().manual_seed(1))
    mixed = 1 - bench.leak._shuffled(ones, rho, scene.trace, scene)
    rows, columns = torch.tril_indices(5, 5, -1)
    assert torch.allclose(mixed[rows, columns].sort().values, rho[rows, columns].sort().values)
    assert not torch.allclose(mixed[rows, columns], rho[rows, columns])


def test_words_that_name_others_are_known(bench, scene):
    things = bench.leak.things_of_tokens(scene.trace, scene)
    others = bench.leak.names_others(scene.trace, scene)
    for i, own in enumerate(things):
        for j, named in enumerate(things):
            assert bool(others[i, j]) == (bool(named) and not own & named)
    assert others.any()


def test_leak_is_of_means_over_parts_of_the_picture(bench, scene):
    """A map of 1 on the word's own things, 0.25 on others and 0 on the ground leaks a quarter."""
    masks = scene.sample.masks
    values = torch.zeros(len(scene.trace.tokens), *masks.shape[1:])
    for word in scene.words:
        if word.role == "kind":
            own = scene.mask(word.truth.regions)
            values[word.tokens] = torch.where(own, 1.0, 0.25 * masks.any(0).float())
    count = len(values)
    height, width = masks.shape[1:]
    grid = Geometry.of_equal_cells((width, height), height, width).base_grid
    zeros, ones = torch.zeros(count), torch.ones(count)
    attribution = Attribution((values,), torch.zeros(count, count), zeros, ones, grids=(grid,))
    words = bench.leak.measure_words(scene, attribution)
    assert words
    rows = [{"scene": 0, **word} for word in words]
    figures = bench.leak.summary({"x": rows}, 1)["x"]
    assert figures["leak others"]["value"] == pytest.approx(0.25)
    assert figures["removed"]["value"] == pytest.approx(0)
    assert figures["auc"]["value"] == pytest.approx(1)


def test_pairs_are_of_the_kinds_that_their_words_have(bench, scene):
    groups, of = bench.agreement.groups(scene), bench.agreement.classes(scene)
    things = bench.agreement.regions(scene)
    prompt = len(scene.trace.prompt_tokens)
    assert not groups["all"][:prompt].any(), "only tokens of the answer are explained"
    assert not groups["all"].triu().any(), "only earlier tokens are their context"
    for name, where in groups.items():
        assert not (where & ~groups["all"]).any(), name
    for i, j in groups[bench.agreement.SAME].nonzero().tolist():
        assert things[i] & things[j]
    for i, j in groups["two function words"].nonzero().tolist():
        assert (of[i], of[j]) == ("function", "function")
    assert not (groups[bench.agreement.SAME] & groups[bench.agreement.OTHER]).any()


def test_agreement_is_measured_and_shown(bench, monkeypatch, tmp_path, capsys):
    arguments = ["agreement", "--models", "tiny-qwen2-vl", "--scenes", "2", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", arguments)
    monkeypatch.setattr(bench.agreement, "bootstrap_weights", lambda count: torch.ones(3, count))
    enabled = torch.is_grad_enabled()
    bench.agreement.main()
    torch.set_grad_enabled(enabled)
    (found,) = json.loads((tmp_path / "agreement.json").read_text())
    assert "k = 1000, p = 0.9" not in found["settings"], "more than half of the vocabulary"
    usual = found["settings"]["k = 50, p = 0.9"]
    last = found["layers"]["5 of 5"]
    assert usual["value"] == pytest.approx(last["value"], abs=1e-3), "the last layer is the model"
    page = (tmp_path / "agreement.md").read_text()
    assert page.count("| k = 50, p = 0.9 |") == 1
    assert "| two function words |" in page


def test_results_of_other_models_are_kept(bench, tmp_path):
    def write(*models):
        results = [{"model": model, "data": "a", "share": n} for n, model in enumerate(models)]
        bench.worlds.write_results(tmp_path / "new", "figures", results, str)
        return json.loads((tmp_path / "new/figures.json").read_text())

    write("one", "two")
    merged = write("three", "one")
    assert [r["model"] for r in merged] == ["two", "three", "one"]
    assert (tmp_path / "new/figures.md").read_text() == str(merged)


def test_tam_at_another_scale_is_tam_on_its_grid(bench, scene):
    plain = create("tam").attribute(scene.evidence)
    same = bench.finer_grid.TamAtScale(1.0).attribute(scene.evidence)
    assert torch.allclose(same.display[0], plain.display[0], atol=1e-6)
    double = bench.finer_grid.TamAtScale().attribute(scene.evidence)
    (grid,) = double.grids
    assert double.maps[0].shape[1:] == grid.shape
    assert grid.index.numel() == 4 * plain.maps[0][0].numel()


def test_the_finer_grid_alone_is_measured_and_shown(bench, monkeypatch, tmp_path):
    arguments = ["finer_grid", "--models", "tiny-llava", "--scenes", "1", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", arguments)
    bench.finer_grid.main()
    (found,) = json.loads((tmp_path / "finer_grid.json").read_text())
    assert [row["reference"] for row in found["rows"]] == [
        *("tam-at-scale", "tam", "tam-at-scale(window=None)", "tam(window=None)")
    ]
    page = (tmp_path / "finer_grid.md").read_text()
    assert page.count("| `tiny-llava` | 1 |") == 4


def test_photographs_are_skipped_where_there_are_none(bench, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["photographs", str(tmp_path / "none")])
    with pytest.raises(SystemExit, match="Skipped: expected photographs in .*none"):
        bench.photographs.main()


def test_photographs_are_shown_by_groups_of_words(bench):
    rows = [
        {"method": "tam", "figure": figure, "scene": scene, "value": value, "group": group}
        for figure, group, scene, value in (
            *(("object-iou", "drawn", 0, 0.5), ("object-iou", "other", 1, 0.1)),
            *(("function-iou", "", 0, 1.0), ("auc", "drawn", 0, 0.9)),
        )
    ]
    found = {(r["group"], r["figure"]): r for r in bench.photographs.summary(rows, 2)}
    assert found["drawn", "f1-iou"]["value"] == pytest.approx(2 / 3)
    assert found["", "object-iou"]["value"] == pytest.approx(0.3)
    assert ("other", "auc") not in found
    result = {"model": "m", "photographs": 2, "words": 2, "rows": list(found.values())}
    page = bench.photographs.markdown(
        [result | {"median log-probability of named categories": -1.0}], "c"
    )
    assert "**kinds of the scenes** (1 words of 1 photographs)" in page
    assert "no result on COCO" in page


def word_of(scene, untrue, score, **other):
    return {
        "scene": scene,
        "role": "kind",
        "first": True,
        "untrue": untrue,
        "scores": {"arc: x": score},
        **other,
    }


def test_scores_of_invented_words_are_judged_by_groups(bench):
    rows = [
        word_of(0, False, 0.1),
        word_of(0, True, 0.9, first=False),
        word_of(1, True, 0.05, role="colour"),
        word_of(1, False, float("nan")),
        word_of(1, True, 0.8),
    ]
    found = {entry["group"]: entry for entry in bench.invented.detection(rows, 2)}
    assert found["all"]["auroc"][0] == pytest.approx(2 / 3)
    assert (found["all"]["words"], found["all"]["untrue"]) == (4, 3)
    assert found["kinds"]["auroc"][0] == 1
    assert found["kinds, first mentions"]["words"] == 2
    rates = bench.invented.rates(rows, 2)
    assert rates["all"]["value"] == pytest.approx(3 / 5)
    assert rates["colour"]["words"] == 1
    page = bench.invented.markdown(
        [
            {
                "model": "m",
                "data": "d",
                "scenes": 2,
                "diagnosed": 0,
                "rates": rates,
                "detection": list(found.values()),
            }
        ],
        "c",
    )
    assert "| arc: x | 4 | 3 | 66.7 [" in page


def test_a_name_said_again_is_no_first_mention(bench):
    from seewhy.core.sample import Truth
    from seewhy.metrics import answer_words

    truths = [Truth(2, 5, "kind", (0,), True, "cup"), Truth(13, 16, "kind", (0,), True, "cup")]
    words = answer_words("a cup by the cup", [(n, n + 1) for n in range(16)], truths)
    chosen = [index for index, word in enumerate(words) if word.role == "kind"]
    found = list(bench.invented._decided(words, chosen, 3))
    assert [row["first"] for row in found] == [True, False]
    assert [row["untrue"] for row in found] == [False, False]


def test_misread_things_are_told_by_place_and_rank(bench):
    loaded = bench.worlds.loaded_model("tiny-qwen2-vl")
    data = bench.misread.open_dataset("testbed:start=4,count=1,captions=3")
    rows = bench.misread.rows_of_scene(loaded, data.sample(data.ids[0]), 0)
    assert rows
    assert all(row["rank 10"] or not row["rank 1"] for row in rows)
    assert sum(row["on a thing"] for row in rows) > len(rows) / 2  # this model reads its scenes
    other = {"scene": 1, "untrue": True, "on a thing": False, "rank 1": False, "rank 10": True}
    found = bench.misread.summary([*rows, other], 2)
    assert found["untrue"]["words"] + found["true"]["words"] == len(rows) + 1
    page = bench.misread.markdown([{"model": "m", "data": "d", "scenes": 2, **found}], "c")
    assert f"| `m` | 2 | true | {found['true']['words']} | " in page
