"""Reads any English text about an emoji scene, and says what of it is true.

A reading is a list of claims: what kinds of things there are, their colours, sizes and numbers,
their places and relations, the ground, and the words on signs. A claim is true, false, or
undecided where the picture leaves room for doubt or the text cannot be understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from seewhy.core.lexicon import listed
from seewhy.testbed.emoji.claims import Claim, claim_of, predicated
from seewhy.testbed.emoji.colours import COLOURS
from seewhy.testbed.emoji.facts import FactsOfScene
from seewhy.testbed.emoji.grounds import NAMES as GROUNDS
from seewhy.testbed.emoji.kinds import KINDS, SIGN
from seewhy.testbed.emoji.noun_phrases import (
    COUNTS,
    SIZE_OF,
    NounPhrase,
    Token,
    noun_phrases,
    tokens_of,
)
from seewhy.testbed.emoji.scenes import SIGN_WORDS, Scene
from seewhy.testbed.emoji.spatial_phrases import SpatialPhrase, spatial_phrases, subject_of
from seewhy.testbed.scenes import Picture

DOUBT = 140
"""Thousandths of the picture's sides around a place where it is neither true nor false."""

_QUOTES = frozenset('"“”')
_HOW_MANY = ("how many", "count", "number of")
_CLAIMS_ONE = listed("is are count see only exactly shows contains has just")


def read_answer(text: str, scene: Scene, picture: Picture, prompt: str = "") -> list[Claim]:
    """The claims of a text about a scene, in its order.

    Args:
        text: any text, such as a model's answer.
        scene: what it is about.
        picture: the scene drawn, for what is hidden.
        prompt: the question, if it was one: it says what "it" is.

    Example:
        >>> from seewhy.testbed.emoji.scenes import draw, scene
        >>> drawn = scene(3)
        >>> claims = read_answer("A cat is beside two unicorns.", drawn, draw(drawn))
        >>> [claim.name for claim in claims if claim.role == "kind"]
        ['cat']
    """
    return Reader(FactsOfScene(scene, picture)).read(text, prompt)


