"""Changed words of an answer, as the model reads them."""

from __future__ import annotations

import pytest

from families import shared
from painting import noise
from seewhy.core.text import Word, split_words
from seewhy.diagnosis import texts
from seewhy.diagnosis.evidence import Answered, WordEvidence
from seewhy.diagnosis.words import units_of
from seewhy.explainer import Explainer


@pytest.fixture
def read(monkeypatch):
    """The texts that a model read with earlier words changed, and the replacements."""

    def find(family: str, answer: str) -> tuple[set[str], set[str]]:
        seen: list[list[int]] = []
        inner = texts.answers_log_probabilities

        def record(loaded, inputs, answers, expected):
            seen.extend(answers[1:])
            return inner(loaded, inputs, answers, expected)

        monkeypatch.setattr(texts, "answers_log_probabilities", record)
        explainer = Explainer(shared(family))
        found = explainer.explain(
            noise(60, 60), "What?", answer=answer, diagnose=True, other_pictures=[noise(40, 40)]
        )
        tokenizer = explainer.loaded.processor.tokenizer
        changes = (c for w in found.words if w.verdict for c in w.verdict.because.changes)
        swapped = {c.replacement for c in changes if c.part == "answer"}
        return {tokenizer.decode(ids) for ids in seen}, swapped

    return find


@pytest.mark.parametrize("family", ["llava", "gemma3", "qwen2-vl"])
def test_replacements_keep_names_and_begin_a_sentence_as_it_was(read, family):
    changed, swapped = read(family, "TV and Wii on a table")
    assert swapped == {"TV", "Wii", "Table"}
    assert {text.lstrip() for text in changed} == {
        "Table and Wii on a table",
        "Wii and Wii on a table",
        "TV and TV on a table",
    }


def test_replacements_of_german_words_keep_their_letters(read):
    _, swapped = read("llava", "Ein Straßenhund auf der Straße.")
    assert not any("ss" in text for text in swapped)


@pytest.mark.parametrize("family", ["llava", "gemma3", "paligemma", "pixtral"])
def test_no_space_is_left_twice(read, family):
    changed, _ = read(family, "Boat near a red fish. Two boats and a squirrel.")
    assert changed
    assert not [text for text in changed if "  " in text or text[0].isspace()]


def test_words_of_the_task_are_not_left_out_of_the_prompt():
    prompt = "Write a one-sentence description of the big boat."
    asked = tuple(Word(prompt[a:b], a, b, ()) for a, b in split_words(prompt))
    said = (Word("two", 0, 3, (0,)),)
    evidence = WordEvidence(0, None, None, tuple(1.0 for _ in asked), (0.0,))
    (unit,) = units_of(said)
    found = texts._prompt_candidates(unit, Answered(said, asked, (evidence,), ()))
    assert [asked[index].text for index in found] == ["big", "boat"]
