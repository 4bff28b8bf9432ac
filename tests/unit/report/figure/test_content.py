from dataclasses import replace

import pytest

from figure_records import explained_by
from golden.location_records import box_record
from golden.records import chat_record, clip_record, draw, pictures_record, pixels, record_of
from seewhy.core.errors import ParameterError
from seewhy.report.figure import FigureOptions
from seewhy.report.figure.content import content_of, explanation_names

STAR, TREE = 2, 12


def content(record, words=None, others=(), name=None, **options):
    return content_of(record, words, others, FigureOptions.of(**options), name)


def shown(row):
    """Title and view of each panel."""
    return [panel and (panel.title, panel.view) for panel in row.panels]


def test_row_is_the_picture_and_the_maps_with_probabilities():
    record = record_of()
    made = content(record, ["tree", "star"])
    (row,) = made.rows
    assert shown(row) == [("picture", 0), ("tree", 0), ("star", 0)]
    probability = next(s.probability for s in made.spans if s.text == "star")
    assert row.panels[2].lines == (f"p = {probability:.2f}",)


def test_row_of_several_pictures_shows_each_word_over_its_brightest():
    (row,) = content(pictures_record(), [STAR, TREE]).rows
    assert shown(row) == [("picture 1", 0), ("picture 2", 1), ("star", 0), ("tree", 1)]
    assert row.panels[3].lines[0] == "picture 2"
    (row,) = content(pictures_record(), [STAR, TREE], view=1).rows
    assert shown(row) == [("picture 2", 1), ("star", 1), ("tree", 1)]


def test_row_of_a_clip_names_the_steps():
    made = content(clip_record(), [STAR])
    (row,) = made.rows
    assert shown(row) == [("0:01.0", 2), ("star", 2)]
    assert row.panels[1].lines[0] == "0:01.0"


def test_contrast_is_told_below_the_word():
    (row,) = content(chat_record(), [STAR, TREE]).rows
    assert row.panels[1].lines[0] == "rather than sun"
    assert len(row.panels[2].lines) == 1


def test_grid_of_methods_has_the_picture_once_and_words_below_the_last_row():
    record = record_of()
    others = [explained_by(record, "tam"), explained_by(record, "attn-lrp", seed=2)]
    made = content(record, [STAR, TREE], others)
    assert made.layout == "grid"
    assert [row.title for row in made.rows] == ["intra-modal", "tam", "attn-lrp"]
    assert [row.panels[0] is None for row in made.rows] == [False, True, True]
    assert [row.panels[1].title for row in made.rows] == ["", "", "star"]
    assert [len(row.panels[1].lines) for row in made.rows] == [0, 0, 1]
    assert {panel.record.provenance.method for panel in made.rows[1].panels[1:]} == {"tam"}


def test_grid_of_models_tells_each_ones_probability():
    record = record_of()
    made = content(
        record, [STAR], [explained_by(record, "intra-modal", "/home/me/tuned")], layout="grid"
    )
    assert [row.title for row in made.rows] == ["seewhy/tiny-qwen2-vl", "tuned"]
    told = [row.panels[1].lines for row in made.rows]
    assert told[0] != told[1]
    assert [row.panels[1].title for row in made.rows] == ["star", "star"]


def test_grid_of_one_explanation_has_a_row_for_each_picture():
    made = content(pictures_record(), [STAR, TREE], layout="grid")
    assert [shown(row) for row in made.rows] == [
        [("picture 1", 0), ("star", 0), ("tree", 0)],
        [("picture 2", 1), ("star", 1), ("tree", 1)],
    ]
    star = made.spans[0]
    assert made.rows[0].panels[1].lines == (f"{100 * star.shares[0]:.0f} % of its map",)


def test_grid_continues_words_that_do_not_fit_in_further_rows():
    record = record_of()
    made = content(record, list(range(8)), [explained_by(record, "tam")])
    assert [row.title for row in made.rows] == ["intra-modal", "tam"] * 2
    assert len({len(row.panels) for row in made.rows}) == 1
    assert [row.panels[0] is None for row in made.rows] == [False, True, True, True]
    assert len(content(record, [1, 2, 3], layout="grid", columns=2).rows) == 3


def test_grid_shows_each_picture_where_explanations_have_other_ones():
    record = record_of()
    erased = replace(record.pictures[0], image=pixels(draw(objects={})))
    other = replace(explained_by(record, "intra-modal"), pictures=(erased,))
    made = content(record, [STAR, TREE], [other])
    assert all(row.panels[0] is not None for row in made.rows)
    assert [row.title for row in made.rows] == ["intra-modal (1)", "intra-modal (2)"]


def test_one_word_of_several_explanations_is_a_row():
    record = record_of()
    made = content(record, [STAR], [explained_by(record, "tam")])
    (row,) = made.rows
    assert [panel.lines[:1] for panel in row.panels[1:]] == [("intra-modal",), ("tam",)]


def test_names_are_methods_models_both_or_those_given():
    record = record_of()
    tam = explained_by(record, "tam")
    tuned = explained_by(record, "intra-modal", "me/tuned")
    both = explained_by(record, "tam", "me/tuned")
    assert explanation_names((record, tam)) == ("intra-modal", "tam")
    assert explanation_names((record, tuned)) == ("seewhy/tiny-qwen2-vl", "me/tuned")
    assert explanation_names((record, both))[1] == "me/tuned, tam"
    assert content(record, [2], {"TAM": tam}, name="ours").names == ("ours", "TAM")


def test_explanations_of_other_answers_or_pictures_are_refused():
    with pytest.raises(ParameterError, match="explanations of one answer, got 'A red star"):
        content(record_of(), [2], [record_of((("No", ""),))])
    record = pictures_record()
    with pytest.raises(ParameterError, match="as many pictures, got 2 and 1"):
        content(record, [2], [replace(record, pictures=record.pictures[:1])])
    with pytest.raises(ParameterError, match="one of 2 views, got 2: give 0 to 1"):
        content(record, [2], view=2)


def test_notes_tell_warnings_words_left_out_and_boxes_that_are_missing():
    record = replace(record_of(), warnings=("The shipped models know drawn scenes only.",))
    made = content(record, draw_boxes=True)
    assert made.notes[0] == record.warnings[0]
    assert "4 of the answer's 11 main words are shown" in made.notes[1]
    assert "no box or point that could be placed" in made.notes[2]
    assert content(box_record(), [1], draw_boxes=True).notes == ()
