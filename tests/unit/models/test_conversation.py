"""Conversations: turns, roles and pictures, found again in what the chat template makes of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import tiny_models
import torchvision_shim
from families import BUILDERS, shared
from painting import noise
from seewhy.core.errors import ModelError, PromptError
from seewhy.images import read_clip
from seewhy.models import load, prepare
from seewhy.models.conversation import ROLES, Conversation, Message, user_message
from seewhy.models.inputs import joined, prepare_chat, render

FIRST, SECOND = (96, 64), (40, 80)


def chat(*turns: tuple[Any, ...], **template: Any) -> Conversation:
    """Turns given as their role and parts."""
    return Conversation(tuple(Message(role, parts) for role, *parts in map(list, turns)), template)


def said(role: str, *parts: Any) -> tuple[Any, ...]:
    return (role, *parts)


def several(picture: Any = None) -> Conversation:
    picture = picture or noise(*FIRST)
    return chat(
        said("system", "You name things. Say star."),
        said("user", picture, "What is the star?"),
        said("assistant", "A red star."),
        said("user", "user: what is to the left of the star? 🙂"),
    )


def family_with(template: str) -> Any:
    model, processor = tiny_models.build()
    return load((model, replace(processor, template=template))).family


# --- what a conversation is ------------------------------------------------------------------


def test_conversation_lists_texts_and_media_in_order():
    one, two = noise(8, 8), noise(9, 9)
    held = chat(
        said("system", "a"), said("user", one, "b", two, "c"), said("assistant", "d"), ("user", "e")
    )
    assert held.texts == ["a", "b", "c", "d", "e"]
    assert held.media == [one, two]


@pytest.mark.parametrize("many", [False, True])
def test_ask_puts_pictures_before_the_words(many):
    picture = noise(8, 8)
    held = user_message([picture, picture] if many else picture, "What?")
    assert [turn.role for turn in held.turns] == ["user"]
    assert held.turns[0].parts == (picture,) * (2 if many else 1) + ("What?",)
    assert held.template == {}


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        ([], r"last turn is the user's, got \[\]"),
        ([("system", "Hi.")], r"last turn is the user's, got \['system'\]"),
        ([("user", "Hi."), ("assistant", "Ho.")], r"got \['user', 'assistant'\]: leave out what"),
        ([("tool", "1"), ("user", "Hi.")], "as one of system, user, assistant, got 'tool'"),
        ([("User", "Hi.")], "as one of system, .*, got 'User': rename it"),
        ([("user",)], r"a prompt with words in it, got \[\]: write a question"),
        ([("user", " \n"), ("assistant", ""), ("user", "\t")], "a prompt with words in it"),
    ],
)
def test_conversation_refuses_turns_that_lead_to_no_answer(turns, message):
    with pytest.raises(PromptError, match=message):
        chat(*turns)


def test_roles_are_those_of_the_error():
    assert ROLES == ("system", "user", "assistant")


def test_joined_tells_turns_and_parts_in_one_text():
    held = chat(
        said("system", "Be brief."),
        said("user", noise(8, 8)),  # a turn without words has no place in them
        said("assistant", "Yes?"),
        said("user", "What", noise(8, 8), "is it?"),
    )
    prompt, turns, starts = joined(held)
    assert prompt == "Be brief.\nYes?\nWhat\nis it?"
    assert [(turn.role, prompt[turn.start : turn.end]) for turn in turns] == [
        ("system", "Be brief."),
        ("assistant", "Yes?"),
        ("user", "What\nis it?"),
    ]
    assert [prompt[start:].split("\n")[0] for start in starts] == held.texts


# --- several turns ---------------------------------------------------------------------------


def words_of_turns(inputs: Any) -> list[tuple[str, str]]:
    """Each turn's role, and the text that its tokens cover."""
    covered = []
    for turn in inputs.turns:
        spans = [s for s in inputs.prompt_spans if turn.start <= s[0] and s[1] <= turn.end]
        covered.append((turn.role, "".join(inputs.prompt[a:b] for a, b in spans)))
    return covered


