import json
import re
from dataclasses import replace

import pytest

from golden.records import small_record
from golden.verdict_records import TREE, diagnosed_record, small_diagnosed_record
from seewhy.cli._verdicts import MARKS
from seewhy.core.verdict import CHANGES, SOURCES
from seewhy.report.page import asset, html
from seewhy.report.payload import payload
from seewhy.report.verdict_payload import verdict_data


def test_payload_has_an_entry_for_each_word_of_a_diagnosed_answer():
    record = diagnosed_record()
    told = payload(record)["verdicts"]
    assert told is not None
    assert [bool(one) for one in told] == [bool(one) for one in record.verdicts]
    assert payload(small_record())["verdicts"] is None


def test_verdict_data_holds_what_was_changed():
    told = verdict_data(diagnosed_record().verdicts[TREE])
    assert told is not None
    assert (told["part"], told["follows"], told["noun"]) == ("answer", 7, None)
    assert [change["kind"] for change in told["changes"]] == [
        "other-pictures", "grey", "word-dropped", "word-swapped",
    ]  # fmt: skip
    assert len(told["changes"][0]["log_probabilities"]) == 12
    assert told["changes"][3]["replacement"] == "boat"
    assert verdict_data(None) is None


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_verdict_data_refuses_numbers_that_are_not_finite(value):
    verdict = small_diagnosed_record().verdicts[1]
    broken = replace(verdict, because=replace(verdict.because, log_probability=value))
    with pytest.raises(ValueError, match="finite numbers"):
        verdict_data(broken)


def test_page_escapes_a_hostile_sentence():
    page = html(diagnosed_record())
    assert "<b>bold</b>" not in page
    data = page.split('id="payload">')[1].split("</script>")[0]
    sentences = [one["sentence"] for one in json.loads(data)["verdicts"] if one]
    assert any("</script><b>bold</b>" in sentence for sentence in sentences)


def test_page_and_terminal_name_every_source_alike():
    script = asset("js/shared/verdict_marks.js")
    named = re.search(r"export const SOURCES = \{(.*?)\};", script, re.DOTALL)
    assert named is not None
    found = dict(re.findall(r'(\w+): "([^"]*)"', named[1]))
    assert found == {source: meaning for source, (_, _, meaning) in MARKS.items()}
    assert list(found) == list(SOURCES)


@pytest.mark.parametrize("kind", CHANGES)
def test_page_has_a_name_for_every_change(kind):
    assert re.search(rf'^    "?{kind}"?: \[', asset("js/report/change_plot.js"), re.MULTILINE)


@pytest.mark.parametrize("source", SOURCES)
def test_page_has_a_shape_and_a_colour_for_every_source(source):
    style = re.search(
        rf'\.unit\[data-source="{source}"\] \{{(.*?)\}}', asset("verdicts.css"), re.DOTALL
    )
    assert style is not None
    assert "--shape:" in style[1]
    assert re.search(rf"^  {source}: \{{ d: ", asset("js/shared/verdict_marks.js"), re.MULTILINE)
    rule = f'[data-source="{source}"] {{ --source: var(--from-{source}); }}'
    assert rule in asset("look.css")