class Reader:
    """Reads texts about one scene."""

    def __init__(self, facts: FactsOfScene) -> None:
        self.facts = facts

    def read(self, text: str, prompt: str = "") -> list[Claim]:
        """The claims of a text, by their first words."""
        tokens = tokens_of(text)
        written = [*self._inscriptions(text, tokens)]
        on_signs = {claim.spans[0][0] for claim in written}
        nouns = [n for n in noun_phrases(tokens) if tokens[n.head[0]].start not in on_signs]
        asked = [noun for noun in noun_phrases(tokens_of(prompt)) if noun.name != "thing"]
        claims = [
            *self._nouns(tokens, nouns),
            *self._predicates(tokens, nouns, asked),
            *self._spatial(tokens, nouns, asked),
            *self._grounds(tokens, nouns),
            *written,
        ]
        claims += self._yes_or_no(tokens, prompt)
        if not nouns and asked and any(words in prompt.lower() for words in _HOW_MANY):
            claims += self._bare_number(tokens, asked[0])
        claims = [claim for claim in claims if claim.spans]
        return sorted(claims, key=lambda claim: claim.spans[0])

    # What a noun phrase says

    def _nouns(self, tokens: list[Token], nouns: list[NounPhrase]) -> Iterator[Claim]:
        for noun in nouns:
            if noun.negation is not None:
                yield self._denied(tokens, noun)
                continue
            if noun.name != "thing":
                yield self._kind(tokens, noun)
                for n in noun.colours:
                    yield self._colour(tokens, n, [noun], every=False)
                for n in noun.sizes:
                    yield self._size(tokens, n, [noun], every=False)
            if noun.number is not None and noun.is_plural is not False:
                yield self._count(tokens, noun)
            elif noun.number is not None:
                yield from self._one(tokens, noun)

    def _denied(self, tokens: list[Token], noun: NounPhrase) -> Claim:
        """ "No cat": the word that denies it counts to zero."""
        there = self.facts.called(noun.name) if noun.name != "thing" else self._all()
        verdict = False if there else None
        if noun.name != "thing" and not self.facts.possibly_called(noun.name):
            verdict = True
        if there and noun.colours:
            verdict = None
        negation = () if noun.negation is None else (noun.negation,)
        return claim_of(tokens, negation, "count", verdict)

    def _kind(self, tokens: list[Token], noun: NounPhrase) -> Claim:
        objects = self.meant(noun, tokens)
        verdict: bool | None = True
        if not objects:
            verdict = None if self.facts.possibly_called(noun.name) else False
        head = tuple(n for n in noun.head if tokens[n].word != "of")
        return claim_of(tokens, head, "kind", verdict, objects, noun.name)

    def meant(self, noun: NounPhrase, tokens: list[Token]) -> tuple[int, ...]:
        """The things that a noun phrase means: those of its colours, if there are any."""
        things = self.facts.called(noun.name) or self.facts.possibly_called(noun.name)
        colours = {tokens[n].word for n in noun.colours}
        coloured = tuple(i for i in things if self.facts.things[i].colour in colours)
        return coloured or self.facts.called(noun.name)

    def _colour(self, tokens: list[Token], n: int, nouns: list[NounPhrase], every: bool) -> Claim:
        colour = tokens[n].word
        things = self._things(nouns)
        having = tuple(i for i in things if self.facts.things[i].colour == colour)
        unknown = any(self.facts.things[i].colour is None for i in things)
        if not things:
            verdict = None
        elif every:
            verdict = True if len(having) == len(things) else None if unknown else False
            if any(self.facts.things[i].colour not in (None, colour) for i in things):
                verdict = False
        else:
            verdict = bool(having) or (None if unknown else False)
        return claim_of(tokens, (n,), "colour", verdict, having)

    def _size(self, tokens: list[Token], n: int, nouns: list[NounPhrase], every: bool) -> Claim:
        size = SIZE_OF[tokens[n].word]
        things = [self.facts.things[i] for i in self._things(nouns, tokens)]
        right = [thing.size == size for thing in things]
        unknown = any(thing.size is None for thing in things)
        verdict = (all(right) if every else any(right)) or (None if unknown else False)
        objects = tuple(i for i in self._things(nouns, tokens) if self.facts.things[i].size == size)
        return claim_of(tokens, (n,), "size", verdict if things else None, objects)

    def _things(
        self, nouns: Iterable[NounPhrase], tokens: list[Token] | None = None
    ) -> tuple[int, ...]:
        """The things of several noun phrases; of their colours, where tokens are given."""
        things: list[int] = []
        for noun in nouns:
            meant = self.facts.called(noun.name) if tokens is None else self.meant(noun, tokens)
            things += [i for i in meant if i not in things]
        return tuple(things)

    def _count(self, tokens: list[Token], noun: NounPhrase) -> Claim:
        number = COUNTS[tokens[noun.number or 0].word]
        sure, possible = self._counted(tokens, noun)
        clear = tuple(i for i in sure if self.facts.share[i] >= 50)
        verdict = None
        if number < len(clear) or number > len(possible):
            verdict = False
        elif number == len(sure) or len(clear) == len(possible):
            verdict = number == len(sure) or None
        objects = sure if verdict else ()
        number_token = (noun.number,) if noun.number is not None else ()
        return claim_of(tokens, number_token, "count", verdict, objects)

    def _counted(
        self, tokens: list[Token], noun: NounPhrase
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The things that a noun phrase with a number counts, and those that it may count."""
        if noun.name == "thing":
            return self._all(), self._all()
        facts = self.facts
        # "Birds" may or may not count the ducks.
        sure = facts.of_kind(noun.name) if noun.name in KINDS else facts.called(noun.name)
        possible = facts.possibly_called(noun.name)
        colours = {tokens[n].word for n in noun.colours}
        if any(self.facts.things[i].colour in colours for i in sure):
            sure = tuple(i for i in sure if self.facts.things[i].colour in colours)
            possible = tuple(i for i in possible if self.facts.things[i].colour in {None, *colours})
        return sure, possible

    def _one(self, tokens: list[Token], noun: NounPhrase) -> Iterator[Claim]:
        """ "One cat" may also be one of several, unless it is said that there is one."""
        claim = self._count(tokens, noun)
        before = tokens[noun.first - 1].word if noun.first else ""
        if claim.verdict is False and before not in _CLAIMS_ONE:
            claim = Claim(claim.spans, "count", (), None)
        yield claim

    def _all(self) -> tuple[int, ...]:
        return tuple(self.facts.indices)

    # What a sentence says of a noun phrase

    def _predicates(
        self, tokens: list[Token], nouns: list[NounPhrase], asked: list[NounPhrase]
    ) -> Iterator[Claim]:
        """Colours and sizes after "is": of the noun before them, or the one asked about."""
        attached = {n for noun in nouns for n in (*noun.colours, *noun.sizes, *noun.head)}
        for n, token in enumerate(tokens):
            if n in attached or (token.word not in COLOURS and token.word not in SIZE_OF):
                continue
            subject = predicated(tokens, nouns, n)
            if not subject and not any(noun.last < n for noun in nouns):
                subject = asked[:1]
            if subject and token.word in COLOURS:
                yield self._colour(tokens, n, subject, every=not subject[0].colours)
            elif subject:
                yield self._size(tokens, n, subject, every=True)

    def _spatial(
        self, tokens: list[Token], nouns: list[NounPhrase], asked: list[NounPhrase]
    ) -> Iterator[Claim]:
        positive = [noun for noun in nouns if noun.negation is None]
        for phrase in spatial_phrases(tokens, positive):
            subject = subject_of(phrase, tokens, positive)
            if subject:
                things = self._things(subject, tokens)
            else:
                names = {noun.name for noun in phrase.objects}
                others = [noun for noun in asked if noun.name not in names]
                things = self._things(others[:1])
            yield self._spatial_claim(tokens, phrase, subject, things)

    def _spatial_claim(
        self,
        tokens: list[Token],
        phrase: SpatialPhrase,
        subject: list[NounPhrase],
        things: tuple[int, ...],
    ) -> Claim:
        role = "size" if phrase.how in ("bigger", "smaller") else "relation"
        others = [self.meant(noun, tokens) for noun in phrase.objects]
        if not things or not all(others):
            return claim_of(tokens, phrase.content, role, None)
        every = len(subject) > 1 or bool(subject and subject[0].number is not None)
        found = [self._verdict(phrase, i, others) for i in things]
        if every:
            verdict = True if all(found) else False if False in found else None
        else:
            verdict = True if True in found else None if None in found else False
        about = [i for i, right in zip(things, found, strict=True) if right]
        objects = tuple(dict.fromkeys((*about, *(i for other in others for i in other))))
        return claim_of(tokens, phrase.content, role, verdict, objects if verdict else ())

    def _verdict(self, phrase: SpatialPhrase, i: int, others: list[tuple[int, ...]]) -> bool | None:
        """Whether thing i is where a phrase says, with any of the things that it may mean."""
        facts = self.facts
        if not phrase.how:
            found = [
                True if facts.is_at(i, place) else None if facts.is_at(i, place, DOUBT) else False
                for place in phrase.places
            ]
            return False if False in found else None if None in found else True
        first = [j for j in others[0] if j != i]
        if phrase.how == "between":
            pairs = [(a, b) for a in first for b in others[1] if b not in (i, a)]
            found = [facts.between_verdict(i, a, b) for a, b in pairs]
        elif phrase.how == "bigger":
            found = [facts.bigger_verdict(i, j) for j in first]
        elif phrase.how == "smaller":
            found = [facts.bigger_verdict(j, i) for j in first]
        else:
            found = [facts.relation_verdict(phrase.how, i, j) for j in first]
        if not found:
            return None
        return True if True in found else None if None in found else False

    # Other claims

    def _grounds(self, tokens: list[Token], nouns: list[NounPhrase]) -> Iterator[Claim]:
        heads = {n for noun in nouns for n in noun.head}
        for n, token in enumerate(tokens):
            if token.word in GROUNDS and n not in heads and self.facts.scene.ground.name:
                yield claim_of(tokens, (n,), "ground", token.word == self.facts.scene.ground.name)

    def _inscriptions(self, text: str, tokens: list[Token]) -> Iterator[Claim]:
        """Words in quotes or capitals, as they are on signs."""
        signs = {i: (self.facts.things[i].word or "").lower() for i in self.facts.of_kind(SIGN)}
        opened = False
        for n, token in enumerate(tokens):
            quoted = opened and token.word.isalnum()
            opened ^= token.word in _QUOTES
            written = text[token.start : token.end]
            if quoted or (written.isupper() and written in SIGN_WORDS):
                right = tuple(i for i, word in signs.items() if word == token.word)
                yield claim_of(tokens, (n,), "kind", bool(right), right, f"word {token.word}")

    def _bare_number(self, tokens: list[Token], asked: NounPhrase) -> Iterator[Claim]:
        """ "Three.", as an answer to "How many cats are there?"."""
        for n, token in enumerate(tokens):
            if token.word in COUNTS:
                counted = NounPhrase(n, n, asked.name, (), True, number=n)
                yield self._count(tokens, counted)
            elif token.word in ("zero", "none", "no"):
                yield claim_of(tokens, (n,), "count", not self.facts.called(asked.name))

    def _yes_or_no(self, tokens: list[Token], prompt: str) -> Iterator[Claim]:
        """The first word of an answer to a question whether something is so."""
        if not prompt or not tokens or tokens[0].word not in ("yes", "no", "indeed"):
            return
        asked = self.read(prompt)
        claims = [claim for claim in asked if claim.role == "relation"] or asked
        verdicts = [claim.verdict for claim in claims if claim.role in ("relation", "kind")]
        if not verdicts:
            return
        so = False if False in verdicts else None if None in verdicts else True
        verdict = so if so is None or tokens[0].word != "no" else not so
        yield claim_of(tokens, (0,), "function", verdict)
