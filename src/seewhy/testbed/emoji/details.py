"""Sentences that say more of things that a text has named: relations, places, colours, sizes."""

from __future__ import annotations

from collections.abc import Callable

from seewhy.testbed.emoji.facts import FactsOfScene
from seewhy.testbed.emoji.frames import (
    BIGGER,
    COLOUR_SENTENCES,
    COVERING,
    GROUND_SENTENCES,
    HYPERNYM_SENTENCES,
    JOINTS,
    PLACE_SENTENCES,
    PREDICATE_SIZES,
    RELATION_SENTENCES,
    SIGN_SENTENCES,
    SIZE_SENTENCES,
    SMALLER,
)
from seewhy.testbed.emoji.grammar import Phrase, article, fill, listed, plural_of, tagged, words
from seewhy.testbed.emoji.kinds import SIGN
from seewhy.testbed.emoji.listings import ListingWriter
from seewhy.testbed.emoji.phrases import Group, tagged_word
from seewhy.testbed.rng import Rng

GROUND_VERBS = tuple(
    {verb: words(said) for verb, said in zip(("is", "fill", "make", "surround"), row, strict=True)}
    for row in (("is", "fills", "makes", "surrounds"), ("are", "fill", "make", "surround"))
)
"""The verbs of sentences on grounds, in the singular and in the plural."""

Clause = Callable[[Group], Phrase | None]


