"""Drawn scenes, and the habits of biased models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seewhy.audit.source import SourceRow
from seewhy.audit.sources import open_source
from seewhy.core.errors import DatasetError
from seewhy.images import read_image
from seewhy.testbed.habits import HABITS
from seewhy.testbed.scenes import draw, scene


def rows(spec: str) -> list[SourceRow]:
    return [row for row in open_source(spec).rows() if isinstance(row, SourceRow)]


def test_scene_is_drawn_where_the_row_is_read() -> None:
    (row, other) = rows("testbed:count=2")
    assert row.answer is None
    pixels = np.asarray(read_image(row.images[0]))
    assert np.array_equal(pixels, draw(scene(0, "heldout")).image)
    assert row.images != other.images


@pytest.mark.parametrize("model", HABITS)
def test_habit_makes_untrue_words_in_scenes_where_it_applies(model: str) -> None:
    habit = HABITS[model]
    spec = f"testbed:habit={model},count=12,answers=habit"
    source = open_source(spec)
    found = rows(spec)
    assert len(found) == 12
    assert all(habit.can_apply_to(scene(row.facts["index"], "heldout")) for row in found)
    judged = [source.judge(row, row.answer) for row in found]
    figures = source.scores([j.score for j in judged])
    assert figures[f"untrue {habit.name}s"] > 0
    others = {"kind", "colour", "relation"} - {
        habit.name,
        *(["colour"] if model.count("qwen") else []),
    }
    assert all(figures.get(f"untrue {name}s", 0) == 0 for name in others)
    reference = rows(f"testbed:habit={model},count=12,answers=reference")
    true = source.scores([source.judge(row, row.answer).score for row in reference])
    assert not any(true.values())
    assert [row.id for row in rows(f"testbed:habit={habit.name},count=12")] == [r.id for r in found]


def test_relations_of_another_answer_are_judged() -> None:
    source = open_source("testbed:habit=relation,count=8,answers=habit")
    found = 0
    for row in rows("testbed:habit=relation,count=8,answers=habit"):
        judged = source.judge(row, row.answer)
        for truth in judged.truths:
            word = row.answer[truth.start : truth.end]
            if truth.role == "relation" and truth.supported is False:
                found += 1
                assert word == "above"
                assert judged.groups[truth.start] == "relation"
                assert len(truth.regions) == 2
    assert found >= 6


def test_options_are_checked(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="Expected habit to be one of no, kind, colour,"):
        open_source("testbed:habit=yes")
    with pytest.raises(DatasetError, match="Expected no path for testbed, got"):
        open_source(f"testbed:{tmp_path}")
    prints = {open_source(f"testbed:{o}").fingerprint for o in ("count=3", "count=4", "habit=kind")}
    assert len(prints) == 3
