"""Clauses that say more of a thing: relations, place, colour, size, and common knowledge."""

from __future__ import annotations

from seewhy.testbed.emoji.descriptions import descriptions, fact_phrase, one_of
from seewhy.testbed.emoji.detail_frames import (
    ADJECTIVE_SENTENCES,
    BETWEEN_SENTENCES,
    BIGGER,
    COLOUR_SENTENCES,
    COVERING,
    FACT_SENTENCES,
    GENERAL_FACTS,
    HYPERNYM_SENTENCES,
    PLACE_SENTENCES,
    PREDICATE_SIZES,
    RELATION_SENTENCES,
    SIGN_SENTENCES,
    SIZE_SENTENCES,
    SMALLER,
    STYLE_SENTENCES,
    TILT_SENTENCES,
    TILTED,
)
from seewhy.testbed.emoji.facts import FactsOfScene
from seewhy.testbed.emoji.grammar import Phrase, article, fill, listed, tagged, words
from seewhy.testbed.emoji.kinds import SIGN
from seewhy.testbed.emoji.listings import ListingWriter
from seewhy.testbed.emoji.meanings import plural
from seewhy.testbed.emoji.phrases import Group, tagged_word
from seewhy.testbed.rng import Rng


class ClauseWriter:
    """Writes clauses on groups that a definite phrase can mean; None where nothing can be said.

    Attributes:
        used: what has been said; pairs of things as `("pair", frozenset)`.
    """

    def __init__(self, facts: FactsOfScene, rng: Rng, listing: ListingWriter) -> None:
        self.facts, self.rng, self.listing = facts, rng, listing
        self.phrases = listing.phrases
        self.used: set[tuple[object, ...]] = set()

    def relation(self, group: Group) -> Phrase | None:
        singles = [g for g in self.facts.groups if len(g) == 1 and g != group]
        if len(group) != 1 or not singles:
            return None
        other = self.rng.pick(singles)
        pair = ("pair", frozenset((*group, *other)))
        how = self.facts.relations(group[0], other[0])
        if not how or pair in self.used:
            return None
        known = other in self.listing.named
        if known and not self.phrases.has_definite(other):
            return None
        self.used.add(pair)
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

    def place(self, group: Group) -> Phrase | None:
        if len(group) != 1 or not self.facts.places(group[0]):
            return None
        return fill(
            self.rng.pick(PLACE_SENTENCES),
            subject=self.phrases.definite(group[0]),
            place=self.listing.place(group),
            be=words("is"),
            **{"is": self.listing.located(group)},
        )

    def colour(self, group: Group) -> Phrase | None:
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

    def size(self, group: Group) -> Phrase | None:
        several = len(group) > 1
        others = [g for g in self.listing.named if len(g) == 1 and g != group]
        subject = self.phrases.definite_group(group)
        if len(group) == 1 and others and self.rng.chance(1, 2):
            other = self.rng.pick(others)
            verdict = self.facts.bigger_verdict(group[0], other[0])
            pair = ("compared", frozenset((*group, *other)))
            if verdict is not None and pair not in self.used and self.phrases.has_definite(other):
                self.used.add(pair)
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

    def hypernym(self, group: Group) -> Phrase | None:
        hypernym = self.facts.hypernym(group)
        if hypernym is None:
            return None
        several = len(group) > 1
        noun = tagged(plural(hypernym) if several else hypernym, "kind", group)
        return fill(
            self.rng.pick(HYPERNYM_SENTENCES),
            subject=self.phrases.definite_group(group),
            hypernym=noun if several else [*words(article(hypernym)), *noun],
            **{"is": words("are" if several else "is")},
        )

    def sign(self, group: Group) -> Phrase | None:
        thing = self.facts.things[group[0]]
        if thing.kind != SIGN or thing.word is None or not self.facts.is_sole(group[0]):
            return None
        return fill(
            self.rng.pick(SIGN_SENTENCES),
            subject=self.phrases.definite(group[0]),
            word=tagged_word(thing.word, group),
        )

    def cover(self, group: Group) -> Phrase | None:
        front = self.facts.occluded_by[group[0]]
        if len(group) != 1 or front is None:
            return None
        cover = next((g for g in self.facts.groups if g == (front,)), None)
        if cover is None or ("pair", frozenset((*group, *cover))) in self.used:
            return None
        known = cover in self.listing.named
        if known and not self.phrases.has_definite(cover):
            return None
        self.used.add(("pair", frozenset((*group, *cover))))
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

    def between(self, group: Group) -> Phrase | None:
        """Between which two things a thing stands."""
        if len(group) != 1:
            return None
        ends = [
            g[0]
            for g in self.listing.named
            if len(g) == 1 and g != group and self.phrases.has_definite(g)
        ]
        pairs = [(a, b) for n, a in enumerate(ends) for b in ends[n + 1 :]]
        pairs = [(a, b) for a, b in pairs if self.facts.between_verdict(group[0], a, b)]
        if not pairs:
            return None
        one, other = self.rng.pick(pairs)
        return fill(
            self.rng.pick(BETWEEN_SENTENCES),
            subject=self.phrases.definite(group[0]),
            one=self.phrases.definite(one),
            other=self.phrases.definite(other),
            between=[("between", "relation", (group[0], one, other))],
            **{"is": self.listing.located(group)},
        )

    def fact(self, group: Group) -> Phrase | None:
        """What is commonly known of a thing's kind."""
        kind = self.facts.things[group[0]].kind
        if kind not in descriptions():
            return None
        hypernym = self.facts.hypernym(group)
        single = len(group) == 1 and hypernym is not None
        frames = FACT_SENTENCES if single else GENERAL_FACTS
        noun = tagged(hypernym or "", "kind", group)
        return fill(
            self.rng.pick(frames),
            subject=self.phrases.definite_group(group),
            hypernym=[*words(article(hypernym or kind)), *noun],
            one=one_of(kind, group),
            fact=fact_phrase(self.rng.pick(descriptions()[kind].facts), group),
            **{"is": words("is")},
        )

    def adjective(self, group: Group) -> Phrase | None:
        """What things of the kind commonly are."""
        kind = self.facts.things[group[0]].kind
        if kind not in descriptions() or self.listing.adjectives_said:
            return None
        known = descriptions()[kind].adjectives
        chosen = self.rng.sample(known, min(len(known), self.rng.between(1, 2)))
        several = len(group) > 1
        return fill(
            self.rng.pick(ADJECTIVE_SENTENCES),
            subject=self.phrases.definite_group(group),
            adjectives=listed([[(word, "function", group)] for word in chosen]),
            look=words("look" if several else "looks"),
            appear=words("appear" if several else "appears"),
            **{"is": words("are" if several else "is")},
        )

    def tilt(self, group: Group) -> Phrase | None:
        """That a thing is turned."""
        if len(group) != 1 or abs(self.facts.things[group[0]].rotation) < TILTED:
            return None
        subject = self.phrases.definite(group[0])
        return fill(self.rng.pick(TILT_SENTENCES), subject=subject)

    def style(self, group: Group) -> Phrase | None:
        """How a thing is drawn."""
        if len(group) != 1 or self.facts.things[group[0]].kind == SIGN:
            return None
        frames = STYLE_SENTENCES.get(self.facts.things[group[0]].style, ()) + STYLE_SENTENCES[""]
        return fill(self.rng.pick(frames), subject=self.phrases.definite(group[0]))
