"""Idefics3 and SmolVLM: inputs as of the real processors, and every token over its own pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import tiny_idefics3
import torchvision_shim
from painting import centres_seen, noise, off_centre, ramps, share_found, silence
from seewhy.core.errors import GeometryError, UnsupportedInputError, UnsupportedModelError
from seewhy.images.clips import Clip
from seewhy.models import Family, load, prepare
from seewhy.models.families.idefics3 import cell_edges, placeholder, tile_order
from seewhy.models.families.smolvlm import number_in_words

PROMPT = "Describe the picture."

#: Width and height, and the grid of tiles (columns, rows) of the tiny models.
SHAPES = {(240, 60): (4, 1), (60, 240): (1, 4), (150, 100): (4, 3), (97, 131): (3, 4)}
CLIP = Clip((noise(97, 131, 0), noise(97, 131, 1), noise(97, 131, 2)), (0.0, 2.0, 65.0))
KINDS = {"idefics3": {}, "smolvlm": {"tile": 38, "longest": 152}}

every_kind = pytest.mark.parametrize("kind", KINDS)


def family(kind: str = "idefics3", **settings: Any) -> tuple[Family, Any]:
    pair = tiny_idefics3.build(kind, **{**KINDS[kind], **settings})
    return load(pair).family, pair[1]


@every_kind
@pytest.mark.parametrize("shape", [*SHAPES, (32, 32), (5, 1)])
def test_prepare_equals_the_real_processor(kind, shape):
    adapter, processor = family(kind)
    image = noise(*shape)
    real, ours = tiny_idefics3.call(processor, [image], PROMPT), prepare(adapter, image, PROMPT)
    assert set(real) == set(ours.tensors)
    for name, tensor in real.items():
        assert torch.equal(ours.tensors[name], tensor), name


@every_kind
@pytest.mark.parametrize(
    "settings",
    [{"do_image_splitting": False}, {"do_resize": False}, {"longest": 30}, {"longest": 100}],
)
def test_prepare_equals_the_real_processor_in_unusual_settings(kind, settings):
    adapter, processor = family(kind, **settings)
    for image in (noise(97, 131), noise(20, 10)):
        real = tiny_idefics3.call(processor, [image], PROMPT)
        ours = prepare(adapter, image, PROMPT)
        assert torch.equal(ours.tensors["input_ids"], real["input_ids"])
        assert torch.equal(ours.tensors["pixel_values"], real["pixel_values"])
        sizes = [adapter.process_image(image, scale).size for scale in (0.5, 0.75, 1.0, 1.25, 2.0)]
        assert sizes == sorted(sizes)


@pytest.mark.skipif(not torchvision_shim.available(), reason="torchvision is not beside the venv")
def test_prepare_equals_the_real_processor_on_the_default_backend():
    pictures = [noise(*shape) for shape in SHAPES]
    pairs = torchvision_shim.with_torchvision(
        "tiny_idefics3:with_default_backend", pictures, PROMPT
    )
    assert len(pairs) == 2 * len(SHAPES)
    for real, ours in pairs:
        for name, values in real.items():
            assert np.array_equal(ours[name], values), name


@every_kind
def test_collate_equals_the_real_processor_for_two_pictures(kind):
    adapter, processor = family(kind)
    pictures = [noise(240, 60), noise(97, 131)]
    real = tiny_idefics3.call(processor, pictures, PROMPT)
    visuals = [adapter.process_image(picture) for picture in pictures]
    joined = adapter.collate([visuals])
    assert set(joined) == {"pixel_values", "pixel_attention_mask"}
    assert all(torch.equal(joined[name], real[name]) for name in joined)
    text = "".join(one.placeholder for one in visuals)
    ids = torch.tensor(processor.tokenizer(text)["input_ids"])
    assert int((ids == adapter.image_token_id).sum()) == sum(one.visual for one in visuals)


@every_kind
def test_collate_fills_shorter_rows_with_tiles_that_the_model_leaves_out(kind):
    adapter, _ = family(kind)
    one, other = (adapter.process_image(noise(*shape)) for shape in ((240, 60), (97, 131)))
    rows = [[one], [other, one], []]
    joined = adapter.collate(rows)
    assert joined["pixel_values"].shape[:2] == (3, 18)
    model: Any = adapter.model
    with torch.no_grad():
        features = model.get_image_features(**joined).pooler_output
    wanted = [[adapter.visual_features(visual) for visual in row] for row in rows]
    for got, row in zip(features, wanted, strict=True):
        expected = torch.cat(row) if row else torch.empty(0, 48)
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)


@every_kind
@pytest.mark.parametrize(("shape", "tiles"), SHAPES.items())
def test_process_image_lays_out_tiles_before_the_whole_picture(kind, shape, tiles):
    adapter, _ = family(kind)
    visual = adapter.process_image(noise(*shape))
    columns, rows = tiles
    raster, whole = visual.geometry.grids
    assert (raster.name, whole.name) == ("tiles", "thumbnail")
    assert raster.shape == (rows * 2, columns * 2)
    assert whole.index.flatten().tolist() == list(range(rows * columns * 4, visual.visual))
    assert adapter.visual_features(visual).shape[0] == visual.visual


def test_process_image_leaves_the_rest_of_a_tile_to_its_last_cell():
    adapter, _ = family("smolvlm")
    raster, whole = adapter.process_image(noise(152, 38)).geometry.grids
    assert raster.column_edges.tolist() == pytest.approx([0, 16, 38, 54, 76, 92, 114, 130, 146])
    assert raster.row_edges.tolist() == pytest.approx([0, 16, 32])
    assert whole.column_edges.tolist() == pytest.approx([0, 64, 128])
    assert adapter.process_image(noise(152, 38)).size == (4 * 32, 32)


@every_kind
@pytest.mark.parametrize("shape", [(40, 40), (300, 299), (30, 200), (97, 131)])
@pytest.mark.parametrize("scale", [0.25, 1.0, 1.5])
def test_embed_moves_most_where_a_block_is_painted(kind, shape, scale):
    adapter, _ = family(kind)
    silence(adapter.model, *tiny_idefics3.ATTENTION)
    assert share_found(adapter, noise(*shape), scale, number=12) == 1


@pytest.mark.parametrize("shape", [*SHAPES, (180, 170)])
@pytest.mark.parametrize("scale", [0.25, 0.5, 1.0, 1.5])
def test_boxes_lie_where_the_pixels_come_from(shape, scale):
    adapter, processor = family()
    visual = adapter.process_image(ramps(*shape), scale)
    tiles = visual.tensors["pixel_values"][0]
    pictures = processor.image_processor
    columns = visual.size[0] // tiles.shape[-1]
    grid = (
        torch.cat([torch.cat(list(row), 2) for row in tiles[:-1].split(columns)], 1)
        if (len(tiles) > 1)
        else tiles[-1]
    )
    for tokens, pixels in zip(visual.geometry.grids, (grid, tiles[-1]), strict=False):
        centres = centres_seen(pixels, 16, pictures.image_mean, pictures.image_std)
        assert off_centre(tokens, centres, shape) < 1


def test_process_image_scales_by_tiles_between_one_and_the_marked():
    adapter, _ = family()
    visuals = [
        adapter.process_image(noise(240, 60), scale)
        for scale in (0.1, 0.5, 0.75, 1.1, 1.25, 2.0, 9)
    ]
    assert [one.size[0] // 32 for one in visuals] == [1, 2, 3, 4, 5, 6, 6]
    assert "<row_1_col_6>" in visuals[-1].placeholder
    assert "<row" not in visuals[0].placeholder


def test_process_image_scales_an_unsplit_picture_by_its_side():
    adapter, _ = family(do_image_splitting=False)
    visuals = [adapter.process_image(noise(240, 60), scale) for scale in (0.1, 0.5, 1.0, 1.5, 2.0)]
    assert [one.size for one in visuals] == [(side, side) for side in (16, 16, 32, 48, 64)]
    assert [adapter.visual_features(one).shape[0] for one in visuals] == [1, 1, 4, 9, 16]


def test_process_image_keeps_more_tiles_than_are_marked():
    adapter, _ = family(longest=256)
    assert adapter.process_image(noise(240, 60)).size[0] == 8 * 32
    assert adapter.process_image(noise(240, 60), 2.0).size[0] == 8 * 32


@pytest.mark.parametrize(("tile", "tokens"), [(364, 169), (384, 81), (512, 64)])
def test_process_image_counts_the_tokens_of_the_released_tiles(tile, tokens, monkeypatch):
    patch, factor = {364: (14, 2), 384: (14, 3), 512: (16, 4)}[tile]
    monkeypatch.setattr(tiny_idefics3, "PATCH", patch)
    adapter, _ = family("smolvlm", tile=tile, factor=factor, longest=2 * tile)
    visual = adapter.process_image(noise(100, 50))
    assert visual.visual == 3 * tokens
    assert adapter.visual_features(visual).shape[0] == 3 * tokens


@every_kind
def test_init_refuses_sizes_of_another_kind(kind):
    for name in ("size", "max_image_size"):
        with pytest.raises(UnsupportedModelError, match=rf"whose {name} is a longest_edge"):
            family(kind, **{name: {"height": 32, "width": 32}})


@every_kind
def test_process_image_refuses_tiles_without_whole_tokens(kind):
    adapter, processor = family(kind)
    processor.image_processor.max_image_size = {"longest_edge": 40}
    with pytest.raises(GeometryError, match=r"multiple of 16 pixels, for an image of 97 x 131"):
        adapter.process_image(noise(97, 131))


def test_embed_serves_bfloat16():
    adapter, _ = family(dtype=torch.bfloat16)
    assert (
        adapter.visual_features(adapter.process_image(noise(97, 131), 1.5)).dtype == torch.bfloat16
    )


def test_placeholder_names_every_tile():
    assert placeholder(1, 2, image="i", around="f", whole="g") == (
        "f<row_1_col_1>if<row_1_col_2>i\n\nfgif"
    )
    assert placeholder(0, 0, image="i", around="f", whole="g") == "fgif"


def test_cell_edges_and_tile_order_go_tile_by_tile():
    assert cell_edges(torch.tensor([0.0, 4.0, 8.0]), 2).tolist() == [0, 2, 4, 6, 8]
    assert tile_order(2, 1, 2).tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]


def test_process_video_sees_every_frame_in_one_tile():
    adapter, processor = family("smolvlm")
    visual = adapter.process_video(CLIP)
    assert visual.frames == ((0,), (1,), (2,))
    assert [geometry.visual for geometry in visual.geometries] == [4, 4, 4]
    ids = torch.tensor([processor.tokenizer(visual.placeholder)["input_ids"]])
    assert int((ids == adapter.image_token_id).sum()) == visual.visual
    assert visual.placeholder.startswith(
        "You are provided the following series of three frames from a 0:01:05 [H:MM:SS] video.\n\n"
        "Frame from 00:00:<fake_token_around_image><global-img><image>"
    )
    features = adapter.visual_features(visual)
    alone, _ = family("smolvlm", do_image_splitting=False, longest=38)
    picture = alone.visual_features(alone.process_image(CLIP.frames[1]))
    torch.testing.assert_close(features[4:8], picture, atol=1e-5, rtol=1e-5)


def test_process_video_scales_its_tiles():
    adapter, _ = family("smolvlm")
    sizes = [adapter.process_video(CLIP, scale).size for scale in (0.5, 1.0, 1.5, 2.0)]
    assert sizes == [(side, side) for side in (16, 32, 64, 80)]
    assert adapter.visual_features(adapter.process_video(CLIP, 2.0)).shape[0] == 3 * 25


def test_collate_joins_a_clip_and_a_picture():
    adapter, _ = family("smolvlm")
    visuals = [adapter.process_video(CLIP), adapter.process_image(noise(240, 60))]
    assert adapter.collate([visuals])["pixel_values"].shape[:2] == (1, 3 + 5)


@pytest.mark.skipif(not torchvision_shim.available(), reason="torchvision is not beside the venv")
def test_process_video_equals_the_real_video_part():
    real, ours, _ = torchvision_shim.with_torchvision(
        "tiny_idefics3:with_video_part", list(CLIP.frames), list(CLIP.seconds)
    )
    assert ours["input_ids"].tolist() == real["input_ids"][0].tolist()
    assert np.array_equal(ours["pixel_attention_mask"], real["pixel_attention_mask"])
    assert np.allclose(ours["pixel_values"], real["pixel_values"], atol=1e-6)


def test_idefics3_takes_no_clips():
    adapter, _ = family()
    with pytest.raises(UnsupportedInputError, match=r"pictures for idefics3, got a clip of 3"):
        adapter.process_video(CLIP)


def test_spelled_writes_numbers_in_words():
    assert [number_in_words(number) for number in (1, 13, 20, 64, 100, 342)] == [
        "one",
        "thirteen",
        "twenty",
        "sixty-four",
        "one hundred",
        "three hundred and forty-two",
    ]
    with pytest.raises(UnsupportedInputError, match=r"fewer than 1000 frames, got 1000"):
        number_in_words(1000)
