"""The categories of a mask that the words of an answer name.

TAM matches nouns to the categories of a sample's mask. Its exact rule is not published; this is our
reading. One or several words name a category if their singular in lower case is the category's name
or one of its synonyms; the longest match counts, so that a "hot dog" is not a dog. At least one of
the words must be a noun by the tagger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from PIL.Image import Image

from seewhy.core.lexicon import listed
from seewhy.core.sample import Sample, Truth
from seewhy.core.text import split_words
from seewhy.datasets._files import masks_of, unusable
from seewhy.datasets._words import Tagger

SYNONYMS: Mapping[str, str] = {
    "person": (
        "man, woman, boy, girl, child, kid, baby, toddler, guy, lady, gentleman, skier, "
        "snowboarder, surfer, skateboarder, rider, player, batter, catcher, pitcher, umpire, "
        "pedestrian, cyclist, chef, policeman, officer"
    ),
    "bicycle": "bike",
    "motorcycle": "motorbike",
    "airplane": "plane, aeroplane, aircraft, jet, jetliner, airliner",
    "car": "automobile, sedan, suv, taxi, cab",
    "truck": "pickup",
    "boat": "ship, sailboat, canoe, kayak, ferry, yacht",
    "traffic light": "stoplight, traffic signal, stop light",
    "fire hydrant": "hydrant",
    "bird": "seagull, gull, pigeon, duck, goose, parrot, owl, swan",
    "cat": "kitten, kitty",
    "dog": "puppy, pup",
    "horse": "pony, foal",
    "sheep": "lamb, ram, ewe",
    "cow": "cattle, bull, calf, ox",
    "backpack": "rucksack, knapsack",
    "handbag": "purse",
    "tie": "necktie",
    "suitcase": "luggage, baggage",
    "skis": "ski",
    "sports ball": "ball, soccer ball, tennis ball, baseball ball, basketball, football",
    "baseball bat": "bat",
    "baseball glove": "glove, mitt",
    "tennis racket": "racket, racquet, tennis racquet",
    "wine glass": "wineglass",
    "cup": "mug",
    "donut": "doughnut",
    "couch": "sofa",
    "potted plant": "plant, houseplant",
    "dining table": "table",
    "tv": "television, monitor, screen",
    "laptop": "laptop computer",
    "mouse": "computer mouse",
    "remote": "remote control, controller",
    "cell phone": "cellphone, phone, mobile phone, smartphone",
    "refrigerator": "fridge",
    "teddy bear": "teddy, stuffed bear, stuffed animal",
    "hair drier": "hair dryer, hairdryer, blow dryer",
}
"""Synonyms of COCO's categories, and of other data sets' categories with the same name. Ours."""

IRREGULAR: Mapping[str, str] = {
    "men": "man",
    "women": "woman",
    "people": "person",
    "children": "child",
    "mice": "mouse",
    "geese": "goose",
    "oxen": "ox",
    "feet": "foot",
    "teeth": "tooth",
    "knives": "knife",
    "wives": "wife",
    "lives": "life",
}

BROAD = listed(
    "plant table ball bat glove mitt screen monitor player rider officer controller luggage "
    "baggage pickup jet bull ram teddy phone plane gull duck"
)
"""Ambiguous synonyms: where the category is absent, they are not called unsupported."""

ENDINGS = ("-merged", "-other", "-stuff")
"""Suffixes of panoptic category names: "wall-other-merged" is a wall."""

MEDIUM, LARGE = 32**2, 96**2
"""Minimum area in pixels of a medium and of a large object in COCO."""


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Categories by name, and the word sequences that name them.

    Attributes:
        names: from a category's name to its number in a mask; several may share one.
        closed: whether a mask is complete, so that a category that it does not show is not in the
            picture.
        numbers: from a word sequence, singular and in lower case, to the numbers that it names.
    """

    names: Mapping[str, int]
    closed: bool
    numbers: Mapping[tuple[str, ...], tuple[int, ...]] = field(init=False)

    def __post_init__(self) -> None:
        named: dict[tuple[str, ...], tuple[int, ...]] = {}
        for name, number in self.names.items():
            for spelling in spellings(name):
                named[spelling] = tuple(dict.fromkeys((*named.get(spelling, ()), number)))
        synonyms = {
            tuple(word.split()): named[tuple(name.split())]
            for name, words in SYNONYMS.items()
            for word in words.split(", ")
            if tuple(name.split()) in named
        }
        # A category's name is not used as a synonym of another category.
        object.__setattr__(self, "numbers", synonyms | named)

    def matches(self, words: Sequence[str]) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """The word sequences that name categories, from left to right, the longest first.

        Yields:
            First index, index after the last, and the numbers.

        Example:
            >>> animals = Vocabulary({"dog": 18, "hot dog": 58}, closed=True)
            >>> list(animals.matches(["Two", "puppies", "eat", "hot", "dogs"]))
            [(1, 2, (18,)), (3, 5, (58,))]
        """
        longest = max(map(len, self.numbers), default=0)
        first = 0
        while first < len(words):
            for end in range(min(first + longest, len(words)), first, -1):
                head = tuple(word.lower() for word in words[first : end - 1])
                keys = ((*head, last) for last in singulars(words[end - 1]))
                numbers = next((self.numbers[key] for key in keys if key in self.numbers), None)
                if numbers is not None:
                    yield first, end, numbers
                    first = end
                    break
            else:
                first += 1

    def name(self, number: int) -> str:
        """The first name of a number."""
        return next(name for name, n in self.names.items() if n == number)


