from dataclasses import replace

from golden.records import small_record


def test_prompt_words_follow_the_prompt_tokens():
    assert [(w.text, w.tokens) for w in small_record().prompt_words] == [
        ("Look", (0,)),
        ("up", (1,)),
    ]


def test_derived_is_computed_once_and_kept_with_the_record():
    calls = []

    def length(record) -> int:
        calls.append(record)
        return len(record.answer)

    record = small_record()
    assert [record.derived(length) for _ in range(3)] == [6, 6, 6]
    assert calls == [record]


def test_derived_of_a_changed_record_is_computed_anew():
    def answer(record) -> str:
        return record.answer

    record = small_record()
    assert record.derived(answer) == "a star"
    assert replace(record, answer="a cat").derived(answer) == "a cat"
