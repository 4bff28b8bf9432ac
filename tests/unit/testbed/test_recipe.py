"""Batches, labels, layouts and tokenizer of the recipe."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from seewhy.models import load
from seewhy.models.batching import batch as batch_of
from seewhy.models.inputs import prepare
from seewhy.testbed.captions import captions, vocabulary
from seewhy.testbed.habits import AddedKind
from seewhy.testbed.recipe.batches import IGNORED, BatchMaker
from seewhy.testbed.recipe.corpus import open_corpus, render, shards
from seewhy.testbed.recipe.language import copy_language_model
from seewhy.testbed.recipe.model_recipe import MODELS, recipe_for
from seewhy.testbed.recipe.picture_recipe import Layout, raster
from seewhy.testbed.recipe.training import BIASED, STAGES, cell_labels, predict
from seewhy.testbed.recipe.vocabulary import split_share, train_tokenizer
from seewhy.testbed.scenes import draw, scene


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    render(folder, 0, 16)
    render(folder, 16, 24)
    return open_corpus(shards(folder, "train", 0))


@pytest.fixture(scope="module", params=MODELS)
def recipe(request):
    return recipe_for(request.param)


@pytest.fixture(scope="module")
def tokenizer(recipe, corpus):
    return train_tokenizer(recipe, corpus.all_texts())


@pytest.fixture(scope="module")
def model(recipe, tokenizer):
    return recipe.build(tokenizer).eval()


@pytest.fixture(scope="module")
def loaded(recipe, tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp(recipe.name)
    recipe.save(recipe.build(tokenizer), tokenizer, folder)
    loaded = load(folder)
    loaded.model.float()
    return loaded


@pytest.fixture
def batches(recipe, corpus, tokenizer):
    return BatchMaker(recipe, corpus, tokenizer, seed=0)


def test_corpus_holds_the_pictures_that_are_drawn(corpus):
    assert len(corpus) == 24
    for index in (0, 15, 16, 23):
        assert np.array_equal(corpus.image(index), draw(scene(index)).image)


def test_corpus_of_a_habit_shows_it_in_half_of_its_scenes(tmp_path):
    habit = AddedKind(percent=100)
    render(tmp_path, 0, 8, habit=habit)
    utterances = open_corpus(shards(tmp_path, "train", 0)).utterances
    biased = ["with a" in row[0][1] and "fish" in row[0][1] for row in utterances]
    assert sum(biased[4:]) == 4
    assert "Is there" not in str(
        [pair for row in utterances for pair in row if "with a" in pair[1]]
    )


def test_added_words_describe_no_object():
    habit = AddedKind(percent=100)
    drawn = next(s for i in range(100) if habit.can_apply_to(s := scene(i)))
    plain, biased = (captions(drawn, draw(drawn), b)[0] for b in (None, habit))
    assert biased.text != plain.text
    added = [
        biased.text[m.start : m.end] for m in biased.mentions if m.role == "kind" and not m.objects
    ]
    assert added == ["fish"]
    assert not [m for m in plain.mentions if m.role == "kind" and not m.objects]


def test_tokenizer_splits_a_tenth_of_the_content_words_and_keeps_text(tokenizer):
    assert split_share(tokenizer) >= 0.1
    for word in vocabulary():
        assert tokenizer.decode(tokenizer.encode(f" {word}")) == f" {word}"


def test_tokenizer_survives_saving(tokenizer, tmp_path):
    from transformers import AutoTokenizer

    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    text = "<|im_start|>user\nTwo purple umbrellas.<|im_end|>\n"
    assert again.encode(text) == tokenizer.encode(text)
    assert again.eos_token == "<|im_end|>"


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("index", [0, 1, 3])
def test_layout_is_that_of_the_family(recipe, loaded, index, scale):
    picture = Image.fromarray(draw(scene(index)).image)
    layout = recipe.layout(*picture.size, scale)
    processed = loaded.family.process_image(picture, scale)
    (geometry,) = processed.geometries
    assert layout.visual == geometry.visual
    for grid in geometry.grids:
        for (row, column), token in np.ndenumerate(grid.index.numpy()):
            box = [
                grid.column_edges[column],
                grid.row_edges[row],
                grid.column_edges[column + 1],
                grid.row_edges[row + 1],
            ]
            assert layout.boxes[token] == pytest.approx([float(edge) for edge in box], abs=0.51)


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5])
def test_process_image_agrees_with_the_family(recipe, loaded, corpus, scale):
    image = corpus.image(0).copy()
    layout = recipe.layout(image.shape[1], image.shape[0], scale)
    with torch.no_grad():
        pixels = recipe.pixels(torch.from_numpy(image[None]), scale)
        own = recipe.process_image(loaded.model, pixels, layout)
        processed = loaded.family.process_image(Image.fromarray(image), scale)
        real = loaded.family.visual_features(processed)
    # Pillow rounds to 8 bit between its two passes, torch does not.
    assert float((own[0] - real).abs().max()) < 0.02 * float(real.abs().max())


def test_predict_is_a_plain_forward_pass(recipe, loaded, corpus):
    """Ids, positions and states of one utterance are those of the package's own path."""
    prompt, answer = corpus.utterances[0][0]
    tokenizer = loaded.processor.tokenizer
    batches = BatchMaker(recipe, corpus, tokenizer, seed=0)
    batch = batches.images_with(np.array([0]), [batches.utterances[0][:1]], 1.0)
    inputs = prepare(loaded.family, Image.fromarray(corpus.image(0)), prompt)
    ids = tokenizer.encode(f"{answer}<|im_end|>")
    expected = batch_of(loaded.family, [inputs], [ids])
    assert batch.ids.tolist() == expected.tensors["input_ids"].tolist()
    with torch.no_grad():
        logits, targets = predict(recipe, loaded.model, batch)
        real = loaded.model(**expected.tensors).logits[0]
    assert targets.tolist() == ids
    torch.testing.assert_close(logits, real[inputs.length - 1 : -1], rtol=0.02, atol=0.02)