class DetailWriter:
    """Writes sentences on the things that a listing named; no detail of a thing comes twice."""

    def __init__(self, facts: FactsOfScene, rng: Rng, listing: ListingWriter) -> None:
        self.facts, self.rng, self.listing = facts, rng, listing
        self.phrases = listing.phrases
        self._used: set[tuple[object, ...]] = set()
        self._others_said = False

    def next(self) -> Phrase:
        """The next sentence, without its capital and final mark."""
        for _ in range(12):
            way = self.rng.weighted(
                (
                    "relation",
                    "place",
                    "colour",
                    "size",
                    "others",
                    "ground",
                    "kind",
                    "sign",
                    "cover",
                ),
                (26, 22, 14, 12, 14, 8, 6, 16, 10),
            )
            phrase = self._sentence(way)
            if phrase is not None:
                return phrase
        return self._last_resort()

    def _sentence(self, way: str) -> Phrase | None:
        if way == "others":
            if self._others_said:
                return None
            phrase = self.listing.others()
            self._others_said = phrase is not None
            return phrase
        if way == "ground":
            return self._ground()
        if way == "kind" and self.rng.chance(1, 2):
            return self._alike()
        clause = {
            "relation": self._relation,
            "place": self._place,
            "colour": self._colour,
            "size": self._size,
            "kind": self._hypernym,
            "sign": self._sign,
            "cover": self._cover,
        }[way]
        return self._clauses(clause, way)

    def _clauses(self, clause: Clause, way: str) -> Phrase | None:
        """One or two clauses of one way, on different groups."""
        wanted = 1 if way in ("sign", "cover", "kind") or self.rng.chance(3, 10) else 2
        found: list[Phrase] = []
        said: list[Group] = []
        for group in self._subjects(way):
            phrase = clause(group)
            if phrase is not None:
                self._used.add((way, group))
                found.append(phrase)
                said.append(group)
            if len(found) == wanted:
                break
        if not found:
            return None
        joint = self.rng.pick(JOINTS if self._differ(way, said) else JOINTS[:3])
        return [*found[0], *(piece for more in found[1:] for piece in (*words(joint), *more))]

    def _differ(self, way: str, groups: list[Group]) -> bool:
        """Whether the groups are said to be unlike each other, as "but" wants it."""
        if way == "colour":
            return len({self.facts.colour(group) for group in groups}) > 1
        return way == "size" and len({self.facts.size(group) for group in groups}) > 1

    def _subjects(self, way: str) -> list[Group]:
        """Groups that a definite phrase can mean and of which this has not been said."""
        groups = [
            group
            for group in self.listing.named
            if (way, group) not in self._used and self.phrases.has_definite(group)
        ]
        return self.rng.sample(groups, len(groups))

    # Clauses on one group

    def _relation(self, group: Group) -> Phrase | None:
        singles = [g for g in self.facts.groups if len(g) == 1 and g != group]
        if len(group) != 1 or not singles:
            return None
        other = self.rng.pick(singles)
        pair = ("pair", frozenset((*group, *other)))
        how = self.facts.relations(group[0], other[0])
        if not how or pair in self._used:
            return None
        known = other in self.listing.named
        if known and not self.phrases.has_definite(other):
            return None
        self._used.add(pair)
        subject = self.phrases.definite(group[0])
        thing = self.phrases.definite(other[0]) if known else self.listing.introduced(other)
        return fill(
            self.rng.pick(RELATION_SENTENCES),
            subject=subject,
            object=thing,
            relation=self.listing.relation(self.rng.pick(how), group, other),
            be=words("is"),
            **{"is": self.listing.located(group)},
        )

    def _place(self, group: Group) -> Phrase | None:
        if len(group) != 1 or not self.facts.places(group[0]):
            return None
        return fill(
            self.rng.pick(PLACE_SENTENCES),
            subject=self.phrases.definite(group[0]),
            place=self.listing.place(group),
            be=words("is"),
            **{"is": self.listing.located(group)},
        )

    def _colour(self, group: Group) -> Phrase | None:
        colour = self.facts.colour(group)
        kind = self.facts.things[group[0]].kind
        # Of a thing that is told apart by its colour, it would be said twice.
        if colour is None or self.listing.colours_said or kind in self.listing.repeated:
            return None
        several = len(group) > 1
        return fill(
            self.rng.pick(COLOUR_SENTENCES),
            subject=self.phrases.definite_group(group),
            colour=[(colour, "colour", group)],
            article=words(article(colour)),
            have=words("have" if several else "has"),
            look=words("look" if several else "looks"),
            **{"is": words("are" if several else "is")},
        )

    def _size(self, group: Group) -> Phrase | None:
        several = len(group) > 1
        others = [g for g in self.listing.named if len(g) == 1 and g != group]
        subject = self.phrases.definite_group(group)
        if len(group) == 1 and others and self.rng.chance(1, 2):
            other = self.rng.pick(others)
            verdict = self.facts.bigger_verdict(group[0], other[0])
            if verdict is not None and self.phrases.has_definite(other):
                how = self.rng.pick(BIGGER if verdict else SMALLER)
                compared = tagged(how, "size", (*group, *other))
                return [*subject, *words("is"), *compared, *self.phrases.definite(other[0])]
        size = self.facts.size(group)
        if size is None or self.listing.sizes_said:
            return None
        return fill(
            self.rng.pick(SIZE_SENTENCES),
            subject=subject,
            size=[(self.rng.pick(PREDICATE_SIZES[size]), "size", group)],
            look=words("look" if several else "looks"),
            **{"is": words("are" if several else "is")},
        )

    def _hypernym(self, group: Group) -> Phrase | None:
        hypernym = self.facts.hypernym(group)
        if hypernym is None:
            return None
        several = len(group) > 1
        noun = tagged(plural_of(hypernym) if several else hypernym, "kind", group)
        return fill(
            self.rng.pick(HYPERNYM_SENTENCES),
            subject=self.phrases.definite_group(group),
            hypernym=noun if several else [*words(article(hypernym)), *noun],
            **{"is": words("are" if several else "is")},
        )

    def _sign(self, group: Group) -> Phrase | None:
        thing = self.facts.things[group[0]]
        if thing.kind != SIGN or thing.word is None or not self.facts.is_sole(group[0]):
            return None
        return fill(
            self.rng.pick(SIGN_SENTENCES),
            subject=self.phrases.definite(group[0]),
            word=tagged_word(thing.word, group),
        )

    def _cover(self, group: Group) -> Phrase | None:
        front = self.facts.occluded_by[group[0]]
        if len(group) != 1 or front is None:
            return None
        cover = next((g for g in self.facts.groups if g == (front,)), None)
        if cover is None or ("pair", frozenset((*group, *cover))) in self._used:
            return None
        known = cover in self.listing.named
        if known and not self.phrases.has_definite(cover):
            return None
        self._used.add(("pair", frozenset((*group, *cover))))
        both = (*group, *cover)
        subject = self.phrases.definite(front) if known else self.listing.introduced(cover)
        return fill(
            self.rng.pick(COVERING),
            subject=subject,
            object=self.phrases.definite(group[0]),
            hide=[("hides", "relation", both)],
            overlap=[("overlaps", "relation", both)],
            block=[("blocks", "relation", both)],
            cover=[("covers", "relation", both)],
            is_object=words("is"),
        )

    # Sentences on several groups

    def _alike(self) -> Phrase | None:
        """Which of the things are of one hypernym."""
        known: dict[str, list[Group]] = {}
        for group in self.listing.named:
            hypernym = self.facts.hypernym(group)
            if hypernym is not None and self.phrases.has_definite(group):
                known.setdefault(hypernym, []).append(group)
        shared = [hypernym for hypernym, groups in known.items() if len(groups) > 1]
        if not shared:
            return None
        hypernym = self.rng.pick(shared)
        groups = known[hypernym][:3]
        if ("alike", hypernym) in self._used:
            return None
        self._used.add(("alike", hypernym))
        things = tuple(i for group in groups for i in group)
        subject = listed([self.phrases.definite_group(group) for group in groups])
        noun = tagged(plural_of(hypernym), "kind", things)
        return [*subject, *words("are"), *noun]

    def _ground(self) -> Phrase | None:
        ground = self.phrases.ground
        if ground is None or self.listing.ground_said:
            return None
        self.listing.ground_said = True
        every = self.rng.pick(("everything", "the objects", "the things", "all of this"))
        several = self.facts.scene.ground.name == "bricks"
        verbs = GROUND_VERBS[several]
        return fill(self.rng.pick(GROUND_SENTENCES), ground=ground, all=words(every), **verbs)

    def _last_resort(self) -> Phrase:
        """A plain sentence that is true of every scene."""
        for way in ("place", "relation", "others", "ground", "colour", "size", "kind"):
            phrase = self._sentence(way)
            if phrase is not None:
                return phrase
        group = self.facts.groups[0]
        return [*words("one can see"), *self.phrases.indefinite(group), *words("clearly")]
