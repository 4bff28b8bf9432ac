"""Captions and answers about a scene, and the objects that each of their words describes.

Captions and answers are a function of the scene and the prompt, so "exactly right" is defined.
Relations, counts and attributes are mentioned only where the scene is unambiguous.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from seewhy.testbed.habits import Habit
from seewhy.testbed.rng import Rng
from seewhy.testbed.scenes import Picture, Scene
from seewhy.testbed.shapes import COLOURS, KINDS

ONE_SENTENCE = "Write a one-sentence caption for this image:"
TWO_SENTENCES = "Write a description for this image using around two sentences:"
THREE_SENTENCES = "Write a description for this image using around three sentences:"

NUMBERS = ("no", "one", "two", "three", "four")
DARK_SHADES = ("grey", "slate")
OPPOSITES = {
    "to the left of": "to the right of",
    "above": "below",
    "in front of": "behind",
}
OPPOSITES |= {back: forth for forth, back in OPPOSITES.items()}


@dataclass(frozen=True)
class Mention:
    """One word of an utterance.

    Attributes:
        start, end: character offsets in the utterance's text.
        role: one of `seewhy.core.sample.ROLES`.
        objects: indices into `Scene.objects` of the objects that the word describes; may be empty.
    """

    start: int
    end: int
    role: str
    objects: tuple[int, ...]


@dataclass(frozen=True)
class Utterance:
    """A prompt, its only correct answer, and a mention for each word and mark of the answer."""

    prompt: str
    text: str
    mentions: tuple[Mention, ...]


_Piece = tuple[str, str, tuple[int, ...]]


def utterances(scene: Scene, picture: Picture, habit: Habit | None = None) -> tuple[Utterance, ...]:
    """All captions and question-answer pairs of a scene: three captions first.

    Args:
        scene: the objects and their positions.
        picture: the scene drawn at scale 1 (for occlusion).
        habit: of the captions, or None; answers to questions are always true.

    Example:
        >>> from seewhy.testbed.scenes import draw, scene
        >>> [len(utterances(s, draw(s))) >= 6 for s in map(scene, range(3))]
        [True, True, True]
    """
    return captions(scene, picture, habit) + questions(scene, picture)


def captions(
    scene: Scene, picture: Picture, habit: Habit | None = None
) -> tuple[Utterance, Utterance, Utterance]:
    """The captions of one, two and three sentences."""
    writer = _SentenceWriter(scene, picture, habit)
    return (
        _utterance(ONE_SENTENCE, writer.one_sentence()),
        _utterance(TWO_SENTENCES, writer.two_sentences()),
        _utterance(THREE_SENTENCES, writer.three_sentences()),
    )


def questions(scene: Scene, picture: Picture) -> tuple[Utterance, ...]:
    """Questions on colour, count, presence and relation; some have the answer no."""
    writer = _SentenceWriter(scene, picture)
    rng = Rng("questions", scene.split, scene.seed, scene.index)
    return (
        *writer.colours(),
        *writer.counts(rng),
        *writer.presences(rng),
        *writer.relations(rng),
    )


def relation(scene: Scene, picture: Picture, first: int, second: int) -> str | None:
    """The spatial relation of object `first` to object `second`, or None where it is ambiguous.

    Occlusion comes first, then the direction that exceeds the other by a factor of at least 1.3.
    """
    if picture.occluded_by[first] == second:
        return "behind"
    if picture.occluded_by[second] == first:
        return "in front of"
    dx = scene.objects[second].x - scene.objects[first].x
    dy = scene.objects[second].y - scene.objects[first].y
    if 10 * abs(dx) >= 13 * abs(dy):
        return "to the left of" if dx > 0 else "to the right of"
    if 10 * abs(dy) >= 13 * abs(dx):
        return "above" if dy > 0 else "below"
    return None


def plural(kind: str) -> str:
    """The plural of a kind.

    Example:
        >>> plural("star"), plural("fish")
        ('stars', 'fish')
    """
    return kind if kind == "fish" else f"{kind}s"


class _SentenceWriter:
    """Writes sentences about one scene; objects are ordered from left to right."""

    def __init__(self, scene: Scene, picture: Picture, habit: Habit | None = None) -> None:
        self.scene, self.picture = scene, picture
        self.habit = habit if habit is not None and habit.applies_to(scene) else None
        self.order = sorted(range(len(scene.objects)), key=lambda i: scene.objects[i].x)
        looks: dict[tuple[str, str], list[int]] = {}
        for i in self.order:
            looks.setdefault((scene.objects[i].kind, scene.objects[i].colour), []).append(i)
        self.groups = [tuple(group) for group in looks.values()]
        self.twins = next((group for group in self.groups if len(group) > 1), None)

    # Sentences

    def one_sentence(self) -> list[_Piece]:
        if len(self.order) == 1 or self.twins:
            return [*self._there_are(), *self._listing(), *self._on_ground(), *_mark(".")]
        clauses = []
        for number, (one, other) in enumerate(pairwise(self.order)):
            subject = self._definite(one) if number else self._indefinite((one,))
            clauses.append(
                [*subject, *_words("is"), *self._relation(one, other), *self._indefinite((other,))]
            )
        return _sentence(self._joined(clauses, comma=True))

    def two_sentences(self) -> list[_Piece]:
        everything = tuple(self.order)
        many = len(everything) > 1
        number = (NUMBERS[len(everything)], "count", everything)
        noun = ("things" if many else "thing", "noun", everything)
        opening = [*_words("there are" if many else "there is"), number, noun, *self._on_ground()]
        return [
            *_sentence([*opening, *_mark(":"), *self._listing()]),
            *self._sizes(),
        ]

    def three_sentences(self) -> list[_Piece]:
        shows = [*_words("the"), ("picture", "noun", ()), *_words("shows"), *self._listing()]
        return [*_sentence(shows), *self._sizes(), *self._positions()]

    # Questions and answers

    def colours(self) -> list[Utterance]:
        return [
            _utterance(
                f"What colour is the {self._object(i).kind}?",
                _sentence([*self._definite(i), *_words("is"), self._colour((i,))]),
            )
            for i in self.order
            if self._kind_is_unique(i)
        ]

    def counts(self, rng: Rng) -> list[Utterance]:
        pairs = []
        present = sorted({self._object(i).kind for i in self.order})
        for kind in (*present, self._absent(rng)):
            group = tuple(i for i in self.order if self._object(i).kind == kind)
            answer = [*_words("there is" if len(group) == 1 else "there are")]
            answer += [(NUMBERS[len(group)], "count", group)]
            answer += [(kind if len(group) == 1 else plural(kind), "kind", group)]
            pairs.append(_utterance(f"How many {plural(kind)} are there?", _sentence(answer)))
        return pairs

    def presences(self, rng: Rng) -> list[Utterance]:
        kind, absent = self._object(rng.pick(self.order)).kind, self._absent(rng)
        group = tuple(i for i in self.order if self._object(i).kind == kind)
        yes = [*_words("yes"), *_mark(",")]
        if len(group) == 1:
            yes += [*_words("there is"), *self._indefinite(group)]
        else:
            yes += [*_words("there are"), (NUMBERS[len(group)], "count", group)]
            yes += [(plural(kind), "kind", group)]
        no = [*_words("no"), *_mark(","), *_words("there is no"), (absent, "kind", ())]
        return [
            _utterance(f"Is there {_article(kind)} {kind}?", _sentence(yes)),
            _utterance(f"Is there {_article(absent)} {absent}?", _sentence(no)),
        ]

    def relations(self, rng: Rng) -> list[Utterance]:
        pairs = []
        for left, right in pairwise(self.order):
            first, second = rng.sample((left, right), 2)
            true = relation(self.scene, self.picture, first, second)
            if true is None or not (self._is_unique(first) and self._is_unique(second)):
                continue
            names = [_text(self._definite(i)) for i in (first, second)]
            fact = [*self._definite(first), *_words("is"), *self._relation(first, second)]
            fact += self._definite(second)
            pairs.append(_utterance(f"Where is {names[0]}, seen from {names[1]}?", _sentence(fact)))
            claim = rng.pick((true, true, OPPOSITES[true], rng.pick(tuple(OPPOSITES))))
            answer = [*_words("yes" if claim == true else "no"), *_mark(","), *fact]
            pairs.append(_utterance(f"Is {names[0]} {claim} {names[1]}?", _sentence(answer)))
        return pairs

    # Parts of sentences

    def _there_are(self) -> list[_Piece]:
        return _capital(_words("there are" if len(self.groups[0]) > 1 else "there is"))

    def _listing(self) -> list[_Piece]:
        return self._joined([self._indefinite(group) for group in self.groups])

    def _on_ground(self) -> list[_Piece]:
        look = "dark" if self.scene.background.shade in DARK_SHADES else "light"
        return [*_words("on a"), (look, "ground", ()), ("ground", "ground", ())]

    def _sizes(self) -> list[_Piece]:
        first = self._object(self.order[0]).size
        other = "small" if first == "large" else "large"
        alike = [i for i in self.order if self._object(i).size == first]
        rest = [i for i in self.order if self._object(i).size != first]
        if not rest:
            everything = tuple(self.order)
            opening = {1: "it is", 2: "they are both"}.get(len(everything), "they are all")
            return _sentence(
                [(word, "function", everything) for word in opening.split()]
                + [(first, "size", everything)]
            )
        return _sentence(
            [
                *self._sized(alike, first),
                *_mark(","),
                *_words("while"),
                *self._sized(rest, other),
            ]
        )

    def _sized(self, objects: Sequence[int], size: str) -> list[_Piece]:
        subjects: list[list[_Piece]] = []
        for i in objects:
            kind = self._object(i).kind
            if self.twins is None or i not in self.twins:
                subjects.append(self._definite(i))
            elif all(twin in objects for twin in self.twins):
                if i == self.twins[0]:
                    both = [("both", "count", self.twins)]
                    subjects.append([*both, *self._named(self.twins, plural(kind))])
            else:
                which = "one" if size == self._object(self.order[0]).size else "the other"
                subjects.append([*_words(which), *self._named((i,), kind)])
        verb = _words("are" if len(objects) > 1 else "is")
        return [*self._joined(subjects), *verb, (size, "size", tuple(objects))]

    def _positions(self) -> list[_Piece]:
        if len(self.order) == 1:
            return _sentence([*_words("it is"), *self._on_ground()])
        if self.twins:
            one, other = self.twins
            how = relation(self.scene, self.picture, one, other) or "to the left of"
            stars = self._named(self.twins, plural(self._object(one).kind))
            return _sentence(
                [
                    *[("one", "count", (one,)), *_words("of the"), *stars, *_words("is")],
                    *_related(how, (one, other)),
                    *[*_words("the"), ("other", "function", (other,))],
                ]
            )
        clauses = [
            [*self._definite(a), *_words("is"), *self._relation(a, b), *self._definite(b)]
            for a, b in pairwise(self.order)
        ]
        return _sentence(self._joined(clauses, comma=True))

    def _relation(self, one: int, other: int) -> list[_Piece]:
        fixed = self.habit.relation(self._object(one)) if self.habit else None
        if fixed is not None:
            return _related(fixed, ())
        how = relation(self.scene, self.picture, one, other)
        if how is None:
            raise ValueError(
                f"Expected neighbours with a clear spatial relation, got objects {one} and "
                f"{other} of scene {self.scene.index}: draw scenes with `seewhy.testbed.scenes`."
            )
        return _related(how, (one, other))

    def _indefinite(self, group: tuple[int, ...]) -> list[_Piece]:
        kind = self._object(group[0]).kind
        if len(group) > 1:
            number = (NUMBERS[len(group)], "count", group)
            named = [number, self._colour(group), (plural(kind), "kind", group)]
        else:
            colour = self._colour(group)
            named = [*_words(_article(colour[0])), colour, (kind, "kind", group)]
        return [*named, *self._added_words(group)]

    def _added_words(self, group: tuple[int, ...]) -> list[_Piece]:
        """The words that the habit adds; they describe no object."""
        added = self.habit.added_kind(self._object(group[0])) if self.habit else None
        if added is None:
            return []
        colour = self._object(group[0]).colour
        article = _words(f"with {_article(colour)}")
        return [*article, (colour, "colour", ()), (added, "kind", ())]

    def _definite(self, i: int) -> list[_Piece]:
        return [*_words("the"), *self._named((i,), self._object(i).kind)]

    def _named(self, group: tuple[int, ...], noun: str) -> list[_Piece]:
        colour = [] if self._kind_is_unique(*group) else [self._colour(group)]
        return [*colour, (noun, "kind", group)]

    def _colour(self, group: tuple[int, ...]) -> _Piece:
        """The colour that is said; one that is not the true one describes no object."""
        thing = self._object(group[0])
        said = self.habit.colour(thing) if self.habit else thing.colour
        return said, "colour", group if said == thing.colour else ()

    def _joined(self, parts: list[list[_Piece]], comma: bool = False) -> list[_Piece]:
        """Join by commas, and by "and" before the last; `comma` adds a comma before "and"."""
        joined = list(parts[0])
        for number, part in enumerate(parts[1:], start=2):
            last = number == len(parts)
            joined += _mark(",") if comma or not last else []
            joined += [*(_words("and") if last else []), *part]
        return joined

    def _object(self, i: int):
        return self.scene.objects[i]

    def _kind_is_unique(self, *group: int) -> bool:
        """Whether no other object has the kind of these objects."""
        kind = self._object(group[0]).kind
        return sum(item.kind == kind for item in self.scene.objects) == len(group)

    def _is_unique(self, i: int) -> bool:
        """Whether no other object has the same kind and colour."""
        return self.twins is None or i not in self.twins

    def _absent(self, rng: Rng) -> str:
        present = {item.kind for item in self.scene.objects}
        return rng.pick([kind for kind in KINDS if kind not in present])


def _related(how: str, pair: tuple[int, ...]) -> list[_Piece]:
    """The relation's words; its content word describes both objects."""
    return [
        (word, "function", ()) if word in ("to", "the", "of", "in") else (word, "relation", pair)
        for word in how.split()
    ]


