"""How much faster two workers are than one, with processes and with Ray, on the same tasks.

    python benchmarks/workers.py [--repeats 5] [--limit 8] [--out benchmarks/results]

Each case is a complete run of the suite `quick` into a new folder, with start and end of the
workers and loading of the model. Only wall time is comparable between processes, so the machine
must be idle. Writes workers.json and workers.md.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from functools import partial
from pathlib import Path

from measuring import Estimate, Stages, environment, estimates, in_turns, timed

from seewhy.bench import BenchConfig, run
from seewhy.bench.config import EngineName

CASES: dict[str, tuple[EngineName, int]] = {
    "one process": ("processes", 1),
    "two processes": ("processes", 2),
    "two Ray actors": ("ray", 2),
}


def work(engine: EngineName, workers: int, limit: int) -> Stages:
    """Run the suite once."""
    with tempfile.TemporaryDirectory() as folder:
        config = BenchConfig(limit=limit, engine=engine, workers=workers)
        _, spent = timed(lambda: run(config, out=folder))
    return {"run": spent}


def _text_of(estimate: Estimate, digits: int) -> str:
    low, high = estimate.low, estimate.high
    ends = "" if low is None else f" [{low:.{digits}f}, {high:.{digits}f}]"
    return f"{estimate.value:.{digits}f}{ends}"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description="Speed of the bench's engines.")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--limit", type=int, default=8, help="scenes")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    cases = {
        name: partial(work, engine, workers, arguments.limit)
        for name, (engine, workers) in CASES.items()
    }
    measured = in_turns(cases, arguments.repeats)
    spent = {name: stages["total"] for name, stages in measured.items()}
    base = spent["one process"]
    lines = [
        f"The suite `quick` on {arguments.limit} scenes, {arguments.repeats} rounds in turns; "
        "medians, in brackets 95 % intervals over rounds.",
        "",
        "| | seconds | times as fast as one process |",
        "| --- | ---: | ---: |",
    ]
    seconds = {}
    for name, rounds in spent.items():
        duration = estimates(lambda a: a, rounds)["wall"]
        ratio = estimates(lambda a, b: a / b, base, rounds)["wall"]
        lines.append(f"| {name} | {_text_of(duration, 1)} | {_text_of(ratio, 2)} |")
        seconds[name] = [sample.wall for sample in rounds]
    text = "\n".join(lines) + "\n"
    print(text)
    (arguments.out / "workers.md").write_text(text)
    (arguments.out / "workers.json").write_text(
        json.dumps({"environment": environment(), "seconds": seconds}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
