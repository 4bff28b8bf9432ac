"""The options of `seewhy bench`. Help texts list what exists; standard library only."""

from __future__ import annotations

import argparse
from typing import Any, get_args

from seewhy.bench.config import Answers, EngineName
from seewhy.bench.suites import SUITES
from seewhy.cli._options import add_model_options, names_in, whole


def add_bench_options(bench: argparse.ArgumentParser) -> None:
    """Add the options; an omitted option is None, so that a config file can set it."""
    what = bench.add_argument_group("what is measured (default: set by the suite)")
    _add_names(what)
    _add_settings(what)
    _add_how(bench.add_argument_group("how it is measured"))
    _add_output(bench.add_argument_group("what comes out"))


def _add_names(group: Any) -> None:
    group.add_argument(
        "--config",
        metavar="FILE",
        help="TOML file with any of these options; those on the command line override it",
    )
    group.add_argument(
        "--print-config",
        action="store_true",
        help="print the config with all values of the suite, and exit",
    )
    group.add_argument("--suite", metavar="NAME", help=f"{', '.join(SUITES)} (default: quick)")
    group.add_argument(
        "--models",
        metavar="MODEL",
        nargs="+",
        help="names of models that ship with seewhy, folders or hub ids",
    )
    for noun, example in (("methods", "'arc(k=20)'"), ("metrics", "'insertion(fill=mean)'")):
        group.add_argument(
            f"--{noun}",
            metavar=noun[:-1].upper(),
            nargs="+",
            help=f"with parameters in brackets, such as {example}: {', '.join(names_in(noun))}",
        )
    group.add_argument(
        "--data",
        metavar="DATA",
        nargs="+",
        help=f"NAME, NAME:FOLDER or NAME:FOLDER?OPTION=VALUE; NAME is {_or(names_in('datasets'))}",
    )
    group.add_argument(
        "--pairs",
        action="store_true",
        default=None,
        help="run each model only on the data set at the same place, not on all",
    )


def _add_settings(group: Any) -> None:
    group.add_argument(
        "--limit", metavar="N", type=whole(at_least=1), help="samples of each data set"
    )
    group.add_argument(
        "--words",
        metavar="N",
        type=whole(at_least=0),
        help="words of a sample that costly metrics measure",
    )
    group.add_argument(
        "--answers",
        choices=get_args(Answers),
        help="explain the data's reference answers where it has them, or the model's own answers",
    )
    group.add_argument(
        "--reference",
        metavar="METHOD",
        help="method that the others are compared with (default: set by the suite)",
    )
    group.add_argument(
        "--seed", metavar="N", type=whole(at_least=0), help="of all random draws (default: 0)"
    )
    group.add_argument(
        "--max-new-tokens",
        metavar="N",
        type=whole(at_least=1),
        help="length at which the model's own answers are cut off (default: 128)",
    )


def _add_how(group: Any) -> None:
    group.add_argument(
        "--engine",
        choices=get_args(EngineName),
        help="processes of this machine, actors of a Ray cluster, or only this process "
        "(default: processes)",
    )
    group.add_argument(
        "--workers",
        metavar="N",
        type=whole(at_least=1),
        help="how many run in parallel; each loads the model (default: 1)",
    )
    add_model_options(group, plural=True)
    group.add_argument(
        "--retry",
        action="store_true",
        default=None,
        help="measure again what failed in earlier runs",
    )


def _add_output(group: Any) -> None:
    group.add_argument(
        "--out",
        metavar="FOLDER",
        help="folder of results; the same command again resumes the run",
    )
    group.add_argument(
        "--report",
        metavar="FOLDER",
        nargs="+",
        help="measure nothing: write tables and page of these results again, merged",
    )
    group.add_argument(
        "--no-gallery",
        dest="gallery",
        action="store_false",
        default=None,
        help="draw no example cases: saves about a minute",
    )
    group.add_argument("--quiet", action="store_true", help="print nothing to stderr while working")


def _or(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
