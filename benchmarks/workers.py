"""How much faster two workers are than one, by processes and on Ray: the same units, in turns.

    python benchmarks/workers.py [--repeats 5] [--limit 8] [--out benchmarks/results]

Each case is a whole run of the suite `quick` into a fresh folder, start and end of the workers and
loading of the model included. Between processes only the clock on the wall counts, so the machine
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


def _shown(found: Estimate, digits: int) -> str:
    ends = "" if found.low is None else f" [{found.low:.{digits}f}, {found.high:.{digits}f}]"
    return f"{found.value:.{digits}f}{ends}"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description="Speed of the bench's engines.")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--limit", type=int, default=8, help="scenes")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    asked = parser.parse_args()
    cases = {
        name: partial(work, engine, workers, asked.limit)
        for name, (engine, workers) in CASES.items()
    }
    found = in_turns(cases, asked.repeats)
    spent = {name: stages["total"] for name, stages in found.items()}
    base = spent["one process"]
    lines = [
        f"The suite `quick` on {asked.limit} scenes, {asked.repeats} rounds in turns; medians, in "
        "brackets 95 % intervals over rounds.",
        "",
        "| | seconds | times as fast as one process |",
        "| --- | ---: | ---: |",
    ]
    kept = {}
    for name, own in spent.items():
        took = estimates(lambda a: a, own)["wall"]
        ratio = estimates(lambda a, b: a / b, base, own)["wall"]
        lines.append(f"| {name} | {_shown(took, 1)} | {_shown(ratio, 2)} |")
        kept[name] = [one.wall for one in own]
    text = "\n".join(lines) + "\n"
    print(text)
    (asked.out / "workers.md").write_text(text)
    (asked.out / "workers.json").write_text(
        json.dumps({"environment": environment(), "seconds": kept}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
