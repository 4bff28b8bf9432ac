"""Several pictures, clips, chats, batches, prompt words and contrasts, through the public API."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

import seewhy
import tiny_models
from families import BUILDERS, shared
from painting import noise
from seewhy.api import Explainer
from seewhy.core.errors import (
    AnswerError,
    ContrastWarning,
    GeometryError,
    ImageError,
    InputError,
    ParameterError,
    PromptError,
    UnsupportedInputError,
)
from seewhy.images import read_clip
from seewhy.models import FAMILIES
from seewhy.models.passes import count_passes

ANSWER = "A red star is above the blue house, and a red car."
SYSTEM = {"role": "system", "content": "You name things."}


def clip_of(frames: int = 5, width: int = 64, height: int = 48):
    return read_clip([noise(width, height, seed) for seed in range(frames)], fps=2)


@pytest.fixture(scope="module")
def explainer() -> Explainer:
    return seewhy.load(tiny_models.build())


def same(one, other, atol: float = 1e-4) -> None:
    """Both explanations say the same of the same answer."""
    assert one.answer == other.answer
    for a, b in zip(one.record.attribution.maps, other.record.attribution.maps, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=atol)
    torch.testing.assert_close(
        one.record.attribution.context, other.record.attribution.context, rtol=1e-3, atol=atol
    )
    for a, b in zip(one.record.tokens, other.record.tokens, strict=True):
        assert a.probability == pytest.approx(b.probability, abs=1e-4)


# --- several pictures ------------------------------------------------------------------------


def test_explain_maps_every_picture_on_one_scale(explainer):
    pictures = [noise(96, 64), noise(40, 80, seed=1)]
    made = explainer.explain(pictures, "What has changed?", answer=ANSWER, method="tam")
    assert [image.size for image in made.images] == [(96, 64), (40, 80)]
    for word in made:
        assert [one.shape for one in word.heatmaps] == [(8, 12), (10, 5)]
        assert sum(word.shares) == pytest.approx(1) or sum(word.shares) == 0
        means = np.array([one.mean() for one in word.heatmaps])
        if means.sum() > 0:
            assert word.shares == pytest.approx(means / means.sum(), rel=1e-4)
        highest = [one.max() for one in word.displays]
        assert word.view == int(np.argmax(highest))
        assert word.overlay().size == made.images[word.view].size
        assert word.overlay(1).size == (40, 80)


def test_explanation_of_several_pictures_has_no_single_one(explainer):
    made = explainer.explain([noise(60, 60)] * 2, "What?", answer="A star.", method="tam")
    for look in (lambda: made.image, lambda: made["star"].heatmap, lambda: made["star"].display):
        with pytest.raises(InputError, match=r"one picture, got one of 2 views: use the plural"):
            look()
    with pytest.raises(ParameterError, match="one of 2 views, got 2"):
        made["star"].overlay(2)


def test_first_picture_is_seen_as_it_is_alone(explainer):
    """Causal: what comes after a picture cannot change what it says."""
    alone = explainer.explain(noise(96, 64), "What?", answer="A", method="logit-lens")
    both = explainer.explain(
        [noise(96, 64), noise(40, 80, 1)], "What?", answer="A", method="logit-lens"
    )
    np.testing.assert_allclose(both[0].heatmaps[0], alone[0].heatmap, atol=1e-4)


def test_explanation_of_several_pictures_is_saved_and_opened(explainer, tmp_path):
    pictures = [noise(96, 64), noise(40, 80, seed=1)]
    made = explainer.explain(pictures, "What has changed?", answer=ANSWER)
    back = seewhy.open(made.save(tmp_path / "two"))
    assert back.to_json() == made.to_json()
    same(back, made, atol=0)
    for one, two in zip(back.images, made.images, strict=True):
        assert np.array_equal(np.array(one), np.array(two))
    told = made.to_json()["words"][1]
    assert told["view"] in (0, 1)
    assert len(told["shares"]) == 2


def test_explain_turns_a_photo_upright_first(explainer):
    """Maps are in pixels of the picture as a person sees it."""
    upright = Image.fromarray(np.array(noise(96, 64)))
    held = upright.transpose(Image.Transpose.ROTATE_90)  # as a camera held sideways stores it
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6  # to be turned by 270 degrees counter-clockwise
    held.save(file, "PNG", exif=exif)
    one = explainer.explain(upright, "What?", answer=ANSWER, method="tam")
    two = explainer.explain(file.getvalue(), "What?", answer=ANSWER, method="tam")
    assert two.image.size == (96, 64)
    same(one, two, atol=0)


# --- clips -----------------------------------------------------------------------------------


TAKE_CLIPS = sorted(name for name in BUILDERS if FAMILIES.get(name).clip_marker)


@pytest.mark.parametrize("name", TAKE_CLIPS)
def test_explain_maps_every_step_of_a_clip(name):
    made = Explainer(shared(name)).explain(clip_of(), "What moves?", answer="A star.", method="tam")
    steps = [(view.frames, view.seconds) for view in made.views]
    assert sorted({frame for frames, _ in steps for frame in frames}) == list(range(5))
    assert [seconds for _, seconds in steps] == [frames[0] / 2 for frames, _ in steps]
    for word in made:
        assert len(word.heatmaps) == len(word.shares) == len(steps)
        assert sum(word.shares) == pytest.approx(1, abs=1e-4) or sum(word.shares) == 0
    assert all(image.size == (64, 48) for image in made.images)


@pytest.mark.parametrize("name", TAKE_CLIPS)
def test_step_of_a_clip_answers_to_its_own_frames(name):
    """Brighten one frame: the features that move most are those of the step that shows it."""
    family, clip = shared(name).family, clip_of(6)
    before = family.process_video(clip)
    for frame in (0, 3, 5):
        frames = list(clip.frames)
        frames[frame] = noise(64, 48, seed=99)
        after = family.process_video(type(clip)(tuple(frames), clip.seconds))
        moved = (family.visual_features(after) - family.visual_features(before)).norm(dim=-1)
        sizes = [geometry.visual for geometry in before.geometries]
        strength = torch.stack([part.mean() for part in moved.split(sizes)])
        assert frame in before.frames[int(strength.argmax())]


@pytest.mark.parametrize("name", sorted(set(BUILDERS) - set(TAKE_CLIPS)))
def test_family_without_clips_says_so(name):
    with pytest.raises(UnsupportedInputError, match="takes no video here"):
        Explainer(shared(name)).explain(clip_of(), "What moves?", answer="A star.")


def test_explain_mixes_pictures_and_clips(explainer):
    made = explainer.explain(
        [noise(96, 64), clip_of()], "Is it in the clip?", answer="A star.", method="tam"
    )
    assert [view.medium for view in made.views] == [0, 1, 1, 1]
    assert made.views[0].seconds is None
    assert made.views[1].seconds == 0.0


# --- chats -----------------------------------------------------------------------------------

CHAT = [
    SYSTEM,
    {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is this?"}]},
    {"role": "assistant", "content": "A red star."},
    {"role": "user", "content": "What is to the left?"},
    {"role": "assistant", "content": [{"type": "text", "text": "A blue house."}]},
]


def test_explain_takes_the_last_turn_of_a_chat(explainer):
    made = explainer.explain(noise(96, 64), messages=CHAT, method="tam")
    assert made.answer == "A blue house."
    assert made.prompt == "You name things.\nWhat is this?\nA red star.\nWhat is to the left?"
    turns = [(t.role, made.prompt[t.start : t.end]) for t in made.record.turns]
    assert turns == [
        ("system", "You name things."),
        ("user", "What is this?"),
        ("assistant", "A red star."),
        ("user", "What is to the left?"),
    ]
    assert [w.text for w in made.prompt_words][:3] == ["You", "name", "things"]
    earlier = {word.text for word, _ in made["house"].context if word.part == "prompt"}
    assert earlier <= {w.text for w in made.prompt_words}


def test_explain_takes_any_turn_of_the_assistants(explainer):
    first = explainer.explain(noise(96, 64), messages=CHAT, turn=2, method="tam")
    assert first.answer == "A red star."
    again = explainer.explain(noise(96, 64), messages=CHAT[:3], method="tam")
    same(first, again, atol=0)
    assert explainer.explain(noise(96, 64), messages=CHAT, turn=-3).answer == "A red star."


def test_explain_answers_a_chat_that_ends_with_the_user(explainer):
    made = explainer.explain(noise(96, 64), messages=CHAT[:4], max_new_tokens=4, method="tam")
    plain = explainer.explain(noise(96, 64), "What is this?", max_new_tokens=4, method="tam")
    assert 1 <= len(made.tokens) <= 4
    assert made.prompt != plain.prompt


def test_chat_of_one_turn_is_the_prompt(explainer):
    turn = {"type": "text", "text": "What is this?"}
    held = {"type": "image", "image": noise(96, 64)}
    chat = explainer.explain(
        messages=[{"role": "user", "content": [held, turn]}], answer=ANSWER, method="tam"
    )
    same(chat, explainer.explain(noise(96, 64), "What is this?", answer=ANSWER, method="tam"), 0)


@pytest.mark.parametrize(
    ("messages", "options", "error", "message"),
    [
        (CHAT, {"turn": 1}, ParameterError, "assistant's message as `turn`, got 1.*user's"),
        (CHAT, {"turn": 5}, ParameterError, "5 messages as `turn`, got 5"),
        (CHAT, {"answer": "No."}, ParameterError, "Expected the answer once"),
        (CHAT, {"prompt": "No."}, ParameterError, "a prompt or messages, got both"),
        ([{"role": "user"}], {}, PromptError, "with a role and a content"),
        ([{"role": "user", "content": None}], {}, PromptError, "turn 0 as text or a list of parts"),
        ([{"role": "tool", "content": "1"}], {}, PromptError, "got 'tool'"),
        ([SYSTEM], {}, PromptError, r"last turn is the user's, got \['system'\]"),
        ([{"role": "user", "content": [{"type": "sound"}]}], {}, PromptError, "parts of type"),
        ([{"role": "user", "content": "Hi."}], {}, ParameterError, "0 pictures.*got 1"),
    ],
)
def test_explain_refuses_a_chat_that_cannot_be(explainer, messages, options, error, message):
    shown = None if error is PromptError else noise(60, 60)
    with pytest.raises(error, match=message):
        explainer.explain(shown, messages=messages, **options)


def test_explain_needs_a_picture(explainer):
    with pytest.raises(ImageError, match="Expected a picture, got none"):
        explainer.explain(prompt="What?")
    with pytest.raises(PromptError, match="Expected a picture for part .* got none"):
        explainer.explain(messages=CHAT)
    with pytest.raises(ImageError, match="before the answer, got a conversation without"):
        explainer.explain(messages=[{"role": "user", "content": "What is red?"}])


# --- batches ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(BUILDERS))
@pytest.mark.parametrize("method", ["intra-modal", "logit-shares"])
def test_explain_batch_equals_singles(name, method):
    explainer = Explainer(shared(name))
    pictures = [noise(96, 64), noise(150, 100, 1), noise(60, 120, 2)]
    prompts = ["What is this?", "What is to the left of the red star and behind the cup?", "Why?"]
    options = {"method": method, "max_new_tokens": 4}
    batch = explainer.explain_batch(pictures, prompts, chunk_size=2, **options)
    assert len(batch) == 3
    for picture, prompt, made in zip(pictures, prompts, batch, strict=True):
        single = explainer.explain(picture, prompt, **options)
        same(made, single)
        assert made.record.provenance.parameters == single.record.provenance.parameters
        for one, two in zip(
            made.record.attribution.scales, single.record.attribution.scales, strict=True
        ):
            assert one.model_sizes == two.model_sizes
            torch.testing.assert_close(one.probabilities, two.probabilities, rtol=0, atol=1e-4)


def test_explain_batch_reads_given_answers(explainer):
    answers = ["A red star.", "A cup."]
    batch = explainer.explain_batch([noise(96, 64), noise(60, 60)], "What?", answers=answers)
    assert [made.answer for made in batch] == answers
    same(batch[1], explainer.explain(noise(60, 60), "What?", answer="A cup."))


def test_explain_batch_never_holds_more_than_a_chunk(explainer):
    widths = []
    hook = explainer.loaded.model.register_forward_pre_hook(
        lambda module, args, kwargs: widths.append(len(kwargs["input_ids"])), with_kwargs=True
    )
    try:
        explainer.explain_batch([noise(60, 60)] * 5, "What?", chunk_size=2, max_new_tokens=2)
    finally:
        hook.remove()
    assert max(widths) == 2
    assert 1 in widths


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompts": ["a"]}, "prompts for 2 images, got 1"),
        ({"answers": ["a", "b", "c"]}, "answers for 2 images, got 3"),
        ({"chunk_size": 0}, "chunk_size of at least 1, got 0"),
    ],
)
def test_explain_batch_refuses_lists_that_do_not_fit(explainer, options, message):
    with pytest.raises(ParameterError, match=message):
        explainer.explain_batch([noise(60, 60)] * 2, **options)


# --- prompt words ----------------------------------------------------------------------------


def test_prompt_words_have_maps_of_their_own(explainer):
    prompt = "What is above the red star?"
    made = explainer.explain(noise(96, 64), prompt, answer="A house.", method="logit-lens")
    assert [w.text for w in made.prompt_words] == ["What", "is", "above", "the", "red", "star", "?"]
    star = made.prompt_words[5]
    assert star.part == "prompt"
    assert star.heatmap.shape == (8, 12)
    assert all(earlier.part == "prompt" and earlier.index < 5 for earlier, _ in star.context)
    # The map of a word depends on the picture and the word alone: asked and said are the same.
    said = explainer.explain(noise(96, 64), "What?", answer="A star.", method="logit-lens")
    np.testing.assert_allclose(star.tokens[-1].heatmap, said["star"].tokens[-1].heatmap, atol=1e-4)


def test_explaining_the_prompt_leaves_the_answer_as_it_is(explainer):
    options = {"answer": ANSWER, "prompt": "What is above the star?"}
    one = explainer.explain(noise(96, 64), **options)
    two = explainer.explain(noise(96, 64), explain_prompt=False, **options)
    same(one, two, atol=1e-6)
    assert two.prompt_words == ()


# --- contrast --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["logit-lens", "tam", "msea", "arc", "intra-modal"])
def test_contrast_changes_its_own_word_alone(explainer, method):
    plain = explainer.explain(noise(96, 64), answer=ANSWER, method=method)
    made = explainer.explain(noise(96, 64), answer=ANSWER, method=method, contrast={"star": "fish"})
    assert made.record.contrasts == ((2, "fish"),)
    for place, (one, two) in enumerate(zip(made, plain, strict=True)):
        assert np.array_equal(one.heatmap, two.heatmap) == (place != 2)


def test_contrast_is_the_difference_of_two_logits(explainer):
    loaded = explainer.loaded
    made = explainer.explain(
        noise(96, 64), answer=ANSWER, method="logit-lens", contrast={"star": "fish"}
    )
    inputs = seewhy.models.prepare(loaded.family, noise(96, 64), made.prompt)
    trace = seewhy.models.read(loaded, inputs, ANSWER)
    tokenizer = loaded.processor.tokenizer
    own = [trace.tokens[t].id for t in made.record.words[2].tokens]
    other = tokenizer(" fish", add_special_tokens=False)["input_ids"]
    said, instead = next((a, b) for a, b in zip(own, other, strict=False) if a != b)
    weight = loaded.model.lm_head.weight.detach()
    logits = trace.visual_states @ (weight[said] - weight[instead])
    wanted = logits.relu().numpy().reshape(8, 12)
    np.testing.assert_allclose(made["star"].heatmap, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("contrast", "message"),
    [
        ({"star": " "}, "a word to contrast 'star' with"),
        ({"star": None}, "a word to contrast 'star' with"),
        ({" ": "star"}, "a word of the answer to contrast"),
        (["star", "fish"], "contrast as a dictionary"),
    ],
)
def test_contrast_that_is_none_is_refused_before_the_model_runs(explainer, contrast, message):
    with (
        count_passes(explainer.loaded.model) as spent,
        pytest.raises(ParameterError, match=message),
    ):
        explainer.explain(noise(60, 60), method="tam", contrast=contrast)
    assert spent.forward == 0


@pytest.mark.parametrize(
    ("wanted", "alternative", "reason"),
    [
        ("whale", "fish", "got 'whale': choose one of"),
        ("starr", "fish", "got 'starr': did you mean"),
        ("ta", "fish", "begins and ends with a token"),
        (99, "fish", "got 99"),
        ("star", "star", "tokens differ from those of 'star'"),
    ],
)
def test_contrast_that_the_answer_does_not_allow_keeps_the_answer(
    explainer, wanted, alternative, reason
):
    contrast = {wanted: alternative, "A": "One"}
    told = f"does not allow the contrast of {wanted!r} with {alternative!r}"
    with pytest.warns(ContrastWarning, match=told) as caught:
        made = explainer.explain(noise(60, 60), answer=ANSWER, method="tam", contrast=contrast)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert made.record.contrasts == ((0, "One"),)  # the other one is made
    (warning,) = (w for w in made.warnings if told in w)
    assert reason in warning
    assert warning in made.record.provenance.notes
    assert [word.text for word in made][2] == "star"


def test_contrast_that_is_impossible_is_told_in_batches_chats_and_traces(explainer):
    told = "contrast of 'whale' with 'fish'"
    with pytest.warns(ContrastWarning, match=told):
        first, second = explainer.explain_batch(
            [noise(60, 60)] * 2, answers=["A whale", "A star"], method="tam",
            contrast={"whale": "fish"},
        )  # fmt: skip
    assert (first.record.contrasts, first.warnings) == (((1, "fish"),), ())
    assert told in second.warnings[0]
    messages = [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What?"}]},
        {"role": "assistant", "content": "A star"},
    ]
    with pytest.warns(ContrastWarning, match=told):
        made = explainer.explain(
            noise(60, 60), messages=messages, method="tam", contrast={"whale": "fish"}
        )
    assert told in made.warnings[0]
    with traced(explainer) as trace:
        explainer.loaded.model.generate(**processed(explainer, noise(60, 60)), max_new_tokens=2)
    with pytest.warns(ContrastWarning, match=told):
        made = trace.explain(method="tam", contrast={"whale": "fish"})
    assert any(told in warning for warning in made.warnings)


# --- generation in the user's own code -------------------------------------------------------


def raw(explainer, picture, prompt="What is this?"):
    """Inputs as the user's own processor makes them."""
    return dict(seewhy.models.prepare(explainer.loaded.family, picture, prompt).tensors)


