"""Sentences that say more of things that a text has named: relations, places, colours, sizes."""

from __future__ import annotations

from collections.abc import Callable

from seewhy.testbed.emoji.clauses import ClauseWriter
from seewhy.testbed.emoji.detail_frames import (
    BLUR_SENTENCES,
    BLURRED,
    GROUND_SENTENCES,
    JOINTS,
    PLAIN_SENTENCES,
    SAME_COLOUR,
    SHADOW_SENTENCES,
)
from seewhy.testbed.emoji.facts import FactsOfScene
from seewhy.testbed.emoji.grammar import Phrase, fill, listed, tagged, words
from seewhy.testbed.emoji.listings import ListingWriter
from seewhy.testbed.emoji.meanings import plural
from seewhy.testbed.emoji.phrases import Group
from seewhy.testbed.rng import Rng

WAYS = (
    (
        *("relation", "place", "between", "colour", "size", "others", "ground", "light", "kind"),
        *("sign", "cover", "fact", "adjective", "tilt", "style"),
    ),
    (26, 22, 12, 14, 12, 14, 8, 2, 5, 16, 10, 14, 6, 3, 4),
)
"""What sentences are on, and how often each is tried."""
SINGLE = frozenset(("sign", "cover", "kind", "fact", "between", "tilt", "style"))
"""Ways of which one clause makes a sentence."""

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
        self.clauses = ClauseWriter(facts, rng, listing)
        self._used = self.clauses.used
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
        if way == "light":
            return self._light()
        if way == "colour" and self.rng.chance(1, 3):
            return self._same_colour()
        clause = {
            "relation": self.clauses.relation,
            "place": self.clauses.place,
            "between": self.clauses.between,
            "colour": self.clauses.colour,
            "size": self.clauses.size,
            "kind": self.clauses.hypernym,
            "sign": self.clauses.sign,
            "cover": self.clauses.cover,
            "fact": self.clauses.fact,
            "adjective": self.clauses.adjective,
            "tilt": self.clauses.tilt,
            "style": self.clauses.style,
        }[way]
        return self._clauses(clause, way)

    def _clauses(self, clause: Clause, way: str) -> Phrase | None:
        """One or two clauses of one way, on different groups."""
        wanted = 1 if way in SINGLE or self.rng.chance(1, 4) else 2
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
        noun = tagged(plural(hypernym), "kind", things)
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

    def _light(self) -> Phrase | None:
        """That there are shadows, or that the picture is blurred."""
        light = self.facts.scene.light
        if ("light",) in self._used:
            return None
        self._used.add(("light",))
        if light.blur >= BLURRED and self.rng.chance(1, 2):
            return words(self.rng.pick(BLUR_SENTENCES))
        return words(self.rng.pick(SHADOW_SENTENCES)) if any(light.shadow) else None

    def _same_colour(self) -> Phrase | None:
        """Two things of one colour."""
        if self.listing.colours_said:
            return None
        by_colour: dict[str, list[Group]] = {}
        for group in self.listing.named:
            colour = self.facts.colour(group)
            if colour is not None and len(group) == 1 and self.facts.is_sole(group[0]):
                by_colour.setdefault(colour, []).append(group)
        shared = [colour for colour, groups in by_colour.items() if len(groups) == 2]
        if not shared:
            return None
        colour = self.rng.pick(shared)
        groups = by_colour[colour]
        things = tuple(i for group in groups for i in group)
        self._used |= {("colour", group) for group in groups}
        return fill(
            self.rng.pick(SAME_COLOUR),
            subjects=listed([self.phrases.definite(group[0]) for group in groups]),
            colour=[(colour, "colour", things)],
        )

    def _last_resort(self) -> Phrase:
        """A plain sentence that is true of every scene."""
        for way in ("place", "relation", "others", "ground", "fact", "adjective", "size", "kind"):
            phrase = self._sentence(way)
            if phrase is not None:
                return phrase
        frames = [frame for frame in PLAIN_SENTENCES if (frame,) not in self._used]
        frame = self.rng.pick(frames)
        self._used.add((frame,))
        group = self.facts.groups[0]
        several = len(group) > 1
        subject = self.phrases.definite_group(group)
        return fill(frame, subject=subject, **{"is": words("are" if several else "is")})
