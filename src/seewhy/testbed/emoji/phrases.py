"""Noun phrases of things: "a small red car", "two pairs of blue socks", "the cat"."""

from __future__ import annotations

from seewhy.testbed.emoji.descriptions import descriptions
from seewhy.testbed.emoji.facts import FactsOfScene
from seewhy.testbed.emoji.frames import SIGN_PHRASES, SIZES
from seewhy.testbed.emoji.grammar import NUMBERS, Phrase, article, fill, tagged, words
from seewhy.testbed.emoji.kinds import SIGN
from seewhy.testbed.emoji.meanings import plural
from seewhy.testbed.rng import Rng

Group = tuple[int, ...]

UPRIGHT = frozenset(("bricks", "sky"))
"""Grounds that things are in front of, and not on."""


class NounPhrases:
    """Makes noun phrases of the things of one scene."""

    def __init__(self, facts: FactsOfScene, rng: Rng) -> None:
        self.facts, self.rng = facts, rng

    def indefinite(
        self, group: Group, colour: bool = True, size: bool = False, adjective: bool = False
    ) -> Phrase:
        """Such as "a small red car", "two red cars" or "a furry cat"."""
        return self._counted(group, self._noun(group, colour, size, adjective=adjective))

    def _counted(self, group: Group, noun: Phrase) -> Phrase:
        if len(group) == 1:
            return [(article(noun[0][0]), "function", group), *noun]
        if not self.facts.is_countable(group):
            return noun
        return [(self._number(group), "count", group), *noun]

    def _number(self, group: Group) -> str:
        return NUMBERS[len(group)]

    def definite(self, i: int) -> Phrase:
        """Such as "the cat", or "the red car" where there are others: see `is_told_apart`."""
        colour = not self.facts.is_sole(i)
        the = ("the", "function", (i,))
        if self.facts.things[i].kind == SIGN:
            return [the, *self._noun((i,), False, False, said=colour)]
        return [the, *self._noun((i,), colour, False)]

    def definite_group(self, group: Group) -> Phrase:
        """Such as "the cat" or "the two red cars"."""
        if len(group) == 1:
            return self.definite(group[0])
        facts = self.facts
        alone = len(facts.of_kind(facts.things[group[0]].kind)) == len(group)
        noun = self._noun(group, not alone, False)
        the = ("the", "function", group)
        if facts.is_countable(group) and self.rng.chance(2, 3):
            if len(group) == 2 and self.rng.chance(1, 3):
                return [("both", "count", group), *noun]
            return [the, (self._number(group), "count", group), *noun]
        return [the, *noun]

    def has_definite(self, group: Group) -> bool:
        """Whether a definite phrase means this group and nothing else."""
        if len(group) == 1:
            return self.facts.is_told_apart(group[0])
        return self.facts.is_countable(group)

    def kind(self, group: Group) -> Phrase:
        """The bare noun, such as "car" or "cars"."""
        return self._noun(group, False, False)

    def _noun(
        self,
        group: Group,
        colour: bool,
        size: bool,
        said: bool = True,
        adjective: bool = False,
    ) -> Phrase:
        facts = self.facts
        kind = facts.things[group[0]].kind
        text = kind if len(group) == 1 else plural(kind)
        phrase: Phrase = []
        if size and (known := facts.size(group)):
            phrase.append((self.rng.pick(SIZES[known]), "size", group))
        shade = facts.colour(group) if colour else None
        noun = tagged(text, "kind", group)
        if shade not in (None, text):  # an orange is not said to be an orange orange
            noun.insert(noun_at(text), (shade, "colour", group))
        if adjective and kind in descriptions():
            epithet = self.rng.pick(descriptions()[kind].adjectives)
            noun.insert(noun_at(text), (epithet, "function", group))
        phrase += noun
        if kind == SIGN and said:
            phrase += self._inscription(group)
        return phrase

    def _inscription(self, group: Group) -> Phrase:
        word = self.facts.things[group[0]].word
        if word is None:
            return []
        frame = self.rng.pick(SIGN_PHRASES)
        if len(group) > 1:  # "two signs that say ..."
            frame = (
                frame.replace("says", "say").replace("reads", "read").replace("on it", "on them")
            )
        return fill(frame, word=tagged_word(word, group))

    # The ground

    @property
    def ground(self) -> Phrase | None:
        """The ground as a noun phrase, or None where it is not said."""
        name = self.facts.scene.ground.name
        if name is None:
            return None
        noun: Phrase = [(name, "ground", ())]
        return [*words("the"), *noun] if name == "sky" else noun


def noun_at(text: str) -> int:
    """Where an adjective of colour stands in the words of a kind: before the last noun.

    Example:
        >>> noun_at("pair of socks"), noun_at("police car")
        (2, 0)
    """
    parts = text.split()
    return parts.index("of") + 1 if "of" in parts else 0


def tagged_word(word: str, group: Group) -> Phrase:
    """The word on a sign, as it is written there."""
    return [(part, "kind", group) for part in word.split()]
