"""Questions about emoji scenes and their true answers.

Colour, count, presence, place, relation, kind of thing, and what a sign says. A question is asked
only where the picture leaves no doubt about its answer.
"""

from __future__ import annotations

from seewhy.testbed.captions import Utterance
from seewhy.testbed.emoji.descriptions import descriptions, fact_phrase, one_of
from seewhy.testbed.emoji.facts import OPPOSITE, VAGUE, FactsOfScene
from seewhy.testbed.emoji.frames import PLACES, RELATIONS
from seewhy.testbed.emoji.grammar import (
    NUMBERS,
    Phrase,
    article,
    fill,
    listed,
    sentence,
    tagged,
    text_of,
    utterance,
    words,
)
from seewhy.testbed.emoji.kinds import KINDS, SIGN
from seewhy.testbed.emoji.meanings import hypernyms, plural
from seewhy.testbed.emoji.phrases import Group, NounPhrases, tagged_word
from seewhy.testbed.emoji.question_frames import (
    ADJECTIVE_ANSWERS,
    ADJECTIVE_QUESTIONS,
    COLOUR_ANSWERS,
    COLOUR_QUESTIONS,
    COUNT_QUESTIONS,
    FACT_ANSWERS,
    FACT_QUESTIONS,
    HYPERNYM_QUESTIONS,
    KIND_OF_ANSWERS,
    KIND_OF_QUESTIONS,
    NO_ANSWERS,
    NONE_ANSWERS,
    PLACE_ANSWERS,
    PLACE_QUESTIONS,
    PRESENCE_QUESTIONS,
    RELATION_QUESTIONS,
    SIGN_ANSWERS,
    SIGN_QUESTIONS,
    SOME_ANSWERS,
    YES_ANSWERS,
)
from seewhy.testbed.emoji.scenes import Scene
from seewhy.testbed.rng import Rng
from seewhy.testbed.scenes import Picture


def questions(scene: Scene, picture: Picture) -> tuple[Utterance, ...]:
    """Questions and answers about a scene, each of another way; about six to twelve.

    Args:
        scene: the things and their positions.
        picture: the scene drawn at scale 1, for what is hidden.
    """
    rng = Rng("emoji questions", scene.split, scene.seed, scene.index)
    writer = _QuestionWriter(FactsOfScene(scene, picture), rng)
    return (
        *writer.colours(),
        *writer.counts(),
        *writer.presences(),
        *writer.places(),
        *writer.relations(),
        *writer.kinds_of(),
        *writer.signs(),
        *writer.knowledge(),
    )


