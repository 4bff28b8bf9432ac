from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from seewhy.core.errors import SampleError
from seewhy.core.sample import Sample, Truth
from seewhy.datasets._categories import BROAD, SYNONYMS, Vocabulary, categorised, singulars
from seewhy.datasets._words import Tagger, open_tagger

COCO = {"person": 1, "traffic light": 10, "dog": 18, "dining table": 67, "hot dog": 58, "skis": 35}


def sample_of(
    names: dict[str, int], *shown: int, closed: bool = True, tagger: Tagger | None = None
) -> Sample:
    """A picture with a column of 40 rows for each number that it shows, and one of background."""
    values = np.tile(np.array([0, *shown], dtype=np.int64), (40, 1))
    image = Image.new("RGB", values.shape[::-1])
    vocabulary = Vocabulary(names, closed)
    return categorised("a", image, "?", values, vocabulary, tagger or open_tagger("builtin"), None)


def told(sample: Sample, answer: str) -> dict[str, Truth]:
    return {answer[truth.start : truth.end]: truth for truth in sample.annotate(answer)}


def test_categorised_has_a_region_for_each_category_shown() -> None:
    sample = sample_of(COCO, 18, 1, 255)
    assert sample.masks.shape == (2, 40, 4)
    assert sample.masks[:, 0].tolist() == [
        [False, False, True, False],  # in the order of the categories, not of the numbers
        [False, True, False, False],
    ]


def test_categorised_has_no_sample_without_a_category() -> None:
    with pytest.raises(SampleError, match="^no category in the mask") as error:
        sample_of(COCO, 255)
    assert str(error.value) == "no category in the mask"
    assert "6 categories in the mask of a, got [0, 255]" in error.value.__notes__[0]


def test_annotate_finds_nouns_in_plural_and_any_case() -> None:
    truths = told(sample_of(COCO, 18, 1), "Two Dogs and the woman's people with children")
    for word, region in (("Dogs", 1), ("woman's", 0), ("people", 0), ("children", 0)):
        assert (truths[word].role, truths[word].regions) == ("kind", (region,))
        assert truths[word].supported is True
        assert truths[word].category == ("person", "dog")[region]
    assert truths["and"] == Truth(9, 12, "function")
    assert "with" not in truths
    assert "Two" not in truths


def test_annotate_gives_both_words_of_a_category_of_two() -> None:
    truths = sample_of(COCO, 10).annotate("The traffic lights.")
    assert [truth.role for truth in truths] == ["function", "kind", "kind", "mark"]
    assert {truth.category for truth in truths[1:3]} == {"traffic light"}
    assert truths[1].regions == truths[2].regions == (0,)


def test_annotate_takes_the_longest_run() -> None:
    truths = told(sample_of(COCO, 18), "a hot dog")
    assert (truths["dog"].category, truths["dog"].supported) == ("hot dog", False)


def test_annotate_calls_absent_categories_unsupported_only_where_the_mask_is_complete() -> None:
    assert told(sample_of(COCO, 18), "skis")["skis"].supported is False
    assert told(sample_of(COCO, 18, closed=False), "skis")["skis"].supported is None
    assert told(sample_of(COCO, 18), "skis")["skis"].regions == ()


def test_annotate_leaves_broad_synonyms_open() -> None:
    assert told(sample_of(COCO, 18), "a table")["table"].supported is None
    assert told(sample_of(COCO, 18), "a dining table")["table"].supported is False
    assert told(sample_of(COCO, 67), "a table")["table"].supported is True


def test_annotate_prefers_a_categorys_own_name() -> None:
    own = {"person": 1, "man": 2}
    assert told(sample_of(own, 1, 2), "a man")["man"].regions == (1,)
    assert told(sample_of(own, 1, 2), "a boy")["boy"].regions == (0,)


def test_annotate_joins_categories_of_one_name() -> None:
    names = {"wall-brick": 3, "wall-other-merged": 4, "window-blind": 5}
    truths = told(sample_of(names, 3, 4, closed=False), "a wall by the window")
    assert truths["wall"].regions == (0, 1)
    assert (truths["window"].category, truths["window"].supported) == ("window-blind", None)


def test_annotate_calls_other_nouns_nouns() -> None:
    assert told(sample_of(COCO, 18), "a zebra")["zebra"] == Truth(2, 7, "noun")


def test_annotate_asks_the_tagger_whether_a_word_is_a_noun() -> None:
    verbs = Tagger("verbs", lambda word: "VB")
    assert sample_of(COCO, 18, tagger=verbs).annotate("a dog") == ()


def test_annotate_tags_the_size_of_all_that_is_shown() -> None:
    values = np.zeros((100, 100), dtype=np.int64)
    values[:10], values[20:40], values[:, 40:] = 18, 1, 67
    image, vocabulary = Image.new("RGB", (100, 100)), Vocabulary(COCO, closed=True)
    sample = categorised("a", image, "?", values, vocabulary, open_tagger("builtin"), None)
    sizes = {word: told(sample, f"a {word}")[word].tags["size"] for word in ("dog", "man")}
    assert sizes == {"dog": "small", "man": "small"}
    assert told(sample, "a table")["table"].tags == {"size": "medium"}


@pytest.mark.parametrize(
    ("word", "singular"),
    [
        ("cups", "cup"),
        ("knives", "knife"),
        ("shelves", "shelf"),
        ("puppies", "puppy"),
        ("benches", "bench"),
        ("boxes", "box"),
        ("buses", "bus"),
        ("horses", "horse"),
        ("potatoes", "potato"),
        ("ties", "tie"),
        ("firemen", "fireman"),
        ("sheep", "sheep"),
        ("dogs'", "dog"),
    ],
)
def test_singulars_hold_the_singular(word: str, singular: str) -> None:
    assert singular in singulars(word)


@pytest.mark.parametrize("word", ["bus", "grass", "tennis", "men's", "is"])
def test_singulars_cut_no_ending_that_belongs_to_the_word(word: str) -> None:
    assert word.removesuffix("'s") in singulars(word)
    assert word[:-1] not in singulars(word)


def test_broad_synonyms_are_synonyms() -> None:
    words = [word for listed in SYNONYMS.values() for word in listed.split(", ")]
    assert set(words) >= BROAD
    assert len(words) == len(set(words))