def processed(explainer, picture, prompt="What is this?"):
    """The same, the picture put through the user's own image processor here and now."""
    pixels = explainer.loaded.processor.image_processor(images=picture, return_tensors="pt")
    return {**raw(explainer, picture, prompt), **pixels}


def traced(explainer):
    return seewhy.trace(explainer.loaded.model, explainer.loaded.processor)


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_trace_explains_what_generate_did(name):
    explainer = Explainer(shared(name))
    picture = noise(150, 100)
    with traced(explainer) as trace:
        explainer.loaded.model.generate(
            **raw(explainer, picture), max_new_tokens=4, do_sample=False
        )
    made = trace.explain(picture, "What is this?")
    single = explainer.explain(picture, "What is this?", max_new_tokens=4)
    same(made, single)
    assert made.prompt == single.prompt
    assert made.method == single.method == "logit-shares"
    for parameter in ("hops", "focus"):
        assert (
            made.record.provenance.parameters[parameter]
            == (single.record.provenance.parameters[parameter])
        )


def test_trace_finds_the_askers_words_without_being_told(explainer):
    with traced(explainer) as trace:
        explainer.loaded.model.generate(**raw(explainer, noise(96, 64)), max_new_tokens=2)
    assert trace.explain(noise(96, 64), method="tam").prompt == "What is this?"


