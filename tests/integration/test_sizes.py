"""The size of a picture, wherever it is chosen."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import seewhy
import tiny_llava
import tiny_models
from families import shared
from painting import noise
from seewhy.core.errors import ImageError, ParameterError
from seewhy.explainer import Explainer
from seewhy.models.conversation import Conversation, Message, Sized
from seewhy.models.inputs import prepare_chat

PICTURE = noise(320, 240)
HUNDRED_TOKENS = 100 * 64
PROMPT = "What is this?"


def grid(explanation):
    return explanation.record.pictures[0].base_grid.shape


def chat(settings, picture=PICTURE):
    return Conversation((Message("user", (Sized(picture, settings), PROMPT)),), {})


@pytest.fixture
def explainer():
    return Explainer(shared("qwen2-vl"))


def test_size_is_chosen_when_loading_and_at_a_call(explainer):
    loaded = seewhy.load(tiny_models.build(), max_pixels=HUNDRED_TOKENS)
    of_load = loaded.explain(PICTURE, PROMPT, max_new_tokens=2)
    of_call = explainer.explain(PICTURE, PROMPT, max_new_tokens=2, max_pixels=HUNDRED_TOKENS)
    options = {"size": {"shortest_edge": 256, "longest_edge": HUNDRED_TOKENS}}
    by_name = explainer.explain(PICTURE, PROMPT, max_new_tokens=2, processor_options=options)
    assert grid(of_load) == grid(of_call) == grid(by_name) == (8, 11)
    parameters = of_call.record.provenance.parameters
    assert parameters["processor_options"] == {"max_pixels": HUNDRED_TOKENS}
    usual = explainer.explain(PICTURE, PROMPT, max_new_tokens=2)
    assert grid(usual) == (27, 36)  # the call changed nothing for good
    assert "processor_options" not in usual.record.provenance.parameters


def test_size_of_a_batch_is_that_of_singles(explainer):
    found = explainer.explain_batch(
        [PICTURE, noise(100, 200)], PROMPT, answers=["A star"] * 2, max_pixels=HUNDRED_TOKENS
    )
    for one, picture in zip(found, (PICTURE, noise(100, 200)), strict=True):
        single = explainer.explain(picture, PROMPT, answer="A star", max_pixels=HUNDRED_TOKENS)
        assert grid(one) == grid(single)
        np.testing.assert_allclose(one.words[-1].heatmap, single.words[-1].heatmap, atol=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_pixel": 3}, "did you mean 'max_pixels'"),
        ({"do_resize": False}, r"write processor_options=\{'do_resize': \.\.\.\}"),
        ({"processor_options": {"do_resiz": 1}}, "did you mean 'do_resize'"),
        ({"processor_options": {"crop_to_patches": True}}, "got crop_to_patches: leave it out"),
        ({"processor_options": 3}, "as a dictionary of settings by name, got 3"),
        ({"processor_options": {"size": "big"}}, "takes, got size = 'big'"),
        ({"processor_options": {"size": {"height": 3, "width": 4}}}, "'longest_edge' keys"),
        ({"max_pixels": 0}, "max_pixels as a whole number of pixels, at least 1, got 0"),
        ({"max_pixels": 5, "processor_options": {"max_pixels": 6}}, "max_pixels once"),
    ],
)
def test_unknown_or_impossible_settings_are_refused(explainer, settings, message):
    with pytest.raises(ParameterError, match=message):
        explainer.explain(PICTURE, PROMPT, answer="A star", **settings)


@pytest.mark.parametrize("settings", [{"max_pixels": 100}, {"do_image_splitting": True}])
def test_families_without_a_setting_say_which_they_have(settings):
    message = r"image processor of llava, got (max_pixels|do_image_splitting): .* do_center_crop"
    with pytest.raises(ParameterError, match=message):
        seewhy.load(tiny_llava.build(), **settings)
    with pytest.raises(ParameterError, match=message):
        prepare_chat(shared("llava").family, chat(settings))


def test_load_names_an_option_that_is_none():
    with pytest.raises(ParameterError, match="got 'max_pixel': did you mean 'max_pixels'"):
        seewhy.load(tiny_models.build(), max_pixel=3)
    with pytest.raises(ParameterError, match="got 'max_pixel': did you mean 'max_pixels'"):
        seewhy.load(max_pixel=3)


def fetched(picture, width, height):
    """As qwen_vl_utils resizes a picture: with Pillow's own default filter."""
    return picture.resize((width, height))


