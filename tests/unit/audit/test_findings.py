import pytest

from seewhy.audit.answer_index import Reason
from seewhy.audit.causes import Cause
from seewhy.audit.findings import finding, sentence, stands_out
from seewhy.functional.proportions import rate

FEW = {"words": rate(50, 1000)}


def cause(follows, lemma, count, total, *, known=0, untrue=0, part="answer", role="noun"):
    part = part if follows else ""
    return Cause(follows, part, lemma, role, rate(count, total), known, untrue)


FISH = cause("boat", "fish", 58, 60, known=58, untrue=57)
FORK = cause("plate", "fork", 31, 40)


def test_finding_names_the_habit_and_what_the_truth_says():
    assert finding([FISH], FEW) == (
        "'fish' is said after 'boat' without the picture in 58 of 60 answers with 'boat', and is "
        "not there in 57 of them; no other habit is as frequent."
    )


def test_finding_names_the_next_habit_where_it_is_half_as_frequent():
    assert finding([FISH, FORK], FEW).endswith(
        "57 of them. Next: 'fork' is said after 'plate' without the picture in 31 of 40 answers "
        "with 'plate'."
    )
    rare = cause("plate", "fork", 20, 20)
    assert finding([FISH, rare], FEW).endswith("no other habit is as frequent.")


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (cause("boat", "fish", 9, 10), "in 9 of 10 answers with 'boat'"),
        (cause("boat", "fish", 9, 10, known=9, untrue=9), ", and is there in none of them"),
        (
            cause("boat", "fish", 9, 10, known=5, untrue=4),
            ", and is not there in 4 of the 5 whose truth is known",
        ),
        (
            cause("", "green", 9, 10, known=9, untrue=8, role="colour"),
            "'green' is said without the picture in 9 of 10 answers with 'green', and is wrong in "
            "8 of them",
        ),
        (
            cause("dog", "yes", 9, 10, part="prompt"),
            "'yes' is said after 'dog' of the prompt without the picture in 9 of 10 answers with "
            "'yes'",
        ),
        (cause("boat", "fish", 1200, 1500), "1,200 of 1,500 answers"),
    ],
)
def test_sentence_says_what_is_known(told, wanted):
    assert sentence(told).endswith(wanted) or wanted in sentence(told)


def test_a_habit_is_more_frequent_than_an_ordinary_word():
    """The low end of 3 of 40 is 0.026, that of 31 of 40 is 0.62."""
    assert stands_out(FORK, FEW["words"])
    assert not stands_out(cause("plate", "fork", 3, 40), FEW["words"])
    assert not stands_out(FORK, rate(700, 1000))


def test_finding_says_when_no_habit_stands_out():
    assert finding([cause("plate", "fork", 3, 400)], FEW) == (
        "No habit stands out: 50 of 1,000 words were said without the picture, and after no single "
        "word does it happen clearly more often."
    )
    assert "1 of 9 words was said" in finding([], {"words": rate(1, 9)})


def test_finding_says_when_every_word_needs_the_picture():
    assert finding([], {"words": rate(0, 9)}) == (
        "No word was said without the picture: none of 9."
    )


def test_finding_says_why_there_are_no_words():
    nothing = {"words": rate(0, 0)}
    assert finding([], nothing, failed=3, reasons=[Reason("No picture.", 3, "a", "")]) == (
        "No word was diagnosed: 3 rows could not be used. Most often: No picture."
    )
    assert finding([], nothing) == "No word was diagnosed: there are no answers with words."
