"""Overlap of every method of the committed tables, measured anew, and put into these tables.

    python benchmarks/overlap.py measure out/overlap --workers 2   # hours on two cores; resumable
    python benchmarks/overlap.py collect out/overlap out/figures   # the figures, a few MB
    python benchmarks/overlap.py merge out/figures                 # into results/, then the pages

Overlap needs no further pass of the model than the method's own, so it can be measured again when
its definition changes, without the hours that deletion takes. Every suite of `results_page.py` with
overlap is measured: the same scenes, right answers and methods. What a metric reads of a sample
does not depend on how many words other metrics choose, so one reading serves suites of any number
of words.

`measure` appends one line of JSON for each scene of a model and a group of methods to
`rows.jsonl`; with `--minutes` it stops in time, and goes on when it is called again, also from a
`rows.jsonl.gz` of another machine. Only methods
with all scenes measured are collected. `merge` replaces the figures of overlap in `answers.csv` and
in `paper/`; a method that was not measured anew loses its old ones, which were of another
definition.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import re
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import results_page

from seewhy.bench.cells import Cell, breakdown, cells
from seewhy.bench.gallery import CASES, cases_json, choose_cases
from seewhy.bench.plan import MODEL_LABEL, MetricSpec, Plan, plan_of
from seewhy.bench.readers import read_tables
from seewhy.bench.reading import _Collector, results_without_rows
from seewhy.bench.reporting import MARKDOWN, write_report
from seewhy.bench.results import Reason, Results
from seewhy.bench.store import FAILED, Store
from seewhy.bench.suites import resolve, suite_of
from seewhy.bench.worker import Job, Worker
from seewhy.bench.writers import REASONS, TABLE, reasons_csv, table_csv

PAPER = Path(__file__).parent / "results" / "paper"
SUITES = ("claims", "shares", "ablation", "paper", "composed")
"""Suites with overlap among their metrics, those of the README first."""
NEEDED = ("claims", "shares")
"""Suites that are merged whole: the README's sentences are of all their methods."""
METRIC = "overlap"
ROWS = "rows.jsonl"
SLOW = ("integrated-gradients", "smooth-grad", "llava-cam", "occlusion")
SLOWEST = ("rise", "kernel-shap", "region-search")
KEPT = (
    *("model", "data", "sample", "method", "metric", "figure", "word", "text", "role", "tags"),
    *("value", "label", "status", "reason"),
)
"""Columns of a row that tables use."""


@dataclass(frozen=True)
class Stage:
    """Methods of a suite with about the same cost.

    Attributes:
        suite: its name.
        methods: labels, in the suite's order.
        scenes: how many, for a trial; all of the suite's if None.
    """

    suite: str
    methods: tuple[str, ...]
    scenes: int | None = None

    def plan(self) -> Plan:
        """The plan of overlap alone."""
        return plan_of_suite(self.suite, self.scenes, self.methods)


@cache
def plan_of_suite(
    suite: str, scenes: int | None = None, methods: tuple[str, ...] | None = None
) -> Plan:
    """The plan of a suite's overlap, of all its methods in the committed tables or of some."""
    config = resolve(suite_of(suite))
    chosen = tabled(suite) if methods is None else methods
    limit = config.limit if scenes is None else scenes
    return plan_of(replace(config, methods=chosen, metrics=(METRIC,), words=1, limit=limit))


@cache
def tabled(suite: str) -> tuple[str, ...]:
    """The methods of a suite in the committed tables, those without overlap so far too."""
    rows = map(_renamed, results_page.read(results_page.TABLE))
    found = (r.method for r in rows if r.suite == suite and r.method != MODEL_LABEL)
    return tuple(dict.fromkeys(found))


def rank(method: str) -> int:
    """0 for methods of few passes, 1 for many, 2 for hundreds."""
    if any(name in method for name in SLOWEST):
        return 2
    return int(any(name in method for name in SLOW))


def stages(scenes: int | None = None) -> list[Stage]:
    """Every suite's cheap methods, then the slow ones, then the slowest."""
    found = []
    for cost in range(3):
        for suite in SUITES:
            labels = [spec.label for spec in plan_of_suite(suite).methods]
            if methods := tuple(label for label in labels if rank(label) == cost):
                found.append(Stage(suite, methods, scenes))
    return found


def reading(suite: str) -> str:
    """Suites with the same scenes share what was measured."""
    return plan_of_suite(suite).datasets[0].label


