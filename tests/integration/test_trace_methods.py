"""Every method works on generation that was captured in the user's own code."""

from __future__ import annotations

import functools

import pytest
import torch

import seewhy
from families import shared
from painting import noise
from seewhy.core.errors import GeometryError, ParameterError, UnsupportedInputError
from seewhy.explainer import Explainer
from seewhy.methods import METHODS, create
from seewhy.models.batching import batch

PROMPT = "What is this?"
FAMILIES = ("llava", "qwen2-vl", "internvl")
CHEAP = {
    "rise": {"samples": 8},
    "kernel-shap": {"segments": 3, "samples": 8},
    "region-search": {"segments": 3, "steps": 2},
    "occlusion": {"window": 3, "stride": 3},
    "integrated-gradients": {"steps": 2},
    "smooth-grad": {"samples": 2},
}
PICTURE = noise(60, 40)


@functools.cache
def explainer_of(family):
    return Explainer(shared(family))


def inputs_of(explainer, picture):
    """As the user's own processor makes them: its image processor is called here and now."""
    prepared = seewhy.models.prepare(explainer.loaded.family, picture, PROMPT)
    return {**prepared.tensors, **pixels_of(explainer, picture)}


def pixels_of(explainer, picture, **settings):
    """What the family's processor makes of a picture, by way of its image processor."""
    if explainer.loaded.family.name == "internvl":  # its processor says so, its image processor not
        settings = {"crop_to_patches": True, **settings}
    made = explainer.loaded.processor.image_processor(
        images=picture, return_tensors="pt", **settings
    )
    # What is for the text alone does not go to the model.
    return {name: value for name, value in made.items() if name != "num_patches"}


@functools.cache
def traced(family):
    explainer = explainer_of(family)
    with seewhy.trace(explainer.loaded.model, explainer.loaded.processor) as trace:
        explainer.loaded.model.generate(
            **inputs_of(explainer, PICTURE), max_new_tokens=3, do_sample=False
        )
    return trace


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", METHODS.names())
def test_method_explains_a_trace_as_it_explains_an_answer(name, family):
    """The picture is the one that went through the user's processor; nothing is handed in."""
    method = create(name, **CHEAP.get(name, {}))
    found = traced(family).explain(prompt=PROMPT, method=method, explain_prompt=False)
    ids = [token.id for token in found.record.tokens]
    wanted = explainer_of(family).explain(
        PICTURE, PROMPT, answer=ids, method=method, explain_prompt=False
    )
    assert found.answer == wanted.answer
    assert found.method == wanted.method
    for a, b in zip(found.tokens, wanted.tokens, strict=True):
        for one, other in zip(a.heatmaps, b.heatmaps, strict=True):
            torch.testing.assert_close(torch.tensor(one), torch.tensor(other), rtol=1e-4, atol=1e-5)
        assert [w.index for w, _ in a.context] == [w.index for w, _ in b.context]
    if family == "llava":  # random weights leave some maps of the other two empty
        assert any(word.peak is not None for word in found.tokens)


@pytest.mark.parametrize("name", ["occlusion", "attn-lrp", "corroborated"])
def test_method_explains_each_prompt_of_a_batch_by_its_own_picture(name):
    explainer = explainer_of("qwen2-vl")
    pictures = [PICTURE, noise(80, 56, 3)]
    rows = [seewhy.models.prepare(explainer.loaded.family, one, PROMPT) for one in pictures]
    tensors = batch(explainer.loaded.family, rows).tensors
    method = create(name, **CHEAP.get(name, {}))
    with seewhy.trace(explainer.loaded.model, explainer.loaded.processor) as trace:
        explainer.loaded.processor.image_processor(images=pictures, return_tensors="pt")
        explainer.loaded.model.generate(**tensors, max_new_tokens=2, do_sample=False)
    for number, picture in enumerate(pictures):
        found = trace.explain(prompt=PROMPT, sequence=number, method=method)
        ids = [token.id for token in found.record.tokens]
        wanted = explainer.explain(picture, PROMPT, answer=ids, method=method)
        for a, b in zip(found.tokens, wanted.tokens, strict=True):
            torch.testing.assert_close(
                torch.tensor(a.heatmap), torch.tensor(b.heatmap), rtol=1e-4, atol=1e-5
            )


