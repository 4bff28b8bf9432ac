"""The smol recipe: names of cells, what batches ask, and that it computes as transformers."""

import numpy as np
import pytest
import torch

from seewhy.testbed.emoji.colours import COLOURS
from seewhy.testbed.emoji.grounds import NAMES
from seewhy.testbed.emoji.kinds import KINDS
from seewhy.testbed.emoji.scenes import Thing
from seewhy.testbed.recipe_smol import smol_qwen2_vl
from seewhy.testbed.recipe_smol.adapter import Adapted, adapted
from seewhy.testbed.recipe_smol.batches import IGNORED, BatchMaker, example
from seewhy.testbed.recipe_smol.collages import CELL, cells_of, collage
from seewhy.testbed.recipe_smol.evaluation import _score
from seewhy.testbed.recipe_smol.vectors import COLOUR, KIND, CellVectors
from seewhy.testbed.smol.families import family_for
from smol_parts import tiny_language

CAR = Thing("car", "noto", "red", None, 0, 0, 0)


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    language = tiny_language(tmp_path_factory.mktemp("language"))
    table = language.state["model.embed_tokens.weight"].float()
    return CellVectors(language.tokenizer(family_for("qwen2_vl")), table)


@pytest.fixture(scope="module")
def maker(tmp_path_factory, vectors):
    language = tiny_language(tmp_path_factory.mktemp("language"))
    return BatchMaker(language.tokenizer(family_for("qwen2_vl")), vectors, seed=1, share=4)


@pytest.fixture(scope="module")
def examples():
    found = [example(index) for index in range(12)]
    return [one for one in found if one.scene.width == one.scene.height][:2]


def test_a_cell_shows_the_thing_that_covers_enough_of_it():
    labels = np.zeros((2 * CELL, 2 * CELL), np.uint8)
    labels[:CELL, :CELL] = 1
    labels[:CELL, CELL : CELL + 4] = 1  # an eighth: neither thing nor ground
    cells = cells_of(labels, (CAR,), "sand")
    assert cells.kind.tolist() == [1 + list(KINDS).index("car"), -1, 0, 0]
    assert cells.colour.tolist() == [1 + COLOURS.index("red"), -1, 0, 0]
    assert cells.ground.tolist() == [-1, -1, NAMES.index("sand"), NAMES.index("sand")]


def test_a_collage_is_full_and_the_same_every_time():
    picture, cells = collage(3)
    again, _ = collage(3)
    assert np.array_equal(picture, again)
    assert cells.kind.shape == (picture.shape[0] * picture.shape[1] // CELL**2,)
    assert (cells.kind > 0).sum() >= 8


def test_a_cells_vector_is_of_its_words(vectors):
    labels = np.zeros((CELL, 2 * CELL), np.uint8)
    labels[:, :CELL] = 1
    of = vectors.of(cells_of(labels, (CAR,), "sand"))
    assert torch.allclose(of.norm(dim=1), torch.full((2,), vectors.norm))
    words = KIND * vectors.kinds[1 + list(KINDS).index("car")]
    words = words + COLOUR * vectors.colours[1 + COLOURS.index("red")]
    assert float(torch.cosine_similarity(of[0], words, dim=0)) > 0.999
    assert float(torch.cosine_similarity(of[1], words, dim=0)) < 0.9


def test_pictures_have_no_loss_at_their_places_and_word_grids_do(maker, examples):
    places = (maker.batch(examples, grid=False).ids == smol_qwen2_vl.IMAGE).sum(1)
    for grid in (False, True):
        batch = maker.batch(examples, grid=grid)
        # The target at t is token t + 1: the last place predicts the token after the picture.
        at = (batch.ids[:, :-1] == smol_qwen2_vl.IMAGE) & (batch.targets[:, :-1] != IGNORED)
        assert bool(at.any()) == grid
        assert (batch.images is None) == grid
        assert (batch.vectors is None) != grid
    assert (places == 144).all()


def test_targets_are_the_next_tokens_of_answers(maker, examples):
    batch = maker.batch(examples, grid=False)
    rows, columns = (batch.targets != IGNORED).nonzero(as_tuple=True)
    assert torch.equal(batch.targets[rows, columns], batch.ids[rows, columns + 1])
    assert set(batch.weights[rows, columns].tolist()) == {1.0}


def test_no_utterance_sees_another(maker, examples):
    batch = maker.batch(examples, grid=False)
    row, ends = 0, (batch.ids[0] == maker.end[0]).nonzero().flatten().tolist()
    start, after = len(maker.prefix) + 145, ends[1] + 1  # an utterance has two ends of turns
    mask = batch.mask[row, 0]
    assert not mask[after, start:after].any()  # the second starts anew
    assert mask[after, :start].all()  # and sees the picture
    assert mask[start + 3, start : start + 4].all()
    assert not mask.triu(1).any()
    assert batch.positions[0, row, after] == batch.positions[0, row, start]


def test_the_tower_computes_as_transformers():
    visual = smol_qwen2_vl.tower().eval()
    image = torch.from_numpy(collage(1)[0])[None, :128, :96].contiguous()
    with torch.inference_mode():
        ours = smol_qwen2_vl.see(visual, image)[0]
        patches = smol_qwen2_vl.patches(image)[0].view(-1, 3, 1, 256)
        frames = patches.expand(-1, -1, 2, -1).reshape(len(patches), -1)
        theirs = visual(frames, grid_thw=torch.tensor([[1, 8, 6]]))
    theirs = getattr(theirs, "pooler_output", theirs)
    assert torch.allclose(ours, theirs, atol=2e-5)


def test_a_fresh_adapter_changes_nothing_and_a_trained_one_adds_its_product():
    linear = torch.nn.Linear(6, 4)
    model = torch.nn.Sequential(linear, torch.nn.ReLU())
    (layer,) = adapted(model).values()
    x = torch.randn(3, 6)
    assert isinstance(model[0], Adapted)
    assert torch.equal(layer(x), linear(x))
    with torch.no_grad():
        layer.B.normal_()
    merged = linear.weight + 2.0 * layer.B @ layer.A
    assert torch.allclose(layer(x), torch.nn.functional.linear(x, merged, linear.bias), atol=1e-5)


def test_own_words_are_scored_against_the_scene(examples):
    from collections import defaultdict

    from seewhy.testbed.emoji.scenes import draw

    one = examples[0]
    absent = next(k for k in ("giraffe", "piano") if all(t.kind != k for t in one.scene.things))
    hits: dict[str, list[bool]] = defaultdict(list)
    true, asked = one.utterances[0], one.utterances[3]
    said, texts = (
        [true, asked, asked, asked],
        [true.text, f"A {absent}.", true.text, f"A {absent}."],
    )
    _score(one.scene, draw(one.scene), said, texts, hits)
    assert all(hits["own captions"][:1])
    assert hits["kind"].count(False) == 2
    assert hits["answers"] == [False]