def test_words_of_all_turns_are_found():
    inputs = prepare_chat(shared("qwen2-vl").family, several())
    expected = [
        ("system", "You name things. Say star."),
        ("user", "What is the star?"),
        ("assistant", "A red star."),
        ("user", "user: what is to the left of the star? 🙂"),
    ]
    assert words_of_turns(inputs) == expected
    assert inputs.prompt == "\n".join(text for _, text in expected)
    assert [(turn.role, inputs.prompt[turn.start : turn.end]) for turn in inputs.turns] == expected
    starts, ends = zip(*inputs.prompt_spans, strict=True)
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
    assert len(inputs.prompt_spans) == len(inputs.prompt_positions)
    assert bool((inputs.prompt_positions.diff() > 0).all())


def test_tokens_of_all_turns_decode_to_their_words():
    loaded = shared("qwen2-vl")
    inputs = prepare_chat(loaded.family, several())
    ids, tokenizer = inputs.tensors["input_ids"][0], loaded.processor.tokenizer
    for turn in inputs.turns:
        own = [
            place
            for place, (start, end) in zip(
                inputs.prompt_positions.tolist(), inputs.prompt_spans, strict=True
            )
            if turn.start <= start and end <= turn.end
        ]
        assert own == list(range(own[0], own[-1] + 1))
        text = tokenizer.decode(ids[own], clean_up_tokenization_spaces=False)
        assert text == inputs.prompt[turn.start : turn.end]
    # Nothing of the template's is taken for words: it says "user" and "assistant" too.
    special = torch.isin(ids, torch.tensor(tokenizer.all_special_ids))
    assert not bool(special[inputs.prompt_positions].any())


def message_of(turn: Message) -> dict[str, Any]:
    content = [
        {"type": "text", "text": part} if isinstance(part, str) else {"type": "image"}
        for part in turn.parts
    ]
    return {"role": turn.role, "content": content}


def expanded(family: Any, conversation: Conversation) -> list[int]:
    """The tokenizer's own ids of a chat, its markers repeated for each picture's tokens."""
    tokenizer = family.processor.tokenizer
    ids = tokenizer.apply_chat_template(
        [message_of(turn) for turn in conversation.turns],
        chat_template=family.processor.template,
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
    )["input_ids"]
    counts = iter([family.process_image(picture).visual for picture in conversation.media])
    longer: list[int] = []
    for token in ids:
        longer += [token] * (next(counts) if token == family.image_token_id else 1)
    assert next(counts, None) is None
    return longer


def interleaved() -> Conversation:
    return chat(
        said("user", "Here is one:", noise(*FIRST), "and here is another:", noise(*SECOND, seed=1)),
        said("assistant", "I see two."),
        said("user", noise(64, 64, seed=2), "And now?"),
    )


@pytest.mark.parametrize("conversation", [several, interleaved])
@pytest.mark.parametrize("name", ["qwen2-vl", "qwen2-5-vl"])
def test_ids_are_those_of_the_tokenizers_own_template(name, conversation):
    family = shared(name).family
    inputs = prepare_chat(family, conversation())
    assert inputs.tensors["input_ids"][0].tolist() == expanded(family, conversation())
    assert bool(inputs.tensors["attention_mask"].all())


def test_one_turn_is_what_prepare_makes():
    family = shared("qwen2-vl").family
    one = prepare(family, noise(*FIRST), "What is this?")
    two = prepare_chat(family, chat(said("user", noise(*FIRST), "What is this?")))
    for name, tensor in one.tensors.items():
        assert torch.equal(tensor, two.tensors[name]), name
    assert (one.prompt, one.prompt_spans, one.turns) == (two.prompt, two.prompt_spans, two.turns)


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_every_family_finds_words_of_earlier_turns(name):
    """Whatever its template writes around them."""
    family = shared(name).family
    held = chat(
        said("user", noise(60, 60), "What is this? A star?"),
        said("assistant", "A red star."),
        said("user", "And the star?"),
    )
    if family.template(False) is None:
        with pytest.raises(PromptError, match="a checkpoint without a chat template, got 3 turns"):
            prepare_chat(family, held)
        return
    inputs = prepare_chat(family, held)
    found = [(role, text.strip()) for role, text in words_of_turns(inputs)]
    assert found == [
        ("user", "What is this? A star?"),
        ("assistant", "A red star."),
        ("user", "And the star?"),
    ]


def test_words_that_the_template_trims_are_found_in_all_turns():
    trimming = tiny_models.TEMPLATE.replace("part['text']", "part['text'] | trim")
    held = chat(
        said("user", noise(60, 40), "  What is it? \n"),
        said("assistant", " A star."),
        said("user", "Why?  "),
    )
    inputs = prepare_chat(family_with(trimming), held)
    assert inputs.prompt == "  What is it? \n\n A star.\nWhy?  "
    assert [text for _, text in words_of_turns(inputs)] == ["What is it?", "A star.", "Why?"]