def test_each_call_of_a_block_is_explained_by_its_own_picture():
    """Two calls with pictures of one size, the processor called for both before either."""
    explainer = explainer_of("llava")
    pictures = [PICTURE, noise(60, 40, 7)]
    with seewhy.trace(explainer.loaded.model, explainer.loaded.processor) as trace:
        inputs = [inputs_of(explainer, one) for one in pictures]
        for one in inputs:
            explainer.loaded.model.generate(**one, max_new_tokens=2, do_sample=False)
    for number, picture in enumerate(pictures):
        found = trace.explain(call=number, prompt=PROMPT, method="occlusion")
        assert found.image.tobytes() == picture.tobytes()


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("llava", {"do_center_crop": False}),
        ("qwen2-vl", {"size": {"shortest_edge": 784, "longest_edge": 1568}}),
        ("internvl", {"crop_to_patches": False}),
    ],
)
def test_pictures_are_processed_again_as_the_users_call_told(family, settings):
    explainer = explainer_of(family)
    picture = noise(150, 100, 5)
    processor = explainer.loaded.processor.image_processor
    if family == "llava":  # without the crop the sides must be set, or they come out unequal
        settings = {**settings, "size": dict(processor.crop_size)}
    with seewhy.trace(explainer.loaded.model, explainer.loaded.processor) as trace:
        pixels = pixels_of(explainer, picture, **settings)
        own = inputs_under(explainer, picture, settings)
        tensors = {**own.tensors, **pixels}
        explainer.loaded.model.generate(**tensors, max_new_tokens=2, do_sample=False)
    for method in ("tam", create("occlusion", **CHEAP["occlusion"])):
        found = trace.explain(prompt=PROMPT, method=method)
        shown, told = found.views[0].base_grid, own.views[0].geometry.base_grid
        assert torch.equal(shown.row_edges, told.row_edges)
        assert torch.equal(shown.column_edges, told.column_edges)
    usual = seewhy.models.prepare(explainer.loaded.family, picture, PROMPT)
    assert usual.tensors["pixel_values"].shape != pixels["pixel_values"].shape or not torch.equal(
        usual.tensors["pixel_values"], pixels["pixel_values"]
    )


def inputs_under(explainer, picture, settings):
    """Inputs under settings of a call, their ids as the processor would write them."""
    from seewhy.models.captured_prompt import with_settings

    loaded = with_settings(explainer.loaded, settings)
    return seewhy.models.prepare(loaded.family, picture, PROMPT)


def test_another_picture_of_the_right_size_is_refused():
    with pytest.raises(GeometryError, match="shown another picture"):
        traced("llava").explain(noise(60, 40, 9), method="tam")


def test_a_trace_without_the_processor_says_what_to_hand_in():
    explainer = explainer_of("llava")
    inputs = inputs_of(explainer, PICTURE)
    with seewhy.trace(explainer.loaded.model, explainer.loaded.processor) as trace:
        explainer.loaded.model.generate(**inputs, max_new_tokens=2, do_sample=False)
    with pytest.raises(ParameterError, match=r"give them, as trace\.explain\(image\)"):
        trace.explain(method="occlusion")
    assert trace.explain(PICTURE, prompt=PROMPT, method="occlusion").answer


def test_a_clip_on_a_trace_is_refused_by_methods_that_change_pictures():
    explainer = explainer_of("qwen2-vl")
    clip = seewhy.read_clip([noise(56, 56, n) for n in range(2)])
    prepared = seewhy.models.prepare(explainer.loaded.family, clip, PROMPT)
    with seewhy.trace(explainer.loaded.model, explainer.loaded.processor) as trace:
        explainer.loaded.model.generate(**prepared.tensors, max_new_tokens=2, do_sample=False)
    with pytest.raises(UnsupportedInputError, match="changes pictures only"):
        trace.explain(clip, prompt=PROMPT, method="occlusion")
    assert trace.explain(clip, prompt=PROMPT, method="attention").answer


def test_trace_contrasts_words():
    found = traced("llava").explain(prompt=PROMPT, method="gradient-attention")
    word = found.words[0]
    session_free = explainer_of("llava").explain(
        PICTURE,
        PROMPT,
        answer=[token.id for token in found.record.tokens],
        method="gradient-attention",
        contrast={0: "zebra"},
    )
    made = traced("llava").explain(
        prompt=PROMPT, method="gradient-attention", contrast={0: "zebra"}
    )
    torch.testing.assert_close(
        torch.tensor(made.words[0].heatmap),
        torch.tensor(session_free.words[0].heatmap),
        rtol=1e-4,
        atol=1e-5,
    )
    assert word.text == made.words[0].text
