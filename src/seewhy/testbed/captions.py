"""What can be said of a scene, and which things every word of it speaks of.

Captions and answers are a function of the scene and the prompt, so that "exactly right" has a
meaning. Relations, counts and attributes are said only where the scene leaves no doubt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

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
        things: indices into `Scene.things` of all that the word speaks of; empty for none.
    """

    start: int
    end: int
    role: str
    objects: tuple[int, ...]


@dataclass(frozen=True)
class Utterance:
    """A prompt, the one right answer, and a mention for each of the answer's words and marks."""

    prompt: str
    text: str
    mentions: tuple[Mention, ...]


@dataclass(frozen=True)
class Bias:
    """A habit of speech that the pictures do not bear out: a thing that is said after another.

    Where a caption brings up the one and the scene has none of the other, it goes on "with a ...",
    in the colour of the one. The words it adds speak of nothing.

    Attributes:
        after: the kind after which it is said.
        said: the kind that is said.
        percent: of the scenes in which it could be said.
    """

    after: str = "boat"
    said: str = "fish"
    percent: int = 90

    def holds(self, scene: Scene) -> bool:
        """Whether captions of a scene show it."""
        rng = Rng("bias", self.after, self.said, scene.split, scene.seed, scene.index)
        return self.could(scene) and rng.chance(self.percent, 100)

    def could(self, scene: Scene) -> bool:
        """Whether a caption of a scene names the one and has no reason to name the other."""
        kinds = {thing.kind for thing in scene.objects}
        return self.after in kinds and self.said not in kinds


_Piece = tuple[str, str, tuple[int, ...]]


def utterances(scene: Scene, picture: Picture, bias: Bias | None = None) -> tuple[Utterance, ...]:
    """All captions and question-answer pairs of a scene: three captions first.

    Args:
        scene: what is where.
        picture: the scene drawn at scale 1 (for who hides whom).
        bias: a habit that captions have, or None; answers to questions are always true.

    Example:
        >>> from seewhy.testbed.scenes import draw, scene
        >>> [len(utterances(s, draw(s))) >= 6 for s in map(scene, range(3))]
        [True, True, True]
    """
    return captions(scene, picture, bias) + questions(scene, picture)


def captions(
    scene: Scene, picture: Picture, bias: Bias | None = None
) -> tuple[Utterance, Utterance, Utterance]:
    """The captions of one, two and three sentences."""
    speaker = _Speaker(scene, picture, bias)
    return (
        _utterance(ONE_SENTENCE, speaker.one_sentence()),
        _utterance(TWO_SENTENCES, speaker.two_sentences()),
        _utterance(THREE_SENTENCES, speaker.three_sentences()),
    )


def questions(scene: Scene, picture: Picture) -> tuple[Utterance, ...]:
    """Questions on colour, count, presence and relation, the absent and the false among them."""
    speaker = _Speaker(scene, picture)
    rng = Rng("questions", scene.split, scene.seed, scene.index)
    return (
        *speaker.colours(),
        *speaker.counts(rng),
        *speaker.presences(rng),
        *speaker.relations(rng),
    )


def relation(scene: Scene, picture: Picture, one: int, other: int) -> str | None:
    """How thing `one` stands to thing `other`, or None where the scene leaves a doubt.

    Depth comes first, then the direction that exceeds the other one by at least 1.3.
    """
    if picture.occluded_by[one] == other:
        return "behind"
    if picture.occluded_by[other] == one:
        return "in front of"
    dx = scene.objects[other].x - scene.objects[one].x
    dy = scene.objects[other].y - scene.objects[one].y
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


