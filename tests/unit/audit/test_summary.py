import os
import subprocess
import sys

import pytest

from audit_rows import ListedRows, answer_row, scene_rows, word_row
from seewhy.audit.schema import FAILED
from seewhy.audit.summary import SHOWN_MAX, WORST, summarise
from seewhy.core.errors import SchemaError
from seewhy.functional.proportions import rate


@pytest.fixture(scope="module")
def scenes():
    rows = scene_rows(30)
    return rows, summarise(rows)


def test_first_line_names_the_habit_that_was_put_in(scenes):
    _, summary = scenes
    assert summary.finding.startswith("'fish' is said after 'boat' without the picture in ")
    assert summary.causes[0].lemma == "fish"
    assert summary.causes[0].untrue > 5


def test_rates_are_those_of_the_rows(scenes):
    rows, summary = scenes
    words = list(rows.words)
    assert summary.words == len(words)
    assert {name: found.count for name, found in summary.sources.items()} == {
        name: sum(row.source == name for row in words)
        for name in ("picture", "repeats", "words", "misread", "unclear")
    }
    with_bad = len({row.id for row in words if row.support < 0.5})
    assert summary.with_unsupported == rate(with_bad, 30)
    assert (summary.answers.done, summary.answers.failed) == (30, 2)


def test_tables_hold_every_word(scenes):
    _, summary = scenes
    for name in ("word", "role", "prompt"):
        total = sum(group.unsupported.total for group in summary.tables[name].values())
        assert total == summary.words, name
    assert set(summary.tables["prompt"]) == {row.prompt for row in scenes[0].answers} - {""}
    nouns = summary.tables["role"]["noun"].unsupported.total
    assert sum(g.unsupported.total for g in summary.tables["category"].values()) == nouns


def test_figures_stand_on_the_words_whose_truth_is_known(scenes):
    rows, summary = scenes
    assert summary.detection.words == sum(row.supported is not None for row in rows.words)
    assert summary.detection.auroc.value > 0.9
    assert [row.group for row in summary.grounding] == ["all", "attribute", "object", "relation"]
    ious = [row.iou for row in rows.words if row.iou is not None]
    assert summary.grounding[0].iou == pytest.approx(sum(ious) / len(ious))


def test_without_truth_there_are_no_such_figures():
    summary = summarise(scene_rows(6, truth=False))
    assert summary.detection is None
    assert summary.grounding == ()


def test_worst_words_are_sorted_and_leave_out_what_shares_a_verdict(scenes):
    _, summary = scenes
    ranked = summary.worst[: summary.ranked]
    assert [row.support for row in ranked] == sorted(row.support for row in ranked)
    assert all(row.support < 0.5 for row in summary.worst)
    invented = [row for row in ranked if row.source == "words"]
    assert {row.role for row in invented} <= {"noun", "relation"}


def test_every_word_that_is_ever_unsupported_has_an_example():
    """A rare word is not among the worst of all, but a click on its row shows it."""
    often = [word_row(f"a{n}", "fish", support=0.01) for n in range(WORST + 50)]
    rare = [word_row("b", "cup", support=0.4)]
    rows = ListedRows([*(answer_row(row.id) for row in often), answer_row("b")], often + rare)
    summary = summarise(rows)
    assert summary.ranked == WORST
    assert [row.lemma for row in summary.worst[WORST:]] == ["fish"] * 3 + ["cup"] or (
        "cup" in {row.lemma for row in summary.worst[WORST:]}
    )
    assert len({(row.id, row.word) for row in summary.worst}) == len(summary.worst) <= SHOWN_MAX


def test_each_is_called_with_every_word_in_order(scenes):
    rows, _ = scenes
    heard = []
    summarise(rows, heard.append)
    assert heard == list(rows.words)


def test_a_source_of_a_newer_version_is_counted_all_the_same():
    rows = ListedRows([answer_row("a")], [word_row("a", source="dream"), word_row("a", word=1)])
    assert summarise(rows).sources["dream"].count == 1


def test_an_audit_without_words_says_why():
    rows = ListedRows([answer_row("a", "", status=FAILED, reason="No picture.")], [])
    summary = summarise(rows)
    assert summary.finding == (
        "No word was diagnosed: 1 rows could not be used. Most often: No picture."
    )
    assert summary.worst == ()


def test_words_of_an_answer_in_two_places_are_an_error():
    words = [word_row("a"), word_row("b"), word_row("a", word=1)]
    with pytest.raises(SchemaError, match="got those of 'a' in two places"):
        summarise(ListedRows([answer_row("a"), answer_row("b")], words))


MEMORY = """
import resource
from audit_rows import many_words
from seewhy.audit.summary import summarise
for answers in (3_000, 50_000):
    assert summarise(many_words(answers)).words == 6 * answers
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_words():
    """300,000 words are 150 MB as rows. The most that the process held grows by a third of that at
    most: some bytes for each answer, counters of pairs, and what the allocator keeps."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    few, many = map(int, done.stdout.split())
    assert many - few < 50_000
