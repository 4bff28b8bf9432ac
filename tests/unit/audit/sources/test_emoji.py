"""Scenes of emoji, and the habit of the biased smol model."""

from __future__ import annotations

import pytest

from seewhy.audit.source import SourceRow
from seewhy.audit.sources import open_source
from seewhy.core.errors import DatasetError
from seewhy.testbed.emoji.habits import EMOJI_HABITS

(MODEL,) = EMOJI_HABITS


def rows(spec: str) -> list[SourceRow]:
    return [row for row in open_source(spec).rows() if isinstance(row, SourceRow)]


def test_habit_makes_untrue_kinds_in_scenes_where_it_applies() -> None:
    spec = f"emoji:habit={MODEL},count=6,captions=2,answers=habit"
    source, found = open_source(spec), rows(spec)
    assert [row.id for row in rows("emoji:habit=kind,count=6")] == [row.id for row in found]
    with_it = [row for row in found if EMOJI_HABITS[MODEL].text in (row.answer or "")]
    assert len(with_it) >= 3
    for row in with_it:
        judged = source.judge(row, row.answer)
        untrue = {row.answer[t.start : t.end] for t in judged.truths if t.supported is False}
        assert untrue == {"traffic", "light"}
    reference = rows(f"emoji:habit={MODEL},count=6,captions=2,answers=reference")
    assert not any(EMOJI_HABITS[MODEL].text in (row.answer or "") for row in reference)
    true = source.scores([source.judge(row, row.answer).score for row in reference])
    assert not any(true.values())
    assert {row.answer for row in rows("emoji:habit=kind,count=2")} == {None}


def test_options_are_checked() -> None:
    with pytest.raises(DatasetError, match=f"Expected habit to be one of no, kind, {MODEL}, got"):
        open_source("emoji:habit=colour")
    prints = {open_source(f"emoji:{o}").fingerprint for o in ("count=3", "count=4", "habit=kind")}
    assert len(prints) == 3
