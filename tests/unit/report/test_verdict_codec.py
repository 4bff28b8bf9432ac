import json

import pytest

from golden.verdict_records import diagnosed_record, small_diagnosed_record
from seewhy.core.verdict import CHANGES, SOURCES
from seewhy.report.verdict_codec import verdicts_from_json, verdicts_to_json


def through_json(verdicts):
    return json.loads(json.dumps(verdicts_to_json(verdicts), allow_nan=False))


def test_hand_made_verdicts_have_every_source_and_every_change():
    verdicts = [verdict for verdict in diagnosed_record().verdicts if verdict]
    kinds = {change.kind for verdict in verdicts for change in verdict.because.changes}
    assert {verdict.source for verdict in verdicts} == set(SOURCES)
    assert kinds == set(CHANGES)


@pytest.mark.parametrize("record", [diagnosed_record(), small_diagnosed_record()])
def test_verdicts_from_json_undoes_verdicts_to_json(record):
    assert verdicts_from_json(through_json(record.verdicts), len(record.words)) == record.verdicts


def test_verdicts_of_a_record_that_was_not_diagnosed_are_none():
    assert verdicts_to_json(None) is None
    assert verdicts_from_json(None, 2) is None


@pytest.mark.parametrize("words", [1, 3])
def test_verdicts_from_json_wants_one_for_each_word(words):
    with pytest.raises(ValueError, match=f"each of {words} words, got 2 verdicts"):
        verdicts_from_json([None, None], words)


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (lambda v: v.update(source="luck"), ValueError, "a source of a verdict .*got 'luck'"),
        (lambda v: v["because"]["changes"][0].update(kind="x"), ValueError, "a change .*got 'x'"),
        (lambda v: v.pop("sentence"), TypeError, "sentence"),
        (lambda v: v.update(mood="good"), TypeError, "mood"),
        (lambda v: v["because"].pop("changes"), KeyError, "changes"),
    ],
)
def test_verdicts_from_json_refuses_what_is_no_verdict(damage, error, message):
    data = through_json(small_diagnosed_record().verdicts)
    damage(data[1])
    with pytest.raises(error, match=message):
        verdicts_from_json(data, 2)