def test_blank_parts_are_no_words():
    held = chat(said("system", " "), said("user", noise(60, 40), "", "What?"))
    inputs = prepare_chat(shared("qwen2-vl").family, held)
    assert "".join(inputs.prompt[a:b] for a, b in inputs.prompt_spans).strip() == "What?"


def test_a_token_over_the_seam_of_two_parts_is_counted_once():
    """Parts of a turn may stand side by side, and the tokenizer does not know of the seam."""
    loaded = shared("qwen2-vl")
    held = chat(said("user", noise(60, 40), "What is the st", "ar?"))
    inputs = prepare_chat(loaded.family, held)
    positions = inputs.prompt_positions.tolist()
    assert positions == sorted(set(positions))
    ids = inputs.tensors["input_ids"][0, inputs.prompt_positions]
    pieces = [loaded.processor.tokenizer.decode([token]) for token in ids.tolist()]
    assert " star" in pieces
    assert "".join(pieces) == "What is the star?"
    assert inputs.prompt == "What is the st\nar?"
    starts, ends = zip(*inputs.prompt_spans, strict=True)
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))


# --- templates that refuse or rewrite --------------------------------------------------------

ALTERNATING = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('System turns are not for me!') }}"
    "{% endif %}" + tiny_models.TEMPLATE
)


def test_template_that_refuses_a_role_is_told_with_its_reason():
    family = family_with(ALTERNATING)
    with pytest.raises(
        PromptError, match=r"got \['system', 'user', 'assistant', 'user'\], .*System turns are not"
    ):
        prepare_chat(family, several())
    assert prepare(family, noise(60, 40), "What?").prompt == "What?"


@pytest.mark.parametrize(
    "wrong",
    ["{{ messages[0].content + 1 }}", "{{ messages[0].content.split('a') }}", "{{ nothing.at }}"],
    ids=["type", "attribute", "undefined"],
)
def test_template_that_stumbles_is_told_as_such(wrong):
    """Such as one that takes only plain strings for contents."""
    with pytest.raises(PromptError, match="Expected turns that this checkpoint's chat template"):
        prepare(family_with(wrong), noise(60, 40), "What?")


#: Thinking models leave out what their earlier answers thought.
THINKING = tiny_models.TEMPLATE.replace(
    "{{ part['text'] }}",
    "{% if message['role'] == 'assistant' %}{{ part['text'].split('</think>')[-1] }}"
    "{% else %}{{ part['text'] }}{% endif %}",
)


def thought(answer: str) -> Conversation:
    return chat(
        said("user", noise(60, 40), "What?"), said("assistant", answer), said("user", "Why?")
    )


def test_template_that_strips_thinking_is_not_followed_in_silence():
    family = family_with(THINKING)
    with pytest.raises(PromptError, match="changes or leaves out words of a turn"):
        prepare_chat(family, thought("<think>Hm.</think>A star."))
    plain = prepare_chat(family, thought("A star."))
    assert [text for _, text in words_of_turns(plain)] == ["What?", "A star.", "Why?"]


def test_template_that_leaves_a_turn_out_is_refused():
    forgetful = tiny_models.TEMPLATE.replace(
        "{% for message in messages %}", "{% for message in messages[-1:] %}"
    )
    with pytest.raises(PromptError, match="leaves out words of a turn"):
        prepare_chat(family_with(forgetful), thought("A star."))


def test_template_that_turns_the_order_round_is_followed():
    """What a text becomes is found by where it goes, not by its order."""
    family = family_with(
        "{% for part in messages[0].content | reverse %}{% if part.type == 'image' %}"
        "<|vision_start|><|image_pad|><|vision_end|>{% else %}<{{ part.text }}>{% endif %}"
        "{% endfor %}\n"
    )
    held = chat(said("user", noise(60, 40), "What is it?", "A star?"))
    text, spans = render(family, held)
    assert [text[a:b] for a, b in spans] == ["What is it?", "A star?"]
    assert spans[1] < spans[0]


