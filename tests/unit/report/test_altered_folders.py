"""`seewhy.open` on 1,000 altered folders: each is refused in one line, or opens and works."""

from __future__ import annotations

import json
import traceback
from dataclasses import replace
from pathlib import Path

import pytest

from altered_folders import AlterableFolder
from golden.records import small_views_record, with_layers, with_visual_share
from golden.verdict_records import small_diagnosed_record
from seewhy.cli.terminal import show
from seewhy.core.errors import SchemaError
from seewhy.core.record import Record
from seewhy.explanation import Explanation
from seewhy.report.bundle import open_record, save_record

SEEDS = 1000


def full_record() -> Record:
    """Small, with everything that a record can hold."""
    record = with_visual_share(with_layers(small_views_record()))
    return replace(record, verdicts=small_diagnosed_record().verdicts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> AlterableFolder:
    return AlterableFolder(save_record(full_record(), tmp_path_factory.mktemp("fuzz") / "out"))


def use(record: Record, target: Path) -> None:
    """All that is done with an explanation."""
    explanation = Explanation(record)
    for word in (*explanation.words, *explanation.tokens, *explanation.prompt_words):
        assert all((display <= 1).all() for display in word.displays)
        assert sum(word.shares) == pytest.approx(1, abs=1e-4) or not any(word.shares)
        assert len(word.context) <= len(record.prompt_tokens) + len(record.tokens)
        assert (word.peak is None) or len(word.peak) == 2
    explanation.words[-1:] and explanation.words[-1].overlay()
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
