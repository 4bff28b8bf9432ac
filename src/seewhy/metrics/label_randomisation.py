"""Another label: if the model had said another word there, would the map be another?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch

from seewhy.core.errors import ParameterError
from seewhy.methods._evidence import Evidence
from seewhy.metrics._base import Case, Figure, Measurement, Metric, Undefined
from seewhy.metrics._perturbation import session_of
from seewhy.metrics._reruns import similarities, similarity_figures, valid_words

#: Roles whose words say something of the picture.
CONTENT = ("kind", "colour", "size", "count", "relation", "noun")


@dataclass(frozen=True)
class LabelRandomisation(Metric):
    """Put another content word of the answer in the word's place, and explain that.

    A method that shows what stands out in the picture, whatever is said, gives the same map again.
    The other word is drawn among the answer's content words of other text; the answer is cut off
    behind it. Of words of several tokens the brightest of each pixel count, on both sides.

    Our reading of Adebayo et al.'s randomisation of data: they train on random labels, which
    nobody can do with these models; the label explained is changed instead.

    Attributes:
        words: how many of the wanted words are looked at, at least 1: each costs a reading and an
            explanation.
    """

    words: int = 2

    name: ClassVar[str] = "label-randomisation"
    summary: ClassVar[str] = "How alike the map is to that of another word in the same place."
    citations: ClassVar[tuple[str, ...]] = ("adebayo2018sanity",)
    needs: ClassVar[frozenset[str]] = frozenset({"model"})
    figures: ClassVar[tuple[Figure, ...]] = similarity_figures(
        "other-label", "that of another word in the same place"
    )

    def __post_init__(self) -> None:
        if self.words < 1:
            raise ParameterError(f"Expected words of at least 1, got {self.words!r}: try 2.")

    def measure(self, case: Case) -> Iterator[Measurement | Undefined]:
        """Three values for each of the first wanted words."""
        words = yield from valid_words(self, case)
        if not words:
            return
        session = session_of(case)
        depth = case.evidence.trace.rankings.shape[1]
        for at in words[: self.words]:
            other = _other_word(case, at)
            if other is None:
                yield from self.undefined("no other content word")
                continue
            first = case.tokens(at)[0]
            said = tuple(session.ids[token] for token in case.tokens(other))
            changed = session.with_ids((*session.ids[:first], *said))
            asked = len(case.evidence.trace.prompt_tokens)
            places = range(asked + first, asked + first + len(said))
            evidence = Evidence.from_session(changed, ranking_depth=depth, selected=places)
            maps = case.method.attribute(evidence).display[0][-len(said) :]
            new = maps.amax(0).float().cpu()
            yield from similarities("other-label", case.native_map(at), new, at)


def _other_word(case: Case, word: int) -> int | None:
    """The place of a drawn content word with another text, or None."""
    text = case.words[word].word.text.lower()
    others = [
        at
        for at, other in enumerate(case.words)
        if other.role in CONTENT and other.word.text.lower() != text
    ]
    if not others:
        return None
    generator = torch.Generator().manual_seed(case.seed_of("label", word))
    return others[int(torch.randint(len(others), (1,), generator=generator))]
