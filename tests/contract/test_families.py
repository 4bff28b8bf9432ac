"""What every family must keep: boxes over the right pixels, states that are the model's own."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from families import ATTENTION, BUILDERS, SHAPES, build, shared
from painting import noise, share_found, silence
from seewhy.core.errors import NonFiniteError
from seewhy.models import FAMILIES, Family, generate, prepare, read

RECTANGLES = [(240, 60), (60, 240), (150, 100), (97, 131)]
SCALES = [0.5, 0.75, 1.0, 1.5, 2.0]
PROMPT = "What is to the left of the red star?"

every_family = pytest.mark.parametrize("name", sorted(BUILDERS))


def assert_close(given: torch.Tensor, selected: torch.Tensor) -> None:
    torch.testing.assert_close(given, selected, atol=1e-4, rtol=1e-4)


@pytest.fixture(scope="module")
def silenced_families():
    """Families whose vision attention writes nothing: one block of pixels moves one token.

    With random weights attention spreads every change over all tokens and could hide the block.
    """
    made = {}

    def get(name: str) -> Family:
        if name not in made:
            made[name] = build(name).family
            silence(made[name].model, *ATTENTION)
        return made[name]

    return get


@pytest.fixture
def silenced(silenced_families, monkeypatch):
    """The same; what is multiplied by zero is not computed either."""
    monkeypatch.setattr(
        torch.nn.functional,
        "scaled_dot_product_attention",
        lambda query, key, value, *_, **__: torch.zeros_like(query),
    )
    return silenced_families


def test_builders_stand_for_every_registered_family():
    # What stands for families without an adapter has tests of its own.
    assert {*BUILDERS, "probed"} == set(FAMILIES.names())


@every_family
def test_family_states_its_facts(name):
    family = FAMILIES.get(name)
    assert family.name == name
    assert family.model_types
    assert family.checkpoints
    assert all(place.count("/") == 1 for place in family.checkpoints)
    assert family.scaling
    assert family.coverage
    assert family.default_marker in family.plain_format.format(
        marker=family.default_marker, prompt="?"
    )


@every_family
@pytest.mark.parametrize("shape", RECTANGLES)
@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5])
def test_family_finds_the_painted_block(name, shape, scale, silenced):
    assert share_found(silenced(name), noise(*shape), scale, number=20) >= 0.99


@pytest.mark.parametrize(
    ("name", "shape"), [(name, shape) for name, shapes in SHAPES.items() for shape in shapes]
)
def test_family_finds_the_painted_block_in_its_own_branches(name, shape, silenced):
    assert share_found(silenced(name), noise(*shape), 1.0, number=20) >= 0.99


@every_family
@pytest.mark.parametrize("shape", RECTANGLES)
@pytest.mark.parametrize("scale", SCALES)
def test_family_counts_its_tokens(name, shape, scale):
    family = shared(name).family
    image = noise(*shape)
    visual = family.process_image(image, scale)
    inputs = prepare(family, image, PROMPT, scale=scale)
    assert visual.geometry.size == image.size
    assert family.visual_features(visual).shape[0] == visual.visual
    ids = inputs.tensors["input_ids"][0]
    assert bool((ids[inputs.visual_positions] == family.image_token_id).all())
    assert len(inputs.visual_positions) == visual.geometry.visual
    assert bool((inputs.visual_positions.diff() > 0).all())
    assert inputs.model_sizes == (visual.size,)


@every_family
@pytest.mark.parametrize("shape", RECTANGLES)
@pytest.mark.parametrize("scale", SCALES)
def test_family_covers_its_layers_without_gap_or_overlap(name, shape, scale):
    geometry = shared(name).family.process_image(noise(*shape), scale).geometry
    for grid in geometry.grids:
        boxes = geometry.boxes[grid.index.flatten()]
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        left, top = boxes[:, :2].min(0).values.tolist()
        right, bottom = boxes[:, 2:].max(0).values.tolist()
        # Cells of positive area that add up to the hull, each corner a different one.
        assert math.isclose(float(areas.sum()), (right - left) * (bottom - top), rel_tol=1e-9)
        assert len(boxes[:, :2].unique(dim=0)) == len(boxes)
        assert left < shape[0] / 2 < right
        assert top < shape[1] / 2 < bottom


@every_family
def test_family_sees_more_at_larger_scales(name):
    family = shared(name).family
    sizes = [family.process_image(noise(150, 100), scale).size for scale in SCALES]
    areas = [width * height for width, height in sizes]
    assert areas == sorted(areas)
    assert areas[0] < areas[2] < areas[-1]


@every_family
def test_generate_captures_the_states_of_one_forward(name):
    loaded = shared(name)
    inputs = prepare(loaded.family, noise(150, 100), PROMPT)
    trace = generate(loaded, inputs, max_new_tokens=6)
    length = inputs.tensors["input_ids"].shape[1]
    said = torch.tensor([[token.id for token in trace.tokens]])
    tensors = dict(inputs.tensors)
    tensors["input_ids"] = torch.cat([tensors["input_ids"], said], 1)
    tensors["attention_mask"] = torch.ones_like(tensors["input_ids"])
    if "mm_token_type_ids" in tensors:
        kinds = tensors["input_ids"] == loaded.family.image_token_id
        tensors["mm_token_type_ids"] = kinds.long()
    with torch.no_grad():
        states = loaded.model.base_model(**tensors).last_hidden_state[0]
        logits = loaded.model(**tensors).logits[0].softmax(-1)
    answer = torch.arange(length, length + len(trace.tokens))
    places = torch.cat([inputs.prompt_positions, answer])
    assert_close(trace.visual_states, states[inputs.visual_positions])
    assert_close(trace.text_states[:-1], states[places[:-1]])
    assert not trace.text_states[-1].any()
    ids = torch.tensor([token.id for token in trace.text_tokens])
    selected = logits[places - 1, ids]
    given = torch.tensor([token.probability for token in trace.text_tokens])
    assert_close(given, selected)
    best = logits[places - 1].gather(-1, trace.rankings)
    assert_close(best, logits[places - 1].topk(50).values)
    assert torch.equal(trace.unembedding_rows, loaded.model.lm_head.weight[ids])


@every_family
def test_generate_captures_the_states_of_one_forward_in_bfloat16(name):
    loaded = build(name)
    cast: Any = loaded.model.to(torch.bfloat16)
    inputs = prepare(loaded.family, noise(150, 100), PROMPT)
    said = generate(loaded, inputs, max_new_tokens=6)
    heard = read(loaded, inputs, [token.id for token in said.tokens])
    assert cast.dtype == said.visual_states.dtype == torch.bfloat16
    for one, other in (
        (heard.visual_states, said.visual_states),
        (heard.text_states, said.text_states),
    ):
        apart = (one.float() - other.float()).norm(dim=-1) / other.float().norm(dim=-1).clamp_min(1)
        assert float(apart.max()) < 1e-2


@every_family
@pytest.mark.parametrize("scale", SCALES)
def test_read_gives_the_trace_of_generate(name, scale):
    loaded = shared(name)
    inputs = prepare(loaded.family, noise(150, 100), PROMPT, scale=scale)
    said = generate(loaded, inputs, max_new_tokens=6)
    heard = read(loaded, inputs, [token.id for token in said.tokens])
    assert_close(heard.visual_states, said.visual_states)
    assert_close(heard.text_states, said.text_states)
    assert torch.equal(heard.unembedding_rows, said.unembedding_rows)
    assert (heard.answer, len(heard.tokens)) == (said.answer, len(said.tokens))
    for one, other in zip(heard.text_tokens, said.text_tokens, strict=True):
        assert (one.id, one.text, one.start, one.end) == (
            other.id,
            other.text,
            other.start,
            other.end,
        )
        assert one.probability == pytest.approx(other.probability, abs=1e-4)
        assert one.candidates[0][1] == pytest.approx(other.candidates[0][1], abs=1e-4)


def hooks_of(model: torch.nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


@every_family
def test_generate_leaves_hooks_and_modes_as_they_were(name):
    loaded = build(name)
    model: Any = loaded.model
    model.train()
    model.lm_head.eval()
    inputs = prepare(loaded.family, noise(60, 60), PROMPT)
    read(loaded, inputs, "A red star.")  # transformers sets up hooks of its own, for good
    before = [module.training for module in model.modules()], hooks_of(model)
    states = torch.random.get_rng_state()

    def stumble(count: int) -> None:
        assert hooks_of(model) == before[1] + 2
        assert not model.training
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(loaded, inputs, max_new_tokens=3, seed=1, watch=stumble)
    assert ([module.training for module in model.modules()], hooks_of(model)) == before
    read(loaded, inputs, "A red star.")
    assert ([module.training for module in model.modules()], hooks_of(model)) == before
    assert torch.equal(torch.random.get_rng_state(), states)


@every_family
def test_generate_reports_states_that_are_not_finite(name):
    loaded = build(name)
    embeddings: Any = loaded.model.get_input_embeddings()
    embeddings.weight.data.fill_(float("nan"))
    inputs = prepare(loaded.family, noise(60, 60), PROMPT)
    for sampled in (False, True):
        with pytest.raises(NonFiniteError, match="Expected finite"):
            generate(loaded, inputs, max_new_tokens=2, do_sample=sampled)
    with pytest.raises(NonFiniteError, match="Expected finite"):
        read(loaded, inputs, "A red star.")
