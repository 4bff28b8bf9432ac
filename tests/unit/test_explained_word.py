"""`ExplainedWord.verdict`, `Explanation.worst`, and both in JSON."""

import json
from dataclasses import replace

import pytest

from golden.records import chat_record, record_of
from golden.verdict_records import STAR, TREE, diagnosed_record, with_verdicts
from seewhy import Explanation
from seewhy.core.errors import InputError


@pytest.fixture
def explanation() -> Explanation:
    return Explanation(diagnosed_record())


def test_word_has_its_verdict(explanation):
    assert explanation["star"].verdict is explanation.record.verdicts[STAR]
    assert explanation["the"].verdict is None


def test_phrase_has_the_verdict_of_its_last_word_that_has_one(explanation):
    verdicts = explanation.record.verdicts
    assert explanation.phrase("green", "tree").verdict is verdicts[TREE]
    assert explanation.phrase("star", "star").verdict is verdicts[STAR]
    assert explanation.phrase("red", "star").verdict is verdicts[STAR]
    assert explanation.phrase("it", ".").verdict is explanation["it"].verdict
    assert explanation.phrase("to", "the").verdict is None


def test_token_has_the_verdict_of_its_word(explanation):
    tokens = explanation["star"].tokens
    assert [token.text.strip() for token in tokens] == ["st", "ar"]
    assert [token.verdict for token in tokens] == [explanation["star"].verdict] * 2
    assert explanation.tokens[-1].verdict is None


def test_verdict_names_its_remedy_where_there_is_none():
    with pytest.raises(InputError, match=r"got one without.*diagnose=True.*--diagnose"):
        _ = Explanation(record_of())["star"].verdict


def test_verdict_is_refused_for_words_of_the_prompt():
    explanation = Explanation(with_verdicts(chat_record()))
    with pytest.raises(InputError, match="of the prompt: only words that the model chose"):
        _ = explanation.prompt_words[0].verdict
    assert "verdict" not in explanation.prompt_words[0].to_json()


def test_worst_is_the_word_with_the_smallest_support(explanation):
    assert explanation.worst is explanation[TREE]
    none = replace(explanation.record, verdicts=(None,) * len(explanation))
    assert Explanation(none).worst is None
    with pytest.raises(InputError, match="diagnose=True"):
        _ = Explanation(record_of()).worst


def test_to_json_has_verdicts_where_the_answer_was_diagnosed(explanation):
    told = json.loads(json.dumps(explanation.to_json(), allow_nan=False))["words"]
    verdict = explanation["tree"].verdict
    assert told[TREE]["verdict"] == verdict.to_json()
    assert told[TREE]["verdict"]["because"]["changes"][1]["kind"] == "grey"
    assert told[0]["verdict"] is None
    assert all("verdict" not in word for word in Explanation(record_of()).to_json()["words"])


def test_notebook_shows_a_diagnosed_explanation(explanation):
    frame = explanation.frame()._repr_html_()
    assert frame.count("<") == 2
    assert "verdict-legend" in frame
