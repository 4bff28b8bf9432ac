"""One answer by two models: the same words, both maps on one grid, and what differs."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import tiny_models
from explained import PICTURE, PROMPT
from families import shared
from seewhy.cli.main import main
from seewhy.comparison import Comparison, expect_comparable
from seewhy.core.errors import OutputError, ParameterError, SchemaError
from seewhy.core.geometry import TokenGrid
from seewhy.explainer import Explainer
from seewhy.explanation import Explanation
from seewhy.models import load
from seewhy.report.bundle import open_record


@pytest.fixture(scope="module")
def pair():
    """A model, and one with another head."""
    model, processor = tiny_models.build()
    other = copy.deepcopy(model)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(1)
        other.lm_head.weight += torch.randn(other.lm_head.weight.shape) * 0.05
    return Explainer(load((model, processor))), Explainer(load((other, processor)))


@pytest.fixture(scope="module")
def compared(pair):
    return pair[0].compare(pair[1], PICTURE, PROMPT, max_new_tokens=4)


def test_compare_explains_the_first_models_answer_by_both(pair, compared):
    written = pair[0].explain(PICTURE, PROMPT, max_new_tokens=4)
    ids = [token.id for token in written.record.tokens]
    assert [token.id for token in compared.first.record.tokens] == ids
    assert [token.id for token in compared.second.record.tokens] == ids
    assert compared.by == "tokens"
    second = pair[1].explain(PICTURE, PROMPT, answer=ids)
    for word, one, other in zip(compared, written, second, strict=True):
        assert word.text == one.text
        assert word.probabilities == pytest.approx((one.probability, other.probability), rel=1e-4)
        np.testing.assert_allclose(word.difference, other.heatmap - one.heatmap, atol=1e-5)
    assert any(np.abs(word.difference).max() > 1e-4 for word in compared)
    assert compared[compared[0].text] is compared[0]


def test_compare_with_itself_differs_in_nothing(pair):
    same = pair[0].compare(pair[0], PICTURE, PROMPT, answer="a red star")
    assert all(not word.difference.any() for word in same)
    assert all(word.probabilities[0] == word.probabilities[1] for word in same)


def test_compare_takes_what_load_takes(pair):
    loaded = pair[1].loaded
    found = pair[0].compare(
        (loaded.model, loaded.processor), PICTURE, PROMPT, answer="a red star", method="logit-lens"
    )
    assert found.method == "logit-lens"
    assert found.models == ("Qwen2VLForConditionalGeneration",) * 2


def test_compare_by_words_brings_maps_to_the_first_grid(pair):
    llava = Explainer(shared("llava"))
    found = pair[0].compare(llava, PICTURE, PROMPT, answer="a red star")
    assert found.by == "words"
    assert found.notes[0].startswith("The models have other tokens")
    assert found.notes[1].startswith("Picture 1: the second model's maps of ")
    first, second = found.first.views[0].base_grid, found.second.views[0].base_grid
    assert first.shape != second.shape
    assert all(word.difference.shape == first.shape for word in found)
    # With the grids exchanged, each model keeps its own.
    turned = llava.compare(pair[0], PICTURE, PROMPT, answer="a red star")
    assert turned[0].difference.shape == second.shape


def test_compare_uses_one_method_for_both(pair, monkeypatch):
    from seewhy import explained_answer

    real = explained_answer._attributed

    def attributed(method, evidence, options):
        if evidence.session.loaded is pair[1].loaded and method.name == "logit-shares":
            evidence.note("no")
            return real(explained_answer.create(explained_answer.FALLBACK), evidence, options)
        return real(method, evidence, options)

    monkeypatch.setattr(explained_answer, "_attributed", attributed)
    found = pair[0].compare(pair[1], PICTURE, PROMPT, answer="a red star")
    assert found.method == "intra-modal(window=None)"
    assert found.notes == (
        "Both were explained by intra-modal(window=None): logit-shares cannot read one of them.",
    )


def changed(explanation, **fields):
    return Explanation(replace(explanation.record, **fields))


def test_other_words_pictures_or_methods_are_refused(compared):
    first, record = compared.first, compared.first.record
    with pytest.raises(ParameterError, match="or other words of it: the two models cut it"):
        expect_comparable(first, changed(first, words=record.words[:-1]))
    small = replace(record.pictures[0], image=record.pictures[0].image[:-1])
    with pytest.raises(ParameterError, match="Expected two explanations of the same pictures"):
        expect_comparable(first, changed(first, pictures=(small,)))
    other = replace(record.provenance, method="tam")
    with pytest.raises(ParameterError, match="their maps have other units"):
        Comparison(first, changed(first, provenance=other))


def test_map_of_a_shifted_grid_is_moved(compared):
    """A grid over half of the picture: the other half has no value of the second model."""
    first = compared.first
    view = first.record.pictures[0]
    rows, columns = view.base_grid.shape
    half = TokenGrid.over((0, 0, view.size[0] / 2, view.size[1]), rows, columns)
    second = changed(first, pictures=(replace(view, base_grid=half),))
    found = Comparison(first, second)
    # The column through the middle is half covered: its mean is over what the grid covers.
    beyond = (columns + 1) // 2
    assert all(not word.maps[0].second[:, beyond:].any() for word in found)


def test_comparison_as_json_and_folder(compared, tmp_path):
    data = compared.to_json()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    word = data["words"][0]
    shape = compared[0].difference.shape
    (view,) = word["views"]
    for name in ("first", "second", "difference"):
        assert np.array(view[name]).shape == shape
    difference = np.array(view["second"]) - np.array(view["first"])
    np.testing.assert_allclose(view["difference"], difference, atol=1e-4)
    folder = compared.save(tmp_path / "two")
    assert json.loads((folder / "comparison.json").read_text()) == data
    assert "seewhy-comparison" in (folder / "comparison.html").read_text("utf-8")
    with pytest.raises(OutputError, match="which exists"):
        compared.save(folder)
    compared.save(folder, overwrite=True)
    with pytest.raises(SchemaError, match="got 'comparison 2'"):
        open_record(folder)


def test_comparison_in_a_notebook_is_a_frame(compared):
    assert compared.frame()._repr_html_().startswith("<iframe srcdoc=")
    assert "words, models=('Qwen2VLForConditionalGeneration'," in repr(compared)


@pytest.fixture(scope="module")
def picture(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "noise.png"
    PICTURE.save(path)
    return path


def test_command_writes_the_folder_and_prints_json(picture, tmp_path, capsys):
    words = ["compare", str(picture), "What?", "--other", "tiny-qwen2-vl-biased", "--quiet"]
    words += ["--answer", "a red star", "--method", "logit-lens"]
    out = tmp_path / "two"
    assert main([*words, "--json", "--out", str(out)]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["models"] == ["tiny-qwen2-vl", "tiny-qwen2-vl-biased"]
    assert data["prompt"] == "What?"
    assert json.loads((out / "comparison.json").read_text()) == data
    assert main([*words, "--out", str(out), "--overwrite"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in lines[:-1]] == ["a", "red", "star"]
    assert lines[-1] == str(out / "comparison.html")


def test_command_needs_an_output(picture, capsys):
    words = ["compare", str(picture), "--other", "tiny-llava"]
    for more, told in (
        ([], "Expected --out DIR or --json"),
        (["--json", "--overwrite"], "Expected --out DIR or --json"),
        (["--out", " "], "after --out, got an empty one"),
        (["--json", "--answer", "a", "--max-new-tokens", "3"], "got both: leave one out"),
    ):
        assert main([*words, *more]) == 2
        assert told in capsys.readouterr().err
