"""Label randomisation: the map of another word in the same position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from seewhy.core.errors import ParameterError
from seewhy.methods._evidence import Evidence
from seewhy.metrics._base import Figure, Metric, Results
from seewhy.metrics._reruns import RerunnableSample, session_of, valid_words
from seewhy.metrics._sample import native_map, seed_for
from seewhy.metrics._similarity import similarities, similarity_figures

#: Roles of words about the content of the picture.
CONTENT = ("kind", "colour", "size", "count", "relation", "noun")


@dataclass(frozen=True)
class LabelRandomisation(Metric):
    """Replace the word by another content word of the answer, and explain that one.

    A method that shows salient objects for every word gives the same map again. The other word is
    drawn from the answer's content words with another text; the answer ends after it. For words of
    several tokens both maps are the maximum over the tokens.

    Our reading of Adebayo et al.'s data randomisation: they train on random labels, which is not
    possible with these models; so the explained label is changed.

    Attributes:
        words: how many of the selected words are evaluated, at least 1: each costs a reading and
            an explanation.
    """

    words: int = 2

    name: ClassVar[str] = "label-randomisation"
    summary: ClassVar[str] = "Similarity of the map to that of another word in the same position."
    citations: ClassVar[tuple[str, ...]] = ("adebayo2018sanity",)
    needs: ClassVar[frozenset[str]] = frozenset({"model"})
    figures: ClassVar[tuple[Figure, ...]] = similarity_figures(
        "other-label", "that of another word in the same place"
    )

    def __post_init__(self) -> None:
        if self.words < 1:
            raise ParameterError(f"Expected words of at least 1, got {self.words!r}: try 2.")

    def measure(self, sample: RerunnableSample) -> Results:
        """Three values for each of the first selected words."""
        words = yield from valid_words(self, sample)
        if not words:
            return
        session = session_of(sample)
        depth = sample.evidence.trace.rankings.shape[1]
        for index in words[: self.words]:
            other = _other_word(sample, index)
            if other is None:
                yield from self.undefined("no other content word")
                continue
            first = sample.words[index].tokens[0]
            new_ids = tuple(session.ids[token] for token in sample.words[other].tokens)
            changed = session.with_ids((*session.ids[:first], *new_ids))
            start = len(sample.evidence.trace.prompt_tokens) + first
            selected = range(start, start + len(new_ids))
            evidence = Evidence.from_session(changed, ranking_depth=depth, selected=selected)
            maps = sample.method.attribute(evidence).display[0][-len(new_ids) :]
            new_map = maps.amax(0).float().cpu()
            yield from similarities("other-label", native_map(sample, index), new_map, index)


def _other_word(sample: RerunnableSample, word: int) -> int | None:
    """The index of a drawn content word with another text, or None."""
    text = sample.words[word].word.text.lower()
    others = [
        index
        for index, other in enumerate(sample.words)
        if other.role in CONTENT and other.word.text.lower() != text
    ]
    if not others:
        return None
    generator = torch.Generator().manual_seed(seed_for(sample, "label", word))
    return others[int(torch.randint(len(others), (1,), generator=generator))]