@dataclass(frozen=True)
class Piece:
    """What one process measures at a time: some methods on one scene.

    Attributes:
        stage: the suite and the methods.
        model: index in the plan.
        sample: the scene's id.
        methods: those of the stage that are missing.
    """

    stage: Stage
    model: int
    sample: str
    methods: tuple[str, ...]


_WORKERS: dict[Any, Worker] = {}


def _start() -> None:
    import torch

    torch.set_num_threads(1)


def measured(piece: Piece) -> list[dict[str, Any]]:
    """The rows of a piece, in a process of its own."""
    key = piece.stage.suite, piece.stage.scenes, piece.methods
    if key not in _WORKERS:
        _WORKERS.clear()  # a worker holds a model
        _WORKERS[key] = Worker(plan_of_suite(*key))
    worker = _WORKERS[key]
    job = Job(piece.model, 0, piece.sample, worker.plan.tasks)
    rows = (asdict(row) for batch in worker.run(job) for row in batch.rows)
    return [{name: row[name] for name in KEPT} for row in rows]


def read_rows(folder: Path) -> Iterator[dict[str, Any]]:
    """All rows in a folder; a last line that was cut off is left out."""
    path = folder / ROWS
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                yield from json.loads(line)


def done(folder: Path) -> set[tuple[str, str, str, str]]:
    """Data, model, method and sample of what is measured."""
    return {(r["data"], r["model"], r["method"], r["sample"]) for r in read_rows(folder)}


def missing(stage: Stage, known: set[tuple[str, str, str, str]]) -> list[Piece]:
    """The pieces of a stage that are not measured yet, model by model."""
    plan, data = stage.plan(), reading(stage.suite)
    found = []
    for index, model in enumerate(plan.models):
        for sample in plan.datasets[0].ids:
            left = [m for m in stage.methods if (data, model.label, m, sample) not in known]
            if left:
                found.append(Piece(stage, index, sample, tuple(left)))
    return found


def measure(folder: Path, workers: int, minutes: float, scenes: int | None = None) -> None:
    """Measure what is missing, until the time is over."""
    if find_spec("captum") is None:  # its methods would fail, and count as measured
        sys.exit("Expected captum for kernel-shap, got none: pip install 'seewhy[baselines]'.")
    folder.mkdir(parents=True, exist_ok=True)
    path, deadline = folder / ROWS, time.monotonic() + 60 * minutes
    packed = path.with_name(f"{ROWS}.gz")  # how rows travel between machines
    if packed.exists() and not path.exists():
        path.write_bytes(gzip.decompress(packed.read_bytes()))
    if path.exists() and not path.read_bytes().endswith(b"\n"):
        whole = path.read_bytes()
        path.write_bytes(whole[: whole.rfind(b"\n") + 1])
    known = done(folder)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _start) as pool, path.open("a") as file:
        for stage in stages(scenes):
            pieces = missing(stage, known)
            print(
                f"{stage.suite}: {len(pieces)} pieces of {len(stage.methods)} methods", flush=True
            )
            began = time.monotonic()
            for piece, rows in _results(pool, pieces, workers, deadline):
                file.write(json.dumps(rows, allow_nan=False) + "\n")
                file.flush()
                model = piece.stage.plan().models[piece.model].label
                known |= {(reading(stage.suite), model, m, piece.sample) for m in piece.methods}
            print(f"  {time.monotonic() - began:.0f} s", flush=True)
            if time.monotonic() > deadline:
                print("The time is over: call it again to go on.", flush=True)
                for process in (pool._processes or {}).values():
                    process.kill()
                return
    print("Everything is measured.", flush=True)


def _results(
    pool: ProcessPoolExecutor, pieces: Sequence[Piece], workers: int, deadline: float
) -> Iterator[tuple[Piece, list[dict[str, Any]]]]:
    """Pieces with their rows as they are done; none is waited for after the deadline."""
    waiting, running = iter(pieces), {}
    while True:
        while len(running) < 2 * workers and (piece := next(waiting, None)) is not None:
            future: Future[list[dict[str, Any]]] = pool.submit(measured, piece)
            running[future] = piece
        if not running or time.monotonic() > deadline:
            return
        left = max(0.1, deadline - time.monotonic())
        ended, _ = wait(running, timeout=left, return_when=FIRST_COMPLETED)
        for future in ended:
            yield running.pop(future), future.result()


