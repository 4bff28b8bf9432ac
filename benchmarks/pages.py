"""The page and the gallery of the committed results: they are built, not kept in git.

    make results                                        # the documentation, then this
    python benchmarks/pages.py site/results             # about a minute on two idle cores
    python benchmarks/pages.py site/results --gallery no     # or `all`: five times as long

Each folder of `benchmarks/results` that holds tables gets a folder with `bench.html`, the tables,
and `gallery/`: the cases that `cases.json` names, drawn again by the shipped models. Methods that
read a picture hundreds of times are left out of the gallery, unless `all` are asked for; the tables
have all in any case.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from seewhy.bench.config import BenchConfig
from seewhy.bench.gallery import read_cases, write_gallery
from seewhy.bench.plan import Plan, plan_of
from seewhy.bench.readers import has_tables_alone, read_tables
from seewhy.bench.reporting import PAGE, write_report
from seewhy.bench.suites import perturbation

Gallery: TypeAlias = Literal["quick", "all", "no"]

RESULTS = Path(__file__).parent / "results"

SLOW = perturbation()
"""Methods that take nine tenths of a gallery's time."""


def build(folder: Path, out: Path, *, gallery: Gallery = "quick") -> Path:
    """Build the page of one folder of tables.

    Args:
        folder: with `table.csv`, `reasons.csv`, `cases.json` and `runs/`.
        out: where to; made where it is missing.
        gallery: draw cases by all methods, by the quick ones, or none.

    Returns:
        The page.

    Raises:
        SchemaError, OutputError: as `seewhy.bench.reporting.write_report`.
    """
    if gallery != "no":
        out.mkdir(parents=True, exist_ok=True)
        plan = plan_again(read_tables(folder)[0].runs, without=SLOW if gallery == "quick" else ())
        write_gallery(plan, read_cases(folder), out, say=print)
    write_report(folder, out)
    return out / PAGE


def plan_again(runs: Sequence[dict[str, Any]], *, without: Collection[str] = ()) -> Plan:
    """The plan of runs on shipped models and data, as the code of today has it.

    Args:
        runs: as `Store.read_runs` reads them: of the same settings.
        without: labels of methods that are left out.

    Raises:
        UnknownNameError, ParameterError: if a name is no longer known.
    """

    def labels(part: str) -> list[str]:
        return list(dict.fromkeys(one["label"] for run in runs for one in run[part]))

    methods = [label for label in labels("methods") if label not in without]
    settings = {name: value for name, value in runs[-1]["settings"].items() if name != "key"}
    return plan_of(
        BenchConfig(
            models=labels("models"),
            methods=methods,
            metrics=labels("metrics"),
            data=labels("data"),
            **settings,
        )
    )


def main() -> None:
    """Build every page."""
    parser = argparse.ArgumentParser(description="Pages of the committed results.")
    parser.add_argument("out", type=Path, help="folder that gets a folder for each")
    parser.add_argument(
        "--gallery", choices=get_args(Gallery), default="quick", help="which methods draw cases"
    )
    asked = parser.parse_args()
    for folder in filter(has_tables_alone, sorted(RESULTS.iterdir())):
        print(build(folder, asked.out / folder.name, gallery=asked.gallery))


if __name__ == "__main__":
    main()
