import pytest

from audit_rows import answer_row
from seewhy.audit.answer_index import AnswerIndex
from seewhy.audit.schema import FAILED
from seewhy.core.errors import SchemaError


def failed(id_: str, reason: str, detail: str = ""):
    return answer_row(id_, "", status=FAILED, reason=reason, detail=detail)


def test_index_counts_answers_and_reasons():
    rows = [
        answer_row("a", seconds=1.5), answer_row("b", generated=False, seconds=1.0),
        failed("c", "No picture.", "c.jpg is missing"), failed("d", "Too long."),
        failed("e", "No picture.", "e.jpg is missing"),
    ]  # fmt: skip
    index = AnswerIndex.of(rows)
    assert (index.done, index.failed, index.generated, index.seconds) == (2, 3, 1, 2.5)
    assert [(r.reason, r.count, r.example, r.detail) for r in index.reasons] == [
        ("No picture.", 2, "c", "c.jpg is missing"), ("Too long.", 1, "d", ""),
    ]  # fmt: skip


def test_index_gives_the_prompt_of_each_answer():
    index = AnswerIndex.of(answer_row(f"a{n}", prompt=f"p{n % 3}") for n in range(100))
    assert [index.read(f"a{n}") for n in (50, 3, 99)] == ["p2", "p0", "p0"]


def test_words_of_no_answer_are_an_error():
    with pytest.raises(SchemaError, match="got a word of 'z', which is not among them"):
        AnswerIndex.of([answer_row("a")]).read("z")
    with pytest.raises(SchemaError, match="got a word of 'a'"):
        AnswerIndex.of([]).read("a")


def test_words_of_an_answer_in_two_places_are_an_error():
    index = AnswerIndex.of([answer_row("a")])
    index.read("a")
    with pytest.raises(SchemaError, match="got those of 'a' in two places"):
        index.read("a")


def test_an_answer_that_is_listed_twice_is_an_error():
    with pytest.raises(SchemaError, match="got one 2 times among 3"):
        AnswerIndex.of(map(answer_row, "aba"))
