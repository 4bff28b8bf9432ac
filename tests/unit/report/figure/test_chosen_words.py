from dataclasses import replace

import pytest

from golden.records import chat_record, record_of, small_record
from seewhy.core.errors import InputError, ParameterError, UnknownNameError
from seewhy.explanation import Explanation
from seewhy.report.figure.chosen_words import chosen_spans, main_words, span_at, span_named


def texts(record, indices):
    return [record.words[index].text for index in indices]


def test_main_words_are_things_without_function_words():
    record = record_of()
    assert texts(record, main_words(record)) == ["star", "house", "tree", "right"]
    every = texts(record, main_words(record, most=99))
    assert not {"A", "the", "and", "to", "of", "it", "."} & set(every)
    assert {"red", "blue", "shines"} < set(every)


def test_main_words_hold_each_text_once_and_every_contrast():
    record = record_of(((" Fish", "star"), (" fish", "star"), (" the", ""), (" boat", "tree")))
    assert texts(record, main_words(record)) == ["fish", "boat"]
    contrasted = replace(record, contrasts=((2, "a"),))
    assert "the" in texts(contrasted, main_words(contrasted, most=2))


def test_main_words_of_a_short_answer_are_what_is_left():
    for answer in ("Yes", "The", "7"):
        record = record_of(((answer, ""), (".", "")))
        assert texts(record, main_words(record)) == [answer]
    marks = record_of(((".", ""), ("!", "")))
    assert main_words(marks) == ()
    with pytest.raises(InputError, match="without letters and digits: name the words"):
        chosen_spans(marks, None)


def test_main_words_leave_out_thinking_and_special_tokens():
    thought = record_of((("<think>", ""), (" star", "star"), ("</think>", ""), (" tree", "tree")))
    assert texts(thought, main_words(thought)) == ["tree"]
    special = record_of((("<|box|>", ""), (" tree", "tree")), special=(0,))
    assert texts(special, main_words(special)) == ["tree"]


def test_words_are_found_by_number_text_phrase_and_word():
    record = record_of()
    explanation = Explanation(record)
    named = [2, -1, "red star", "STAR", explanation["tree"], explanation.phrase("blue", "house")]
    found = [span.text for span in chosen_spans(record, named)]
    assert found == ["star", ".", "red star", "star", "tree", "blue house"]
    assert [span.text for span in chosen_spans(record, "tree")] == ["tree"]
    assert [span.text for span in chosen_spans(record, 2)] == ["star"]


@pytest.mark.parametrize("word", [20, -21, True, 1.5, None])
def test_words_that_are_not_there_are_refused(word):
    with pytest.raises(ParameterError, match="answer of 20 words: give 0 to 19"):
        chosen_spans(record_of(), [word])


def test_unknown_text_is_answered_with_near_words():
    with pytest.raises(UnknownNameError, match="got 'huose': did you mean 'house'"):
        span_named(record_of(), "huose")
    with pytest.raises(ParameterError, match="at least one word"):
        chosen_spans(record_of(), [])


def test_words_of_prompts_and_of_other_answers_are_refused():
    chat = Explanation(chat_record())
    with pytest.raises(ParameterError, match="'blue' of the prompt"):
        span_named(chat.record, next(w for w in chat.prompt_words if w.text == "blue"))
    with pytest.raises(ParameterError, match="'tree' of another answer"):
        span_named(small_record(), Explanation(record_of())["tree"])


def test_a_word_that_another_tokenizer_cuts_otherwise_is_refused():
    record = record_of(((" red star", "star"), (" shines", "")))
    assert span_at(record, 1, 9).text == "red star"
    with pytest.raises(ParameterError, match="cut 'red' from the answer alike, got tokens"):
        span_at(record, 1, 4)