def categorised(
    id: str,
    image: Image,
    prompt: str,
    values: np.ndarray,
    vocabulary: Vocabulary,
    tagger: Tagger,
    answer: str | None,
) -> Sample:
    """A sample with one region for each category that its mask shows.

    Args:
        id: the sample's.
        image: upright, RGB.
        prompt: the question to the model.
        values: int64 `[height, width]`, the mask's numbers; those of no category are background.
        vocabulary: the categories that may be shown.
        tagger: finds nouns and function words.
        answer: the reference, or None where the model answers.

    Raises:
        SampleError: "no category in the mask".
    """
    areas = dict(
        zip(*(part.tolist() for part in np.unique(values, return_counts=True)), strict=True)
    )
    shown = tuple(number for number in dict.fromkeys(vocabulary.names.values()) if number in areas)
    if not shown:
        raise unusable(
            "no category in the mask",
            f"Expected one of the numbers of {len(vocabulary.names)} categories in the mask of "
            f"{id}, got {sorted(areas)[:20]}.",
        )
    sizes = tuple(size_of(areas[number]) for number in shown)
    annotator = partial(annotate, vocabulary, shown, sizes, tagger)
    return Sample(id, image, prompt, masks_of(values, shown), annotator, answer)


def annotate(
    vocabulary: Vocabulary,
    shown: Sequence[int],
    sizes: Sequence[str],
    tagger: Tagger,
    answer: str,
) -> tuple[Truth, ...]:
    """What is known of the words of an answer.

    Words for a category have the role `kind`, whether the mask shows it or not; other nouns the
    role `noun`. Words that are neither nouns, nor function words, nor marks are left out.

    Args:
        vocabulary: the categories.
        shown: the number of each region.
        sizes: the size of each region, for the tag `size`.
        tagger: finds nouns and function words.
        answer: its text.
    """
    spans = split_words(answer)
    words = [answer[start:end] for start, end in spans]
    truths: list[Truth | None] = [
        _plain(tagger, word, *span) for word, span in zip(words, spans, strict=True)
    ]
    for first, end, numbers in vocabulary.matches(words):
        if any(tagger.is_noun(word) for word in words[first:end]):
            regions = tuple(shown.index(number) for number in numbers if number in shown)
            broad = end - first == 1 and bool(BROAD.intersection(singulars(words[first])))
            doubtful = broad or not vocabulary.closed
            supported = True if regions else None if doubtful else False
            category = vocabulary.name(shown[regions[0]] if regions else numbers[0])
            tags = {"size": sizes[regions[0]]} if regions else {}
            for index in range(first, end):
                truths[index] = Truth(*spans[index], "kind", regions, supported, category, tags)
    return tuple(truth for truth in truths if truth is not None)


def _plain(tagger: Tagger, word: str, start: int, end: int) -> Truth | None:
    """What is known of a word that names no category."""
    if not any(map(str.isalnum, word)):
        return Truth(start, end, "mark")
    if tagger.is_function(word):
        return Truth(start, end, "function")
    return Truth(start, end, "noun") if tagger.is_noun(word) else None


def size_of(area: int) -> str:
    """Small, medium or large by COCO's bounds, applied to all pixels of a category together.

    Example:
        >>> size_of(1000), size_of(9216)
        ('small', 'large')
    """
    return "small" if area < MEDIUM else "medium" if area < LARGE else "large"


def spellings(name: str) -> set[tuple[str, ...]]:
    """The word sequences of a category's name, in lower case.

    Example:
        >>> sorted(spellings("Traffic lights")), sorted(spellings("floor-wood"))
        ([('traffic', 'light'), ('traffic', 'lights')], [('floor',), ('floor', 'wood')])
    """
    plain = name.lower().replace("_", " ").strip()
    while plain.endswith(ENDINGS):
        plain = plain[: plain.rindex("-")]
    runs = [plain.replace("-", " ").split()]
    if "-" in plain and " " not in plain:
        runs.append(runs[0][:1])  # panoptic names start with the object
    return {(*run[:-1], last) for run in runs if run for last in singulars(run[-1])}


def singulars(word: str) -> list[str]:
    """The possible singulars of a word in lower case, the word first.

    Example:
        >>> singulars("Knives"), singulars("bus"), singulars("buses"), singulars("man's")
        (['knives', 'knife'], ['bus'], ['buses', 'buse', 'bus'], ['man'])
    """
    plain = word.lower().replace("’", "'").removesuffix("'s").removesuffix("'")
    forms = [plain]
    if plain in IRREGULAR:
        forms.append(IRREGULAR[plain])
    elif plain.endswith("men") and len(plain) > 4:
        forms.append(f"{plain[:-3]}man")
    elif plain.endswith("s") and not plain.endswith(("ss", "us", "is")) and len(plain) > 2:
        forms.append(plain[:-1])
        if plain.endswith("ies") and len(plain) > 4:
            forms.append(f"{plain[:-3]}y")
        elif plain.endswith("ves"):
            forms.append(f"{plain[:-3]}f")
        elif plain.endswith(("ses", "xes", "zes", "ches", "shes", "oes")):
            forms.append(plain[:-2])
    return forms
