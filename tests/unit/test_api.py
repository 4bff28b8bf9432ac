from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

import seewhy
import tiny_models
from seewhy.api import Explainer, Explanation
from seewhy.chats import PROMPT
from seewhy.core.errors import (
    ImageError,
    OutputError,
    ParameterError,
    PromptError,
    ScaleError,
    UnknownNameError,
)
from seewhy.methods import create
from seewhy.models.passes import count_passes
from seewhy.testbed.pretrained import DEFAULT
from whole_models import whole_models

ANSWER = "A red star is above the blue house, and a red car."


def picture(width: int = 96, height: int = 64) -> Image.Image:
    """Smooth noise, the same at every call."""
    dice = np.random.default_rng(0)
    coarse = dice.integers(0, 255, (4, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def explainer() -> Explainer:
    return seewhy.load(tiny_models.build())


@pytest.fixture(scope="module")
def explanation(explainer: Explainer) -> Explanation:
    """By a method with scales."""
    return explainer.explain(picture(), answer=ANSWER, method="intra-modal", k=20)


def test_a_contrast_computes_only_its_own_word(explainer: Explainer) -> None:
    def passes(**given: object) -> int:
        with count_passes(explainer.loaded.model) as spent:
            explainer.explain(
                picture(), answer="A red star.", method="attn-lrp", explain_prompt=False, **given
            )
        return spent.backward

    assert passes(contrast={"red": " blue"}) == passes() + 1


def test_a_streamer_is_told_and_is_no_setting(explainer: Explainer) -> None:
    told = []

    class Streamer:
        put = staticmethod(told.append)
        end = staticmethod(lambda: told.append("end"))

    made = explainer.explain(picture(), max_new_tokens=2, method="tam", streamer=Streamer())
    assert told[-1] == "end"
    assert made.record.provenance.parameters["max_new_tokens"] == 2
    assert "streamer" not in made.record.provenance.parameters


@pytest.mark.parametrize("method", ["corroborated", "grad-cam", "tam"])
def test_explain_within_inference_mode(explainer: Explainer, method: str) -> None:
    given = {"answer": "A red star.", "method": method, "explain_prompt": False}
    plain = explainer.explain(picture(), **given)
    with torch.inference_mode():
        within = explainer.explain(picture(), **given)
    np.testing.assert_allclose(within["star"].heatmap, plain["star"].heatmap, rtol=1e-4)


def test_explain_covers_every_word(explanation: Explanation) -> None:
    assert explanation.answer == ANSWER
    assert explanation.prompt == PROMPT
    assert "".join(w.text for w in explanation) == ANSWER.replace(" ", "")
    assert len(explanation) == len(explanation.words) == 14
    for word in explanation:
        assert ANSWER[word.start : word.end] == word.text
        assert word.heatmap.shape == (8, 12)
        assert word.heatmap.dtype == np.float32
        assert 0 <= word.display.min() <= word.display.max() <= 1
        assert 0 <= word.probability <= 1


def test_explain_generates_within_its_limit(explainer: Explainer) -> None:
    made = explainer.explain(picture(), "What is this?", max_new_tokens=7, method="tam")
    again = explainer.explain(picture(), "What is this?", max_new_tokens=7, method="tam")
    assert 1 <= len(made.tokens) <= 7
    assert made.answer == again.answer
    assert np.array_equal(made[0].heatmap, again[0].heatmap)
    if len(made.tokens) == 7:
        assert "cut off after 7 tokens" in made.record.provenance.notes[0]


def test_explain_of_generated_ids_equals_explain_of_the_generation(explainer: Explainer) -> None:
    made = explainer.explain(picture(), max_new_tokens=6, method="arc")
    told = explainer.explain(picture(), answer=[t.id for t in made.record.tokens], method="arc")
    assert told.answer == made.answer
    one, two = (e.record.attribution for e in (made, told))
    torch.testing.assert_close(one.maps[0], two.maps[0], rtol=1e-3, atol=1e-4)
    for name in ("context", "low", "high"):
        torch.testing.assert_close(getattr(one, name), getattr(two, name), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", ["path", "text", "array", "tensor", "bytes"])
def test_explain_takes_any_picture(explainer: Explainer, kind: str, tmp_path) -> None:
    file = tmp_path / "picture.png"
    picture().save(file)
    array = np.array(picture())
    source = {
        "path": file,
        "text": str(file),
        "array": array,
        "tensor": torch.from_numpy(array).permute(2, 0, 1),
        "bytes": file.read_bytes(),
    }[kind]
    made = explainer.explain(source, answer="A star.", method="logit-lens")
    assert np.array_equal(np.array(made.image), array)


def test_word_is_found_by_number_and_by_text(explanation: Explanation) -> None:
    assert explanation[1].text == explanation["red"].text == "red"
    assert explanation["red"].start == 2
    assert explanation[-1].text == "."
    assert explanation["RED"].start == 2


def test_word_that_was_not_said_is_refused_with_the_words(explanation: Explanation) -> None:
    with pytest.raises(UnknownNameError, match=r"got 'start': did you mean 'star'.*Known: A, red"):
        explanation["start"]
    with pytest.raises(IndexError, match="answer's 14 words, got 14: give 0 to 13"):
        explanation[14]


def test_word_context_names_earlier_words(explanation: Explanation) -> None:
    asked = ["Write", "a", "one-sentence", "caption", "for", "this", "image", ":"]
    said = [w.text for w in explanation]
    for place, word in enumerate(explanation):
        for earlier, weight in word.context:
            assert weight > 0
            assert earlier.text == {"prompt": asked, "answer": said}[earlier.part][earlier.index]
            if earlier.part == "answer":
                assert earlier.index < place
    assert any(e.part == "prompt" for e, _ in explanation[0].context)


def test_word_map_is_the_greatest_of_its_tokens(explanation: Explanation) -> None:
    several = [w for w in explanation if len(w.tokens) > 1]
    assert several
    for word in several:
        assert np.array_equal(word.heatmap, np.max([t.heatmap for t in word.tokens], axis=0))
        assert word.probability == pytest.approx(np.prod([t.probability for t in word.tokens]))


def test_token_context_names_earlier_tokens(explanation: Explanation) -> None:
    assert "".join(t.text for t in explanation.tokens) == ANSWER
    texts = [t.text for t in explanation.tokens]
    for place, token in enumerate(explanation.tokens):
        for earlier, _ in token.context:
            if earlier.part == "answer":
                assert earlier.index < place
                assert earlier.text == texts[earlier.index]


def test_phrase_joins_neighbouring_words(explanation: Explanation) -> None:
    joined = explanation.phrase("red", "star")
    assert joined.text == "red star"
    parts = [explanation["red"].heatmap, explanation["star"].heatmap]
    assert np.array_equal(joined.heatmap, np.max(parts, axis=0))
    assert {e.text for e, _ in joined.context if e.part == "answer"} <= {"A"}
    # The second "red" stands before no later star, the last word is looked for after the first.
    assert explanation.phrase(10, "car").text == "a red car"


def test_phrase_refuses_words_in_the_wrong_order(explanation: Explanation) -> None:
    with pytest.raises(ParameterError, match="last word at or after its first, got 5 to 2"):
        explanation.phrase(5, 2)


def test_word_scales_tell_whether_it_would_still_be_said(explanation: Explanation) -> None:
    for word in explanation:
        assert [s.scale for s in word.scales] == [1.0, 0.75, 1.25]
        assert sum(s.weight for s in word.scales) == pytest.approx(1)
        assert word.scales[0].probability == pytest.approx(word.probability, rel=1e-4)
        assert len({s.model_sizes for s in word.scales}) == 3
        assert word.scales[1].map.shape < word.heatmap.shape


def test_word_peak_and_box_lie_in_the_picture(explanation: Explanation) -> None:
    shown = [w for w in explanation if w.peak is not None]
    assert shown
    for word in shown:
        assert word.box is not None
        assert word.peak is not None
        left, top, right, bottom = word.box
        assert 0 <= left <= word.peak[0] <= right <= 96
        assert 0 <= top <= word.peak[1] <= bottom <= 64


def test_word_overlay_is_as_large_as_the_picture(explanation: Explanation) -> None:
    assert explanation["star"].overlay().size == (96, 64)
    assert explanation["star"]._repr_png_().startswith(b"\x89PNG")


def test_to_json_is_the_object_of_the_command_line(explanation: Explanation) -> None:
    told = json.loads(json.dumps(explanation.to_json(), allow_nan=False))
    order = ["prompt", "answer", "thinking", "words", "boxes", "points", "method", "model"]
    assert list(told) == [*order, "warnings", "notes"]
    assert told["method"] == "intra-modal(k=20)"
    fields = ["text", "start", "end", "tokens", "special", "thinking"]
    fields += ["probability", "visual_share"]
    fields += ["peak", "box", "context", "notes"]
    for place, word in enumerate(told["words"]):
        assert list(word) == fields
        assert all(index < place and weight > 0 for index, weight in word["context"])
    assert [t for w in told["words"] for t in w["tokens"]] == sorted(
        t for w in told["words"] for t in w["tokens"]
    )


def test_provenance_reproduces_the_explanation(explanation: Explanation) -> None:
    origin = explanation.record.provenance
    assert (origin.family, origin.method) == ("qwen2-vl", "intra-modal(k=20)")
    assert origin.parameters["k"] == 20
    assert origin.parameters["scales"] == [1.0, 0.75, 1.25]
    assert origin.parameters["answer"] == "given"
    assert set(origin.versions) == {"seewhy", "torch", "transformers"}
    assert set(origin.seconds) == {"generate", "scales", "attribute"}
    assert all(s >= 0 for s in origin.seconds.values())
    assert origin.seconds["scales"] > 0
    json.dumps(dict(origin.parameters), allow_nan=False)


def test_save_and_open_give_the_same_explanation(explanation: Explanation, tmp_path) -> None:
    folder = explanation.save(tmp_path / "out")
    back = seewhy.open(folder)
    assert back.to_json() == explanation.to_json()
    for one, two in zip(back, explanation, strict=True):
        assert np.array_equal(one.heatmap, two.heatmap)
        assert one.context == two.context
    with pytest.raises(OutputError, match="exists"):
        explanation.save(folder)
    assert explanation.save(folder, overwrite=True) == folder


def test_explanation_shows_itself_in_a_notebook(explanation: Explanation) -> None:
    data, _ = explanation._repr_mimebundle_()
    assert [*data][:2] == ["image/png", "text/plain"]
    assert explanation.frame()._repr_html_().startswith("<iframe")
    assert "14 words, method='intra-modal(k=20)'" in repr(explanation)
    assert explanation.html().lstrip().lower().startswith("<!doctype html")


def test_plot_takes_words_by_text(explanation: Explanation) -> None:
    from matplotlib import pyplot

    figure, _ = explanation.plot(["red", -2])
    pyplot.close(figure)
    with pytest.raises(UnknownNameError, match="'whale'"):
        explanation.plot(["whale"])


def test_explain_by_the_default_reads_the_picture_once(explainer: Explainer) -> None:
    explainer.explain(picture(), "What is this?", max_new_tokens=2)  # the model is measured
    with count_passes(explainer.loaded.model) as spent:
        made = explainer.explain(picture(), "What is this?", max_new_tokens=4)
    origin = made.record.provenance
    assert (made.method, origin.parameters["hops"], origin.parameters["focus"]) == (
        "logit-shares",
        2,
        2.0,
    )
    # Generation alone: no pass is added.
    assert (spent.forward, spent.backward) == (len(made.record.tokens), 0)
    assert all(word.heatmap.max() > 0 for word in made)


def test_explain_takes_a_method_instance(explainer: Explainer) -> None:
    method = create("msea", scales=(0.5,), weights="consistency")
    made = explainer.explain(picture(), answer="A star.", method=method)
    assert made.method == "msea(scales=(0.5,), weights=consistency)"
    assert made.record.provenance.parameters["scales"] == [1.0, 0.5]


def test_explain_leaves_out_default_scales_of_equal_size(explainer: Explainer) -> None:
    small = explainer.explain(picture(16, 16), answer="A star.", method="intra-modal")
    notes = small.record.provenance.notes
    used = small.record.provenance.parameters["scales"]
    assert len(used) + len(notes) == 3
    assert any("was left out" in note for note in notes)


def test_explain_refuses_given_scales_of_equal_size(explainer: Explainer) -> None:
    with pytest.raises(ScaleError, match=r"got 1 and 1\.01, which both come out at 96 x 64"):
        explainer.explain(picture(), answer="A star.", method="msea", scales=(1, 1.01))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"prompt": "  "}, PromptError, "words in it"),
        ({"method": "tma"}, UnknownNameError, "did you mean 'tam'"),
        ({"method": "msea", "scales": (0.0,)}, ScaleError, "positive scales"),
        ({"method": "msea", "scales": (2, 2)}, ScaleError, "each scale once"),
        ({"scales": (2,)}, ParameterError, "of logit-shares .* one of intra-modal, msea"),
        ({"method": "tam", "scales": (2,)}, ParameterError, "one of intra-modal, msea"),
        ({"method": "gradient-attention", "k": 3}, ParameterError, "it has none"),
        ({"temprature": 0.5}, ParameterError, "did you mean 'temperature'"),
        ({"answer": "A star.", "temperature": 0.5}, ParameterError, "with a given answer"),
        ({"method": "arc", "k": 10**6}, ParameterError, "k of at most"),
        ({"image": "nowhere.png"}, ImageError, "nowhere.png"),
    ],
)
def test_explain_refuses_what_cannot_be(
    explainer: Explainer, options: dict, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        explainer.explain(options.pop("image", picture()), **{"max_new_tokens": 3, **options})


def test_explain_reports_its_stages(explainer: Explainer) -> None:
    said: list[str] = []
    explainer.explain(
        picture(), answer="A star.", method="msea", scales=(1, 0.5), progress=said.append
    )
    assert said == ["reading the image", "explaining", "reading at scale 0.5"]


def test_explain_samples_from_a_seed(explainer: Explainer) -> None:
    one, two = (
        explainer.explain(
            picture(), max_new_tokens=5, seed=3, do_sample=True, temperature=2.0, method="tam"
        )
        for _ in range(2)
    )
    assert one.answer == two.answer
    assert one.record.provenance.seed == 3
    assert one.record.provenance.parameters["temperature"] == 2.0


def test_load_suggests_names_for_an_unknown_model() -> None:
    with pytest.raises(UnknownNameError, match="not there"):
        seewhy.load("./no/such/folder")


def test_load_without_a_model_takes_the_shipped_one(monkeypatch, tmp_path) -> None:
    folder = tiny_models.save(tmp_path / DEFAULT)
    monkeypatch.setattr("seewhy.testbed.pretrained.pretrained", lambda: {DEFAULT: folder})
    assert seewhy.load().name == seewhy.load(DEFAULT).name == DEFAULT


@pytest.mark.parametrize("name", sorted(whole_models()))
def test_load_takes_a_shipped_model_by_its_name(name) -> None:
    assert seewhy.load(name).name == name


def test_seewhy_is_light_until_it_is_used() -> None:
    script = (
        "import sys, seewhy\n"
        "heavy = {'torch', 'transformers', 'numpy', 'PIL'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert set(seewhy.__all__) == set(dir(seewhy))\n"
        "for name in seewhy.__all__: getattr(seewhy, name)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_seewhy_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'explain'"):
        _ = seewhy.explain
