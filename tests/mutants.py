"""Mutation testing: one-line mistakes that were put in on purpose, and the test that finds each.

    python tests/mutants.py [--only NAME ...] [--jobs N] [--list]

Each mutant of `mutant_list.py` is put into a copy of the package, never into the source itself,
and its test must fail there; before that, all the tests must pass without any mutant. The script
prints its score, and fails if a mutant survives, if a line is not found exactly once, or if a test
fails by itself. Each mutant runs in a process forked from this one, which has imported torch.
"""

# ruff: noqa: T201 - a script that prints its score

from __future__ import annotations

import argparse
import ast
import importlib
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from queue import SimpleQueue

from mutant_list import MUTANTS, Mutant

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "seewhy"

#: Seconds after which a test that does not end is stopped.
LIMIT = 300

#: What is imported before the forks, so that each mutant need not import it again.
SHARED = ("torch", "numpy", "scipy.stats", "PIL.Image", "pytest", "transformers")

#: What pytest's exit code means for a mutant; any other means that the tests could not be run.
VERDICTS = {0: "SURVIVED", 1: "caught", 4: "NO SUCH TEST", 5: "NO SUCH TEST"}

CRASHED = 99
"""The exit code of a process in which pytest itself failed."""


@dataclass(frozen=True)
class Result:
    """What became of a mutant.

    Attributes:
        name: the mutant's.
        verdict: one of `VERDICTS`, `"TIMED OUT"` or `"BROKEN"`.
        seconds: wall time.
        output: what pytest printed.
    """

    name: str
    verdict: str
    seconds: float
    output: str


@cache
def text_of(path: Path) -> str:
    """A file's text, read once: mutants are put into copies only."""
    return path.read_text("utf-8")


def place_of(mutant: Mutant, sources: Sequence[Path]) -> Path:
    """The one file that holds a mutant's original text.

    Raises:
        LookupError: if there is none, or the text occurs more than once.
    """
    found = [path for path in sources for _ in range(text_of(path).count(mutant.old))]
    if len(found) != 1:
        places = ", ".join(str(path.relative_to(PACKAGE)) for path in found) or "nowhere"
        raise LookupError(
            f"Expected the text of mutant {mutant.name} once in the package, got {len(found)} "
            f"({places}): {mutant.old!r}."
        )
    return found[0]


def mutated(mutant: Mutant, path: Path) -> str:
    """The file's text with the mutant in it.

    Raises:
        SyntaxError: if it is no Python any more.
    """
    text = text_of(path).replace(mutant.old, mutant.new)
    ast.parse(text)
    return text


def node_of(mutant: Mutant, tests: Sequence[Path]) -> str:
    """The pytest node of a mutant's test.

    Raises:
        LookupError: if no test has its name, or several have.
    """
    line = f"def {mutant.test}("
    found = [path for path in tests if f"\n{line}" in text_of(path)]
    if len(found) != 1:
        raise LookupError(
            f"Expected one test {mutant.test} for mutant {mutant.name}, got {len(found)}."
        )
    return f"{found[0].relative_to(ROOT)}::{mutant.test}"


def files_of_tests() -> list[Path]:
    """All files of tests."""
    return sorted((ROOT / "tests").rglob("test_*.py"))