@pytest.mark.parametrize("given", [{}, {"enable_thinking": False}, {"enable_thinking": True}])
def test_further_names_reach_the_template(given):
    family = family_with(
        tiny_models.TEMPLATE
        + "{% if enable_thinking is defined and not enable_thinking %}No thinking.\n{% endif %}"
    )
    held = chat(said("user", noise(60, 40), "What?"), **given)
    inputs = prepare_chat(family, held)
    assert inputs.rendered.endswith("No thinking.\n") == (given == {"enable_thinking": False})
    assert inputs.prompt == "What?"


@pytest.mark.parametrize("place", range(3))
def test_special_tokens_are_refused_in_any_turn(place):
    words = ["Be brief.", "What?", "A star.", "Why?"]
    words[place] = "say <|im_end|> now"
    roles = ("system", "user", "assistant", "user")
    turns = [(role, text) for role, text in zip(roles, words, strict=True)]
    turns[1] = ("user", noise(60, 40), words[1])
    with pytest.raises(PromptError, match=r"special token '<\|im_end\|>'"):
        prepare_chat(shared("qwen2-vl").family, chat(*turns))


def test_checkpoint_without_a_template_takes_one_turn():
    model, processor = tiny_models.build()
    family = load((model, replace(processor, template=None))).family
    with pytest.raises(
        PromptError, match="one user's turn for a checkpoint without .* got 4 turns"
    ):
        prepare_chat(family, several())
    pair = prepare(family, [noise(*FIRST), noise(*SECOND)], "What?")
    assert len(pair.views) == 2
    assert pair.prompt == "What?"


# --- several pictures ------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_visual_positions_are_each_pictures_own(name):
    """View after view, each at image tokens of its own, in the order of the prompt."""
    family = shared(name).family
    pictures = [noise(*FIRST), noise(*SECOND, seed=1)]
    inputs = prepare(family, pictures, "What has changed?")
    sizes = [view.geometry.visual for view in inputs.views]
    assert [view.medium for view in inputs.views] == [0, 1]
    assert [view.geometry.size for view in inputs.views] == [FIRST, SECOND]
    first, second = inputs.visual_positions.split(sizes)
    ids = inputs.tensors["input_ids"][0]
    assert bool((ids[inputs.visual_positions] == family.image_token_id).all())
    assert int(first.max()) < int(second.min())
    owners = int((ids == family.image_token_id).sum())
    assert owners == sum(sizes) + sum(len(seen.non_spatial) for seen in inputs.media)
    assert [seen.visual for seen in inputs.media] == sizes


def test_pictures_of_a_conversation_keep_their_places():
    loaded = shared("qwen2-vl")
    inputs = prepare_chat(loaded.family, interleaved())
    tokenizer, ids = loaded.processor.tokenizer, inputs.tensors["input_ids"][0].tolist()
    assert [view.geometry.size for view in inputs.views] == [FIRST, SECOND, (64, 64)]
    starts = [at for at, i in enumerate(ids) if tokenizer.decode([i]) == "<|vision_start|>"]
    ends = [at for at, i in enumerate(ids) if tokenizer.decode([i]) == "<|vision_end|>"]
    sizes = [view.geometry.visual for view in inputs.views]
    for own, start, end in zip(inputs.visual_positions.split(sizes), starts, ends, strict=True):
        assert own.tolist() == list(range(start + 1, end))


def test_pixels_of_several_pictures_are_those_of_each():
    family = shared("qwen2-vl").family
    held = interleaved()
    inputs = prepare_chat(family, held)
    alone = [family.process_image(picture).tensors for picture in held.media]
    for name in ("pixel_values", "image_grid_thw"):
        assert torch.equal(inputs.tensors[name], torch.cat([one[name] for one in alone]))


@pytest.mark.parametrize("marks", [1, 3])
def test_as_many_markers_as_pictures_are_expected(marks):
    family = family_with(
        "<|image_pad|>" * marks
        + "{% for part in messages[0].content if part.text %}{{ part.text }}{% endfor %}"
    )
    with pytest.raises(ModelError, match=rf"Expected 2 '<\|image_pad\|>' .* got {marks}"):
        prepare(family, [noise(*FIRST), noise(*SECOND)], "What?")


