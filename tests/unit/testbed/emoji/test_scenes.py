"""Scenes of the emoji world: what is placed is what is drawn, and the splits keep apart."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from seewhy.core.errors import SeewhyError
from seewhy.testbed.emoji import sprites
from seewhy.testbed.emoji.build_sprites import _on_white
from seewhy.testbed.emoji.colours import (
    COLOURS,
    colour_of,
    own_colour,
    possible_colours,
    recoloured,
)
from seewhy.testbed.emoji.grounds import NAMES, Ground, draw_ground
from seewhy.testbed.emoji.kinds import KINDS, SIGN
from seewhy.testbed.emoji.scenes import (
    SIDES,
    SIGN_WORDS,
    SPLITS,
    draw,
    scene,
    unseen_pair,
    visible_fraction,
)
from seewhy.testbed.emoji.sprites import (
    SIDE,
    STYLES,
    UNSEEN_STYLE,
    has_unseen_style,
    sprite,
    styles_of,
)

SCENES = [scene(index, split) for split in ("train", "heldout", "pairs") for index in range(24)]
DRAWN = [(drawn, draw(drawn)) for drawn in SCENES[:12]]


def test_the_world_has_two_hundred_kinds_with_words_of_their_own():
    assert len(KINDS) >= 200
    assert len({kind.codepoint for kind in KINDS.values()}) == len(KINDS)
    assert len({kind.plural for kind in KINDS.values()}) == len(KINDS)
    assert all(kind.hypernym and kind.hypernym != kind.name for kind in KINDS.values())


@pytest.mark.parametrize("style", STYLES)
def test_a_style_draws_most_kinds_cut_to_their_edges(style):
    kinds = [kind for kind in KINDS if kind != SIGN and style in styles_of(kind)]
    assert len(kinds) > 120
    for kind in kinds[::23]:
        pixels = sprite(kind, style)
        assert max(pixels.shape[:2]) == SIDE
        seen = pixels[..., 3] > 20
        assert all(edge.any() for edge in (seen[0], seen[-1], seen[:, 0], seen[:, -1]))


def test_every_kind_has_three_styles_or_more():
    assert all(len(styles_of(kind)) >= 3 for kind in KINDS if kind != SIGN)


def test_a_sprite_that_is_not_there_is_told():
    with pytest.raises(SeewhyError, match="Expected a kind that the style fxemoji has, got 'fox'"):
        sprite("fox", "fxemoji")
    with pytest.raises(SeewhyError, match="Expected a kind with a sprite, got 'sign'"):
        sprite(SIGN, "noto")


def test_the_unseen_style_says_how_to_make_it(monkeypatch, tmp_path):
    monkeypatch.setenv("SEEWHY_OPENMOJI", str(tmp_path / "none.zip"))
    assert not has_unseen_style()
    with pytest.raises(SeewhyError, match="build_sprites"):
        sprite("cat", UNSEEN_STYLE)


@pytest.mark.parametrize("kind", ["car", "balloon", "book", "dress"])
def test_a_thing_has_the_colour_that_it_is_given(kind):
    style = "noto"
    assert len(possible_colours(kind, style)) >= 7
    for colour in possible_colours(kind, style):
        assert colour_of(recoloured(kind, style, colour)) == colour


def test_what_has_several_colours_is_said_to_have_none():
    assert own_colour("rocket", "noto") is None
    assert own_colour("flamingo", "noto") == "pink"
    picture = np.zeros((10, 10, 4), np.uint8)
    assert colour_of(picture) is None  # nothing is seen
    picture[...] = (200, 20, 20, 255)
    assert colour_of(picture) == "red"
    picture[:, :5] = (20, 60, 220, 255)
    assert colour_of(picture) is None


def test_a_scene_is_the_same_every_time_and_others_differ():
    assert scene(5) == scene(5)
    assert scene(5) != scene(6)
    assert scene(5, "train") != scene(5)
    assert np.array_equal(draw(scene(5)).image, draw(scene(5)).image)


@pytest.mark.parametrize(("index", "split"), [(-1, "heldout"), (0, "test")])
def test_a_scene_that_cannot_be_is_refused(index, split):
    with pytest.raises(ValueError, match="Expected a split of train, heldout, pairs, style"):
        scene(index, split)


def test_scenes_have_two_to_eight_things_of_words_that_are_true():
    numbers = {len(drawn.things) for drawn in SCENES}
    assert (min(numbers), max(numbers) >= 7) == (2, True)
    for drawn in SCENES:
        for thing in drawn.things:
            assert thing.colour in (*COLOURS, None)
            low, high = SIDES[thing.size]
            assert low <= thing.side <= high + (24 if thing.kind == SIGN else 0)
            assert (thing.word in SIGN_WORDS) == (thing.kind == SIGN)


def test_some_scenes_show_several_of_a_kind_signs_and_overlaps():
    counts = [[t.kind for t in drawn.things] for drawn in SCENES]
    assert sum(len(set(kinds)) < len(kinds) for kinds in counts) > len(SCENES) / 5
    assert any(SIGN in kinds for kinds in counts)
    assert any(any(i is not None for i in picture.occluded_by) for _, picture in DRAWN)


def test_training_never_shows_an_unseen_pair_and_pairs_always_do():
    def pairs(split):
        return [
            any(t.colour is not None and unseen_pair(t.kind, t.colour) for t in s.things)
            for s in SCENES
            if s.split == split
        ]

    assert not any(pairs("train") + pairs("heldout"))
    assert all(pairs("pairs"))


def test_the_unseen_style_is_drawn_in_no_other_split():
    assert all(t.style != UNSEEN_STYLE for drawn in SCENES for t in drawn.things)
    style = scene(3, SPLITS[-1]) if has_unseen_style() else None
    if style is not None:
        assert {t.style for t in style.things} <= {UNSEEN_STYLE, ""}


def test_masks_are_disjoint_and_as_large_as_what_is_seen():
    for drawn, picture in DRAWN:
        assert picture.image.shape == (drawn.height, drawn.width, 3)
        assert picture.masks.sum(0).max() == 1
        assert (picture.masks.sum((1, 2)) <= picture.full_areas).all()
        hidden = [i for i, front in enumerate(picture.occluded_by) if front is not None]
        assert all(front > i for i, front in enumerate(picture.occluded_by) if front is not None)
        assert (visible_fraction(picture)[hidden] < 1).all()


def test_a_mask_lies_where_its_thing_changes_the_picture():
    drawn, picture = DRAWN[0]
    from dataclasses import replace

    empty = draw(replace(drawn, things=(), light=replace(drawn.light, quality=95, blur=0)))
    full = draw(replace(drawn, light=replace(drawn.light, quality=95, blur=0)))
    change = np.abs(full.image.astype(int) - empty.image).max(-1)
    inside = picture.masks.any(0)
    assert np.median(change[inside]) > 40
    assert np.median(change[~inside]) < 8
    for thing, mask in zip(drawn.things, picture.masks, strict=True):
        rows, columns = np.nonzero(mask)
        assert abs(columns.mean() - thing.x) < thing.side / 2
        assert abs(rows.mean() - thing.y) < thing.side / 2


@pytest.mark.parametrize("name", NAMES)
def test_a_ground_fills_the_picture_with_its_tint(name):
    ground = draw_ground(Ground(name, 0, 7), 96, 64)
    assert ground.shape == (64, 96, 3)
    assert ((ground >= 0) & (ground <= 255)).all()
    assert 1 < ground.std()


def test_styles_that_only_teach_sight_are_asked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("SEEWHY_MORE_STYLES", str(tmp_path))
    with pytest.raises(SeewhyError, match="set SEEWHY_MORE_STYLES to their folder"):
        sprites.expect_more_styles()
    for style in sprites.MORE_STYLES:
        (tmp_path / f"{style}.zip").touch()
    sprites.expect_more_styles()


def test_ink_has_white_in_all_that_it_encloses():
    drawing = Image.new("RGBA", (40, 40))
    ImageDraw.Draw(drawing).ellipse((8, 8, 32, 32), outline=(0, 0, 0, 255), width=3)
    pixels = np.asarray(_on_white(drawing))
    assert pixels[20, 20].tolist() == [255, 255, 255, 255]
    assert pixels[20, 9].tolist() == [0, 0, 0, 255]
    assert pixels[2, 2, 3] == 0
