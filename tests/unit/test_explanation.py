from dataclasses import replace

import matplotlib
import pytest

from golden.records import chat_record, small_record, with_visual_share
from seewhy import Explanation
from seewhy.core import record as record_module
from seewhy.report import spans as spans_module

matplotlib.use("Agg")


def test_each_word_is_computed_once_to_save_and_show_an_explanation(tmp_path, monkeypatch):
    spans, splits = [], []
    make, split = spans_module._span, record_module.words_of

    def counted_span(attribution, pictures, tokens, word, earlier):
        spans.append((attribution, word.text))
        return make(attribution, pictures, tokens, word, earlier)

    def counted_split(text, offsets):
        splits.append(text)
        return split(text, offsets)

    monkeypatch.setattr(spans_module, "_span", counted_span)
    monkeypatch.setattr(record_module, "words_of", counted_split)

    record = chat_record()
    explanation = Explanation(record)
    explanation.save(tmp_path / "out")
    explanation.html()
    explanation._repr_html_()
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
    assert [(word.text, weight) for word, weight in phrase.context] == [("Look", 4.0), ("up", 2.0)]


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
