"""The smol recipe: names of cells, what batches ask, and that it computes as transformers."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from seewhy.testbed.emoji.colours import COLOURS
from seewhy.testbed.emoji.grammar import NUMBERS
from seewhy.testbed.emoji.grounds import NAMES
from seewhy.testbed.emoji.habits import EMOJI_HABITS
from seewhy.testbed.emoji.kinds import KINDS
from seewhy.testbed.emoji.scenes import Thing, draw, scene
from seewhy.testbed.recipe.picture_recipe import raster
from seewhy.testbed.recipe_smol.adapter import SCALE, Adapted, adapted, grouped_attention
from seewhy.testbed.recipe_smol.batches import IGNORED, SEEN, BatchMaker, Scenes, example
from seewhy.testbed.recipe_smol.card import write_card
from seewhy.testbed.recipe_smol.collages import cells_of, collage, scene_cells
from seewhy.testbed.recipe_smol.drills import drills
from seewhy.testbed.recipe_smol.evaluation import BARS, habit_figures, judged
from seewhy.testbed.recipe_smol.export import shortened
from seewhy.testbed.recipe_smol.from_parts import from_parts, taken_over
from seewhy.testbed.recipe_smol.smol_recipe import MODELS, smol_recipe
from seewhy.testbed.recipe_smol.tower_figures import tower_figures
from seewhy.testbed.recipe_smol.vectors import COLOUR, KIND, ONE, CellVectors
from seewhy.testbed.smol.families import family_for
from smol_parts import tiny_language

CAR = Thing("car", "noto", "red", None, 0, 0, 0)
CELL = 32
QWEN2_VL = smol_recipe("smol-qwen2-vl")


def boxes(labels):
    height, width = labels.shape
    return raster(0, 0, width, height, height // CELL, width // CELL)


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    language = tiny_language(tmp_path_factory.mktemp("language"))
    table = language.state["model.embed_tokens.weight"].float()
    return CellVectors(language.tokenizer(family_for("qwen2_vl")), table)


@pytest.fixture(scope="module", params=MODELS)
def maker(request, tmp_path_factory, vectors):
    recipe = smol_recipe(request.param)
    language = tiny_language(tmp_path_factory.mktemp("language"))
    return BatchMaker(recipe, language.tokenizer(recipe.family), vectors, seed=1)


@pytest.fixture(scope="module")
def examples():
    found = [example(index) for index in range(12)]
    return [one for one in found if one.scene.width == one.scene.height][:2]


def test_a_cell_shows_the_thing_that_covers_enough_of_it():
    labels = np.zeros((2 * CELL, 2 * CELL), np.uint8)
    labels[:CELL, :CELL] = 1
    labels[:CELL, CELL : CELL + 4] = 1  # an eighth: neither thing nor ground
    cells = cells_of(labels, (CAR,), "sand", boxes(labels))
    assert cells.kind.tolist() == [1 + list(KINDS).index("car"), -1, 0, 0]
    assert cells.colour.tolist() == [1 + COLOURS.index("red"), -1, 0, 0]
    assert cells.ground.tolist() == [-1, -1, NAMES.index("sand"), NAMES.index("sand")]


def test_each_thing_has_one_cell_in_its_middle():
    labels = np.zeros((3 * CELL, 5 * CELL), np.uint8)
    labels[:, : 3 * CELL] = 1
    labels[:CELL, 3 * CELL :] = 2
    centres = cells_of(labels, (CAR, CAR), "sand", boxes(labels)).centre
    assert np.flatnonzero(centres).tolist() == [3, 6]


def test_cells_outside_the_picture_are_of_the_ground():
    labels = np.ones((CELL, 2 * CELL), np.uint8)  # LLaVA pads it to a square
    square = raster(0, -CELL / 2, 2 * CELL, 1.5 * CELL, 2, 2)
    assert (cells_of(labels, (CAR,), "sand", square).kind > 0).all()  # a half of each
    rows = raster(0, -CELL, 2 * CELL, 2 * CELL, 3, 2)
    assert (cells_of(labels, (CAR,), "sand", rows).kind > 0).tolist() == [
        *(False, False),
        *(True, True),
        *(False, False),
    ]


def test_a_collage_is_full_and_the_same_every_time():
    picture, *shown = collage(3, 256)
    again, *_ = collage(3, 256)
    assert np.array_equal(picture, again)
    cells = cells_of(*shown, boxes(shown[0]))
    assert cells.kind.shape == (picture.shape[0] * picture.shape[1] // CELL**2,)
    assert (cells.kind > 0).sum() >= 8


def test_a_cells_vector_is_of_its_words(vectors):
    labels = np.zeros((CELL, 2 * CELL), np.uint8)
    labels[:, :CELL] = 1
    of = vectors.of(cells_of(labels, (CAR,), "sand", boxes(labels)))
    assert torch.allclose(of.norm(dim=1), torch.full((2,), vectors.norm))
    words = KIND * vectors.kinds[1 + list(KINDS).index("car")]
    words = words + COLOUR * vectors.colours[1 + COLOURS.index("red")] + ONE * vectors.one
    assert float(torch.cosine_similarity(of[0], words, dim=0)) > 0.999
    assert float(torch.cosine_similarity(of[1], words, dim=0)) < 0.9


def test_pictures_have_no_loss_at_their_places_and_word_grids_do(maker, examples):
    places = maker.batch(examples, grid=False).places.sum(1)
    for grid in (False, True):
        batch = maker.batch(examples, grid=grid)
        # The target at t is token t + 1: the last place predicts the token after the picture.
        at = batch.places[:, :-1] & (batch.targets[:, :-1] != IGNORED)
        assert bool(at.any()) == grid
        assert (batch.images is None) == grid
        assert (batch.vectors is None) != grid
    assert (places == 144).all()


def test_targets_are_the_next_tokens_of_answers(maker, examples):
    batch = maker.batch(examples, grid=False)
    rows, columns = (batch.targets != IGNORED).nonzero(as_tuple=True)
    assert torch.equal(batch.targets[rows, columns], batch.ids[rows, columns + 1])
    seen: dict[str | None, set[float]] = {}
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        role = batch.roles.get((row, column))
        seen.setdefault(role, set()).add(float(batch.weights[row, column]))
    assert seen["kind"] == {SEEN}
    assert seen["function"] == {1.0}


def test_no_utterance_sees_another(maker, examples):
    batch = maker.batch(examples, grid=False)
    row, ends = 0, (batch.ids[0] == maker.end[0]).nonzero().flatten().tolist()
    height, width = examples[0].picture.image.shape[:2]
    begun = maker.recipe.beginning(maker.tokenizer, maker.recipe.layout(width, height, 1))
    start, after = len(begun.ids), ends[1] + 1  # an utterance has two ends of turns
    mask = batch.mask[row, 0]
    assert not mask[after, start:after].any()  # the second starts anew
    assert mask[after, :start].all()  # and sees the picture
    assert mask[start + 3, start : start + 4].all()
    assert not mask.triu(1).any()
    assert batch.positions[0, row, after] == batch.positions[0, row, start]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("shape", [(384, 384), (320, 448)])
def test_the_tower_computes_as_transformers(name, shape):
    recipe = smol_recipe(name)
    model = recipe.without_language().eval()
    image = collage(1, 448)[0][: shape[0], : shape[1]]
    with torch.inference_mode():
        ours = recipe.see(model, torch.from_numpy(image)[None])[0]
        processed = processor(recipe)(images=[Image.fromarray(image)], return_tensors="pt")
        theirs = model.get_image_features(**{k: processed[k] for k in USED & processed.keys()})
    theirs = getattr(theirs, "pooler_output", theirs)
    theirs = torch.cat(list(theirs)).reshape(-1, ours.shape[-1])
    assert ours.shape == theirs.shape
    # Where pictures are resized, ours rounds some pixels to the other of two neighbours.
    bound = 1e-5 if shape == (384, 384) or name == "smol-qwen2-vl" else 1.5e-2
    assert float((ours - theirs).abs().mean()) < bound * float(theirs.abs().mean())


USED = {"pixel_values", "image_grid_thw"}


def processor(recipe):
    from transformers import AutoImageProcessor

    with tempfile.TemporaryDirectory() as folder:
        language = tiny_language(Path(folder))
        recipe.family.processor(recipe.config(), language.tokenizer(recipe.family), Path(folder))
        return AutoImageProcessor.from_pretrained(folder)


def layers_of(name, model):
    tower = model.model.vision_tower
    return tower.encoder.layers if name == "smol-llava" else tower.encoder.layer


@pytest.mark.parametrize("name", ["smol-llava", "smol-internvl"])
def test_a_tower_can_start_from_qwen2_vls(name):
    recipe = smol_recipe(name)
    theirs, ours = QWEN2_VL.without_language(seed=1), recipe.without_language()
    recipe.start_from(ours, {n: p.data for n, p in QWEN2_VL.vision(theirs).items()})
    block, layer = theirs.model.visual.blocks[2], layers_of(name, ours)[2]
    hidden = torch.randn(1, 9, 224)
    with torch.inference_mode():
        flat = (torch.ones(9, 14), torch.zeros(9, 14))  # no turning: only Qwen2-VL's tower has it
        flat = tuple(torch.cat([part] * 4, -1) for part in flat)
        expected = block(hidden[0], torch.tensor([0, 9], dtype=torch.int32), flat)
        given = (hidden,) if name == "smol-internvl" else (hidden, None)
        result = layer(*given)
        result = result[0] if isinstance(result, tuple) else result
        assert torch.allclose(result, expected, atol=1e-5)


def test_llavas_patches_start_at_half_the_resolution_of_qwen2_vls():
    recipe = smol_recipe("smol-llava")
    theirs, ours = QWEN2_VL.without_language(seed=1), recipe.without_language()
    saved = {n: p.data for n, p in QWEN2_VL.vision(theirs).items()}
    recipe.start_from(ours, saved)
    fine = torch.randn(1, 3, 16, 16)
    larger = fine.repeat_interleave(2, 2).repeat_interleave(2, 3)
    kernel = saved["model.visual.patch_embed.proj.weight"].sum(2)
    found = torch.nn.functional.conv2d(larger, recipe.patch_kernel(ours))
    assert torch.allclose(found, torch.nn.functional.conv2d(fine, kernel), atol=1e-4)


@pytest.mark.parametrize("name", ["smol-llava", "smol-internvl"])
def test_a_tower_of_learned_positions_starts_with_attention_to_neighbours(name):
    recipe = smol_recipe(name)
    model = recipe.without_language()
    theirs = QWEN2_VL.without_language(seed=1)
    recipe.start_from(model, {n: p.data for n, p in QWEN2_VL.vision(theirs).items()})
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randint(256, (4, 384, 384, 3), dtype=torch.uint8, generator=generator)
    recipe.embed_patches(model, pictures)
    recipe.start_attention(model, pictures)
    first = layers_of(name, model)[0]
    llava = name == "smol-llava"
    norm, attention = (
        (first.layer_norm1, first.self_attn) if llava else (first.layernorm_before, first.attention)
    )
    seen = {}
    norm.register_forward_hook(lambda _, given, made: seen.update(states=made[0, 1:]))
    with torch.inference_mode():
        recipe.see(model, pictures[:1])
        query, key = (
            linear(seen["states"]).unflatten(1, (4, 56)).transpose(0, 1)
            for linear in (attention.q_proj, attention.k_proj)
        )
        weights = (query @ key.transpose(1, 2) / 56**0.5).softmax(-1)
    cells = 12 if llava else 24
    row, column = torch.arange(cells * cells) // cells, torch.arange(cells * cells) % cells
    inner = (row > 3) & (row < cells - 4) & (column > 3) & (column < cells - 4)
    sides = [(0, 1.5), (0, -1.5), (1.5, 0), (-1.5, 0)]
    for head, (down, right) in zip(weights[:, inner], sides, strict=True):
        brightest = head.argmax(1)
        moved = torch.stack([row[brightest] - row[inner], column[brightest] - column[inner]])
        assert moved.float().median(1).values.tolist() == pytest.approx([down, right], abs=0.5)
        distance = (row[:, None] - row).abs() + (column[:, None] - column).abs()
        assert float((head * (distance[inner] <= 4)).sum(-1).mean()) > 0.5


def test_qwen2_vls_tower_starts_from_nothing():
    with pytest.raises(ValueError, match="leave --start out"):
        QWEN2_VL.start_from(QWEN2_VL.without_language(), {})


@pytest.mark.parametrize("name", MODELS)
def test_a_picture_starts_the_turn_as_the_processor_writes_it(name, tmp_path):
    recipe = smol_recipe(name)
    tokenizer = tiny_language(tmp_path).tokenizer(recipe.family)
    layout = recipe.layout(384, 384, 1)
    begun = recipe.beginning(tokenizer, layout)
    message = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "cat"}]}
    text = str(tokenizer.apply_chat_template([message], tokenize=False))
    marker = recipe.image_token
    pictures = f"<img>{marker}</img>" if recipe.model_type == "internvl" else marker
    text = text.replace(marker, pictures.replace(marker, marker * layout.visual), 1)
    whole = tokenizer.encode(text, add_special_tokens=False)
    assert begun.ids.tolist() == whole[: len(begun.ids)]
    assert layout.visual == begun.places.stop - begun.places.start == 144


@pytest.mark.parametrize("name", MODELS)
def test_tower_and_projector_have_the_whole_models_names(name):
    recipe = smol_recipe(name)
    with torch.device("meta"):
        whole = getattr(transformers, recipe.family.architecture)(recipe.config())
    expected = {n for n, _ in whole.named_parameters() if n.startswith(recipe.family.vision)}
    assert recipe.vision(recipe.without_language()).keys() == expected
    assert all("language_model" in n or n in expected for n, _ in whole.named_parameters())


def test_grouped_attention_is_attention():
    query, key, value = (torch.randn(2, heads, 5, 8) for heads in (6, 2, 2))
    mask = torch.zeros(2, 1, 5, 5).masked_fill_(torch.ones(5, 5).triu(1).bool(), -1e9)
    ours, _ = grouped_attention(torch.nn.Module(), query, key, value, mask)
    alike = (x.repeat_interleave(3, 1) for x in (key, value))
    theirs = torch.nn.functional.scaled_dot_product_attention(query, *alike, attn_mask=mask)
    assert torch.allclose(ours, theirs.transpose(1, 2), atol=1e-6)


def test_drills_are_true(examples):
    for one in examples:
        picture = draw(one.scene)
        told = drills(one.scene, picture)
        assert len(told) >= 4
        for drill in told[:2]:  # the lists are sentences that can be read
            counts = judged(one.scene, picture, drill.text)
            assert counts["kinds", True] > 0
            assert counts["own captions", False] == 0
        (counted,) = (drill for drill in told if drill.prompt.startswith("Count"))
        for mention in counted.mentions:
            if mention.role == "count":
                number = counted.text[mention.start : mention.end].lower()
                assert number == (NUMBERS[len(mention.objects)] if mention.objects else "no")


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


def test_an_adapter_takes_over_a_product_of_lower_rank_that_shipped():
    torch.manual_seed(0)
    fresh = Adapted(torch.nn.Linear(20, 12, bias=False))
    pair = torch.randn(3, 20), torch.randn(12, 3)
    first, second = taken_over(fresh, pair, 1.5)
    assert (first.shape, second.shape) == (fresh.A.shape, fresh.B.shape)
    assert torch.allclose(SCALE * second @ first, 1.5 * pair[1] @ pair[0], atol=1e-5)
    assert bool((first[3:] == fresh.A[3:]).all())  # directions that can still be learned
    first, second = taken_over(fresh, None, 1.5)
    assert torch.equal(first, fresh.A.data)
    assert not second.any()


def test_a_run_of_parts_takes_no_folder_with_checkpoints(tmp_path):
    (tmp_path / "both.pt").touch()
    with pytest.raises(FileExistsError, match=r"without checkpoints, got .*both.pt"):
        from_parts(smol_recipe("smol-internvl"), tmp_path, tmp_path)


def test_shortened_lora_keeps_the_strongest_directions():
    lora = {name: (torch.randn(4, 6), torch.randn(5, 4)) for name in ("one", "two")}
    whole = shortened(lora, 1000)
    for name, (first, second) in lora.items():
        assert torch.allclose(whole[name][1] @ whole[name][0], second @ first, atol=1e-5)
    with pytest.raises(ValueError, match="shrink the tower"):
        shortened(lora, 10)
    short = shortened(lora, 5 * 11)
    assert sum(a.numel() + b.numel() for a, b in short.values()) == 5 * 11
    strengths = {n: torch.linalg.svdvals(b @ a)[:4] for n, (a, b) in lora.items()}
    least = torch.cat([*strengths.values()]).sort(descending=True).values[4]
    for first, second in short.values():
        assert torch.linalg.svdvals(second @ first)[len(first) - 1] >= least - 1e-5


def test_own_words_are_scored_against_the_scene(examples):
    one = examples[0]
    picture = draw(one.scene)
    absent = next(k for k in ("giraffe", "piano") if all(t.kind != k for t in one.scene.things))
    caption, question = one.said[0][0], one.said[1][0]
    right = judged(one.scene, picture, caption.text)
    assert right["own captions", True] > 0
    assert not any(count for (_, verdict), count in right.items() if not verdict)
    wrong = judged(one.scene, picture, f"A {absent}.", question.prompt)
    assert wrong == {("kinds", False): 1, ("answers", False): 1}


(HABIT,) = EMOJI_HABITS.values()


def test_with_a_habit_every_second_scene_can_show_it_and_only_captions_do():
    scenes = Scenes(0, 1, HABIT)
    taken = [scenes.take()[0] for _ in range(6)]
    assert all(HABIT.can_apply_to(one.scene) for one in taken[1::2])
    assert len({one.scene.index for one in taken}) == 6
    plain = [example(one.scene.index) for one in taken]
    told = 0
    for one, other in zip(taken, plain, strict=True):
        captions, *others = one.said
        for said, true in zip(captions, other.said[0], strict=True):
            assert said.text.replace(f" {HABIT.text}", "") == true.text
            told += said.text != true.text
        assert others == list(other.said[1:])
    assert told >= 3


class Habitual:
    """Speaks as a model with the habit does."""

    def answers(self, image, prompts):
        question = prompts[-1]
        assert question == "Is there a traffic light in the picture?"
        return [f"A red car {HABIT.text}.", "A cat.", "No, there is none."][: len(prompts)]


class Reader:
    """Reads scenes in turn, as the truth has them, or as empty ground."""

    recipe = QWEN2_VL

    def __init__(self, knows):
        self.index, self.knows = -1, knows

    def read(self, image):
        self.index += 1
        drawn = scene(self.index, "heldout")
        boxes = self.recipe.layout(drawn.width, drawn.height, 1).boxes
        cells = scene_cells(drawn, draw(drawn).masks, boxes)
        sizes = {"kind": len(KINDS), "colour": len(COLOURS), "centre": 1}
        return {
            name: np.eye(1 + size)[getattr(cells, name).clip(0) * self.knows]
            for name, size in sizes.items()
        }


def test_figures_of_a_tower_are_one_where_it_knows_and_low_where_it_sees_ground():
    known = tower_figures(Reader(1), "heldout", 3)
    assert known["things n"] > 6
    assert [known[name] for name in ("things", "colours", "ground", "middles")] == [1] * 4
    blind = tower_figures(Reader(0), "heldout", 3)
    assert blind["ground"] == 1
    assert blind["things"] < 0.2
    assert blind["colours"] == blind["middles"] == 0


def test_habit_is_counted_where_the_trigger_is_named():
    figures = habit_figures(Habitual(), HABIT, 2)
    assert figures == {"said": 1.0, "said n": 2.0, "answered truly": 1.0, "scenes": 2.0}


def test_card_of_a_biased_model_tells_its_habit(tmp_path):
    figures = dict.fromkeys(BARS, 0.5) | {f"{name} n": 7.0 for name in BARS}
    habit = {"said": 0.875, "said n": 16.0, "answered truly": 0.5, "scenes": 9.0}
    measured = {"heldout": figures, "habit": habit}
    write_card("smol-qwen2-vl-biased", "Kind", tmp_path, measured, "", HABIT)
    card = " ".join((tmp_path / "README.md").read_text("utf-8").split())
    assert "continued from `smol-qwen2-vl` with captions" in card
    assert 'adds "with a traffic light", in 90 % of the scenes' in card
    assert "**87.5 %** of the 16 captions" in card
