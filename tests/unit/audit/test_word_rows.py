"""Words as rows: verdicts, truths of words and phrases, and where maps lie."""

from __future__ import annotations

import io
import json

import pytest
import torch
from PIL import Image

from audit_parts import SIZE, explanation
from seewhy.audit.diagnosing import THUMBNAIL_SIDE, explain_row, explain_together, thumbnail
from seewhy.audit.source import Judged, SourceRow
from seewhy.audit.word_rows import word_rows
from seewhy.core.sample import Truth
from seewhy.core.verdict import Because, Change


def rows_of(judged=None, **changes):
    explained = explanation()
    for name, value in changes.items():
        setattr(explained, name, value)
    return list(word_rows("a", explained, judged or Judged()))


def corner(top, left):
    """A mask of one quarter of the picture."""
    masks = torch.zeros(1, SIZE, SIZE, dtype=torch.bool)
    half = SIZE // 2
    masks[0, top * half : (top + 1) * half, left * half : (left + 1) * half] = True
    return masks


def test_words_without_a_verdict_have_no_row():
    assert [(row.word, row.text, row.source) for row in rows_of()] == [
        *((1, "red", "words"), (2, "cup", "picture"))
    ]


def test_because_is_stored_as_the_verdict_tells_it():
    given = Change("place-removed", (-0.5,), view=0, box=(1, 2, 3, 4))
    explained = explanation()
    verdict = explained.words[1].verdict
    changed = Because(-0.25, 0.5, (given, Change("grey", (-1.0,))), "answer", 2, noun=2)
    object.__setattr__(verdict, "because", changed)
    row = next(word_rows("a", explained, Judged()))
    assert json.loads(row.because) == verdict.to_json()["because"]
    assert (row.visual_share, row.follows, row.follows_part) == (0.5, "cup", "answer")


def test_nothing_is_known_without_truths():
    for row in rows_of():
        assert (row.category, row.group, row.supported, row.pointing, row.iou) == (
            *("", "", None, None, None),
        )


@pytest.mark.parametrize(("top", "left", "hit"), [(1, 1, True), (0, 0, False)])
def test_the_map_is_compared_with_the_true_region(top, left, hit):
    truth = Truth(6, 9, "kind", regions=(0,), supported=True, category="cup")
    (red, cup) = rows_of(Judged((truth,), corner(top, left), {6: "object"}))
    assert (red.pointing, red.iou, red.supported) == (None, None, None)
    assert (cup.pointing, cup.supported, cup.category, cup.group) == (hit, True, "cup", "object")
    assert cup.iou is not None
    assert (cup.iou > 0.5) == hit


def test_a_phrase_belongs_to_all_its_words_and_its_map_counts_once():
    truth = Truth(0, 9, "kind", regions=(0,), supported=True, category="cup")
    rows = rows_of(Judged((truth,), corner(1, 1), {0: "object"}))
    assert [(row.category, row.group, row.pointing) for row in rows] == [
        *(("cup", "object", None), ("cup", "object", True))
    ]


def test_a_word_s_own_truth_comes_before_that_of_its_phrase():
    truths = (Truth(2, 9, "kind", supported=True), Truth(6, 9, "kind", supported=False))
    assert [row.supported for row in rows_of(Judged(truths))] == [True, False]


def test_an_empty_region_gives_no_figure():
    truth = Truth(6, 9, "kind", regions=(0,))
    (_, cup) = rows_of(Judged((truth,), torch.zeros(1, SIZE, SIZE, dtype=torch.bool)))
    assert (cup.pointing, cup.iou) == (None, None)


def test_an_explanation_without_a_picture_has_no_map():
    for row in rows_of(views=[]):
        assert (row.map, row.map_height, row.peak) == (b"", 0, None)


def test_thumbnails_are_small_and_keep_their_shape():
    for given, expected in (((640, 320), (THUMBNAIL_SIDE, 160)), ((30, 20), (30, 20))):
        content = thumbnail(Image.new("RGB", given, "red"))
        assert Image.open(io.BytesIO(content)).size == expected


class Listening:
    """Keeps what it was asked."""

    def explain(self, *given, **settings):
        self.asked = (given, settings)

    explain_batch = explain


SETTINGS = {"max_new_tokens": 9, "do_sample": True, "method": "tam"}


def test_settings_of_generation_are_not_given_with_an_answer():
    model = Listening()
    explain_row(model, SourceRow("a", (b"x",), "What?", answer="a cup"), SETTINGS)
    assert model.asked == (
        ([b"x"], "What?"),
        {"answer": "a cup", "diagnose": True, "method": "tam"},
    )
    explain_row(model, SourceRow("a", (), "What?"), SETTINGS)
    assert model.asked == ((None, "What?"), {"diagnose": True, **SETTINGS})


def test_chats_take_the_place_of_prompts():
    chat = [{"role": "user", "content": "What?"}]
    model, row = Listening(), SourceRow("a", (b"x",), None, chat)
    explain_row(model, row, {})
    assert model.asked == (([b"x"], None), {"messages": chat, "diagnose": True})
    explain_together(model, [row, row], {})
    assert model.asked == (
        ([[b"x"], [b"x"]], [None, None]),
        {"chunk_size": 2, "diagnose": True, "messages": [chat, chat]},
    )
