"""Answers in scripts without spaces, with special tokens and with a thinking block, end to end."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import replace

import numpy as np
import pytest

import seewhy
import tiny_models
from painting import noise
from seewhy.cli.terminal import show
from seewhy.core.errors import AnswerError, UnknownNameError
from seewhy.explainer import Explainer
from seewhy.models import load
from seewhy.report.payload import payload
from tokenizer_kinds import BOXES, with_markup

MARKED = "<|object_ref_start|>the cup<|object_ref_end|><|box_start|>(12,34),(56,78)<|box_end|>"
THOUGHT = "<think>Is it red?</think>\n\nA red star."


@pytest.fixture(scope="module")
def explainer() -> Explainer:
    model, processor = tiny_models.build()
    with_markup(processor.tokenizer)
    model.resize_token_embeddings(len(processor.tokenizer), mean_resizing=False)
    return Explainer(load((model, processor)))


def explained(explainer: Explainer, answer: str, **settings):
    return explainer.explain(noise(60, 40), "What?", answer=answer, **settings)


@pytest.mark.parametrize(
    "answer",
    [
        *(
            "一辆红色的车停在树下。",
            "赤い車が走る。",
            "สุนัขสีแดง",
            "빨간 자동차입니다.",
            "नमस्ते दुनिया।",
        ),
        *("قِطَّة حَمْراء.", "cafe\u0301 🇨🇭, 👩‍🚀!", "It costs $3.50 at 12:30.", MARKED, THOUGHT),
    ],
)
def test_every_token_counts_in_one_word(explainer, answer):
    made = explained(explainer, answer, method="logit-lens")
    # Qwen's tokenizer joins accents with their letters.
    assert made.answer == unicodedata.normalize("NFC", answer)
    tokens = made.record.tokens
    assert [t for word in made.record.words for t in word.tokens] == list(range(len(tokens)))
    for word in made:
        assert made.answer[word.start : word.end] == word.text
        own = word.tokens
        assert word.probability == pytest.approx(math.prod(t.probability for t in own))
        np.testing.assert_array_equal(word.heatmap, np.max([t.heatmap for t in own], axis=0))
        # What was chosen between is what its first token was chosen from.
        assert word.candidates == next(t for t in own if not t.text.isspace()).candidates


def test_a_part_of_a_chinese_answer_is_found_and_contrasted(explainer):
    made = explained(explainer, "一辆红色的车", contrast={"红色": "蓝色"}, method="tam")
    word = made["红色"]
    assert (word.text, len(word.tokens)) == ("红色", 6)
    # Each word of the phrase says what it is contrasted with.
    touched = [index for index, _ in made.record.contrasts]
    assert [made[index].text for index in touched] == ["红", "色"]
    plain = explained(explainer, "一辆红色的车", method="tam")
    assert not np.array_equal(word.heatmap, plain["红色"].heatmap)
    np.testing.assert_array_equal(made["车"].heatmap, plain["车"].heatmap)
    with pytest.raises(UnknownNameError, match="Expected a word of the answer, got '蓝色'"):
        made["蓝色"]


def test_special_tokens_are_words_in_json_folder_and_page(explainer, tmp_path):
    made = explained(explainer, MARKED, method="logit-lens")
    marks = [word["text"] for word in made.to_json()["words"] if word["special"]]
    assert marks == list(BOXES)
    assert made["<|box_start|>"].special
    assert made["<|box_start|>(12"].text == "<|box_start|>(12"
    again = seewhy.open(made.save(tmp_path / "out"))
    assert [w.special for w in again.record.words] == [w.special for w in made.record.words]
    assert [t.special for t in again.record.tokens] == [t.special for t in made.record.tokens]
    units = payload(made.record)["words"]["answer"]
    assert [unit["text"] for unit in units if unit.get("special")] == list(BOXES)


def test_special_tokens_are_kept_in_what_the_model_writes(explainer):
    tokenizer = explainer.loaded.processor.tokenizer
    wanted = [*tokenizer(MARKED, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    start = []

    def say(ids, scores):
        start.append(ids.shape[1])
        scores[:, wanted[ids.shape[1] - start[0]]] = scores.max() + 99
        return scores

    made = explainer.explain(
        noise(60, 40), "What?", method="logit-lens", logits_processor=[say], max_new_tokens=99
    )
    assert made.answer == MARKED
    assert made[-1].text == "<|box_end|>"
    given = explained(explainer, made.answer, method="logit-lens")
    assert [t.id for t in given.record.tokens] == [t.id for t in made.record.tokens] == wanted[:-1]


def test_tokens_of_the_frame_are_refused_in_a_given_answer(explainer):
    for token in ("<|im_end|>", "<|im_start|>", "<|vision_start|>", "<|image_pad|>"):
        with pytest.raises(AnswerError, match="special token"):
            explained(explainer, f"A {token} star.")
    assert explained(explainer, "A star.<|im_end|>\n", method="logit-lens").answer == "A star."


def test_thinking_is_told_apart(explainer, tmp_path, capsys):
    made = explained(explainer, THOUGHT, method="logit-lens", layers=False)
    assert [word.text for word in made.thinking] == [
        *("<think>", "Is", "it", "red", "?", "</think>"),
    ]
    assert [word.text for word in made.final_words] == ["A", "red", "star", "."]
    data = made.to_json()
    assert data["thinking"] == [0, THOUGHT.index("\n")]
    assert [word["thinking"] for word in data["words"]] == [True] * 6 + [False] * 4
    again = seewhy.open(made.save(tmp_path / "out"))
    assert again.record.thinking == made.record.thinking
    show(data, None)
    shown = capsys.readouterr().out
    assert "6 words of thinking before it" in shown
    assert "Is it red" not in shown
    assert payload(made.record).get("thinking") == data["thinking"]


def test_an_answer_that_ends_within_its_thinking_is_shown(explainer, capsys):
    made = explained(explainer, "<think>Is it red", method="logit-lens")
    assert [word.text for word in made.final_words] == ["<think>", "Is", "it", "red"]
    show(made.to_json(), None)
    assert "ends within its thinking" in capsys.readouterr().out


def test_a_block_that_the_template_opened_is_found(explainer):
    model, processor = explainer.loaded.model, explainer.loaded.processor
    end = "assistant\n{% endif %}"
    template = processor.template.replace(end, end.replace("{%", "<think>\n{%"))
    assert "<think>" in template
    other = Explainer(load((model, replace(processor, template=template))))
    made = explained(other, "It is red.</think> A star.", method="logit-lens")
    assert made.record.thinking == (0, 18)
    assert explained(other, "It is red.", method="logit-lens").record.thinking == (0, 10)


def test_the_word_that_is_worst_is_none_of_the_thinking(explainer):
    made = explained(explainer, THOUGHT, diagnose=True, method="logit-lens")
    assert any(word.verdict for word in made.thinking)
    assert made.worst is not None
    assert not made.worst.thinking
    assert all(word.verdict is None for word in made if word.special)
