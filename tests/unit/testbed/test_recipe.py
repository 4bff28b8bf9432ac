"""The recipe teaches what it says it teaches, and the shipped folder is what real loaders take."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from seewhy.testbed.captions import vocabulary
from seewhy.testbed.recipe.batches import IGNORED, Teacher, patchify
from seewhy.testbed.recipe.corpus import open_corpus, render, shards
from seewhy.testbed.recipe.tiny_qwen2_vl import build_model, save_model
from seewhy.testbed.recipe.training import STAGES, cell_labels, read, see
from seewhy.testbed.recipe.vocabulary import split_share, train_tokenizer
from seewhy.testbed.scenes import draw, scene


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    render(folder, 0, 16)
    render(folder, 16, 24)
    return open_corpus(shards(folder, "train", 0))


@pytest.fixture(scope="module")
def tokenizer(corpus):
    return train_tokenizer(text for row in corpus.said for pair in row for text in pair)


@pytest.fixture(scope="module")
def model(tokenizer):
    return build_model(tokenizer).eval()


@pytest.fixture
def teacher(corpus, tokenizer):
    return Teacher(corpus, tokenizer, seed=0)


def test_corpus_holds_the_pictures_that_are_drawn(corpus):
    assert len(corpus) == 24
    for index in (0, 15, 16, 23):
        assert np.array_equal(corpus.image(index), draw(scene(index)).image)


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


def test_patchify_makes_the_patches_of_the_real_processor(model, tokenizer, tmp_path, corpus):
    from seewhy.models import load

    save_model(build_model(tokenizer), tokenizer, tmp_path)
    images = load(tmp_path).processor.image_processor
    picture = corpus.image(0)
    made = images(Image.fromarray(picture), return_tensors="pt")
    patches, grid = patchify(torch.from_numpy(picture[None].copy()))
    assert made["image_grid_thw"].tolist() == [[1, 2 * grid[0], 2 * grid[1]]]
    torch.testing.assert_close(patches[0], made["pixel_values"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("grid", [(2, 3), (10, 10)])
def test_see_is_the_vision_tower_in_one_pass(model, grid):
    height, width = 2 * grid[0], 2 * grid[1]
    patches = torch.randn(2, height * width, 384, generator=torch.Generator().manual_seed(0))
    grids = torch.tensor([[1, height, width]] * 2)
    with torch.no_grad():
        own = see(model, patches, grid)
        real = model.model.visual(patches.flatten(0, 1), grids).pooler_output
    torch.testing.assert_close(own.flatten(0, 1), real, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["images", "word_grids"])
def test_utterances_cannot_see_each_other(teacher, model, kind):
    batch = getattr(teacher, kind)(4, share=4)
    second = int((batch.mask[0, 0, :, batch.grid[0] * batch.grid[1]]).nonzero()[-1])
    changed = batch.ids.clone()
    start = int((batch.targets[0] != IGNORED).nonzero()[0])
    changed[0, second] = (changed[0, second] + 7) % 256 + 7
    with torch.no_grad():
        embeds = model.model.language_model.embed_tokens
        states = [
            model.model.language_model(
                inputs_embeds=embeds(ids),
                attention_mask={"full_attention": batch.mask},
                position_ids=batch.positions,
            ).last_hidden_state[0]
            for ids in (batch.ids, changed)
        ]
    moved = (states[0] - states[1]).abs().amax(-1) > 1e-6
    segment = batch.mask[0, 0, second]  # what the changed token's utterance may look at
    others = ~segment & torch.arange(len(segment)).lt(second)
    assert bool(moved[second])
    assert not bool(moved[others].any())
    assert not bool(moved[:start].any())


def test_no_loss_touches_an_images_positions(teacher, tokenizer):
    batch = teacher.images(6)
    image = batch.ids == tokenizer.convert_tokens_to_ids("<|image_pad|>")
    assert int(image.sum()) == len(batch.ids) * batch.grid[0] * batch.grid[1]
    assert bool((batch.targets[image] == IGNORED).all())
    assert bool((batch.targets != IGNORED).any())


def test_positions_are_the_models_own(teacher, model):
    batch = teacher.told(
        np.array([0]), [teacher.said[0][:1]], 1.0
    )  # one utterance: a plain conversation
    grid = torch.tensor([[1, 2 * batch.grid[0], 2 * batch.grid[1]]])
    kinds = (batch.ids == model.config.image_token_id).int()
    own, _ = model.model.get_rope_index(batch.ids, kinds, grid)
    assert torch.equal(batch.positions, own)


def test_read_gives_the_logits_of_a_plain_forward_pass(teacher, model):
    batch = teacher.told(np.array([0]), [teacher.said[0][:1]], 1.0)
    grid = torch.tensor([[1, 2 * batch.grid[0], 2 * batch.grid[1]]])
    kinds = (batch.ids == model.config.image_token_id).int()
    with torch.no_grad():
        logits, targets = read(model, batch)
        real = model(
            input_ids=batch.ids,
            pixel_values=batch.patches.flatten(0, 1),
            image_grid_thw=grid,
            mm_token_type_ids=kinds,
        ).logits[0]
    taught = batch.targets[0] != IGNORED
    torch.testing.assert_close(logits, real[taught], rtol=1e-3, atol=1e-4)
    # What is taught at a place is the token that stands at the next.
    assert torch.equal(targets[:-1], batch.ids[0, 1:][taught[:-1]][: len(targets) - 1])


def test_cell_labels_name_what_covers_a_cell():
    maps = np.zeros((1, 8, 8), np.uint8)
    maps[0, :4, :4] = 5
    maps[0, 4:5, 4:5] = 9  # a sixteenth of the cell: neither ground nor thing
    assert cell_labels(maps).tolist() == [[5, 0, 0, IGNORED]]


def test_stage_warms_up_and_cools_down_to_nothing():
    for stage in STAGES.values():
        assert stage.rate(0) < 0.1
        assert stage.rate(stage.steps // 4) == 1.0
        assert stage.rate(stage.steps) == 0.0