@pytest.mark.parametrize(
    ("part", "size"),
    [
        ({"max_pixels": HUNDRED_TOKENS}, (88, 64)),
        ({"min_pixels": 100_000, "max_pixels": 200_000}, (368, 280)),
        ({"resized_height": 50, "resized_width": 90}, (88, 48)),
        ({"resized_height": 50, "resized_width": 90, "max_pixels": 64}, (88, 48)),
    ],
)
@pytest.mark.parametrize("name", ["qwen2-vl", "qwen2-5-vl", "qwen3-vl"])
def test_part_is_resized_before_the_processor_resizes_again(name, part, size):
    family = shared(name).family
    inputs = prepare_chat(family, chat(part))
    twice = family.processor.image_processor(images=[fetched(PICTURE, *size)], return_tensors="pt")
    assert torch.equal(inputs.tensors["pixel_values"], twice["pixel_values"])
    geometry = inputs.views[0].geometry
    assert geometry.size == PICTURE.size
    assert geometry.boxes[-1][2:].tolist() == pytest.approx([320, 240])
    assert f"resized to {size[0]} x {size[1]} before the processor" in inputs.media[0].notes[0]


def test_limit_of_a_part_binds_at_other_scales_and_fixed_sides_do_not():
    family = shared("qwen2-vl").family
    limited = prepare_chat(family, chat({"max_pixels": HUNDRED_TOKENS}), scale=1.25)
    assert limited.model_sizes == ((88, 64),)
    fixed = chat({"resized_height": 64, "resized_width": 88})
    assert prepare_chat(family, fixed, scale=1.5).model_sizes == ((128, 96),)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"max_pixels": -5}, "max_pixels as a whole number"),
        ({"max_pixels": 1.5}, "max_pixels as a whole number"),
        ({"resized_height": 56}, "resized_height and resized_width together"),
        ({"min_pixels": 6400, "max_pixels": 640}, "min_pixels of at most max_pixels"),
        ({"total_pixels": 6400}, "total_pixels for a clip"),
        ({"max_pixel": 6400}, "did you mean 'max_pixels'"),
    ],
)
def test_parts_with_wrong_settings_are_refused(part, message):
    with pytest.raises(ParameterError, match=message):
        prepare_chat(shared("qwen2-vl").family, chat(part))


def test_detail_of_a_part_is_noted():
    inputs = prepare_chat(shared("llava").family, chat({"detail": "high"}))
    assert inputs.media[0].notes == (
        "detail = 'high' of a picture was not used: the processor of llava has no such setting.",
    )
    assert prepare_chat(shared("llava").family, chat({"detail": "auto"})).media[0].notes == ()


def test_two_pictures_of_a_prompt_have_sizes_of_their_own():
    parts = (Sized(PICTURE, {"max_pixels": HUNDRED_TOKENS}), noise(96, 64), PROMPT)
    inputs = prepare_chat(shared("qwen2-vl").family, Conversation((Message("user", parts),), {}))
    assert inputs.model_sizes == ((88, 64), (96, 64))


def test_clip_of_a_part_has_limits_for_its_frames():
    clip = seewhy.read_clip([noise(320, 240, n) for n in range(4)])
    family = shared("qwen2-vl").family
    inputs = prepare_chat(family, chat({"min_pixels": 64, "max_pixels": HUNDRED_TOKENS}, clip))
    # The video processor's own lower limit is 128 x 28 x 28 pixels: it enlarges the frames again.
    small = seewhy.read_clip([fetched(frame, 88, 64) for frame in clip.frames], fps=clip.fps)
    wanted = family.process_video(small)
    assert torch.equal(inputs.tensors["pixel_values_videos"], wanted.tensors["pixel_values_videos"])
    assert inputs.views[0].geometry.size == (320, 240)