def complete(
    suite: str, known: set[tuple[str, str, str, str]], scenes: int | None = None
) -> tuple[str, ...]:
    """The methods of a suite with all scenes of all models, in the suite's order."""
    plan, data = plan_of_suite(suite, scenes), reading(suite)
    wanted = [(model.label, sample) for model in plan.models for sample in plan.datasets[0].ids]
    return tuple(
        spec.label
        for spec in plan.methods
        if all((data, model, spec.label, sample) in known for model, sample in wanted)
    )


def results_of(
    suite: str,
    rows: Sequence[dict[str, Any]],
    methods: tuple[str, ...],
    scenes_of_trial: int | None = None,
) -> Results:
    """The results of a suite's overlap, with the suite's reference."""
    plan = plan_of_suite(suite, scenes_of_trial, methods)
    reference = resolve(suite_of(suite)).reference
    run = described(plan)
    results = results_without_rows([run], reference=str(reference))
    models = {model.label: number for number, model in enumerate(plan.models)}
    scenes = {scene: number for number, scene in enumerate(plan.datasets[0].ids)}
    order = {method: number for number, method in enumerate(methods)}
    # Suites share rows: of a longer one only this suite's scenes are taken.
    own = [
        (models[row["model"]], scenes[row["sample"]], order[row["method"]], row)
        for row in rows
        if row["data"] == plan.datasets[0].label
        and row["model"] in models
        and row["sample"] in scenes
        and row["method"] in order
    ]
    collector = _Collector()
    for *_, row in sorted(own, key=lambda entry: entry[:3]):
        collector.add(row)
    return replace(
        results, rows=collector.series(), reasons=collector.reasons(), samples=collector.samples()
    )


def described(plan: Plan) -> dict[str, Any]:
    """A plan as the description of a run, as a run's file holds it."""
    committed = Store(PAPER).read_runs()[-1]
    return json.loads(json.dumps({**committed, **plan.describe()}))


def collect(folder: Path, out: Path, scenes: int | None = None) -> None:
    """Write the figures of every suite, of the methods that are complete."""
    rows = list(read_rows(folder))
    if failed := {(r["method"], r["reason"]) for r in rows if r["status"] == FAILED}:
        print(f"Failed: {sorted(failed)}", file=sys.stderr)
    known = done(folder)
    out.mkdir(parents=True, exist_ok=True)
    answers: list[results_page.Row] = []
    for suite in SUITES:
        methods = complete(suite, known, scenes)
        lacking = [s.label for s in plan_of_suite(suite).methods if s.label not in methods]
        print(f"{suite}: {len(methods)} methods, without {', '.join(lacking) or 'none'}")
        if resolve(suite_of(suite)).reference not in methods:
            continue
        results = results_of(suite, rows, methods, scenes)
        for reference in results_page.REFERENCES[suite]:
            if reference in methods:
                answers += results_page._of_suite(replace(results, reference=reference), suite)
        if suite == "paper":
            _write_paper(results, out)
    results_page.write(answers, out / "answers.csv")
    without = {}
    for suite in SUITES:
        found = complete(suite, known, scenes)
        lacking = [method for method in tabled(suite) if method not in found]
        without[suite] = lacking if found else ["all"]
    state = {"measured": time.strftime("%Y-%m-%d"), "without": without}
    (out / results_page.OVERLAP.name).write_text(json.dumps(state, indent=1) + "\n", "utf-8")


def _write_paper(results: Results, out: Path) -> None:
    (out / TABLE).write_text(table_csv([*cells(results), *breakdown(results)]), "utf-8")
    (out / REASONS).write_text(reasons_csv(results.reasons), "utf-8")
    (out / CASES).write_text(cases_json(choose_cases(results)), "utf-8")
    runs = out / "runs"
    runs.mkdir(exist_ok=True)
    run = {**results.runs[0], "suite": "paper", "reference": results.reference}
    (runs / "overlap.json").write_text(json.dumps(run, indent=1) + "\n", "utf-8")


def merge(out: Path) -> None:
    """Put collected figures into the committed tables, and write the pages anew."""
    _merge_answers(results_page.read(out / "answers.csv"))
    _merge_paper(out)
    state = (out / results_page.OVERLAP.name).read_text("utf-8")
    results_page.OVERLAP.write_text(state, "utf-8")
    tables = results_page.Tables(results_page.read(results_page.TABLE))
    for page in results_page.PAGES:
        page.write_text(results_page.filled(page.read_text("utf-8"), tables), "utf-8")


