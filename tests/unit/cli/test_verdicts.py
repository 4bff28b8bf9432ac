"""Verdicts in the terminal: marks, their legend, and the sentences of the worst words."""

from dataclasses import replace

import pytest

from golden.verdict_records import diagnosed_record
from seewhy import Explanation
from seewhy.cli._verdicts import MARKS, WORST, mark
from seewhy.cli.terminal import show


def shown(capsys, explanation) -> list[str]:
    show(explanation, None)
    return capsys.readouterr().out.splitlines()


def answer(*supports: float | None) -> dict:
    """An answer of words with these supports; None for words without a verdict."""
    words = [
        {"text": f"word{i}", "probability": 1.0, "peak": None, "context": []}
        | {"verdict": support if support is None else verdict(support, i)}
        for i, support in enumerate(supports)
    ]
    return {"prompt": "What?", "answer": "Words.", "words": words}


def verdict(support: float, number: int) -> dict:
    return {"support": support, "source": "words", "sentence": f"Sentence {number}."}


@pytest.mark.parametrize("source", MARKS)
def test_mark_has_a_shape_of_its_own_for_every_source(source):
    told = mark({"verdict": {"source": source, "support": 0.25}})
    assert told.plain == f"{MARKS[source][0]} 0.25"
    assert len({sign for sign, _, _ in MARKS.values()}) == len(MARKS)


def test_show_marks_words_and_explains_the_marks(capsys):
    lines = shown(capsys, Explanation(diagnosed_record()).to_json())
    rows = {line.split()[0]: line for line in lines if "█" in line}
    assert "● 0.97" in rows["star"]
    assert "▲ 0.03" in rows["tree"]
    assert rows["the"].split()[1].startswith("0.")
    legend = " ".join(lines)
    assert "▲ from words or habit" in legend
    assert "○ repeats an earlier word" in legend


def test_show_tells_the_sentences_of_the_worst_words_first(capsys):
    lines = shown(capsys, answer(0.4, 0.9, 0.1, None, 0.1))
    sentences = [line.strip() for line in lines if "Sentence" in line]
    assert sentences == ["Sentence 2.", "Sentence 4.", "Sentence 0."]


def test_show_tells_no_more_sentences_than_one_reads(capsys):
    lines = shown(capsys, answer(*[0.1] * (WORST + 2)))
    assert len([line for line in lines if "Sentence" in line]) == WORST
    assert "2 more below 0.5: see the report, or --json." in lines


def test_show_says_so_where_no_word_is_doubtful_or_has_a_verdict(capsys):
    assert "No word has a support below 0.5." in shown(capsys, answer(0.5, None))
    assert "No word of this answer has a verdict." in shown(capsys, answer(None))


def test_show_says_nothing_of_verdicts_where_the_answer_was_not_diagnosed(capsys):
    record = replace(diagnosed_record(), verdicts=None)
    text = "\n".join(shown(capsys, Explanation(record).to_json()))
    assert "support" not in text
    assert "verdict" not in text


def test_show_takes_a_sentence_as_text(capsys):
    explanation = answer(0.1)
    explanation["words"][0]["verdict"]["sentence"] = "[red]\x1b[2J\u202e"
    text = "\n".join(shown(capsys, explanation))
    assert "[red]␛[2J�" in text
    assert "\x1b" not in text
