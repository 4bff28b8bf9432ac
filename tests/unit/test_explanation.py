import json
from dataclasses import replace

import matplotlib
import numpy as np
import pytest

from golden.records import (
    chat_record,
    small_record,
    small_views_record,
    with_layers,
    with_visual_share,
)
from seewhy import Explanation
from seewhy.core import record as record_module
from seewhy.core.errors import InputError, UnknownNameError
from seewhy.report.spans import RecordSpans

matplotlib.use("Agg")


def test_each_word_is_computed_once_to_save_and_show_an_explanation(tmp_path, monkeypatch):
    spans, splits = [], []
    make, split = RecordSpans._spans, record_module.words_of

    def counted_spans(self, attribution, tokens, words, earlier):
        spans.extend((attribution, word.text) for word in words)
        return make(self, attribution, tokens, words, earlier)

    def counted_split(text, offsets):
        splits.append(text)
        return split(text, offsets)

    monkeypatch.setattr(RecordSpans, "_spans", counted_spans)
    monkeypatch.setattr(record_module, "words_of", counted_split)

    record = chat_record()
    explanation = Explanation(record)
    explanation.save(tmp_path / "out")
    explanation.html()
    explanation._repr_mimebundle_()
    explanation.to_json()
    explanation.plot(["star"])
    for word in (*explanation, *explanation.prompt_words):
        assert word.context == word.context
        assert len(word.tokens) >= 1

    assert splits == [record.prompt]
    for attribution, texts in (
        (record.attribution, (*record.words, *record.tokens)),
        (record.prompt_attribution, (*record.prompt_words, *record.prompt_tokens)),
    ):
        made = [text for given, text in spans if given is attribution]
        assert sorted(made) == sorted(one.text for one in texts)


def test_phrase_of_one_word_is_that_word():
    explanation = Explanation(small_record())
    word, phrase = explanation["star"], explanation.phrase("star", "star")
    assert (phrase.text, phrase.probability, phrase.peak) == ("star", word.probability, word.peak)
    assert phrase.context == word.context


def test_phrase_has_its_earlier_words_as_context_and_none_of_its_own():
    phrase = Explanation(small_record()).phrase("a", "star")
    assert (phrase.text, [token.text for token in phrase.tokens]) == ("a star", ["a", " st", "ar"])
    assert [(word.text, weight) for word, weight in phrase.context] == [
        ("Look", pytest.approx(4 / 6)),
        ("up", pytest.approx(2 / 6)),
    ]


def test_word_of_an_answer_without_words_is_refused_in_plain_english():
    empty = Explanation(replace(small_record(), words=()))
    with pytest.raises(IndexError, match="0 words, got 0: there are none"):
        empty[0]


def test_word_visual_share_is_the_mean_of_its_tokens():
    record = with_visual_share(small_record())
    word = Explanation(record)["star"]
    shares = [token.visual_share for token in word.tokens]
    assert record.attribution.visual_share is not None
    assert shares == pytest.approx(record.attribution.visual_share[1:].tolist())
    assert word.visual_share == pytest.approx(sum(shares) / 2)
    assert word.to_json()["visual_share"] == word.visual_share


def test_word_visual_share_is_none_where_it_is_not_measured():
    word = Explanation(small_record())["star"]
    assert word.visual_share is None
    assert word.to_json()["visual_share"] is None


def test_layers_of_a_word_are_the_maximum_of_its_maps_and_the_sum_of_its_shares():
    record = with_layers(small_record())
    layers, found = record.layers, Explanation(record).layers("star")
    assert len(found) == 6
    for name in ("lens_maps", "share_maps"):
        (whole,), (of_word,) = getattr(layers, name), getattr(found, name)
        assert of_word.shape == (6, 2, 3)
        assert (of_word == np.maximum(*whole[1:].numpy())).all()
    for name in ("picture", "text", "feed_forward"):
        first, second = getattr(layers, name)[1:].numpy()
        assert getattr(found, name) == pytest.approx(first + second)
    assert found.picture.shape == (6, 4)


def test_layers_of_a_word_hold_the_probability_and_rank_of_its_first_token():
    record = with_layers(small_record())
    found = Explanation(record).layers(1)
    assert found.probabilities.tolist() == record.layers.probabilities[1].tolist()
    assert found.ranks.tolist() == record.layers.ranks[1].tolist()
    assert (found.ranks.dtype, found.probabilities.dtype) == (np.int64, np.float32)


def test_layers_of_a_word_are_its_own_copy():
    record = with_layers(small_record())
    found = Explanation(record).layers("a")
    for name in ("probabilities", "ranks", "picture", "text", "feed_forward"):
        before = getattr(record.layers, name).clone()
        getattr(found, name)[:] = 7
        assert getattr(record.layers, name).equal(before)


def test_layers_of_a_word_have_maps_of_every_view():
    found = Explanation(with_layers(small_views_record())).layers("star")
    assert [maps.shape for maps in found.lens_maps] == [(6, 2, 3), (6, 1, 2)]
    assert [maps.shape for maps in found.share_maps] == [(6, 2, 3), (6, 1, 2)]


def test_layers_in_json_are_numbers_of_each_layer():
    explanation = Explanation(with_layers(small_record()))
    found, told = explanation.layers("star"), explanation["star"].to_json()["layers"]
    assert told == json.loads(json.dumps(told, allow_nan=False))
    assert told["probabilities"] == found.probabilities.tolist()
    assert told["ranks"] == found.ranks.tolist()
    assert told["picture"] == pytest.approx(found.picture.sum(1).tolist())
    assert told["text"] == pytest.approx(found.text.sum(1).tolist())
    assert told["feed_forward"] == found.feed_forward.tolist()
    assert "layers" not in Explanation(small_record())["star"].to_json()


def test_layers_name_their_remedy_where_there_are_none():
    with pytest.raises(InputError, match=r"got one without.*layers=True.*--layers"):
        Explanation(small_record()).layers("star")
    with pytest.raises(UnknownNameError, match="Expected a word of the answer, got 'moon'"):
        Explanation(with_layers(small_record())).layers("moon")


def test_layers_are_refused_for_words_of_the_prompt():
    explanation = Explanation(with_layers(small_views_record()))
    word = explanation.prompt_words[0]
    with pytest.raises(InputError, match="Expected a word of the answer, got 'Look'"):
        _ = word.layers
    assert "layers" not in word.to_json()


def test_phrase_and_token_have_layers():
    explanation = Explanation(with_layers(small_record()))
    tokens = explanation.tokens
    whole = sum(token.layers.picture for token in tokens)
    assert explanation.phrase("a", "star").layers.picture == pytest.approx(whole, rel=1e-5)
