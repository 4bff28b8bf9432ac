"""Scenes of emoji, drawn where rows are read."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from seewhy.audit.source import BadRow, Judged, SourceRow
from seewhy.audit.sources._base import BaseSource
from seewhy.audit.sources._scores import present, ratio
from seewhy.audit.sources._words import ATTRIBUTE, OBJECT, RELATION
from seewhy.core.sample import Truth
from seewhy.core.text import split_words
from seewhy.datasets._options import whole
from seewhy.datasets.emoji import Emoji as Scenes
from seewhy.datasets.emoji import drawn_scene
from seewhy.testbed.emoji.captions import captions
from seewhy.testbed.emoji.habits import EMOJI_HABITS
from seewhy.testbed.emoji.scenes import SPLITS

GROUPS = {
    "kind": OBJECT,
    **dict.fromkeys(("colour", "size", "count"), ATTRIBUTE),
    "relation": RELATION,
}
SHORT = tuple(habit.name for habit in EMOJI_HABITS.values())
"""Habits by their short names."""


class Emoji(BaseSource):
    """Held-out scenes of emoji with a caption prompt; the model answers.

    Options: `split`, `start`, `count` (or `limit`), `captions` (1, 2 or 3 sentences), and `habit`,
    a biased model's name or `kind`: only scenes to which its habit can apply. `answers=reference`
    explains the true captions, `answers=habit` those with the habit.
    """

    name: ClassVar[str] = "emoji"
    summary: ClassVar[str] = "Scenes of emoji of many kinds, described in English."
    layout: ClassVar[str] = "no path: its scenes are drawn"
    options: ClassVar[tuple[str, ...]] = ("split", "count", "captions", "habit", "answers")

    def _open(self) -> None:
        split = self._choice("split", tuple(dict.fromkeys(("heldout", *SPLITS))))
        count = whole(self._options, "count", 300, least=1)
        sentences = self._choice("captions", ("1", "2", "3"))
        habit = self._choice("habit", ("no", *SHORT, *EMOJI_HABITS))
        habit = EMOJI_HABITS[habit].name if habit in EMOJI_HABITS else habit
        self._answers = self._choice("answers", ("model", "reference", "habit"))
        options = {"split": split, "count": str(count), "captions": sentences, "habit": habit}
        self._scenes = Scenes(**options)

    def _needs_place(self) -> bool:
        return False

    def _more_facts(self) -> str:
        """What the pictures and truths are made by."""
        return json.dumps([self._scenes.own_answers_fingerprint, self._scenes.count])

    def _rows(self) -> Iterator[SourceRow | BadRow]:
        for id in self._scenes.ids:
            sample, file = self._scenes.sample(id), io.BytesIO()
            sample.image.save(file, "PNG")
            yield SourceRow(id, (file.getvalue(),), sample.prompt, answer=self._answer(id))

    def _answer(self, id: str) -> str | None:
        if self._answers == "model":
            return None
        drawn, picture = drawn_scene(int(id.rpartition("-")[2]), self._scenes.split)
        habit = self._scenes.habit if self._answers == "habit" else None
        return captions(drawn, picture, habit)[int(self._scenes.captions) - 1].text

    def judge(self, row: SourceRow, answer: str) -> Judged:
        """Of every word: what the scene decides is supported or not, the rest is left open."""
        sample = self._scenes.sample(row.id)
        spans = set(split_words(answer))
        truths = tuple(t for t in sample.annotate(answer) if (t.start, t.end) in spans)
        groups = {t.start: GROUPS[t.role] for t in truths if t.role in GROUPS}
        return Judged(truths, sample.masks, groups, _score(truths))

    def scores(self, scores: Sequence[Mapping[str, Any]]) -> Mapping[str, float]:
        """The fraction of untrue words among the decided ones, by role."""
        found = {
            f"untrue {role}s": ratio(
                sum(score[f"untrue_{role}s"] for score in scores),
                sum(score[f"{role}s"] for score in scores),
            )
            for role in GROUPS
        }
        bad = sum(bool(score["untrue_kinds"]) for score in scores)
        return present(found | {"answers with an untrue kind": ratio(bad, len(scores))})


def _score(truths: Sequence[Truth]) -> dict[str, int]:
    score = {}
    for role in GROUPS:
        known = [t for t in truths if t.role == role and t.supported is not None]
        score[f"{role}s"] = len(known)
        score[f"untrue_{role}s"] = sum(truth.supported is False for truth in known)
    return score
