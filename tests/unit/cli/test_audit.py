"""`seewhy audit`: what it prints, its exit status, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from audit_parts import Recorded, Rows
from seewhy.audit import Store
from seewhy.audit.run import Progress
from seewhy.bench.model_specs import ModelSpec
from seewhy.cli.audit import _ProgressPrinter, audit_config
from seewhy.cli.main import main
from seewhy.cli.parser import parse

ROOT = Path(__file__).parents[3]


@pytest.fixture
def rows(monkeypatch):
    """The command audits these rows with the recorded model."""
    held = Rows(6)
    monkeypatch.setattr("seewhy.audit.sources.open_source", lambda spec, answers=None: held)
    monkeypatch.setattr("seewhy.audit.run.model_of", lambda config: ModelSpec("m", "", "f"))
    monkeypatch.setattr("seewhy.audit.worker.Worker.explainer", Recorded())
    return held


def test_counts_and_the_page_are_printed(rows, tmp_path, capsys):
    out = tmp_path / "a"
    assert main(["audit", "rows", "--out", str(out), "--quiet", "--reports", "none"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"6 answers diagnosed, 0 failed: {out}", f"page: {out / 'audit.html'}"]
    assert (out / "audit.html").is_file()


def test_bad_rows_are_printed_by_reason(rows, tmp_path, capsys):
    rows.prompts = {1: "unreadable x", 2: "unreadable y", 3: "memory"}
    words = ["audit", "rows", "--out", str(tmp_path / "a"), "--no-page"]
    assert main(words) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "2 x failed: The picture is missing, broken, empty or too large.",
        "1 x failed: out of memory",
        f"3 answers diagnosed, 3 failed: {tmp_path / 'a'}",
    ]
    assert "6 of 6 rows, 3 failed" in printed.err


def test_an_error_in_code_is_told_loudly_and_ends_with_status_1(rows, tmp_path, capsys):
    rows.prompts = {1: "mistake x"}
    words = ["audit", "rows", "--out", str(tmp_path / "a"), "--no-page", "--quiet"]
    for _ in range(2):  # also when nothing is left to do
        assert main(words) == 1
        printed = capsys.readouterr()
        assert "1 x failed: unexpected TypeError in seewhy." in printed.out
        assert "1 rows failed by an error in code" in printed.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rows"], "required: --out"),
        (["rows", "--out", "a", "--workers", "0"], "whole number of at least 1, got '0'"),
        (["rows", "--out", "a", "--engine", "spark"], "invalid choice: 'spark'"),
        (["rows", "--out", "a", "--worker", "2"], "did you mean --workers"),
    ],
)
def test_mistakes_in_the_command_are_told(words, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["audit", *words])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["popee:/nowhere"], "did you mean 'pope'"),
        (["testbed:count=1", "--model", "tiny"], "Expected the name of a model"),
        (["testbed:count=1", "--reports", "best"], "Expected reports 'worst:N'"),
        (["testbed:count=1", "--shuffle", "1"], "Expected a limit with shuffle"),
    ],
)
def test_what_cannot_be_audited_is_told_and_nothing_is_written(
    words, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(["audit", *words, "--out", "a", "--quiet"]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_options_are_the_config():
    given = "audit d --out o --model m --answers a --engine ray --workers 3 --limit 5 --shuffle 1"
    rest = "--batch 2 --reports all --retry --no-page --dtype float16 --device-map cuda"
    config = audit_config(parse([*given.split(), *rest.split(), "--max-new-tokens", "9"]))
    assert (config.data, config.out, config.model, config.answers) == ("d", "o", "m", "a")
    assert (config.engine, config.workers, config.limit, config.shuffle) == ("ray", 3, 5, 1)
    assert (config.batch, config.reports, config.retry, config.page) == (2, "all", True, False)
    assert (config.dtype, config.load_options) == ("float16", {"device_map": "cuda"})
    assert config.explain == {"max_new_tokens": 9}


def test_progress_has_the_rate_and_the_remaining_time():
    said = []
    printer = _ProgressPrinter(said.append)
    printer(Progress(done=500, failed=2, found=1000, total=4000, seconds=100.0))
    printer(Progress(done=501, failed=2, found=1000, total=4000, seconds=100.0))
    printer(Progress(done=3000, failed=2, found=1000, total=4000, seconds=600.0))
    assert said == [
        "1,500 of 4,000 rows, 1,000 from before, 2 failed, 5 a second, about 0:08 h to go",
        "4,000 of 4,000 rows, 1,000 from before, 2 failed, 5 a second",
    ]
    said.clear()
    _ProgressPrinter(said.append)(Progress(done=50, total=None, seconds=100.0))
    assert said == ["50 rows, 0.5 a second"]


SLOW = """
import sys
import seewhy.audit.run, seewhy.audit.sources, seewhy.audit.store
from audit_parts import Recorded, Rows
from seewhy.audit import run_audit
from seewhy.audit.config import AuditConfig
from seewhy.cli import audit
from seewhy.cli.main import run
if __name__ == "__main__":
    seewhy.audit.store.BATCH_SECONDS = 0.0
    audit.audit_config = lambda given: AuditConfig(
        Rows(400), given.out, Recorded(0.05), workers=given.workers, reports="none", page=False)
    run()
"""


@pytest.mark.parametrize(
    ("workers", "number", "status"),
    [("1", signal.SIGINT, 130), ("2", signal.SIGINT, 130), ("2", signal.SIGTERM, 143)],
)
def test_stopped_it_ends_cleanly_and_says_how_to_go_on(tmp_path, workers, number, status):
    script, folder = tmp_path / "slow.py", tmp_path / "a"
    script.write_text(SLOW)
    path = os.pathsep.join([str(ROOT / "tests"), str(ROOT / "src")])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(script), "audit", "rows", "--out", str(folder)]
    running = subprocess.Popen(
        [*command, "--workers", workers],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        # Jobs in the background of a script inherit that an interrupt is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    until = time.monotonic() + 120
    while len(list(folder.glob("answers/*.parquet"))) < 2:
        assert running.poll() is None, "it ended before it was stopped"
        assert time.monotonic() < until, "nothing was written"
        time.sleep(0.02)
    running.send_signal(number)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == status, errors
    found = [row.id for row in Store(folder).iter_answers(["id"])]
    assert len(set(found)) == len(found) < 400
    assert errors.splitlines()[-1] == (
        f"seewhy: stopped; {len(found)} rows are stored. Give the same command again to go on."
    )
    assert not list(folder.rglob("*.part"))