def test_trace_hears_of_pictures_that_go_through_the_processor(explainer):
    with traced(explainer) as trace:
        inputs = processed(explainer, noise(96, 64))
        explainer.loaded.model.generate(**inputs, max_new_tokens=3)
    assert trace.explain(method="tam").image.size == (96, 64)


def test_trace_explains_a_pipeline():
    from transformers import pipeline

    model, processor = BUILDERS["llava"]()
    pipe = pipeline("image-text-to-text", model=model, processor=processor)
    asked = [
        {"type": "image", "image": noise(150, 100)},
        {"type": "text", "text": "What is this?"},
    ]
    with seewhy.trace(pipe) as trace:
        (out,) = pipe(
            text=[{"role": "user", "content": asked}], max_new_tokens=4, return_full_text=False
        )
    made = trace.explain(method="tam")
    assert made.prompt == "What is this?"
    assert made.answer.strip() == out["generated_text"].strip()
    assert np.array_equal(np.array(made.image), np.array(noise(150, 100)))
    loaded = seewhy.load(pipe)
    same(made, loaded.explain(noise(150, 100), "What is this?", method="tam", max_new_tokens=4))


def test_trace_needs_the_processor_of_the_inputs(explainer):
    with pytest.raises(ParameterError, match="Expected the processor that makes"):
        seewhy.trace(explainer.loaded.model)


