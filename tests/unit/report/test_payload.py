import base64
import io
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from golden.records import (
    chat_record,
    clip_record,
    mixed_record,
    pictures_record,
    record_of,
    small_record,
    small_views_record,
    with_layers,
    with_visual_share,
)
from seewhy.report import payload_pictures as module
from seewhy.report.payload import (
    SCHEMA_VERSION,
    clock,
    data_uri,
    payload,
    quantise,
    view_names,
)
from seewhy.report.word_layers import word_layers


def values_of(data) -> np.ndarray:
    levels = np.frombuffer(base64.b64decode(data["data"]), np.uint8).astype(float)
    span = data["high"] - data["low"]
    return (data["low"] + levels / 255 * span).reshape(data["height"], data["width"])


@pytest.mark.parametrize(
    "make", [record_of, pictures_record, clip_record, mixed_record, chat_record]
)
def test_payload_is_json_ready_and_versioned(make):
    told = payload(make())
    assert told["schema"] == SCHEMA_VERSION
    assert json.loads(json.dumps(told, allow_nan=False)) == told


@pytest.mark.parametrize("make", [record_of, pictures_record, clip_record])
def test_payload_holds_every_words_map_to_8_bit(make):
    record = make()
    told = payload(record)
    for unit, word in zip(told["words"]["answer"], record.words, strict=True):
        assert len(unit["maps"]) == len(record.pictures)
        for at, maps in zip(unit["maps"], record.attribution.maps, strict=True):
            wanted = maps[list(word.tokens)].amax(0).numpy()
            step = np.ptp(wanted) / 255
            assert np.abs(values_of(told["maps"][at]) - wanted).max() <= 0.52 * step + 1e-4


def test_payload_stores_the_maps_of_a_one_token_word_once():
    told = payload(small_record())
    (a, star), (token_a, *_) = told["words"]["answer"], told["tokens"]["answer"]
    assert a["maps"] == token_a["maps"]
    # Four units (a, star, st, ar), each with its own map and one scale's.
    assert len(told["maps"]) == 8
    assert star["maps"] not in [token["maps"] for token in told["tokens"]["answer"]]


def test_payload_tells_context_as_shares():
    star = payload(small_record())["words"]["answer"][1]
    assert star["context"] == [[0, 0.615], [2, 0.308], [1, 0.0769]]


def test_payload_leaves_out_context_below_the_visible_minimum():
    record = small_record()
    context = record.attribution.context.clone()
    context[2, 2] = context[1, 2] = 0.039  # of 4.0: less than a hundredth
    faint = replace(record, attribution=replace(record.attribution, context=context))
    places = [place for place, _ in payload(faint)["words"]["answer"][1]["context"]]
    assert places == [0, 1]


def test_payload_refuses_numbers_that_are_not_finite():
    record = small_record()
    token = replace(record.tokens[0], probability=math.nan)
    with pytest.raises(ValueError, match="finite numbers in a record, got nan"):
        payload(replace(record, tokens=(token, *record.tokens[1:])))


def test_payload_holds_the_maps_of_scales_for_each_view():
    record = pictures_record()
    told = payload(record)
    for unit in told["tokens"]["answer"]:
        (token,) = unit["tokens"]
        for entry, scale in zip(unit["scales"], record.attribution.scales, strict=True):
            assert len(entry["maps"]) == 2
            for at, maps in zip(entry["maps"], scale.maps, strict=True):
                wanted = maps[token].numpy()
                step = np.ptp(wanted) / 255
                assert np.abs(values_of(told["maps"][at]) - wanted).max() <= 0.52 * step + 1e-4
    seen = [list(map(list, view.model_sizes)) for view in record.attribution.scales]
    assert [scale["model_sizes"] for scale in told["scales"]] == seen


def test_payload_keeps_the_prompts_maps_apart_from_the_answers():
    told = payload(small_views_record())
    look, up = told["words"]["prompt_units"]
    assert [span["unit"] for span in told["words"]["prompt"]] == [0, 1]
    assert (look["text"], up["context"]) == ("Look", [[0, 1.0]])
    assert values_of(told["maps"][look["maps"][1]]).tolist() == [[0.0, 6.0]]
    used = [at for unit in told["words"]["answer"] for at in unit["maps"]]
    assert not set(used) & {*look["maps"], *up["maps"]}
    # A prompt's word of one token shares that token's maps, too.
    assert told["tokens"]["prompt_units"][0]["maps"] == look["maps"]


def test_payload_marks_a_prompt_that_was_not_explained():
    told = payload(small_record())
    assert told["words"]["prompt_units"] == told["tokens"]["prompt_units"] == []
    assert [span["unit"] for span in told["words"]["prompt"]] == [None, None]


def test_payload_holds_turns_and_contrasts():
    record = chat_record()
    told = payload(record)
    said = [told["prompt"][turn["start"] : turn["end"]] for turn in told["turns"]]
    assert [turn["role"] for turn in told["turns"]] == ["system", "user", "assistant", "user"]
    assert said[1] == "What is blue in this picture?"
    assert told["contrasts"] == [{"word": 2, "alternative": "sun"}]


def test_payload_distinguishes_steps_of_a_clip_from_pictures():
    told = payload(mixed_record())["pictures"]
    assert [one["clip"] for one in told] == [False, *[True] * 6, False]
    assert [one["medium"] for one in told] == [0, *[1] * 6, 2]
    assert [one["seconds"] for one in told[1:3]] == [0.0, 0.5]
    assert told[2]["frames"] == [2, 3]


