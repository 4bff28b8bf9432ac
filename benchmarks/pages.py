"""Build the page and the gallery of the committed results, which are not kept in git.

    make results                                        # the documentation, then this
    python benchmarks/pages.py site/results             # about a minute on two idle cores
    python benchmarks/pages.py site/results --gallery no     # or `all`: five times as long

Each folder of `benchmarks/results` with tables gets a folder with `bench.html`, the tables, and
`gallery/`: the cases of `cases.json`, drawn again by the shipped models. Methods with hundreds of
passes per picture are not in the gallery, except with `--gallery all`; the tables have all methods.
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
"""Methods that need 90 % of a gallery's time."""


def build(folder: Path, out: Path, *, gallery: Gallery = "quick") -> Path:
    """Build the page of one folder of tables.

    Args:
        folder: with `table.csv`, `reasons.csv`, `cases.json` and `runs/`.
        out: target folder, created if it is missing.
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
    """The plan of earlier runs on shipped models and data, with the current code.

    Args:
        runs: as from `Store.read_runs`, with the same settings.
        without: labels of methods to leave out.

    Raises:
        UnknownNameError, ParameterError: if a name does not exist any more.
    """

    def labels(part: str) -> list[str]:
        return list(dict.fromkeys(entry["label"] for run in runs for entry in run[part]))

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
    parser.add_argument("out", type=Path, help="target folder, with one folder per page")
    parser.add_argument(
        "--gallery", choices=get_args(Gallery), default="quick", help="which methods draw cases"
    )
    arguments = parser.parse_args()
    for folder in filter(has_tables_alone, sorted(RESULTS.iterdir())):
        print(build(folder, arguments.out / folder.name, gallery=arguments.gallery))


if __name__ == "__main__":
    main()