def _merge_answers(new: Sequence[results_page.Row]) -> None:
    """Replace the rows of overlap, in their places; new ones follow those of their suite."""
    by_key = {_key(row): row for row in new}
    measured = {(row.suite, row.method) for row in new}
    for suite in NEEDED:
        if lacking := [m for m in tabled(suite) if (suite, m) not in measured]:
            sys.exit(f"Expected all methods of {suite}, got none of {lacking}: measure them first.")
    merged: list[results_page.Row] = []
    dropped = set()
    for row in map(_renamed, results_page.read(results_page.TABLE)):
        if "iou" not in row.figure or row.suite not in SUITES:
            merged.append(row)
        elif (found := by_key.pop(_key(row), None)) is not None:
            merged.append(found)
        else:
            dropped.add((row.suite, row.method))
    merged += by_key.values()
    order = list(results_page.REFERENCES)
    merged.sort(key=lambda row: order.index(row.suite))
    results_page.write(merged, results_page.TABLE)
    print(f"answers.csv: {len(new)} figures measured anew")
    if dropped:
        print(f"without overlap now, since not measured anew: {sorted(dropped)}")


def _key(row: results_page.Row) -> tuple[str, ...]:
    return (row.suite, row.model, row.method, row.figure, row.group, row.reference)


def _renamed(row: results_page.Row) -> results_page.Row:
    """With the parameter's present name: `corroborated` called its second part `witness`."""
    return replace(row, method=re.sub(r"\bwitness=", "relevance=", row.method))


def _merge_paper(out: Path) -> None:
    """Replace overlap in the tables of the suite `paper`."""
    spec = MetricSpec.of(METRIC).describe()
    for path in sorted((PAPER / "runs").glob("*.json")):
        run = json.loads(path.read_text("utf-8"))
        run["metrics"] = [spec if m["label"] == METRIC else m for m in run["metrics"]]
        path.write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n", "utf-8")
    _, ungrouped, grouped = read_tables(PAPER)
    _, new, new_grouped = read_tables(out)
    results, _, _ = read_tables(PAPER)
    reasons = [r for r in results.reasons if r.metric != METRIC]
    reasons += read_tables(out)[0].reasons
    table = [*_replaced(ungrouped, new), *_replaced(grouped, new_grouped)]
    (PAPER / TABLE).write_text(table_csv(table), "utf-8")
    order: list[Reason] = sorted(reasons, key=lambda reason: -reason.count)
    (PAPER / REASONS).write_text(reasons_csv(order), "utf-8")
    (PAPER / CASES).write_text((out / CASES).read_text("utf-8"), "utf-8")
    with TemporaryDirectory() as pages:
        write_report(PAPER, pages)
        text = (Path(pages) / MARKDOWN).read_text("utf-8")
    (PAPER / MARKDOWN).write_text(text, "utf-8")


def _replaced(old: Sequence[Cell], new: Sequence[Cell]) -> list[Cell]:
    """Old cells without overlap, and the new ones of each model where the old ones stood."""
    merged: list[Cell] = []
    models = set()
    for cell in old:
        if cell.column.metric != METRIC:
            merged.append(cell)
        elif cell.model not in models:
            models.add(cell.model)
            merged += [one for one in new if one.model == cell.model]
    return merged


def main() -> None:
    """Measure, collect or merge."""
    parser = argparse.ArgumentParser(description="Overlap in the committed tables, anew.")
    commands = parser.add_subparsers(dest="command", required=True)
    of_measure = commands.add_parser("measure")
    of_measure.add_argument("folder", type=Path)
    of_measure.add_argument("--workers", type=int, default=2)
    of_measure.add_argument("--minutes", type=float, default=1e6, help="when to stop")
    of_measure.add_argument("--scenes", type=int, help="of each suite, for a trial")
    of_collect = commands.add_parser("collect")
    of_collect.add_argument("folder", type=Path)
    of_collect.add_argument("out", type=Path)
    of_collect.add_argument("--scenes", type=int, help="as measured in a trial: do not merge it")
    of_merge = commands.add_parser("merge")
    of_merge.add_argument("out", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "measure":
        measure(arguments.folder, arguments.workers, arguments.minutes, arguments.scenes)
    elif arguments.command == "collect":
        collect(arguments.folder, arguments.out, arguments.scenes)
    else:
        merge(arguments.out)


if __name__ == "__main__":
    main()
