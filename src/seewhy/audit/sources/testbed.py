"""Drawn scenes, also those in which a biased model shows its habit."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, ClassVar

import torch
from PIL import Image

from seewhy.audit.source import BadRow, Judged, SourceRow
from seewhy.audit.sources._base import BaseSource
from seewhy.audit.sources._scores import present, ratio
from seewhy.audit.sources._words import ATTRIBUTE, OBJECT, RELATION
from seewhy.core.sample import Truth
from seewhy.core.text import split_words
from seewhy.datasets._options import whole
from seewhy.datasets.testbed import Testbed as Scenes
from seewhy.testbed.captions import OPPOSITES, captions, relation
from seewhy.testbed.habits import HABITS, Habit
from seewhy.testbed.scenes import SPLITS, Picture, Scene, draw, scene

GROUPS = {
    "kind": OBJECT,
    **dict.fromkeys(("colour", "size", "count"), ATTRIBUTE),
    "relation": RELATION,
}
SHORT = {habit.name: habit for habit in HABITS.values()}
"""Habits by their short names."""

_RELATIONS = re.compile(
    "|".join(sorted(map(re.escape, OPPOSITES), key=len, reverse=True)), re.IGNORECASE
)


class Testbed(BaseSource):
    """Held-out scenes with a caption prompt; the model answers.

    Options: `split`, `start`, `count` (or `limit`), `captions` (1, 2 or 3 sentences), and `habit`,
    a biased model's name or `kind`, `colour` or `relation`: only scenes to which it can apply.
    `answers=reference` explains the true captions, `answers=habit` those with the habit. The
    picture is drawn where the row is read.
    """

    name: ClassVar[str] = "testbed"
    summary: ClassVar[str] = "Drawn scenes, also those in which a biased model shows its habit."
    layout: ClassVar[str] = "no path: its scenes are drawn"
    options: ClassVar[tuple[str, ...]] = ("split", "count", "captions", "habit", "answers")

    def _open(self) -> None:
        self._split = self._choice("split", ("heldout", *SPLITS))
        self._count = whole(self._options, "count", 300, least=1)
        self._sentences = int(self._choice("captions", ("1", "2", "3")))
        habit = self._choice("habit", ("no", *SHORT, *HABITS))
        self._habit: Habit | None = HABITS.get(habit) or SHORT.get(habit)
        self._answers = self._choice("answers", ("model", "reference", "habit"))

    def _needs_place(self) -> bool:
        return False

    def _more_facts(self) -> str:
        """What the pictures and truths are made by."""
        version = Scenes(count="1").fingerprint
        return json.dumps([version, self._count, repr(self._habit)])

    def _rows(self) -> Iterator[SourceRow | BadRow]:
        found = 0
        for index in count():
            drawn = scene(index, self._split)
            if self._habit is not None and not self._habit.can_apply_to(drawn):
                continue
            yield self._row(drawn, index)
            found += 1
            if found == self._count:
                return

    def _row(self, drawn: Scene, index: int) -> SourceRow:
        picture, file = draw(drawn), io.BytesIO()
        Image.fromarray(picture.image).save(file, "PNG")
        habit = self._habit if self._answers == "habit" else None
        caption = captions(drawn, picture, habit)[self._sentences - 1]
        answer = None if self._answers == "model" else caption.text
        facts = {"index": index, "split": self._split, "sentences": self._sentences}
        id = f"{self._split}-{index}"
        return SourceRow(id, (file.getvalue(),), caption.prompt, answer=answer, facts=facts)

    def judge(self, row: SourceRow, answer: str) -> Judged:
        """Of every word: kinds, colours and relations are supported or not, others left open."""
        sample = Scenes(
            split=row.facts["split"],
            start=str(row.facts["index"]),
            count="1",
            captions=str(row.facts["sentences"]),
        ).sample(row.id)
        drawn = scene(row.facts["index"], row.facts["split"])
        picture = draw(drawn)
        spans = set(split_words(answer))  # the data set also looks inside "two-dogs"
        known = (t for t in sample.annotate(answer) if (t.start, t.end) in spans)
        truths = {truth.start: truth for truth in known}
        if answer.strip() != (sample.answer or "").strip():
            truths |= _relations(answer, truths, drawn, picture)
        ordered = tuple(truths[start] for start in sorted(truths))
        groups = {t.start: GROUPS[t.role] for t in ordered if t.role in GROUPS}
        masks = torch.from_numpy(picture.masks)
        return Judged(ordered, masks, groups, _score(ordered))

    def scores(self, scores: Sequence[Mapping[str, Any]]) -> Mapping[str, float]:
        """The fraction of kinds, colours and relations in answers that are untrue, by role."""
        found = {}
        for role in ("kind", "colour", "relation"):
            said = sum(score[f"{role}s"] for score in scores)
            found[f"untrue {role}s"] = ratio(sum(s[f"untrue_{role}s"] for s in scores), said)
        bad = sum(any(s[f"untrue_{role}s"] for role in ("kind", "colour")) for s in scores)
        return present(found | {"answers with an untrue kind or colour": ratio(bad, len(scores))})


def _score(truths: Sequence[Truth]) -> dict[str, int]:
    score = {}
    for role in ("kind", "colour", "relation"):
        known = [t for t in truths if t.role == role and t.supported is not None]
        score[f"{role}s"] = len(known)
        score[f"untrue_{role}s"] = sum(truth.supported is False for truth in known)
    return score


def _relations(
    answer: str, truths: Mapping[int, Truth], drawn: Scene, picture: Picture
) -> dict[int, Truth]:
    """The truths of relations between two words for one object each.

    The relation's subject is the last kind before it that is in the scene, in the same sentence,
    and its object the first kind after it. Where either is several objects, or none, or their
    relation is ambiguous, nothing is known.
    """
    found: dict[int, Truth] = {}
    kinds = [truth for truth in truths.values() if truth.role == "kind"]
    for match in _RELATIONS.finditer(answer):
        before = [t for t in kinds if t.end <= match.start() and t.regions]
        after = [t for t in kinds if t.start >= match.end()]
        if not before or not after:
            continue
        one, other = max(before, key=lambda t: t.end), min(after, key=lambda t: t.start)
        between = answer[one.end : match.start()] + answer[match.end() : other.start]
        if "." in between or len(one.regions) != 1 or len(other.regions) != 1:
            continue
        first, second = one.regions[0], other.regions[0]
        true = None if first == second else relation(drawn, picture, first, second)
        if true is None:
            continue
        for start, _ in split_words(match.group()):
            truth = truths.get(start + match.start())
            if truth is not None and truth.role == "relation":
                pair, is_true = (first, second), match.group().lower() == true
                found[truth.start] = Truth(truth.start, truth.end, "relation", pair, is_true)
    return found