def test_trace_shows_a_picture_as_the_processor_saw_it(explainer):
    """No processor of transformers' turns a Pillow image by its EXIF tags."""
    picture = noise(96, 64)
    picture.getexif()[0x0112] = 6
    with traced(explainer) as trace:
        inputs = raw(explainer, noise(96, 64))
        explainer.loaded.model.generate(**inputs, max_new_tokens=2)
    assert trace.explain(picture, method="tam").image.size == (96, 64)
    assert picture.getexif()[0x0112] == 6


@pytest.mark.parametrize(
    "settings",
    [
        {"do_sample": True, "temperature": 1.5},
        {"num_beams": 3},
        {"num_beams": 3, "num_return_sequences": 2},
        {"do_sample": True, "num_return_sequences": 3},
        {"cache_implementation": "static"},
        {"return_dict_in_generate": True, "output_scores": True},
        {"repetition_penalty": 1.7},
    ],
)
def test_trace_takes_any_settings_of_generation(explainer, settings):
    model, tokenizer = explainer.loaded.model, explainer.loaded.processor.tokenizer
    torch.manual_seed(0)
    with traced(explainer) as trace:
        out = model.generate(**raw(explainer, noise(96, 64)), max_new_tokens=5, **settings)
    sequences = getattr(out, "sequences", out)
    length = raw(explainer, noise(96, 64))["input_ids"].shape[1]
    for number, sequence in enumerate(sequences):
        made = trace.explain(noise(96, 64), sequence=number, method="tam")
        ends = {tokenizer.eos_token_id, tokenizer.pad_token_id}
        wanted = [token for token in sequence[length:].tolist() if token not in ends]
        assert made.answer == tokenizer.decode(wanted)
        told = explainer.explain(
            noise(96, 64), "What is this?", answer=[t.id for t in made.record.tokens], method="tam"
        )
        same(made, told)


