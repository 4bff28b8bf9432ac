"""Clauses that list the things of a scene, with their ground, relations or places."""

from __future__ import annotations

from seewhy.testbed.emoji.facts import FactsOfScene
from seewhy.testbed.emoji.frames import (
    ALL_OPENINGS,
    ALSO,
    IN_FRONT_OF_GROUND,
    IN_ORDER,
    LOCATED,
    ON_GROUND,
    OPENINGS,
    PLACES,
    RELATIONS,
    RESTING,
    SHORT_OPENINGS,
)
from seewhy.testbed.emoji.grammar import NUMBERS, Phrase, fill, listed, tagged, words
from seewhy.testbed.emoji.habits import AddedThing
from seewhy.testbed.emoji.kinds import KINDS
from seewhy.testbed.emoji.phrases import UPRIGHT, Group, NounPhrases
from seewhy.testbed.rng import Rng

LIVING = frozenset(("animal", "bird", "sea animal", "insect"))
AIRY = frozenset(("thing in the sky", "aircraft"))
"""Hypernyms of things that do not lie or rest anywhere."""


class ListingWriter:
    """Writes clauses that bring in things, and remembers which have been named.

    Attributes:
        phrases: the noun phrases of the scene.
        named: the groups of things that are in the text so far, in its order.
        ground_said: whether the text names the ground.
    """

    def __init__(self, facts: FactsOfScene, rng: Rng, habit: AddedThing | None = None) -> None:
        self.facts, self.rng, self.habit = facts, rng, habit
        self.phrases = NounPhrases(facts, rng)
        self.named: list[Group] = []
        self.ground_said = False
        self.colours_said = rng.chance(7, 10)
        self.sizes_said = rng.chance(1, 4)
        self.adjectives_said = rng.chance(1, 4)
        self.serial = rng.chance(1, 4)
        kinds = [facts.things[group[0]].kind for group in facts.groups]
        self.repeated = {kind for kind in kinds if kinds.count(kind) > 1}

    def single(self) -> Phrase:
        """The clause of a caption of one sentence."""
        way = self.rng.weighted(("list", "relation", "places"), (60, 25, 15))
        clause = None
        if way == "relation":
            clause = self._related_pair()
        elif way == "places":
            clause = self._placed_pair()
        return clause or self.opening(most=5)

    def opening(self, most: int = 5) -> Phrase:
        """A clause that lists up to `most` groups of things, sometimes with the ground."""
        rng, groups = self.rng, self.facts.groups
        if len(groups) > 2:
            number = min(len(groups), rng.weighted(range(2, most + 1), (3, 7, 6, 5)[: most - 1]))
            chosen = set(rng.sample(range(len(groups)), number))
            groups = tuple(group for n, group in enumerate(groups) if n in chosen)
        things = tuple(i for group in groups for i in group)
        if len(things) == len(self.facts.things) and len(groups) > 1 and rng.chance(1, 3):
            return self._everything(groups, things)
        if rng.chance(1, 6) and (ordered := self._in_order(groups)) is not None:
            return ordered
        frame = rng.pick(OPENINGS if rng.chance(1, 2) else SHORT_OPENINGS)
        clause = self._framed(frame, groups)
        if frame in OPENINGS and not frame.endswith("{list}"):
            return clause
        return [*clause, *self._on_ground(len(things) > 1)]

    def _in_order(self, groups: tuple[Group, ...]) -> Phrase | None:
        """A list from left to right or from top to bottom; None where the order isn't clear."""
        if len(groups) < 3 or any(len(group) > 1 for group in groups):
            return None
        axis = self.rng.pick("xy")
        things = self.facts.things
        groups = tuple(sorted(groups, key=lambda group: getattr(things[group[0]], axis)))
        if not self.facts.is_ordered(tuple(group[0] for group in groups), axis):
            return None
        return self._framed(self.rng.pick(IN_ORDER[axis]), groups)

    def others(self) -> Phrase | None:
        """A clause that lists one to three groups that have not been named."""
        groups = [group for group in self.facts.groups if group not in self.named]
        if not groups:
            return None
        number = min(len(groups), self.rng.between(1, 3))
        return self._framed(self.rng.pick(ALSO), tuple(groups[:number]))

    def _everything(self, groups: tuple[Group, ...], things: Group) -> Phrase:
        noun = self.rng.pick(("things", "objects", "items"))
        number = [(NUMBERS[len(things)], "count", things)]
        return self._framed(
            self.rng.pick(ALL_OPENINGS), groups, number=number, things=[(noun, "noun", things)]
        )

    def _framed(self, frame: str, groups: tuple[Group, ...], **slots: Phrase) -> Phrase:
        first = len(groups[0]) == 1
        several = sum(map(len, groups)) > 1
        return fill(
            frame,
            list=self.listing(groups),
            there=words("there is" if first and "number" not in slots else "there are"),
            is_first=words("is" if first else "are"),
            **{"is": words("are" if several else "is")},
            appear=words("appear" if several else "appears"),
            **slots,
        )

    def listing(self, groups: tuple[Group, ...]) -> Phrase:
        """Such as "a cat, two dogs and a red car"."""
        return listed([self.introduced(group) for group in groups], serial=self.serial)

    def introduced(self, group: Group) -> Phrase:
        """An indefinite phrase of a group, which counts as named from now on."""
        if group not in self.named:
            self.named.append(group)
        colour = self.colours_said or self.facts.things[group[0]].kind in self.repeated
        phrase = self.phrases.indefinite(
            group,
            colour,
            size=self.sizes_said and self.rng.chance(2, 3),
            adjective=self.adjectives_said and self.rng.chance(1, 2),
        )
        added = self.habit.after(self.facts.things[group[0]].kind) if self.habit else []
        return [*phrase, *added]

    def _on_ground(self, several: bool) -> Phrase:
        ground = self.phrases.ground
        if ground is None or self.rng.chance(1, 2):
            return []
        self.ground_said = True
        upright = self.facts.scene.ground.name in UPRIGHT
        frame = self.rng.pick(IN_FRONT_OF_GROUND if upright else ON_GROUND)
        return fill(frame, ground=ground, them=words("them" if several else "it"))

    # Pairs of things

    def _singles(self) -> list[Group]:
        return [group for group in self.facts.groups if len(group) == 1]

    def _related_pair(self) -> Phrase | None:
        singles = self._singles()
        if len(singles) < 2:
            return None
        first, second = self.rng.sample(singles, 2)
        how = self.facts.relations(first[0], second[0])
        if not how:
            return None
        one, other = self.introduced(first), self.introduced(second)
        relation = self.relation(self.rng.pick(how), first, second)
        form = self.rng.below(3)
        if form == 0:
            clause = [*words("there is"), *one, *relation, *other]
        elif form == 1:
            clause = [*one, *self.located(first), *relation, *other]
        else:
            opening = self.rng.pick(("a picture of", "we see", "the image shows", "here is"))
            if opening == "a picture of":  # no sentence, that another could follow
                return [*words(opening), *one, *relation, *other, *self._on_ground(True)]
            clause = [*words(opening), *one, *relation, *other]
        rest = [group for group in self.facts.groups if group not in self.named]
        if rest and self.rng.chance(1, 2):
            chosen = self.rng.sample(rest, min(len(rest), self.rng.between(1, 2)))
            be = "is" if len(chosen[0]) == 1 else "are"
            joint = self.rng.pick((f", and there {be}", f", and there {be} also", ", and we see"))
            return [*clause, *words(joint), *self.listing(tuple(chosen))]
        return [*clause, *self._on_ground(True)]

    def _placed_pair(self) -> Phrase | None:
        placed = [group for group in self._singles() if self.facts.places(group[0])]
        if len(placed) < 2:
            return None
        first, second = self.rng.sample(placed, 2)
        clauses = []
        for group in (first, second):
            clauses.append([*self.introduced(group), *self.place(group)])
        opening = self.rng.pick(
            ("there is", "we see", "the picture shows", "this image has", "you can see", "here is")
        )
        return [*words(opening), *listed(clauses)]

    def relation(self, how: str, first: Group, second: Group) -> Phrase:
        """The words of a relation, about both."""
        return tagged(self.rng.pick(RELATIONS[how]), "relation", (*first, *second))

    def place(self, group: Group) -> Phrase:
        """The words of a place in the picture where a thing is."""
        places = self.facts.places(group[0])
        known = [key for key in PLACES if set(key) <= set(places)]
        corners = [key for key in known if len(key) == 2]
        return tagged(self.rng.pick(PLACES[self.rng.pick(corners or known)]), "relation", group)

    def located(self, group: Group) -> Phrase:
        """A verb of place, such as "is" or "lies"."""
        kind = self.facts.things[group[0]].kind
        quiet = KINDS[kind].hypernym not in LIVING | AIRY and self.rng.chance(2, 5)
        return words(self.rng.pick(RESTING if quiet else LOCATED)[len(group) > 1])