class _QuestionWriter:
    def __init__(self, facts: FactsOfScene, rng: Rng) -> None:
        self.facts, self.rng = facts, rng
        self.phrases = NounPhrases(facts, rng)
        self.sole = [i for i in facts.shown if facts.is_sole(i)]
        self.present = sorted({thing.kind for thing in facts.things})

    def _asked(self, frames: tuple[str, ...], answer: Phrase, **slots: Phrase) -> Utterance:
        question = sentence(fill(self.rng.pick(frames), **slots))[:-1]
        return utterance(text_of(question), sentence(answer))

    # One way of question each

    def colours(self) -> list[Utterance]:
        asked = [i for i in self.sole if self.facts.things[i].colour is not None]
        return [
            self._asked(
                COLOUR_QUESTIONS,
                fill(
                    self.rng.pick(COLOUR_ANSWERS),
                    the=self._the(i),
                    colour=[(self._colour(i), "colour", (i,))],
                    a=words(article(self._colour(i))),
                    it=[("it", "function", (i,))],
                    coloured=self.phrases.indefinite((i,)),
                ),
                the=self._the(i),
                kind=self._bare(i),
            )
            for i in self.rng.sample(asked, min(2, len(asked)))
        ]

    def counts(self) -> list[Utterance]:
        countable = [kind for kind in self.present if self._is_countable(kind)]
        many = [kind for kind in countable if len(self.facts.of_kind(kind)) > 1]
        kinds = many[:2] if many else self.rng.sample(countable, min(1, len(countable)))
        if self.rng.chance(1, 2):
            kinds = [*kinds, self._absent()]
        asked = []
        for kind in kinds:
            group = self.facts.of_kind(kind)
            noun = tagged(plural(kind), "kind", ())
            asked.append(self._asked(COUNT_QUESTIONS, self._count(kind, group), kinds=noun))
        hypernym = self._shared_hypernym()
        if hypernym is not None:
            group = self.facts.called(hypernym)
            noun = plural(hypernym)
            frame = self.rng.pick(SOME_ANSWERS)
            answer = self._answer(frame, hypernym, noun, group)
            asked.append(self._asked(COUNT_QUESTIONS, answer, kinds=tagged(noun, "kind")))
        return asked

    def presences(self) -> list[Utterance]:
        asked = []
        shown = [kind for kind in self.present if self._is_countable(kind)]
        if shown:
            kind = self.rng.pick(shown)
            group = self.facts.of_kind(kind)
            phrase = self._plain(kind, group)
            answer = fill(
                self.rng.pick(YES_ANSWERS),
                list=phrase,
                there=words("there is" if len(group) == 1 else "there are"),
                **{"is": words("is" if len(group) == 1 else "are")},
            )
            asked.append(self._presence(kind, answer))
        absent = self._absent()
        none = [*words(article(absent)), *tagged(absent, "kind")]
        answer = fill(
            self.rng.pick(NO_ANSWERS),
            kind=tagged(absent, "kind"),
            kinds=tagged(plural(absent), "kind"),
            list=none,
        )
        asked.append(self._presence(absent, answer))
        return asked

    def _presence(self, kind: str, answer: Phrase) -> Utterance:
        return self._asked(
            PRESENCE_QUESTIONS,
            answer,
            one=[*words(article(kind)), *tagged(kind, "kind")],
            kinds=tagged(plural(kind), "kind"),
        )

    def places(self) -> list[Utterance]:
        asked = [i for i in self.sole if self.facts.places(i)]
        found = []
        for i in self.rng.sample(asked, min(1, len(asked))):
            answer = fill(
                self.rng.pick(PLACE_ANSWERS),
                the=self._the(i),
                place=self._place(i),
                it=[("it", "function", (i,))],
            )
            found.append(self._asked(PLACE_QUESTIONS, answer, the=self._the(i)))
        return found

    def relations(self) -> list[Utterance]:
        pairs = [(a, b) for a in self.sole for b in self.sole if a != b]
        for first, second in self.rng.sample(pairs, len(pairs)):
            known = self.facts.relations(first, second)
            if known:
                break
        else:
            return []
        how = self.rng.pick(known)
        said = tagged(self.rng.pick(RELATIONS[how]), "relation", (first, second))
        the, other = self._the(first), self._the(second)
        fact = [*the, *words("is"), *said, *other]
        if self.rng.chance(1, 2):
            where = fact if self.rng.chance(1, 2) else [*words("it is"), *said, *other]
            return [self._asked(RELATION_QUESTIONS, where, the=the, other=other)]
        claimed = how if self.rng.chance(1, 2) else OPPOSITE[how]
        question = tagged(self.rng.pick(RELATIONS[claimed]), "relation")
        reply = words("yes ," if claimed == how else "no ,")
        frames = ("is {the} {how} {other} ?", "is it true that {the} is {how} {other} ?")
        short = [*words("it is"), *said, *other]
        answer = [*reply, *(fact if self.rng.chance(1, 2) else short)]
        return [self._asked(frames, answer, the=the, how=question, other=other)]

    def kinds_of(self) -> list[Utterance]:
        asked = []
        known = [(i, h) for i in self.sole if (h := self.facts.hypernym((i,))) is not None]
        for i, hypernym in self.rng.sample(known, min(1, len(known))):
            noun = [*words(article(hypernym)), *tagged(hypernym, "kind", (i,))]
            answer = fill(
                self.rng.pick(KIND_OF_ANSWERS),
                the=self._the(i),
                hypernym=noun,
                it=[("it", "function", (i,))],
            )
            asked.append(self._asked(KIND_OF_QUESTIONS, answer, the=self._the(i)))
        hypernym = self._shared_hypernym()
        if hypernym is not None:
            things = self.facts.called(hypernym)
            kinds = list(dict.fromkeys(self.facts.things[i].kind for i in things))
            groups = [self.facts.of_kind(kind) for kind in kinds]
            phrases = listed([self._plain(kind, g) for kind, g in zip(kinds, groups, strict=True)])
            there = words("there is" if len(groups[0]) == 1 else "there are")
            frame = self.rng.pick(("{there} {list}", "{list}", "i can see {list}", "we see {list}"))
            answer = fill(frame, there=there, list=phrases)
            noun = tagged(plural(hypernym), "kind")
            asked.append(self._asked(HYPERNYM_QUESTIONS, answer, kinds=noun))
        return asked

    def signs(self) -> list[Utterance]:
        signs = self.facts.of_kind(SIGN)
        if len(signs) != 1 or signs[0] not in self.facts.shown:
            return []
        (i,) = signs
        word = self.facts.things[i].word
        if word is None or not self.facts.is_sole(i):
            return []
        answer = fill(
            self.rng.pick(SIGN_ANSWERS),
            the=self._the(i),
            it=[("it", "function", (i,))],
            word=tagged_word(word, (i,)),
        )
        return [self._asked(SIGN_QUESTIONS, answer, the=self._the(i))]

    def knowledge(self) -> list[Utterance]:
        """What a thing of its kind is like, or what it does or is for."""
        known = [i for i in self.sole if self.facts.things[i].kind in descriptions()]
        if not known:
            return []
        i = self.rng.pick(known)
        kind = self.facts.things[i].kind
        hypernym = self.facts.hypernym((i,)) or kind
        noun = [*words(article(hypernym)), *tagged(hypernym, "kind", (i,))]
        told = descriptions()[kind]
        adjectives = [[(word, "function", (i,))] for word in self.rng.sample(told.adjectives, 2)]
        asks_fact = self.rng.chance(2, 3)
        answer = fill(
            self.rng.pick(FACT_ANSWERS if asks_fact else ADJECTIVE_ANSWERS),
            the=self._the(i),
            one=one_of(kind, (i,)),
            hypernym=noun,
            fact=fact_phrase(self.rng.pick(told.facts), (i,)),
            adjectives=listed(adjectives),
            described=self.phrases.indefinite((i,), adjective=True),
        )
        frames = FACT_QUESTIONS if asks_fact else ADJECTIVE_QUESTIONS
        return [self._asked(frames, answer, the=self._the(i), one=one_of(kind, (i,)))]

    # Parts of answers

    def _the(self, i: int) -> Phrase:
        return [("the", "function", (i,)), *self._bare(i)]

    def _bare(self, i: int) -> Phrase:
        return tagged(self.facts.things[i].kind, "kind", (i,))

    def _colour(self, i: int) -> str:
        colour = self.facts.things[i].colour
        if colour is None:
            raise ValueError(f"Expected a thing with a colour, got {self.facts.things[i]}.")
        return colour

    def _place(self, i: int) -> Phrase:
        places = set(self.facts.places(i))
        known = [key for key in PLACES if set(key) <= places]
        corners = [key for key in known if len(key) == 2]
        return tagged(self.rng.pick(PLACES[self.rng.pick(corners or known)]), "relation", (i,))

    def _plain(self, kind: str, group: Group) -> Phrase:
        """Such as "a cat" or "three dogs", without colours."""
        if len(group) == 1:
            return [*words(article(kind)), *tagged(kind, "kind", group)]
        number = [(NUMBERS[len(group)], "count", group)]
        return [*number, *tagged(plural(kind), "kind", group)]

    def _count(self, kind: str, group: Group) -> Phrase:
        frame = self.rng.pick(SOME_ANSWERS if group else NONE_ANSWERS)
        return self._answer(frame, kind, plural(kind), group)

    def _answer(self, frame: str, one: str, many: str, group: Group) -> Phrase:
        single = len(group) == 1
        noun = tagged(one if single else many, "kind", group)
        return fill(
            frame,
            number=[(NUMBERS[len(group)], "count", group)],
            there=words("there is" if single else "there are"),
            kinds=noun,
            kind=tagged(one, "kind", group),
            many=tagged(many, "kind", group),
            **{"is": words("is" if single else "are")},
        )

    def _shared_hypernym(self) -> str | None:
        """A hypernym of several things, all of them clear."""
        shared = [
            hypernym
            for hypernym in hypernyms()
            if not hypernym.startswith(VAGUE)
            and hypernym not in KINDS
            and len(self.facts.called(hypernym)) > 1
            and self.facts.is_clear(hypernym)
        ]
        return self.rng.pick(shared) if shared else None

    def _is_countable(self, kind: str) -> bool:
        """Whether a kind's name means its own things and no others, all of them clear."""
        return self.facts.is_clear(kind) and self.facts.called(kind) == self.facts.of_kind(kind)

    def _absent(self) -> str:
        """A kind that is not there, nor anything that its name may mean."""
        while True:
            kind = self.rng.pick(tuple(KINDS))
            if not self.facts.possibly_called(kind):
                return kind
