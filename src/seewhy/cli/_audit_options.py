"""The options of `seewhy audit`; standard library only."""

from __future__ import annotations

from typing import Any, get_args

from seewhy.audit.config import AuditConfig, EngineName
from seewhy.cli._command import add_command
from seewhy.cli._options import add_model_options, add_other_pictures, names_in, whole
from seewhy.testbed.pretrained import DEFAULT as DEFAULT_MODEL


def add_to(commands: Any) -> None:
    """Add `seewhy audit` and its options."""
    parser = add_command(
        commands,
        "audit",
        "find out for every word of a data set's answers what it rests on",
        "seewhy.cli.audit:audit",
    )
    parser.add_argument(
        "data",
        metavar="DATA",
        help="NAME:PLACE, NAME:PLACE?OPTION=VALUE, or a path whose content tells the name; NAME is "
        f"one of {', '.join(names_in('audit/sources'))}",
    )
    for add in (_add_what, _add_how, _add_output):
        add(parser)


def _add_what(parser: Any) -> None:
    what = parser.add_argument_group("what is audited")
    what.add_argument(
        "--model",
        metavar="NAME|DIR",
        help="hub id, folder, or a model that ships with seewhy "
        f"(default: {DEFAULT_MODEL}, which knows drawn scenes only)",
    )
    add_model_options(what)
    what.add_argument(
        "--answers",
        metavar="FILE",
        help="answers to diagnose, in the layout of the data set; the model answers where none is "
        "given",
    )
    what.add_argument("--limit", metavar="N", type=whole(at_least=1), help="rows at most")
    what.add_argument(
        "--shuffle",
        metavar="SEED",
        type=whole(at_least=0),
        help="draw the rows of --limit at random, and not the first ones",
    )
    what.add_argument(
        "--max-new-tokens",
        metavar="N",
        type=whole(at_least=1),
        help="length at which the model's own answers are cut off (default: 128)",
    )
    add_other_pictures(what)


def _add_how(parser: Any) -> None:
    how = parser.add_argument_group("how it is done")
    how.add_argument(
        "--engine",
        choices=get_args(EngineName),
        default=AuditConfig.engine,
        help="processes of this machine, or actors of a Ray cluster (default: local)",
    )
    how.add_argument(
        "--workers",
        metavar="N",
        type=whole(at_least=1),
        default=AuditConfig.workers,
        help="how many work in parallel; each loads the model (default: 1)",
    )
    how.add_argument(
        "--batch",
        metavar="N",
        type=whole(at_least=1),
        default=AuditConfig.batch,
        help="rows that go through the model together (default: 1)",
    )
    how.add_argument("--retry", action="store_true", help="do rows again that failed before")


def _add_output(parser: Any) -> None:
    output = parser.add_argument_group("what comes out")
    output.add_argument(
        "--out",
        metavar="FOLDER",
        required=True,
        help="folder of the audit; the same command again resumes the run",
    )
    output.add_argument(
        "--reports",
        metavar="WHICH",
        default=AuditConfig.reports,
        help="explanations that are saved as reports: worst:N answers, all or none "
        f"(default: {AuditConfig.reports})",
    )
    output.add_argument(
        "--no-page", dest="page", action="store_false", help="store the rows and write no page"
    )
    output.add_argument("--quiet", action="store_true", help="print nothing to stderr")