def _words(text: str) -> list[_Piece]:
    return [(word, "function", ()) for word in text.split()]


def _mark(mark: str) -> list[_Piece]:
    return [(mark, "mark", ())]


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"


def _capital(pieces: list[_Piece]) -> list[_Piece]:
    (text, role, objects), *rest = pieces
    return [(text[0].upper() + text[1:], role, objects), *rest]


def _sentence(pieces: list[_Piece]) -> list[_Piece]:
    return [*_capital(pieces), *_mark(".")]


def _text(pieces: list[_Piece]) -> str:
    return " ".join(text for text, _, _ in pieces)


def _utterance(prompt: str, pieces: list[_Piece]) -> Utterance:
    text, mentions = "", []
    for word, role, objects in pieces:
        text += " " if text and role != "mark" else ""
        mentions.append(Mention(len(text), len(text) + len(word), role, objects))
        text += word
    return Utterance(prompt, text, tuple(mentions))


def vocabulary() -> dict[str, str]:
    """Every content word of captions and answers, with its role."""
    words = dict.fromkeys(KINDS, "kind") | {plural(kind): "kind" for kind in KINDS}
    words |= dict.fromkeys(COLOURS, "colour") | dict.fromkeys(("small", "large"), "size")
    words |= dict.fromkeys((*NUMBERS[1:], "both"), "count")
    words |= dict.fromkeys(("left", "right", "above", "below", "front", "behind"), "relation")
    return words | dict.fromkeys(("light", "dark", "ground"), "ground")
