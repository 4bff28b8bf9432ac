"""The audit with the shipped model: drawn scenes in, verdicts and a page out."""

from __future__ import annotations

import json

import pytest

import seewhy
from seewhy.audit import AuditConfig, Store, run_audit
from seewhy.audit.reports import worst_answers
from seewhy.cli.main import main
from seewhy.core.verdict import SOURCES

MODEL = "tiny-qwen2-vl"


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    out = tmp_path_factory.mktemp("audit") / "a"
    words = ["audit", "testbed:count=3", "--model", MODEL, "--out", str(out), "--quiet"]
    assert main([*words, "--reports", "worst:1"]) == 0
    return Store(out)


def test_every_word_that_says_something_has_a_verdict(audited):
    answers = list(audited.iter_answers())
    assert [row.status for row in answers] == ["done"] * 3
    assert all(row.generated and row.answer and row.thumbnail for row in answers)
    words = list(audited.iter_words())
    assert {word.id for word in words} == {row.id for row in answers}
    said = {row.id: row.answer for row in answers}
    for word in words:
        assert said[word.id][word.start : word.end] == word.text
        assert 0 <= word.support <= 1
        assert word.source in SOURCES
        assert len(word.map) == word.map_height * word.map_width > 0
        assert json.loads(word.because)["changes"]
    assert any(word.supported for word in words)
    assert any(word.iou is not None and word.pointing is not None for word in words)


def test_verdicts_are_those_of_a_single_explanation(audited):
    row = next(audited.iter_answers())
    explanation = seewhy.load(MODEL).explain(_picture(row.id), row.prompt, diagnose=True)
    assert explanation.answer == row.answer
    words = [word for word in audited.iter_words() if word.id == row.id]
    verdicts = {i: w.verdict for i, w in enumerate(explanation) if w.verdict is not None}
    assert [word.word for word in words] == list(verdicts)
    for word in words:
        verdict = verdicts[word.word]
        assert (word.source, word.sentence) == (verdict.source, verdict.sentence)
        assert word.support == pytest.approx(verdict.support, abs=1e-4)


def test_the_worst_answer_has_a_report_that_opens(audited):
    (worst,) = worst_answers(audited.iter_words(), 1)
    (row,) = [row for row in audited.iter_answers() if row.report]
    assert row.id == worst
    explanation = seewhy.open(audited.folder / row.report)
    assert explanation.answer == row.answer
    assert (audited.folder / row.report / "report.html").is_file()
    assert not (audited.folder / row.report / "overlays").exists()
    page = (audited.folder / "audit.html").read_text("utf-8")
    assert f"{row.report}/report.html" in page


def test_given_answers_are_diagnosed_in_batches_by_workers(audited, tmp_path):
    """The same answers, given: the same words with verdicts."""
    log = tmp_path / "log.jsonl"
    rows = list(audited.iter_answers())
    lines = []
    for row in rows:
        path = tmp_path / f"{row.id}.png"
        _picture(row.id).save(path)
        lines.append({"image": path.name, "prompt": row.prompt, "answer": row.answer, "id": row.id})
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    config = AuditConfig(
        f"log:{log}", tmp_path / "a", MODEL, workers=2, batch=2, reports="none", page=False
    )
    result = run_audit(config)
    assert (result.done, result.reasons) == (3, {})
    found = {row.id: (row.answer, row.generated) for row in result.store.iter_answers()}
    assert found == {row.id: (row.answer, False) for row in rows}
    texts = {(word.id, word.word, word.text) for word in result.store.iter_words()}
    assert texts == {(word.id, word.word, word.text) for word in audited.iter_words()}


def _picture(id):
    from PIL import Image

    from seewhy.testbed.scenes import draw, scene

    return Image.fromarray(draw(scene(int(id.rpartition("-")[2]), "heldout")).image)