def test_payload_holds_no_more_pixels_of_many_steps_than_of_one_picture(monkeypatch):
    sides = []
    monkeypatch.setattr(module, "data_uri", lambda image, side: sides.append(side) or "")
    for record in (record_of(), pictures_record(), clip_record(4), clip_record(16)):
        payload(record)
    assert sides == [1600, *[1131] * 2, *[800] * 4, *[480] * 16]


def test_view_names_are_plain():
    assert view_names(record_of().pictures) == ["picture"]
    assert view_names(pictures_record().pictures) == ["picture 1", "picture 2"]
    assert view_names(clip_record(3).pictures) == ["0:00.0", "0:00.5", "0:01.0"]
    mixed = view_names(mixed_record().pictures)
    assert (mixed[0], mixed[2], mixed[-1]) == ("picture 1", "clip at 0:00.5", "picture 2")


def test_view_names_number_clips_and_fall_back_on_frames():
    steps = clip_record(2).pictures
    second = tuple(replace(step, medium=1, seconds=None) for step in steps)
    assert view_names((*steps, *second)) == [
        "clip 1 at 0:00.0", "clip 1 at 0:00.5", "clip 2 at frame 0", "clip 2 at frame 2",
    ]  # fmt: skip


@given(st.lists(st.floats(0, 1e4, width=32), min_size=6, max_size=6))
def test_quantise_keeps_values_within_half_a_level(numbers):
    map_ = torch.tensor(numbers).view(2, 3)
    span = float(map_.max() - map_.min())
    # Half a level, and what rounding the ends to five digits may move.
    allowed = span / 255 / 2 + 2e-5 * float(map_.max())
    assert np.abs(values_of(quantise(map_)) - map_.numpy()).max() <= allowed + 1e-30


def test_quantise_keeps_a_flat_map_flat():
    assert values_of(quantise(torch.full((2, 2), 3.5))).tolist() == [[3.5, 3.5], [3.5, 3.5]]


def test_data_uri_keeps_a_drawing_lossless():
    image = record_of().pictures[0].image
    head, data = data_uri(image).split(",")
    assert head == "data:image/png;base64"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), image)


def test_data_uri_makes_a_photograph_a_jpeg():
    dice = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 256, (200, 300, 3), generator=dice, dtype=torch.uint8)
    assert data_uri(noise).startswith("data:image/jpeg;base64,")


def test_data_uri_shrinks_a_large_picture_and_keeps_its_shape():
    data = data_uri(torch.zeros(300, 900, 3, dtype=torch.uint8), side=90).split(",")[1]
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (90, 30)


def test_clock_counts_minutes_of_sixty_seconds():
    assert [clock(seconds) for seconds in (0.04, 59.96, 95.5, 3725.5)] == [
        "0:00.0", "1:00.0", "1:35.5", "62:05.5",
    ]  # fmt: skip


def test_payload_holds_the_mean_visual_share_of_a_words_tokens():
    record = with_visual_share(small_record())
    assert record.attribution.visual_share is not None
    (one, first, second) = record.attribution.visual_share.tolist()
    shares = [unit["visual_share"] for unit in payload(record)["words"]["answer"]]
    assert shares == pytest.approx([one, (first + second) / 2], abs=1e-4)


# --- layers ----------------------------------------------------------------------------------


def test_payload_has_no_layers_and_no_more_maps_where_the_record_has_none():
    plain, layered = payload(small_record()), payload(with_layers(small_record()))
    units = [*plain["words"]["answer"], *plain["tokens"]["answer"]]
    assert [unit["layers"] for unit in units] == [[]] * len(units)
    # Two words and three tokens; the word of one token shares its maps.
    assert len(layered["maps"]) - len(plain["maps"]) == 4 * 6 * 2


def test_payload_holds_a_words_layers():
    record = with_layers(small_views_record())
    assert record.layers is not None
    word = word_layers(record.layers, record.words[1].tokens)
    data = payload(record)
    layers = data["words"]["answer"][1]["layers"]
    assert [one["probability"] for one in layers] == pytest.approx(word.probabilities, rel=1e-4)
    assert [one["rank"] for one in layers] == word.ranks.tolist()
    assert [one["feed_forward"] for one in layers] == pytest.approx(word.feed_forward, rel=1e-4)
    for index, one in enumerate(layers):
        assert one["picture"] == pytest.approx(word.picture[index], rel=6e-3)
        assert one["text"] == pytest.approx(word.text[index], rel=6e-3)
        for maps, whole in ((one["lens"], word.lens_maps), (one["taken"], word.share_maps)):
            for number, values in zip(maps, whole, strict=True):
                stored = data["maps"][number]
                assert (stored["height"], stored["width"]) == values.shape[1:]
                assert stored["high"] == pytest.approx(values[index].max(), rel=1e-4)
                step = (stored["high"] - stored["low"]) / 255
                assert values_of(stored) == pytest.approx(values[index], abs=step)


def test_payload_of_layers_holds_none_for_the_prompts_words():
    asked = payload(with_layers(small_views_record()))["words"]["prompt_units"]
    assert asked
    assert all(unit["layers"] == [] for unit in asked)


def test_payload_refuses_layers_that_are_not_finite():
    record = with_layers(small_record())
    assert record.layers is not None
    record.layers.probabilities[0, 0] = math.nan
    with pytest.raises(ValueError, match="Expected finite numbers in a record, got nan"):
        payload(record)