def test_trace_takes_stop_strings_and_a_batch(explainer):
    model, tokenizer = explainer.loaded.model, explainer.loaded.processor.tokenizer
    family = explainer.loaded.family
    pictures, prompts = [noise(96, 64), noise(60, 60, 1)], ["What is this?", "What is left of it?"]
    rows = [
        seewhy.models.prepare(family, picture, prompt)
        for picture, prompt in zip(pictures, prompts, strict=True)
    ]
    from seewhy.models.batching import batch

    asked = batch(family, rows).tensors
    with traced(explainer) as trace:
        model.generate(**asked, max_new_tokens=5, stop_strings=["zzz"], tokenizer=tokenizer)
    for number in range(2):
        made = trace.explain(pictures[number], sequence=number, method="tam")
        assert made.prompt == prompts[number]
        single = explainer.explain(
            pictures[number], prompts[number], max_new_tokens=5, method="tam"
        )
        same(made, single)


def test_trace_looks_through_a_compiled_model(explainer):
    compiled = torch.compile(explainer.loaded.model, backend="eager")
    with seewhy.trace(compiled, explainer.loaded.processor) as trace:
        compiled.generate(**raw(explainer, noise(96, 64)), max_new_tokens=3)
    assert len(trace.explain(noise(96, 64), method="tam").tokens) <= 3


