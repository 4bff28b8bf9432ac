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

from golden.records import record_of, small_record
from seewhy.report.page import asset
from seewhy.report.payload import SCHEMA_VERSION, data_uri, payload, quantise, typedefs


def values_of(data) -> np.ndarray:
    levels = np.frombuffer(base64.b64decode(data["data"]), np.uint8).astype(float)
    span = data["high"] - data["low"]
    return (data["low"] + levels / 255 * span).reshape(data["height"], data["width"])


def test_payload_is_json_ready_and_versioned():
    told = payload(record_of())
    assert told["schema"] == SCHEMA_VERSION
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_payload_holds_every_words_map_to_8_bit():
    record = record_of()
    told = payload(record)
    for unit, word in zip(told["words"]["answer"], record.words, strict=True):
        wanted = record.attribution.maps[list(word.tokens)].amax(0).numpy()
        step = np.ptp(wanted) / 255
        assert np.abs(values_of(told["maps"][unit["map"]]) - wanted).max() <= 0.52 * step + 1e-4


def test_payload_stores_the_maps_of_a_one_token_word_once():
    told = payload(small_record())
    (a, star), (token_a, *_) = told["words"]["answer"], told["tokens"]["answer"]
    assert a["map"] == token_a["map"]
    # Four units (a, star, st, ar), each with its own map and one scale's.
    assert len(told["maps"]) == 8
    assert star["map"] not in [token["map"] for token in told["tokens"]["answer"]]


def test_payload_puts_context_on_the_displays_scale():
    star = payload(small_record())["words"]["answer"][1]
    assert star["context"] == [[0, 0.444], [2, 0.222], [1, 0.0556]]


def test_payload_leaves_out_context_that_nobody_could_see():
    record = small_record()
    context = record.attribution.context.clone()
    context[2, 2] = context[1, 2] = 0.08
    faint = replace(record, attribution=replace(record.attribution, context=context))
    places = [place for place, _ in payload(faint)["words"]["answer"][1]["context"]]
    assert places == [0, 1]


def test_payload_refuses_numbers_that_are_none():
    record = small_record()
    token = replace(record.tokens[0], probability=math.nan)
    with pytest.raises(ValueError, match="finite numbers in a record, got nan"):
        payload(replace(record, tokens=(token, *record.tokens[1:])))


def test_typedefs_stand_in_the_page_as_generated():
    assert typedefs() in asset("page.js"), "run typedefs() and put its text into assets/page.js"


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
    image = record_of().image
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