def test_processor_without_resize_takes_whole_tokens_only(explainer):
    options = {"do_resize": False}
    found = explainer.explain(noise(96, 64), PROMPT, answer="A star", processor_options=options)
    assert grid(found) == (8, 12)
    with pytest.raises(ImageError, match="multiples of 8 pixels with do_resize=False, got 97 x 64"):
        explainer.explain(noise(97, 64), PROMPT, answer="A star", processor_options=options)


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("extra", [{}, {"do_resize": False}])
def test_trace_finds_a_resize_before_the_processor(explainer, inside, extra):
    """As code with qwen_vl_utils does it; the original is given, boxes are in its pixels."""
    loaded, small = explainer.loaded, fetched(PICTURE, 88, 64)
    inputs = prepare_chat(loaded.family, chat({"max_pixels": HUNDRED_TOKENS})).tensors
    processor = loaded.processor.image_processor
    made = None if inside else processor(images=[small], return_tensors="pt", **extra)
    with seewhy.trace(loaded.model, loaded.processor) as trace:
        made = made or processor(images=[small], return_tensors="pt", **extra)
        loaded.model.generate(**{**inputs, **made}, max_new_tokens=2, do_sample=False)
    found = trace.explain(PICTURE, PROMPT, method="msea")
    edges = found.record.pictures[0].base_grid.column_edges
    assert (found.image.size, grid(found)) == (PICTURE.size, (8, 11))
    assert float(edges[-1]) == pytest.approx(320)
    notes = found.record.provenance.notes
    assert any(note.startswith("A picture of 320 x 240 pixels was resized") for note in notes)
    assert trace.explain(small, PROMPT, method="tam").image.size == (88, 64)


@pytest.mark.parametrize("form", ["array", "tensor", "path", "floats", "transparent", "batch"])
def test_trace_takes_pictures_in_any_form(form, tmp_path):
    model, processor = tiny_llava.build()
    array, settings = np.asarray(PICTURE), {}
    PICTURE.save(tmp_path / "picture.png")
    transparent = PICTURE.convert("RGBA")
    transparent.putalpha(Image.linear_gradient("L").resize(PICTURE.size))
    forms = {
        "array": array,
        "tensor": torch.from_numpy(array.copy()).permute(2, 0, 1),
        "path": str(tmp_path / "picture.png"),
        "floats": array.astype(np.float32) / 255,
        "transparent": transparent,
        "batch": array[None],
    }
    if form == "floats":
        settings = {"do_rescale": False}
    with seewhy.trace(model, processor) as trace:
        text = f"USER: <image>\n{PROMPT} ASSISTANT:"
        inputs = processor(images=forms[form], text=text, return_tensors="pt", **settings)
        model.generate(**inputs, max_new_tokens=2, do_sample=False)  # type: ignore[attr-defined]
    assert trace.explain(method="tam").image.size == PICTURE.size


def test_trace_refuses_a_limit_of_the_answer(explainer):
    with seewhy.trace(explainer.loaded.model, explainer.loaded.processor) as trace:
        pass
    with pytest.raises(ParameterError, match="with a given answer, got max_new_tokens"):
        trace.explain(PICTURE, max_new_tokens=128)
    with pytest.raises(ParameterError, match="with a given answer, got max_new_tokens"):
        explainer.explain(PICTURE, PROMPT, answer="A star", max_new_tokens=128)


def test_prompts_of_a_batch_may_differ_in_their_settings(explainer):
    """Each prompt was processed alone, and the user joined them."""
    loaded, pictures = explainer.loaded, [noise(150, 104), noise(96, 120, 3)]
    processor = loaded.processor.image_processor
    rows = [chat({}, pictures[0]), chat({"max_pixels": 3200}, pictures[1])]
    inputs = [prepare_chat(loaded.family, row) for row in rows]
    from seewhy.models.batching import batch

    tensors = dict(batch(loaded.family, inputs).tensors)
    with seewhy.trace(loaded.model, loaded.processor) as trace:
        made = [
            processor(images=[pictures[0]], return_tensors="pt"),
            processor(images=[fetched(pictures[1], 48, 56)], return_tensors="pt", do_resize=False),
        ]
        names = ("pixel_values", "image_grid_thw")
        tensors |= {name: torch.cat([one[name] for one in made]) for name in names}
        loaded.model.generate(**tensors, max_new_tokens=2, do_sample=False)
    for number, picture in enumerate(pictures):
        found = trace.explain(picture, prompt=PROMPT, method="tam", sequence=number)
        assert found.image.size == picture.size
        assert grid(found) == inputs[number].views[0].geometry.base_grid.shape
