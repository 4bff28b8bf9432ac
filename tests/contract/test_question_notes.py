"""A word has a note exactly where its map cannot know the question, in every family.

Whether a map knows the question is not believed: two questions are asked, and the maps compared.
"""

from __future__ import annotations

import numpy as np
import pytest

from families import BUILDERS, shared
from painting import noise
from seewhy.answer_notes import notes_of_words
from seewhy.explainer import Explainer
from seewhy.methods import METHODS, create
from seewhy.models import FAMILIES, prepare

QUESTIONS = ("Is the star red?", "Is there a blue car behind the house?")
NOTE = "stand before the question: it is the same whatever is asked."
every = pytest.mark.parametrize("name", sorted(BUILDERS))


def asked(name: str, question: str, *, picture_first: bool = True, method: str = "logit-lens"):
    picture, text = {"type": "image", "image": noise(60, 48)}, {"type": "text", "text": question}
    content = [picture, text] if picture_first else [text, picture]
    return Explainer(shared(name)).explain(
        messages=[{"role": "user", "content": content}],
        answer="No star, but the red cup is behind a blue house.",
        method=method,
        explain_prompt=False,
    )


def depends_on_question(name: str, **options) -> bool:
    """Whether maps of the same answer differ between two questions; single maps may be empty."""
    one, two = (
        np.stack([word.heatmap for word in asked(name, question, **options)])
        for question in QUESTIONS
    )
    assert one.any()
    return not np.allclose(one, two, atol=1e-6 + 1e-4 * float(np.abs(one).max()))


@every
@pytest.mark.parametrize("picture_first", [True, False])
def test_word_of_a_lens_map_has_a_note_where_its_map_is_the_same(name, picture_first):
    made = asked(name, QUESTIONS[0], picture_first=picture_first)
    is_same = not depends_on_question(name, picture_first=picture_first)
    assert [NOTE in note for note in made["No"].notes] == [True] * is_same
    assert made["star"].notes == ()
    assert ("stand before the question" in " ".join(made.notes)) == is_same
    assert made.to_json()["words"][0]["notes"] == list(made["No"].notes)


def test_prompt_that_is_read_in_both_directions_knows_the_question():
    assert [name for name in FAMILIES.names() if not FAMILIES.get(name).causal_prompt] == [
        "paligemma"
    ]
    assert depends_on_question("paligemma")
    assert not depends_on_question("qwen2-vl")


@pytest.mark.parametrize(
    "method", ["logit-shares", "attention", "occlusion(window=4, stride=4)", "grad-cam"]
)
@pytest.mark.parametrize("name", ["qwen2-vl", "llava"])
def test_methods_that_notes_point_to_depend_on_the_question(name, method):
    assert depends_on_question(name, method=method)
    made = asked(name, QUESTIONS[0], method=method)
    assert (made["No"].notes, made.record.word_notes) == ((), ())


LENSES = {
    *("logit-lens", "tam", "msea", "arc", "intra-modal", "intra-modal(window=None)"),
    *("logit-lens(layer=0)", "msea(base=tam)", "arc(base=logit-lens(layer=0))"),
    "corroborated(base=logit-lens, relevance=tam)",
}
OTHERS = {
    *("arc(base=attention)", "msea(base=logit-shares)", "corroborated", "arc(base=occlusion)"),
    *(name for name in METHODS.names() if name not in LENSES),
}


@pytest.mark.parametrize("spec", sorted(LENSES | OTHERS))
def test_methods_that_read_visual_states_are_known(spec):
    method, family = create(spec), shared("qwen2-vl").family
    inputs = prepare(family, noise(60, 48), QUESTIONS[0])
    words = asked("qwen2-vl", QUESTIONS[0]).record.words
    notes = notes_of_words(method, family, inputs, words)
    assert [word for word, _ in notes] == ([0] if spec in LENSES else [])
    subtracts = any(part in spec for part in ("tam", "arc", "intra-modal"))
    assert all(("only subtracted" in note) == subtracts for _, note in notes)


def test_question_of_a_chat_is_its_last_turn():
    """A picture after an earlier question stands before the last one."""
    picture = {"type": "image", "image": noise(60, 48)}
    turns = [
        {"role": "user", "content": [{"type": "text", "text": "Is it red?"}, picture]},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "Is it large?"},
    ]
    explainer = Explainer(shared("qwen2-vl"))
    options = {"method": "logit-lens", "explain_prompt": False, "answer": "No."}
    assert explainer.explain(messages=turns, **options)["No"].notes
    assert not explainer.explain(messages=turns[:1], **options)["No"].notes


def test_caption_has_no_note_of_a_question():
    made = Explainer(shared("qwen2-vl")).explain(
        noise(60, 48), answer="A red star.", method="logit-lens"
    )
    assert (made.notes, made.record.word_notes) == ((), ())