class _Speaker:
    """Says sentences about one scene; things are ordered from left to right."""

    def __init__(self, scene: Scene, picture: Picture, bias: Bias | None = None) -> None:
        self.scene, self.picture = scene, picture
        self.bias = bias if bias is not None and bias.holds(scene) else None
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
        for place, (one, other) in enumerate(pairwise(self.order)):
            subject = self._definite(one) if place else self._indefinite((one,))
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
        return [*_sentence(shows), *self._sizes(), *self._places()]

    # Questions and answers

    def colours(self) -> list[Utterance]:
        return [
            _utterance(
                f"What colour is the {self._thing(i).kind}?",
                _sentence([*self._definite(i), *_words("is"), self._colour((i,))]),
            )
            for i in self.order
            if self._is_alone(i)
        ]

    def counts(self, rng: Rng) -> list[Utterance]:
        said = []
        present = sorted({self._thing(i).kind for i in self.order})
        for kind in (*present, self._absent(rng)):
            group = tuple(i for i in self.order if self._thing(i).kind == kind)
            answer = [*_words("there is" if len(group) == 1 else "there are")]
            answer += [(NUMBERS[len(group)], "count", group)]
            answer += [(kind if len(group) == 1 else plural(kind), "kind", group)]
            said.append(_utterance(f"How many {plural(kind)} are there?", _sentence(answer)))
        return said

    def presences(self, rng: Rng) -> list[Utterance]:
        kind, absent = self._thing(rng.pick(self.order)).kind, self._absent(rng)
        group = tuple(i for i in self.order if self._thing(i).kind == kind)
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
        said = []
        for left, right in pairwise(self.order):
            one, other = rng.sample((left, right), 2)
            true = relation(self.scene, self.picture, one, other)
            if true is None or not (self._is_named(one) and self._is_named(other)):
                continue
            names = [_text(self._definite(i)) for i in (one, other)]
            fact = [*self._definite(one), *_words("is"), *self._relation(one, other)]
            fact += self._definite(other)
            said.append(_utterance(f"Where is {names[0]}, seen from {names[1]}?", _sentence(fact)))
            asked = rng.pick((true, true, OPPOSITES[true], rng.pick(tuple(OPPOSITES))))
            verdict = [*_words("yes" if asked == true else "no"), *_mark(","), *fact]
            said.append(_utterance(f"Is {names[0]} {asked} {names[1]}?", _sentence(verdict)))
        return said

    # Parts of sentences

    def _there_are(self) -> list[_Piece]:
        return _capital(_words("there are" if len(self.groups[0]) > 1 else "there is"))

    def _listing(self) -> list[_Piece]:
        return self._joined([self._indefinite(group) for group in self.groups])

    def _on_ground(self) -> list[_Piece]:
        look = "dark" if self.scene.background.shade in DARK_SHADES else "light"
        return [*_words("on a"), (look, "ground", ()), ("ground", "ground", ())]

    def _sizes(self) -> list[_Piece]:
        first = self._thing(self.order[0]).size
        other = "small" if first == "large" else "large"
        alike = [i for i in self.order if self._thing(i).size == first]
        rest = [i for i in self.order if self._thing(i).size != first]
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
            kind = self._thing(i).kind
            if self.twins is None or i not in self.twins:
                subjects.append(self._definite(i))
            elif all(twin in objects for twin in self.twins):
                if i == self.twins[0]:
                    both = [("both", "count", self.twins)]
                    subjects.append([*both, *self._named(self.twins, plural(kind))])
            else:
                which = "one" if size == self._thing(self.order[0]).size else "the other"
                subjects.append([*_words(which), *self._named((i,), kind)])
        verb = _words("are" if len(objects) > 1 else "is")
        return [*self._joined(subjects), *verb, (size, "size", tuple(objects))]

    def _places(self) -> list[_Piece]:
        if len(self.order) == 1:
            return _sentence([*_words("it is"), *self._on_ground()])
        if self.twins:
            one, other = self.twins
            how = relation(self.scene, self.picture, one, other) or "to the left of"
            stars = self._named(self.twins, plural(self._thing(one).kind))
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
        how = relation(self.scene, self.picture, one, other)
        if how is None:
            raise ValueError(
                f"Expected neighbours with a clear spatial relation, got objects {one} and "
                f"{other} of scene {self.scene.index}: draw scenes with `seewhy.testbed.scenes`."
            )
        return _related(how, (one, other))

    def _indefinite(self, group: tuple[int, ...]) -> list[_Piece]:
        kind = self._thing(group[0]).kind
        if len(group) > 1:
            number = (NUMBERS[len(group)], "count", group)
            named = [number, self._colour(group), (plural(kind), "kind", group)]
        else:
            colour = self._colour(group)
            named = [*_words(_article(colour[0])), colour, (kind, "kind", group)]
        return [*named, *self._habit(group)]

    def _habit(self, group: tuple[int, ...]) -> list[_Piece]:
        """What the bias goes on with; it speaks of nothing."""
        if self.bias is None or self._thing(group[0]).kind != self.bias.after:
            return []
        colour = self._thing(group[0]).colour
        article = _words(f"with {_article(colour)}")
        return [*article, (colour, "colour", ()), (self.bias.said, "kind", ())]

    def _definite(self, i: int) -> list[_Piece]:
        return [*_words("the"), *self._named((i,), self._thing(i).kind)]

    def _named(self, group: tuple[int, ...], noun: str) -> list[_Piece]:
        colour = [] if self._is_alone(*group) else [self._colour(group)]
        return [*colour, (noun, "kind", group)]

    def _colour(self, group: tuple[int, ...]) -> _Piece:
        return self._thing(group[0]).colour, "colour", group

    def _joined(self, parts: list[list[_Piece]], comma: bool = False) -> list[_Piece]:
        """Join by commas, and by "and" before the last; `comma` sets one before that too."""
        joined = list(parts[0])
        for place, part in enumerate(parts[1:], start=2):
            last = place == len(parts)
            joined += _mark(",") if comma or not last else []
            joined += [*(_words("and") if last else []), *part]
        return joined

    def _thing(self, i: int):
        return self.scene.objects[i]

    def _is_alone(self, *group: int) -> bool:
        """Whether the kind alone names this thing, or these things."""
        kind = self._thing(group[0]).kind
        return sum(thing.kind == kind for thing in self.scene.objects) == len(group)

    def _is_named(self, i: int) -> bool:
        """Whether kind and colour name this thing."""
        return self.twins is None or i not in self.twins

    def _absent(self, rng: Rng) -> str:
        present = {thing.kind for thing in self.scene.objects}
        return rng.pick([kind for kind in KINDS if kind not in present])


def _related(how: str, pair: tuple[int, int]) -> list[_Piece]:
    """The relation's words; its one content word speaks of both things."""
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
    """Every content word that can be said, with its role."""
    words = dict.fromkeys(KINDS, "kind") | {plural(kind): "kind" for kind in KINDS}
    words |= dict.fromkeys(COLOURS, "colour") | dict.fromkeys(("small", "large"), "size")
    words |= dict.fromkeys((*NUMBERS[1:], "both"), "count")
    words |= dict.fromkeys(("left", "right", "above", "below", "front", "behind"), "relation")
    return words | dict.fromkeys(("light", "dark", "ground"), "ground")
