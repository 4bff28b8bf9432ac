from dataclasses import replace

import pytest

from golden.records import (
    pictures_record,
    same,
    small_views_record,
    with_layers,
    with_visual_share,
)
from seewhy.report.record_codec import record_from_parts, record_to_json, record_to_tensors


def test_record_to_tensors_names_them_after_the_records_fields():
    tensors = record_to_tensors(small_views_record())
    given = ["context", "high", "low", "maps.0", "maps.1"]
    scale = ["is_top1", "maps.0", "maps.1", "probabilities", "weights"]
    grids = [f"base_grids.{view}.{name}" for view in (0, 1) for name in EDGES]
    assert sorted(tensors) == sorted([
        *(f"attribution.{name}" for name in given),
        *(f"attribution.scales.0.{name}" for name in scale),
        *(f"prompt_attribution.{name}" for name in given),
        *grids,
    ])  # fmt: skip


EDGES = ("index", "row_edges", "column_edges")


def test_record_to_tensors_gives_each_its_own_memory():
    tensors = record_to_tensors(pictures_record(explained=True)).values()
    assert len({tensor.data_ptr() for tensor in tensors}) == len(tensors)


def test_record_from_parts_undoes_the_two():
    record = small_views_record()
    images = [picture.image for picture in record.pictures]
    parts = record_to_json(record), record_to_tensors(record), images
    assert same(record_from_parts(*parts, record.provenance), record)


def test_record_from_parts_keeps_the_visual_share():
    record = with_visual_share(small_views_record())
    tensors = record_to_tensors(record)
    assert "prompt_attribution.visual_share" not in tensors
    images = [picture.image for picture in record.pictures]
    back = record_from_parts(record_to_json(record), tensors, images, record.provenance)
    assert back.attribution.visual_share is not None
    assert same(back, record)


def test_record_to_tensors_names_layers_after_their_fields():
    added = set(record_to_tensors(with_layers(small_views_record())))
    added -= set(record_to_tensors(small_views_record()))
    single = ("probabilities", "ranks", "picture", "text", "feed_forward")
    maps = [f"{name}.{view}" for name in ("lens_maps", "share_maps") for view in (0, 1)]
    assert added == {f"layers.{name}" for name in (*single, *maps)}


def test_record_from_parts_keeps_the_layers():
    record = with_layers(small_views_record())
    images = [picture.image for picture in record.pictures]
    parts = record_to_json(record), record_to_tensors(record), images
    back = record_from_parts(*parts, record.provenance)
    assert back.layers is not None
    assert same(back, record)


def test_record_from_parts_refuses_incomplete_layers():
    record = with_layers(small_views_record())
    tensors = record_to_tensors(record)
    del tensors["layers.text"]
    images = [picture.image for picture in record.pictures]
    with pytest.raises(KeyError, match="layers.text"):
        record_from_parts(record_to_json(record), tensors, images, record.provenance)


def test_record_to_json_holds_the_mean_visual_share_of_a_words_tokens():
    record = with_visual_share(small_views_record())
    (_, first, second) = record.attribution.visual_share.tolist()
    data = record_to_json(record)
    assert data["words"][1]["visual_share"] == pytest.approx((first + second) / 2)
    assert data["prompt_words"][0]["visual_share"] is None


def test_record_to_json_holds_the_numbers_of_every_word():
    words = record_to_json(small_views_record())["words"]
    assert [word["best_view"] for word in words] == [1, 0]
    assert (words[1]["low"], words[1]["high"]) == (0.0, 9.0)
    assert words[1]["display_range"] == (0.0, 8.0)
    assert words[1]["brightness"] == 1.0
    assert words[1]["context"][0] == (0, 4 / 6.5)


def test_record_from_parts_keeps_warnings_and_notes_of_words():
    record = replace(small_views_record(), warnings=("Look.",), word_notes=((1, "A star."),))
    images = [picture.image for picture in record.pictures]
    data, tensors = record_to_json(record), record_to_tensors(record)
    assert data["word_notes"] == [{"word": 1, "note": "A star."}]
    assert same(record_from_parts(data, tensors, images, record.provenance), record)


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("warnings", [3], TypeError, "Expected a text, got 3"),
        ("word_notes", [{"word": 9, "note": "a"}], ValueError, "a note of one of 2 words"),
        ("word_notes", [{"word": -1, "note": "a"}], ValueError, "a note of one of 2 words"),
        ("word_notes", [{"word": True, "note": "a"}], ValueError, "a note of one of 2 words"),
        ("word_notes", [{"word": 0, "note": None}], TypeError, "Expected a text, got None"),
        ("word_notes", [{"word": 0}], KeyError, "note"),
    ],
)
def test_record_from_parts_refuses_notes_that_cannot_be(name, value, error, message):
    record = small_views_record()
    images = [picture.image for picture in record.pictures]
    data = {**record_to_json(record), name: value}
    with pytest.raises(error, match=message):
        record_from_parts(data, record_to_tensors(record), images, record.provenance)
