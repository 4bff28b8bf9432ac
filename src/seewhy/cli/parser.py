"""The commands of the command line. Standard library only."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from seewhy.cli import _audit_options, app, compare, explain, figure, listings, open_report
from seewhy.cli._bench_options import add_bench_options
from seewhy.cli._command import Parser, add_command
from seewhy.core.suggestions import near_matches, unknown_name_message

EXAMPLES = """\
examples:
  seewhy explain                                  a drawn scene, the model that ships with seewhy
  seewhy explain cat.jpg --model Qwen/Qwen2-VL-2B-Instruct --dtype bfloat16
  seewhy explain cat.jpg --model ./my-model --method tam --prompt "What is on the sofa?"
  seewhy explain before.png after.png --model ./my-model --prompt "What has changed?"
  seewhy explain cat.jpg --model ./my-model --contrast cat=dog
  seewhy figure explained/cat --words cat,sofa --out cat.pdf   a figure for a paper
  seewhy app                                      a page of your own: drop a picture, ask, ask back
  seewhy compare cat.jpg --model ./base --model ./tuned --out two   one answer by two models
  seewhy compare cat.jpg --method tam --method arc --model ./my-model --out two   by two methods
  seewhy bench --out results --workers 2           measure all methods of the suite `quick`
  seewhy audit pope:coco_pope_random.json --model ./my-model --out audit   every word of a data set
  seewhy explain --chat request.json --answer-from response.json --model ./my-model
  seewhy explain cat.jpg --model ./my-model --json | jq '.words[] | [.text, .peak]'
"""


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the arguments after `seewhy`; errors for unknown names give near matches.

    Args:
        words: the arguments; those of the process if None.

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
    """The parser of the program and of each command; `run` names the command's function."""
    parser = Parser(
        prog="seewhy",
        description="Point at a word a multimodal model said, and see where it came from.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version", action=Version, nargs=0, help="print this program's version and exit"
    )
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="command", required=True, parser_class=Parser
    )
    for command in (explain, app, open_report, figure, compare):
        command.add_to(commands)
    add_bench_options(
        add_command(
            commands,
            "bench",
            "measure methods on models and data, with intervals",
            "seewhy.cli.bench:bench",
        )
    )
    _audit_options.add_to(commands)
    listings.add_to(commands)
    return parser, commands.choices


def _unread_message(unread: Sequence[str], options: Sequence[str]) -> str:
    """The error for the first unknown option, or else the first unknown word."""
    word = next((word for word in unread if word.startswith("-")), unread[0])
    if not word.startswith("-"):
        return f"Expected no further words, got {word!r}: leave it out"
    name = word.partition("=")[0]
    # Compared without dashes: all options share them, which would make all of them similar.
    if name in options:
        return f"Expected {name} after the command, got it before: move it"
    near = near_matches(name.lstrip("-"), [option.lstrip("-") for option in options])
    remedy = f"did you mean {' or '.join(f'--{n}' for n in near)}?" if near else "leave it out"
    return f"Expected one of the options of this command, got {name}: {remedy}"


class Version(argparse.Action):
    """`--version`: print the version and exit."""

    def __call__(self, parser, namespace, values, option_string=None) -> NoReturn:
        """Print and exit with status 0."""
        from seewhy._version import __version__

        print(f"seewhy {__version__}")
        raise SystemExit(0)