def test_llavas_template_puts_pictures_first():
    """Wherever they stand in the turn: the words after them keep their order."""
    family = shared("llava").family
    held = chat(
        said("user", "Here is one:", noise(*FIRST), "and another:", noise(*SECOND, seed=1), "Well?")
    )
    inputs = prepare_chat(family, held)
    assert inputs.rendered.startswith("USER: <image>\n<image>\nHere is one:")
    assert int(inputs.visual_positions.max()) < int(inputs.prompt_positions.min())
    assert [view.geometry.size for view in inputs.views] == [FIRST, SECOND]
    covered = "".join(inputs.prompt[a:b] for a, b in inputs.prompt_spans)
    assert covered.replace(" ", "") == "Hereisone:andanother:Well?"
    pixels = inputs.tensors["pixel_values"]
    for number, picture in enumerate(held.media):
        assert torch.equal(pixels[number], family.process_image(picture).tensors["pixel_values"][0])


def test_pictures_and_clips_find_their_own_markers():
    family = shared("qwen2-vl").family
    clip = read_clip([noise(64, 48, seed) for seed in range(4)], fps=2)
    template = tiny_models.TEMPLATE.replace(
        "{% elif 'text' in part %}",
        "{% elif part['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
        "{% elif 'text' in part %}",
    )
    family = family_with(template)
    if not family.clip_marker:
        pytest.skip("this family takes no clips")
    held = chat(said("user", clip, "before", noise(*FIRST), "after"))
    inputs = prepare_chat(family, held)
    ids = inputs.tensors["input_ids"][0]
    steps = [view.geometry.visual for view in inputs.views if view.medium == 0]
    shown = ids[inputs.visual_positions]
    assert bool((shown[: sum(steps)] == family.clip_token_id).all())
    assert bool((shown[sum(steps) :] == family.image_token_id).all())
    assert [view.seconds for view in inputs.views][-1] is None


# --- transformers' own processor -------------------------------------------------------------


def real_chats(folders: dict[str, Path], conversations: list[list[dict[str, Any]]]) -> list[Any]:
    """What the real processors make of chats: called in a process that sees torchvision."""
    from transformers import AutoImageProcessor, AutoProcessor

    found = []
    for folder in folders.values():
        processor = AutoProcessor.from_pretrained(folder)
        processor.image_processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
        for messages in conversations:
            made = processor.apply_chat_template(
                messages,
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
            )
            found.append({name: value.numpy() for name, value in made.items()})
    return found


def shown(conversation: Conversation) -> list[dict[str, Any]]:
    """The chat as transformers takes it, its pictures inside."""
    messages = []
    for turn in conversation.turns:
        content = [
            {"type": "text", "text": part}
            if isinstance(part, str)
            else {"type": "image", "image": part}
            for part in turn.parts
        ]
        messages.append({"role": turn.role, "content": content})
    return messages


CHATS = {
    "two pictures": lambda: chat(
        said("user", noise(*FIRST), noise(*SECOND, seed=1), "What has changed?")
    ),
    "several turns": several,
    "interleaved": interleaved,
}


def test_several_pictures_equal_the_real_processors(tmp_path, monkeypatch):
    """Ids, masks and pixels, for Qwen2-VL and Qwen2.5-VL."""
    if not torchvision_shim.available():
        pytest.fail(f"torchvision is not in {torchvision_shim.LOCATION}: run `make install`")
    folders = {}
    for kind in ("qwen2-vl", "qwen2-5-vl"):
        (tmp_path / kind).mkdir()
        folders[kind] = tiny_models.save(tmp_path / kind, kind)
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    conversations = [make() for make in CHATS.values()]
    real = torchvision_shim.with_torchvision(
        f"{Path(__file__).stem}:real_chats", folders, [shown(one) for one in conversations]
    )
    ours = [
        prepare_chat(load(folder).family, conversation).tensors
        for folder in folders.values()
        for conversation in conversations
    ]
    assert len(ours) == len(real) == 6
    for one, other in zip(ours, real, strict=True):
        assert set(one) == set(other)
        for name, array in other.items():
            assert torch.equal(torch.as_tensor(one[name]), torch.as_tensor(array)), name


@pytest.mark.parametrize("name", ["llava", "internvl"])
def test_two_pictures_equal_the_real_processor_of(name):
    model, processor = BUILDERS[name]()
    held = CHATS["two pictures"]()
    real = processor.apply_chat_template(
        shown(held),
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    )
    ours = prepare_chat(load((model, processor)).family, held).tensors
    assert set(real) - set(ours) <= {"num_patches"}
    for key in set(ours) & set(real):
        assert torch.equal(torch.as_tensor(ours[key]), torch.as_tensor(real[key])), key
