"""`seewhy.open` on 1,000 altered folders: each is refused in one line, or opens and works."""

from __future__ import annotations

import json
import traceback
from dataclasses import replace
from pathlib import Path

import pytest

from altered_folders import AlterableFolder
from golden.records import (
    Shown,
    draw,
    record_of,
    small_views_record,
    with_layers,
    with_visual_share,
)
from golden.verdict_records import small_diagnosed_record
from seewhy.cli.terminal import show
from seewhy.core.boxes import BoxFormat
from seewhy.core.errors import SchemaError
from seewhy.core.record import Record
from seewhy.explanation import Explanation
from seewhy.report.bundle import open_record, save_record

SEEDS = 500
"""Of each of two records."""


# Each piece of an answer with a thinking block, Chinese words, special tokens and a box.
THOUGHT = (
    ("<think>", ""), ("\n", ""), ("红", "star"), ("色", "star"), ("</think>", ""), ("\n\n", ""),
    ("A", ""), (" star", "star"), ("<|box_start|>", ""), ("(190,60),", "star"), ("(410,420)", ""),
    ("<|box_end|>", ""), (".", ""),
)  # fmt: skip


def plain_record() -> Record:
    """Two words and two pictures, with layers, the visual share and verdicts."""
    record = with_visual_share(with_layers(small_views_record()))
    return replace(record, verdicts=small_diagnosed_record().verdicts)


def marked_record() -> Record:
    """All that the plain one does not have: markup, thinking, notes, scales, steps of a clip."""
    shown = (
        Shown(draw(60, 40), (2, 3), frames=(0, 1), seconds=0.0),
        Shown(draw(60, 40), (2, 3), frames=(2, 3), seconds=0.5),
        Shown(draw(40, 20), (1, 2), {}, 1),
    )
    record = record_of(
        THOUGHT, shown=shown, prompt="Find it", explained=True, scales=(1.0, 0.5), special=SPECIAL
    )
    words = [word.text for word in record.words]
    provenance = replace(record.provenance, notes=("A warning.", *record.provenance.notes))
    (verdict,) = filter(None, small_diagnosed_record().verdicts or ())
    return replace(
        with_visual_share(with_layers(record, layers=2, heads=2)),
        verdicts=tuple(verdict if text == "star" else None for text in words),
        contrasts=((words.index("红"), "蓝"),),
        word_notes=((words.index("star"), "A note."),),
        warnings=("A warning.",),
        provenance=provenance,
        box_format=BoxFormat("relative-1000", ("qwen-tokens", "pairs")),
    )


SPECIAL = tuple(n for n, (text, _) in enumerate(THOUGHT) if text[0] == "<")
RECORDS = {"plain": plain_record, "marked": marked_record}


@pytest.fixture(scope="module", params=sorted(RECORDS))
def folder(request, tmp_path_factory) -> AlterableFolder:
    record = RECORDS[request.param]()
    return AlterableFolder(save_record(record, tmp_path_factory.mktemp("fuzz") / "out"))


def use(record: Record, target: Path) -> None:
    """All that is done with an explanation."""
    explanation = Explanation(record)
    for word in (*explanation.words, *explanation.tokens, *explanation.prompt_words):
        assert all((display <= 1).all() for display in word.displays)
        assert sum(word.shares) == pytest.approx(1, abs=1e-4) or not any(word.shares)
        assert len(word.context) <= len(record.prompt_tokens) + len(record.tokens)
        assert (word.peak is None) or len(word.peak) == 2
    for word in explanation.words[-1:]:
        word.overlay()
    for word in (*explanation.thinking, *explanation.final_words):
        assert explanation.answer[word.start : word.end] == word.text
        assert all(word.notes)
    assert len(explanation.thinking) <= len(explanation.words)
    for place in (*explanation.boxes, *explanation.points, *explanation.boxes_as("pixels")):
        assert place.text
        assert place.phrase_fit is None or place.pixels
    if record.verdicts is not None:
        assert explanation.worst is None or explanation.worst.text in explanation.answer
    data = json.loads(json.dumps(explanation.to_json(), allow_nan=False))
    show(data, target)
    save_record(record, target, overwrite=True)
    again = open_record(target)
    assert again.answer == record.answer


def test_altered_folders_are_refused_in_one_line_or_work(folder, tmp_path, capsys):
    opened, broken = 0, list[str]()
    for seed in range(SEEDS):
        with folder.altered(seed) as alteration:
            try:
                record = open_record(folder.folder)
            except SchemaError as error:
                if not 20 < len(str(error)) < 1500:
                    broken.append(f"{seed} {alteration}: {error}")
                continue
            except Exception:  # noqa: BLE001 - what the test looks for
                broken.append(f"{seed} {alteration}: {traceback.format_exc(limit=-3)}")
                continue
        opened += 1
        try:
            use(record, tmp_path / "again")
        except Exception:  # noqa: BLE001 - what the test looks for
            broken.append(f"{seed} {alteration}, in use: {traceback.format_exc(limit=-4)}")
    capsys.readouterr()
    assert not broken, f"{len(broken)} of {SEEDS}:\n" + "\n".join(broken[:8])
    # Some alterations leave a sound explanation, such as another model's name; most do not.
    assert 20 < opened < SEEDS / 3