def sources() -> list[Path]:
    """All modules of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def copy_package(folder: Path) -> Path:
    """A copy of the package made of links, in which single files can be replaced.

    Returns:
        The folder to put on Python's path.
    """
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, folder / "seewhy", copy_function=os.symlink, ignore=ignored)
    return folder


def run_tests(path: Path, tests: Sequence[str], log: Path) -> tuple[int | None, str]:
    """Run tests against the package in a folder, in a forked process.

    Returns:
        pytest's exit code, or None if the time ran out; and what it printed.
    """
    process = multiprocessing.get_context("fork").Process(target=_child, args=(path, tests, log))
    process.start()
    process.join(LIMIT if len(tests) == 1 else None)
    late = process.is_alive()
    if late:
        process.kill()
        process.join()
    return None if late else process.exitcode, log.read_text("utf-8", "replace")


def _child(path: Path, tests: Sequence[str], log: Path) -> None:
    """The forked process: only pytest itself may end it with a code of `VERDICTS`."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    code = CRASHED
    try:
        code = _pytest(path, tests)
    except BaseException:  # noqa: BLE001 - whatever it is, the mutant was not caught by it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _pytest(path: Path, tests: Sequence[str]) -> int:
    os.chdir(ROOT)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(path), str(ROOT / "tests")])
    sys.path.insert(0, str(path))
    import pytest

    options = ["-q", "--no-header", "--tb=short", "-p", "no:cacheprovider"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # what was imported before
    code = int(pytest.main([*options, *(["-x"] if len(tests) == 1 else []), *tests]))
    import seewhy

    if not Path(seewhy.__file__).is_relative_to(path):
        raise RuntimeError(f"Expected the package in {path}, got {seewhy.__file__}.")
    return code


def run_mutant(mutant: Mutant, path: Path) -> Result:
    """Put a mutant into a copy of the package, run its test, and take it out again."""
    begun, original = time.perf_counter(), place_of(mutant, sources())
    place = path / "seewhy" / original.relative_to(PACKAGE)
    text = mutated(mutant, original)
    place.unlink()
    try:
        place.write_text(text, "utf-8")
        code, output = run_tests(path, [node_of(mutant, files_of_tests())], path / "log.txt")
    finally:
        place.unlink()
        place.symlink_to(original)
    verdict = "TIMED OUT" if code is None else VERDICTS.get(code, "BROKEN")
    return Result(mutant.name, verdict, time.perf_counter() - begun, output)


def run_all(mutants: Sequence[Mutant], jobs: int, folder: Path) -> Iterator[Result]:
    """Run mutants, each of `jobs` at a time in a copy of its own."""
    copies: SimpleQueue[Path] = SimpleQueue()
    for number in range(jobs):
        copies.put(copy_package(folder / f"copy-{number}"))

    def work(mutant: Mutant) -> Result:
        path = copies.get()
        try:
            return run_mutant(mutant, path)
        finally:
            copies.put(path)

    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(work, mutants)


def chosen(names: Sequence[str]) -> list[Mutant]:
    """Mutants whose names hold one of some texts; all for none."""
    return [one for one in MUTANTS if not names or any(name in one.name for name in names)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; 0 if every mutant is caught."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--only", nargs="+", default=(), metavar="NAME", help="part of a name")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="mutants at a time")
    parser.add_argument("--list", action="store_true", help="print the mutants, and run none")
    options = parser.parse_args(arguments)
    mutants = chosen(options.only)
    if options.list or not mutants:
        print("\n".join(f"{one.name}: {one.old!r} -> {one.new!r}" for one in mutants))
        return 0 if mutants else 2
    for mutant in mutants:
        mutated(mutant, place_of(mutant, sources()))
    for module in SHARED:
        importlib.import_module(module)
    with tempfile.TemporaryDirectory() as folder:
        return judge(mutants, options.jobs, Path(folder))


def judge(mutants: Sequence[Mutant], jobs: int, folder: Path) -> int:
    """Run the tests without and with the mutants, and print what came of it."""
    clean = copy_package(folder / "clean")
    tests = sorted({node_of(one, files_of_tests()) for one in mutants})
    code, output = run_tests(clean, tests, clean / "log.txt")
    if code != 0:
        print(f"{output}\nExpected tests that pass without a mutant, got exit code {code}.")
        return 1
    missed = []
    for result in run_all(mutants, jobs, folder):
        print(f"{result.verdict:10} {result.seconds:6.1f} s  {result.name}", flush=True)
        if result.verdict != "caught":
            missed.append(result)
            print(result.output)
    print(f"{len(mutants) - len(missed)} of {len(mutants)} mutants caught.")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
