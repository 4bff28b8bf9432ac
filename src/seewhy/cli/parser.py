"""The words of the command line, and what each may be. Standard library only."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from seewhy.cli._bench_options import add_bench_options
from seewhy.cli._options import add_model_options, real, whole

EXAMPLES = """\
examples:
  seewhy explain                                  a drawn scene, the model that ships with seewhy
  seewhy explain cat.jpg --model Qwen/Qwen2-VL-2B-Instruct --dtype bfloat16
  seewhy explain cat.jpg --model ./my-model --method tam --prompt "What is on the sofa?"
  seewhy explain before.png after.png --model ./my-model --prompt "What has changed?"
  seewhy explain cat.jpg --model ./my-model --contrast cat=dog
  seewhy bench --out results --workers 2           which explanation tells the truth?
  seewhy explain cat.jpg --json | jq '.words[] | [.text, .peak]'
"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, as all others of this program are."""

    def error(self, message: str) -> NoReturn:
        """Print one line to stderr and leave with exit status 2."""
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; each names the function that runs it as `run`."""
    parser = Parser(
        prog="seewhy",
        description="Point at a word a multimodal model said, and see where it came from.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version", action=Version, nargs=0, help="print this program's version and leave"
    )
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=Parser
    )
    add_explain(commands)
    bench = _command(
        commands,
        "bench",
        "measure methods on models and data, with intervals",
        "seewhy.cli.bench:bench",
    )
    add_bench_options(bench)
    methods = _command(commands, "methods", "list the methods that can explain")
    models = _command(commands, "models", "list the families of models, and how each sees scales")
    metrics = _command(commands, "metrics", "list the metrics that can judge methods")
    datasets = _command(commands, "datasets", "list the data sets, and how each lies in a folder")
    for listing in (methods, models, metrics, datasets):
        listing.add_argument("--json", action="store_true", help="print one JSON object")
    cite = _command(commands, "cite", "print the BibTeX of a method's papers")
    cite.add_argument("method", metavar="METHOD", help="a name that `seewhy methods` lists")
    _command(commands, "version", "print the versions of seewhy and of what it stands on")
    return parser


def add_explain(commands) -> None:
    """Add `seewhy explain` and its options."""
    explain = _command(
        commands,
        "explain",
        "explain every word a model says about a picture",
        "seewhy.cli.explain:explain",
    )
    explain.add_argument(
        "images",
        metavar="IMAGE",
        nargs="*",
        help="picture files, shown in this order; without any, a scene is drawn",
    )
    what = explain.add_argument_group("what is asked")
    what.add_argument("--prompt", metavar="TEXT", help="what to ask (default: for a caption)")
    what.add_argument(
        "--answer", metavar="TEXT", help="explain this answer instead of what the model would say"
    )
    what.add_argument(
        "--scene",
        metavar="N",
        type=whole(at_least=0),
        help="which held-out scene to draw where no IMAGE is given (default: 0)",
    )

    what.add_argument(
        "--clip",
        metavar="PATH",
        action="append",
        default=[],
        help="a video, an animation or a folder of frames, shown after the pictures (repeatable)",
    )
    what.add_argument(
        "--fps", metavar="F", type=real(above=0), help="frames a second in the clips' folders"
    )
    what.add_argument(
        "--chat",
        metavar="FILE",
        help="JSON list of turns in place of --prompt, as transformers' chat templates take it; a "
        "last turn of the assistant's is explained",
    )
    what.add_argument(
        "--turn", metavar="N", type=int, help="which turn of the chat to explain, from 0"
    )
    what.add_argument(
        "--contrast",
        metavar="WORD=OTHER",
        action="append",
        type=contrast,
        default=[],
        help="explain why WORD of the answer and not OTHER (repeatable)",
    )

    model = explain.add_argument_group("the model")
    model.add_argument(
        "--model", metavar="ID|DIR", help="hub id or folder (default: the one shipped with seewhy)"
    )
    add_model_options(model)
    model.add_argument(
        "--max-new-tokens",
        metavar="N",
        type=whole(at_least=1),
        help="length at which an answer is cut off",
    )
    model.add_argument(
        "--temperature",
        metavar="T",
        type=real(above=0),
        help="sample the answer at this temperature (default: the likeliest words)",
    )
    model.add_argument(
        "--seed",
        metavar="N",
        type=whole(at_least=0),
        help="of the sampling, and of the drawn scene",
    )

    method = explain.add_argument_group("the method")
    method.add_argument(
        "--method",
        metavar="NAME",
        help="its parameters may stand in brackets (default: intra-modal(window=None), the paper's "
        "without its filter)",
    )
    method.add_argument(
        "--scales",
        metavar="S,S,...",
        type=scales,
        help="sizes at which the picture is looked at, 1 being the model's own",
    )
    method.add_argument(
        "--weights",
        choices=("uniform", "consistency"),
        help="what each scale counts: the same, or the word's probability at it",
    )
    method.add_argument(
        "--k", metavar="N", type=whole(at_least=1), help="depth of the compared rankings"
    )
    method.add_argument(
        "--p", metavar="P", type=real(above=0, below=1), help="persistence of rank-biased overlap"
    )
    method.add_argument(
        "--variant",
        choices=("scaled", "inverse", "threshold"),
        help="how the rankings' agreement enters",
    )
    method.add_argument(
        "--threshold",
        metavar="T",
        type=real(above=0, below=1),
        help="agreement from which a context counts as no interference (--variant threshold)",
    )
    method.add_argument(
        "--window", metavar="N", type=whole(at_least=1), help="side of the filter's window"
    )

    output = explain.add_argument_group("what comes out")
    output.add_argument(
        "--out",
        metavar="DIR",
        help="folder for the report and its files (default: a new one under ./explained; with "
        "--json nothing is written unless it is given)",
    )
    output.add_argument(
        "--overwrite", action="store_true", help="replace DIR if it holds an earlier explanation"
    )
    output.add_argument("--json", action="store_true", help="print one JSON object to stdout")
    output.add_argument("--quiet", action="store_true", help="say nothing on stderr while working")


class Version(argparse.Action):
    """`--version`: print the version and leave."""

    def __call__(self, parser, namespace, values, option_string=None) -> NoReturn:
        """Print and leave with exit status 0."""
        from seewhy._version import __version__

        print(f"seewhy {__version__}")
        raise SystemExit(0)


def scales(text: str) -> tuple[float, ...]:
    """Numbers above zero, none twice, separated by commas.

    Example:
        >>> scales("0.5, 1,1.5")
        (0.5, 1.0, 1.5)
    """
    numbers = tuple(real(above=0)(part.strip()) for part in text.split(","))
    if len(set(numbers)) < len(numbers):
        raise argparse.ArgumentTypeError(f"Expected each scale once, got {text!r}")
    return numbers


def contrast(text: str) -> tuple[str, str]:
    """A word and its alternative.

    Example:
        >>> contrast("cup=table")
        ('cup', 'table')
    """
    word, sign, other = text.partition("=")
    if not (sign and word.strip() and other.strip()):
        raise argparse.ArgumentTypeError(f"Expected WORD=OTHER, got {text!r}")
    return word.strip(), other.strip()


def _command(commands, name: str, summary: str, run: str = "") -> argparse.ArgumentParser:
    """Add one command; `run` is `module:function`."""
    command = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        allow_abbrev=False,
    )
    command.set_defaults(run=run or f"seewhy.cli.listings:{name}")
    command.add_argument(
        "--debug", action="store_true", help="show the whole traceback of an error"
    )
    return command
