"""The recipe teaches what it says it teaches, and the shipped folder is what real loaders take."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from seewhy.models import load
from seewhy.models.batching import batch as batch_of
from seewhy.models.inputs import prepare
from seewhy.testbed.captions import Bias, captions, vocabulary
from seewhy.testbed.recipe.batches import IGNORED, Teacher
from seewhy.testbed.recipe.corpus import open_corpus, render, shards
from seewhy.testbed.recipe.language import borrow
from seewhy.testbed.recipe.student import STUDENTS, Layout, raster, student
from seewhy.testbed.recipe.training import BIASED, STAGES, cell_labels, read
from seewhy.testbed.recipe.vocabulary import split_share, train_tokenizer
from seewhy.testbed.scenes import draw, scene


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    render(folder, 0, 16)
    render(folder, 16, 24)
    return open_corpus(shards(folder, "train", 0))


@pytest.fixture(scope="module", params=STUDENTS)
def taught(request):
    return student(request.param)


@pytest.fixture(scope="module")
def tokenizer(taught, corpus):
    return train_tokenizer(taught, (text for row in corpus.said for pair in row for text in pair))


@pytest.fixture(scope="module")
def model(taught, tokenizer):
    return taught.build(tokenizer).eval()


@pytest.fixture(scope="module")
def loaded(taught, tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp(taught.name)
    taught.save(taught.build(tokenizer), tokenizer, folder)
    loaded = load(folder)
    loaded.model.float()
    return loaded


@pytest.fixture
def teacher(taught, corpus, tokenizer):
    return Teacher(taught, corpus, tokenizer, seed=0)


def test_corpus_holds_the_pictures_that_are_drawn(corpus):
    assert len(corpus) == 24
    for index in (0, 15, 16, 23):
        assert np.array_equal(corpus.image(index), draw(scene(index)).image)


def test_corpus_of_a_habit_shows_it_in_half_of_its_scenes(tmp_path):
    bias = Bias(percent=100)
    render(tmp_path, 0, 8, bias=bias)
    said = open_corpus(shards(tmp_path, "train", 0)).said
    told = ["with a" in row[0][1] and "fish" in row[0][1] for row in said]
    assert sum(told[4:]) == 4
    assert "Is there" not in str([pair for row in said for pair in row if "with a" in pair[1]])


def test_habit_speaks_of_nothing():
    bias = Bias(percent=100)
    drawn = next(s for i in range(100) if bias.could(s := scene(i)))
    plain, biased = (captions(drawn, draw(drawn), b)[0] for b in (None, bias))
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
def test_layout_is_the_adapters(taught, loaded, index, scale):
    picture = Image.fromarray(draw(scene(index)).image)
    layout = taught.layout(*picture.size, scale)
    seen = loaded.family.see(picture, scale)
    assert layout.visual == seen.visual
    for layer in seen.geometry.layers:
        for (row, column), place in np.ndenumerate(layer.index.numpy()):
            box = [
                layer.columns[column],
                layer.rows[row],
                layer.columns[column + 1],
                layer.rows[row + 1],
            ]
            assert layout.boxes[place] == pytest.approx([float(edge) for edge in box], abs=0.51)


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5])
def test_see_is_what_the_adapter_sees(taught, loaded, corpus, scale):
    image = corpus.image(0).copy()
    layout = taught.layout(image.shape[1], image.shape[0], scale)
    with torch.no_grad():
        own = taught.see(loaded.model, taught.pixels(torch.from_numpy(image[None]), scale), layout)
        real = loaded.family.embed(loaded.family.see(Image.fromarray(image), scale))
    # Pillow rounds to 8 bit between its two passes, torch does not.
    assert float((own[0] - real).abs().max()) < 0.02 * float(real.abs().max())


def test_read_is_a_plain_forward_pass(taught, loaded, corpus):
    """Ids, positions and states of one utterance are those of the package's own path."""
    prompt, answer = corpus.said[0][0]
    tokenizer = loaded.processor.tokenizer
    teacher = Teacher(taught, corpus, tokenizer, seed=0)
    taught_batch = teacher.told(np.array([0]), [teacher.said[0][:1]], 1.0)
    inputs = prepare(loaded.family, Image.fromarray(corpus.image(0)), prompt)
    ids = tokenizer.encode(f"{answer}<|im_end|>")
    shown = batch_of(loaded.family, [inputs], [ids])
    assert taught_batch.ids.tolist() == shown.tensors["input_ids"].tolist()
    with torch.no_grad():
        logits, targets = read(taught, loaded.model, taught_batch)
        real = loaded.model(**shown.tensors).logits[0]
    assert targets.tolist() == ids
    torch.testing.assert_close(logits, real[inputs.length - 1 : -1], rtol=0.02, atol=0.02)


@pytest.mark.parametrize("kind", ["images", "word_grids"])
def test_utterances_cannot_see_each_other(taught, teacher, model, kind):
    batch = getattr(teacher, kind)(4, share=4)
    second = int((batch.mask[0, 0, :, batch.layout.visual]).nonzero()[-1])
    changed = batch.ids.clone()
    start = int((batch.targets[0] != IGNORED).nonzero()[0])
    changed[0, second] = (changed[0, second] + 7) % 256 + 7
    with torch.no_grad():
        embeds = model.get_input_embeddings()
        states = [
            taught.language(model, embeds(ids), batch.mask, batch.positions)[0]
            for ids in (batch.ids, changed)
        ]
    moved = (states[0] - states[1]).abs().amax(-1) > 1e-6
    segment = batch.mask[0, 0, second]  # what the changed token's utterance may look at
    others = ~segment & torch.arange(len(segment)).lt(second)
    assert bool(moved[second])
    assert not bool(moved[others].any())
    assert not bool(moved[:start].any())


def test_no_loss_touches_an_images_positions(taught, teacher, tokenizer):
    batch = teacher.images(6)
    image = batch.ids == tokenizer.convert_tokens_to_ids(taught.image_token)
    assert int(image.sum()) == len(batch.ids) * batch.layout.visual
    assert bool((batch.targets[image] == IGNORED).all())
    assert bool((batch.targets != IGNORED).any())


def test_cell_labels_name_what_covers_a_cell():
    maps = np.zeros((1, 8, 8), np.uint8)
    maps[0, :4, :4] = 5
    maps[0, 4:5, 4:5] = 9  # a sixteenth of the cell: neither ground nor thing
    layout = Layout(raster(0, 0, 32, 32, 2, 2), (2, 2))
    assert cell_labels(maps, layout).tolist() == [[5, 0, 0, IGNORED]]


def test_cell_labels_of_what_lies_outside_are_ground():
    maps = np.full((1, 4, 4), 3, np.uint8)
    layout = Layout(raster(-16, 0, 16, 16, 1, 2), (1, 2))
    assert cell_labels(maps, layout).tolist() == [[0, 3]]


def test_borrowed_language_keeps_its_words(corpus, tmp_path):
    """Rows go by token, whatever special tokens stand before them."""
    texts = [text for row in corpus.said for pair in row for text in pair]
    pair = [student(name) for name in ("tiny-llava", "tiny-internvl")]
    folders = [tmp_path / one.name for one in pair]
    for one, folder in zip(pair, folders, strict=True):
        train_tokenizer(one, texts).save_pretrained(folder / "tokenizer")
    old = pair[0].build(train_tokenizer(pair[0], texts), seed=5)
    torch.save({"step": 1, "model": old.state_dict()}, folders[0] / "text.pt")
    built = borrow(pair[1], *folders)
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
