from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from seewhy.core.errors import DatasetError
from seewhy.core.lexicon import CLOSED, NOUNS, OPEN
from seewhy.core.lexicon import tag_of as builtin_tag
from seewhy.datasets import _words as words
from seewhy.datasets._words import FUNCTION_TAGS, open_tagger


def test_function_tags_are_those_of_the_closed_classes() -> None:
    assert set(CLOSED) == set(FUNCTION_TAGS)


@pytest.mark.parametrize("tag", sorted(CLOSED))
def test_builtin_tag_knows_function_words_in_any_case(tag: str) -> None:
    tagger = open_tagger("builtin")
    for word in CLOSED[tag].split():
        assert builtin_tag(word) == builtin_tag(word.capitalize()) == tag
        assert tagger.is_function(word)
        assert not tagger.is_noun(word)


def test_no_word_stands_on_two_lists() -> None:
    listed = [
        word
        for table in (OPEN, CLOSED)
        for text in table.values()
        for word in text.split()
    ]
    assert len(listed) == len(set(listed))
    assert not NOUNS.intersection(listed)


@pytest.mark.parametrize(
    ("word", "tag"),
    [
        ("zebra", "NN"),
        ("zebras", "NNS"),
        ("bus", "NN"),
        ("grass", "NN"),
        ("tennis", "NN"),
        ("building", "NN"),
        ("bed", "NN"),
        ("running", "VBG"),
        ("parked", "VBD"),
        ("slowly", "RB"),
        ("colorless", "JJ"),
        ("of", "IN"),
        ("to", "TO"),
        ("is", "VBZ"),
        ("dog's", "NN"),
        ("It’s", "PRP"),
        ("there's", "EX"),
        ("can't", "MD"),
        ("won't", "MD"),
        ("don't", "VB"),
        ("3D", "CD"),
        ("...", "."),
        ("", "."),
    ],
)
def test_builtin_tag_goes_by_lists_then_endings(word: str, tag: str) -> None:
    assert builtin_tag(word) == tag


def test_open_tagger_names_itself() -> None:
    assert open_tagger("builtin").name == "builtin 1"


@pytest.mark.parametrize("name", ["nltk", "textblob"])
def test_open_tagger_tells_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "textblob.en", None)
    with pytest.raises(DatasetError, match=rf"package {name} .* pip install 'seewhy\[tags\]'"):
        open_tagger(name)


def test_open_tagger_tells_of_missing_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    def pos_tag(tokens: list[str]) -> list[tuple[str, str]]:
        raise LookupError("Resource averaged_perceptron_tagger_eng not found.")

    monkeypatch.setitem(sys.modules, "nltk", SimpleNamespace(pos_tag=pos_tag))
    with pytest.raises(DatasetError, match="nltk.downloader averaged_perceptron_tagger_eng"):
        open_tagger("nltk")


def test_open_tagger_hands_nltk_single_words(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def pos_tag(tokens: list[str]) -> list[tuple[str, str]]:
        seen.append(tokens)
        return [(token, "NNP") for token in tokens]

    monkeypatch.setitem(sys.modules, "nltk", SimpleNamespace(pos_tag=pos_tag))
    monkeypatch.setattr(words, "version", lambda name: "3.9")
    tagger = open_tagger("nltk")
    assert tagger.name == "nltk 3.9"
    assert tagger.tag("Zebra") == "NNP"
    assert seen == [["dog"], ["Zebra"]]


def test_open_tagger_reads_brills_lexicon_through_textblob(monkeypatch: pytest.MonkeyPatch) -> None:
    lexicon = {"dog": "NN", "there": "EX"}

    def tag(text: str, tokenize: bool) -> list[tuple[str, str]]:
        assert not tokenize
        return [(text, lexicon[text])] if text in lexicon else []

    monkeypatch.setitem(sys.modules, "textblob", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "textblob.en", SimpleNamespace(tag=tag))
    monkeypatch.setattr(words, "version", lambda name: "0.20")
    tagger = open_tagger("textblob")
    assert tagger.name == "textblob 0.20"
    assert [tagger.tag(word) for word in ("dog", "there", "?")] == ["NN", "EX", "."]