def test_trace_leaves_nothing_behind(explainer):
    model, pictures = explainer.loaded.model, explainer.loaded.processor.image_processor
    before = set(vars(model)), set(vars(pictures))

    def stumble() -> None:
        with traced(explainer):
            assert "generate" in vars(model)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stumble()
    assert (set(vars(model)), set(vars(pictures))) == before


def test_trace_refuses_what_it_did_not_hear(explainer):
    with traced(explainer) as trace:
        pass
    with pytest.raises(
        ParameterError, match="Expected a call of generate within the block, got none"
    ):
        trace.explain(noise(60, 60))
    inputs = raw(explainer, noise(96, 64))
    with traced(explainer) as trace:
        explainer.loaded.model.generate(**inputs, max_new_tokens=2)
    with pytest.raises(ParameterError, match="the pictures of the prompt, got none"):
        trace.explain()
    with pytest.raises(GeometryError, match=r"Expected the 144 image tokens of picture 0"):
        trace.explain(noise(100, 100))
    with pytest.raises(GeometryError, match="got none for 56 of them"):
        trace.explain(noise(60, 40))
    with pytest.raises(GeometryError, match="for all image tokens of the prompt, got none"):
        trace.explain([])
    with pytest.raises(ParameterError, match="a sequence from 0 to 0, got 1"):
        trace.explain(noise(96, 64), sequence=1)
    with pytest.raises(PromptError, match="Expected the question 'How\\?'"):
        trace.explain(noise(96, 64), "How?")


def test_trace_refuses_an_answer_that_is_empty(explainer):
    inputs = raw(explainer, noise(60, 60))
    with traced(explainer) as trace:
        trace.calls.append(
            type(
                "Call",
                (),
                {
                    "tensors": inputs,
                    "sequences": inputs["input_ids"],
                    "certain": True,
                    "sequences_per_prompt": 1,
                },
            )()
        )
    with pytest.raises(AnswerError, match="a sequence with an answer in it"):
        trace.explain(noise(60, 60))