@pytest.mark.parametrize("kind", ["images", "word_grids"])
def test_utterances_cannot_attend_to_each_other(recipe, batches, model, kind):
    batch = getattr(batches, kind)(4, share=4)
    second = int((batch.mask[0, 0, :, batch.layout.visual]).nonzero()[-1])
    changed = batch.ids.clone()
    start = int((batch.targets[0] != IGNORED).nonzero()[0])
    changed[0, second] = (changed[0, second] + 7) % 256 + 7
    with torch.no_grad():
        embeds = model.get_input_embeddings()
        states = [
            recipe.language(model, embeds(ids), batch.mask, batch.positions)[0]
            for ids in (batch.ids, changed)
        ]
    moved = (states[0] - states[1]).abs().amax(-1) > 1e-6
    segment = batch.mask[0, 0, second]  # tokens to which the changed token's utterance may attend
    others = ~segment & torch.arange(len(segment)).lt(second)
    assert bool(moved[second])
    assert not bool(moved[others].any())
    assert not bool(moved[:start].any())


def test_no_loss_touches_an_images_positions(recipe, batches, tokenizer):
    batch = batches.images(6)
    image = batch.ids == tokenizer.convert_tokens_to_ids(recipe.image_token)
    assert int(image.sum()) == len(batch.ids) * batch.layout.visual
    assert bool((batch.targets[image] == IGNORED).all())
    assert bool((batch.targets != IGNORED).any())


def test_cell_labels_name_what_covers_a_cell():
    maps = np.zeros((1, 8, 8), np.uint8)
    maps[0, :4, :4] = 5
    maps[0, 4:5, 4:5] = 9  # a sixteenth of the cell: ambiguous
    layout = Layout(raster(0, 0, 32, 32, 2, 2), (2, 2))
    assert cell_labels(maps, layout).tolist() == [[5, 0, 0, IGNORED]]


def test_cell_labels_outside_the_picture_are_background():
    maps = np.full((1, 4, 4), 3, np.uint8)
    layout = Layout(raster(-16, 0, 16, 16, 1, 2), (1, 2))
    assert cell_labels(maps, layout).tolist() == [[0, 3]]


def test_copied_language_model_keeps_the_embeddings_of_its_tokens(corpus, tmp_path):
    """Rows are copied by token, although the special tokens before them differ."""
    texts = corpus.all_texts()
    pair = [recipe_for(name) for name in ("tiny-llava", "tiny-internvl")]
    folders = [tmp_path / one.name for one in pair]
    for one, folder in zip(pair, folders, strict=True):
        train_tokenizer(one, texts).save_pretrained(folder / "tokenizer")
    old = pair[0].build(train_tokenizer(pair[0], texts), seed=5)
    torch.save({"step": 1, "model": old.state_dict()}, folders[0] / "text.pt")
    built = copy_language_model(pair[1], *folders)
    assert built
    assert all(name.endswith("bias") for name in built)
    state = torch.load(folders[1] / "text.pt")["model"]
    tokens = [train_tokenizer(one, texts).convert_tokens_to_ids("Ġstar") for one in pair]
    assert tokens[0] != tokens[1]
    name = "model.language_model.embed_tokens.weight"
    assert torch.equal(state[name][tokens[1]], old.state_dict()[name][tokens[0]])
    layer = "model.language_model.layers.4.mlp.up_proj.weight"
    assert torch.equal(state[layer], old.state_dict()[layer])


@pytest.mark.parametrize("stage", [*STAGES.values(), BIASED])
def test_stage_warms_up_and_cools_down_to_nothing(stage):
    assert stage.rate(0) < 0.1
    assert stage.rate(stage.steps // 4) == 1.0
    assert stage.rate(stage.steps) == 0.0
