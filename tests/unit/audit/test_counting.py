import pytest

from audit_rows import word_row
from seewhy.audit.counting import OTHERS, Table


def test_table_counts_words_answers_support_and_truth():
    table = Table()
    table.add([("cup", word_row(support=0.2, supported=False)), ("cup", word_row(support=0.8))])
    table.add([("cup", word_row("b", support=0.5, supported=True, source="picture"))])
    group = table.groups["cup"]
    assert (group.unsupported.total, group.unsupported.clusters) == (3, 2)
    assert group.unsupported.hits == 1
    assert group.mean_support == pytest.approx(0.5)
    assert (group.known, group.untrue) == (2, 1)
    assert group.sources == {"words": 2, "picture": 1}
    assert [row.support for row in group.examples.rows()] == [0.2]


def test_table_leaves_words_without_a_key_out():
    table = Table()
    table.add([("", word_row())])
    assert table.groups == {}


def test_table_counts_keys_beyond_its_limit_together():
    table = Table(limit=2)
    table.add([(key, word_row()) for key in "abcdab"])
    assert {key: group.unsupported.total for key, group in table.groups.items()} == {
        "a": 2, "b": 2, OTHERS: 2,
    }  # fmt: skip
