"""The commands of the command line. Standard library only."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from seewhy.cli import explain, listings, open_report
from seewhy.cli._command import Parser, add_command
from seewhy.cli._options import whole
from seewhy.core.suggestions import near_matches, unknown_name_message

EXAMPLES = """\
examples:
  seewhy explain                                  a drawn scene, the model that ships with seewhy
  seewhy explain cat.jpg --model Qwen/Qwen2-VL-2B-Instruct --dtype bfloat16
  seewhy explain cat.jpg --model ./my-model --method tam --prompt "What is on the sofa?"
  seewhy explain before.png after.png --model ./my-model --prompt "What has changed?"
  seewhy explain cat.jpg --model ./my-model --contrast cat=dog
  seewhy bench --out results --workers 2           measure all methods of the suite `quick`
  seewhy explain cat.jpg --json | jq '.words[] | [.text, .peak]'
"""


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the words after `seewhy`; an unknown command or option is answered with near matches.

    Args:
        words: those of the process if None.

    Returns:
        The values; `run` names the function that runs the command.

    Raises:
        SystemExit: with status 2 after a mistake, which is printed; with 0 after `--help`.
    """
    words = sys.argv[1:] if words is None else words
    parser, commands = build_parser()
    named = next((word for word in words if not word.startswith("-")), None)
    if named is None and words and words[0] not in ("-h", *parser.option_names()):
        parser.error(_unread_message(words, parser.option_names()))
    if named is not None and named not in commands:
        parser.error(unknown_name_message("command", named, commands))
    arguments, unread = parser.parse_known_args(words)
    if unread:
        command = commands[arguments.command]
        command.error(_unread_message(unread, command.option_names()))
    return arguments


def build_parser() -> tuple[Parser, dict[str, Parser]]:
    """The parser of the program, and that of each command; each names what runs it as `run`."""
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
        title="commands", metavar="COMMAND", dest="command", required=True, parser_class=Parser
    )
    for command in (explain, open_report):
        command.add_to(commands)
    add_bench(commands)
    listings.add_to(commands)
    return parser, commands.choices


def _unread_message(unread: Sequence[str], options: Sequence[str]) -> str:
    """Say which word was not understood: the first that looks like an option, else the first."""
    word = next((word for word in unread if word.startswith("-")), unread[0])
    if not word.startswith("-"):
        return f"Expected no further words, got {word!r}: leave it out"
    name = word.partition("=")[0]
    # Without the dashes, which all options share: they would make any two of them look alike.
    if name in options:
        return f"Expected {name} after the command, got it before: move it"
    near = near_matches(name.lstrip("-"), [option.lstrip("-") for option in options])
    remedy = f"did you mean {' or '.join(f'--{n}' for n in near)}?" if near else "leave it out"
    return f"Expected one of the options of this command, got {name}: {remedy}"


def add_bench(commands) -> None:
    """Add `seewhy bench` and its options."""
    bench = add_command(
        commands,
        "bench",
        "measure methods on models and data, with intervals",
        "seewhy.cli.bench:bench",
    )
    what = bench.add_argument_group("what is measured (default: as the suite says)")
    what.add_argument(
        "--suite",
        metavar="NAME",
        default="quick",
        help="quick, paper, claims, ablation, cost, sanity, hallucination or full (default: quick)",
    )
    what.add_argument(
        "--models",
        metavar="MODEL",
        nargs="+",
        help="names of models that ship with seewhy, folders or hub ids",
    )
    what.add_argument(
        "--methods", metavar="METHOD", nargs="+", help="such as tam 'arc(k=20)': see seewhy methods"
    )
    what.add_argument(
        "--metrics",
        metavar="METRIC",
        nargs="+",
        help="such as overlap 'insertion(fill=mean)': see seewhy metrics",
    )
    what.add_argument(
        "--data",
        metavar="DATA",
        nargs="+",
        help="testbed, coco:PATH, grandf:PATH, openpsg:PATH, folder:PATH: see seewhy datasets",
    )
    what.add_argument(
        "--limit", metavar="N", type=whole(at_least=1), help="samples of each data set"
    )
    what.add_argument(
        "--words",
        metavar="N",
        type=whole(at_least=0),
        help="words of a sample that costly metrics look at",
    )
    what.add_argument(
        "--answers",
        choices=("reference", "own"),
        help="explain the data's right answers where it has them, or what the model says",
    )
    what.add_argument(
        "--reference", metavar="METHOD", help="whom the others are compared with (default: tam)"
    )
    what.add_argument(
        "--seed", metavar="N", type=whole(at_least=0), default=0, help="of whatever is drawn"
    )
    what.add_argument(
        "--max-new-tokens",
        metavar="N",
        type=whole(at_least=1),
        default=128,
        help="length at which the model's own answers are cut off",
    )
    how = bench.add_argument_group("how")
    how.add_argument(
        "--engine",
        choices=("processes", "ray", "here"),
        default="processes",
        help="processes of this machine, actors of a Ray cluster, or this process alone",
    )
    how.add_argument(
        "--workers",
        metavar="N",
        type=whole(at_least=1),
        default=1,
        help="how many work at once, each with a model of its own (default: 1)",
    )
    how.add_argument(
        "--dtype",
        choices=("auto", "float32", "bfloat16", "float16"),
        help="number type of the weights (default: that of the checkpoint)",
    )
    how.add_argument(
        "--device-map", metavar="MAP", help="where the models go: auto, cpu, cuda:0, ..."
    )
    how.add_argument(
        "--trust-remote-code",
        action="store_true",
        help="run the code that a checkpoint brings along; read it first",
    )
    how.add_argument("--retry", action="store_true", help="do over what failed in earlier runs")
    output = bench.add_argument_group("what comes out")
    output.add_argument(
        "--out",
        metavar="FOLDER",
        help="folder of results; started again, the same command goes on where it was",
    )
    output.add_argument(
        "--report",
        metavar="FOLDER",
        nargs="+",
        help="measure nothing: write tables and page of these results again, put together",
    )
    output.add_argument(
        "--no-gallery", action="store_true", help="draw no cases: saves about a minute"
    )
    output.add_argument("--quiet", action="store_true", help="say nothing on stderr while working")


class Version(argparse.Action):
    """`--version`: print the version and leave."""

    def __call__(self, parser, namespace, values, option_string=None) -> NoReturn:
        """Print and leave with exit status 0."""
        from seewhy._version import __version__

        print(f"seewhy {__version__}")
        raise SystemExit(0)
