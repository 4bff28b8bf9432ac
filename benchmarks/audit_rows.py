"""How many rows a second an audit stores, and in how much memory, with a model that costs nothing.

    python benchmarks/audit_rows.py [--rows 100000] [--out benchmarks/results]

The model is replaced by one explanation that was recorded before: the shipped model's of one drawn
scene, with verdicts. Everything else is done for every row: the queue, the words' rows with their
maps, the thumbnail, the way from the worker to the run, Parquet and merging. Each case runs in a
process of its own. Writes audit_rows.json and audit_rows.md.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from measuring import environment

import seewhy
from seewhy.audit import AuditConfig, Progress, Store, run_audit
from seewhy.audit.diagnosing import diagnosed_rows
from seewhy.audit.schema import Diagnosed
from seewhy.audit.source import Judged, SourceRow
from seewhy.explanation import Explanation

CASES = {
    "storing alone": ("", 0, 1.0),
    "this process": ("local", 1, 1.0),
    "two processes": ("local", 2, 0.15),
    "two Ray actors": ("ray", 2, 0.15),
}
"""Engine, workers and part of the rows. Storing alone is what the process of a run does for every
row, with workers on other machines."""

MODEL, SCENE = "tiny-qwen2-vl-biased", 18
SAMPLES = 10
"""How often memory is looked at in a run."""
GPUS, SECONDS_PER_ROW = 64, 2.0
"""An assumed cluster, and assumed seconds for one row on one of its GPUs: not measured."""


@dataclass(frozen=True)
class Synthetic:
    """A source of rows that differ only in their ids."""

    count: int

    name: ClassVar[str] = "synthetic"
    summary: ClassVar[str] = "Rows that differ only in their ids."
    layout: ClassVar[str] = "nothing"

    @property
    def fingerprint(self) -> str:
        """The same for all."""
        return "synthetic"

    def rows(self) -> Iterator[SourceRow]:
        """One after the other."""
        for number in range(self.count):
            yield SourceRow(f"synthetic/{number:09d}", (Path(f"{number:09d}.jpg"),), "What?")

    def judge(self, row: SourceRow, answer: str) -> Judged:
        """Nothing is known."""
        return Judged(score={"predicted": "yes", "label": "no"})

    def scores(self, scores: Sequence[Mapping[str, Any]]) -> Mapping[str, float]:
        """How many rows have a score."""
        return {"rows": float(sum(1 for _ in scores))}


@dataclass(frozen=True)
class Recorded:
    """A model that gives the same explanation to every prompt."""

    explanation: Explanation

    name: ClassVar[str] = "recorded"

    def explain(self, *given: Any, **settings: Any) -> Explanation:
        """The recorded explanation."""
        return self.explanation


def recorded() -> Recorded:
    """Let the shipped model explain one scene, with verdicts."""
    from PIL import Image

    from seewhy.testbed.scenes import draw, scene

    image = Image.fromarray(draw(scene(SCENE, "heldout")).image)
    return Recorded(seewhy.load(MODEL).explain(image, diagnose=True))


def measure(engine: Any, workers: int, part: float, rows: int) -> dict[str, Any]:
    """Audit rows into a new folder, and measure."""
    model, memory = recorded(), []
    count = round(rows * part)
    step = max(1, count // SAMPLES)

    def progress(state: Progress) -> None:
        if state.done % step == 0:
            memory.append([state.done, _resident_mib()])

    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        if engine:
            config = AuditConfig(
                Synthetic(count),
                folder,
                model,
                engine=engine,
                workers=workers,
                reports="none",
                page=False,
            )
            run_audit(config, progress=progress)
        else:
            store_alone(Store(folder), model, count, progress)
        seconds = time.perf_counter() - started
        store = Store(folder)
        first = next(store.iter_answers())
        words = [word for word in store.iter_words() if word.id == first.id]
        stored = sum(1 for _ in store.iter_answers(["id"]))
        stored_words = sum(1 for _ in store.iter_words(["id"]))
        assert (stored, stored_words) == (count, count * len(words))
        files = len(store.shards())
    return {
        "rows": count,
        "words": len(words),
        "seconds": seconds,
        "memory": memory,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "files": files,
        "bytes": sum(len(pickle.dumps(astuple(row))) for row in (first, *words)),
        "load": os.getloadavg()[0],
    }


def store_alone(
    store: Store, model: Recorded, count: int, progress: Callable[[Progress], None]
) -> None:
    """Store the same answer with its words under many ids."""
    source = Synthetic(count)
    row = next(source.rows())
    ((found, _),) = diagnosed_rows(model, source, [row], {})
    with store.writing() as writer:
        for number, row in enumerate(source.rows(), 1):
            words = tuple(replace(word, id=row.id) for word in found.words)
            writer.add(Diagnosed(replace(found.answer, id=row.id), words))
            progress(Progress(done=number))
        writer.compact()


def text_of(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The results in Markdown."""
    words = next(iter(found.values()))["words"]
    lines = [
        f"Answers with {words} diagnosed words each; the model is replaced by a recorded "
        "explanation. Start and end of the workers and the last merging are in the seconds. One "
        "run each, on two cores that other programs used too (load: the mean number of running "
        "programs at the end), so the rates are lower bounds. Memory is that of the process that "
        "stores, with torch and the recorded explanation.",
        "",
        "| | rows | seconds | rows a second | MiB after 10 % | MiB at the end | load |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, case in found.items():
        (_, early), (_, late) = case["memory"][0], case["memory"][-1]
        lines.append(
            f"| {name} | {case['rows']:,} | {case['seconds']:.0f} "
            f"| {case['rows'] / case['seconds']:,.0f} | {early:.0f} | {late:.0f} "
            f"| {case['load']:.1f} |"
        )
    return "\n".join([*lines, "", *_extrapolated(found), ""])


def _extrapolated(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What the figures say of a million rows and a cluster."""
    run, alone = found["this process"], found["storing alone"]
    (early, low), (late, high) = run["memory"][0], run["memory"][-1]
    growth = (high - low) / (late - early) * 1e6
    needed = GPUS / SECONDS_PER_ROW
    rate = alone["rows"] / alone["seconds"]
    return [
        f"In this process, memory grew by {high - low:.0f} MiB from 10 % of the rows to the end: "
        f"at that rate by {growth:.0f} MiB for a million rows. An answer with its words is "
        f"{run['bytes'] / 1024:.0f} KiB before compression, with the small picture of a drawn "
        f"scene; {run['rows']:,} of them are in {run['files']} pairs of files.",
        "",
        f"{GPUS} GPUs do {needed:.0f} rows a second and a million rows in "
        f"{1e6 / needed / 3600:.1f} hours, if a row takes {SECONDS_PER_ROW:.0f} s on one. That is "
        "an assumption: it depends on the model, the GPU and the length of the answers. The "
        f"process that stores can keep up with {rate:,.0f} rows a second, "
        f"{rate / needed:,.0f} times as many.",
    ]


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description="Rows a second and memory of an audit.")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--case", choices=list(CASES), help="measure this alone, and print JSON")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(measure(*CASES[arguments.case], arguments.rows)))
        return
    found = {}
    for name in CASES:
        command = [sys.executable, __file__, "--case", name, "--rows", str(arguments.rows)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found[name] = json.loads(done.stdout.splitlines()[-1])
        print(name, f"{found[name]['seconds']:.1f} s", flush=True)
    text = text_of(found)
    print(text)
    (arguments.out / "audit_rows.md").write_text(text)
    (arguments.out / "audit_rows.json").write_text(
        json.dumps({"environment": environment(), "cases": found}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
