"""The house has floors, and a floor may use only those below it.

The imports are read from the source, those inside functions included, so that nothing has to be
imported to know them.
"""

import ast
import sys
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "src" / "seewhy"
FLOORS = (
    ("_version",),
    ("core",),
    ("functional",),
    ("images",),
    ("models",),
    ("methods",),
    ("diagnosis",),
    ("metrics",),
    ("testbed",),
    ("datasets",),
    ("report",),
    ("explained_word",),
    ("answer_location", "word_share"),
    ("explanation",),
    ("comparison", "answer_diff"),
    ("options", "chats"),
    ("memory",),
    ("diagnosed", "answer_notes", "region_effect"),
    ("answer_contrasts",),
    ("explained_answer", "methods_figure"),
    ("follow_up", "side_by_side"),
    ("explainer",),
    ("captured",),
    ("api",),
    ("runs",),
    ("bench",),
    ("audit",),
    ("__init__",),
    ("app", "notebook"),
    ("cli",),
)
"""From the ground up. The package's own face, `__init__`, stands above what it shows."""

ALLOWED: dict[tuple[str, str], str] = {}
"""Imports against the floors, `(importing module, imported module)`, each with its reason."""

LATE: dict[tuple[str, str], str] = {
    (
        "seewhy.explanation",
        "seewhy.notebook.explanations",
    ): "a cell that shows an explanation asks it for its output, and a notebook is above it",
    ("seewhy.explainer", "seewhy.notebook.interact"): "the app stands on explainers",
}
"""Modules of floors above that are imported by name, when something is asked for: each with its
reason. `importlib.import_module` of any other module of the package is an error."""

FOUNDATIONS = {
    "core": {"torch", "regex"},  # regex: grapheme clusters, which the standard library lacks
    "functional": {"torch"},
    # Where they are installed: PyAV for videos, scikit-image for inpainting.
    "images": {"torch", "numpy", "PIL", "av", "skimage"},
    "cli": {"rich", "transformers"},
}
"""What a floor may import besides the standard library; the other floors are free."""


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    return {
        ".".join(("seewhy", *path.relative_to(ROOT).with_suffix("").parts)): path
        for path in ROOT.rglob("*.py")
    }


@dataclass(frozen=True)
class Source:
    """What a module's source says: its docstring, its imports and names of ours in its texts."""

    docstring: str | None
    imports: frozenset[str]
    named: frozenset[str]


@cache
def source(name: str) -> Source:
    """A module's source, read once: its imports are dotted names, those inside functions too."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    imports, named = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively: write the whole name"
            imports |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            named |= {node.value} if node.value.startswith("seewhy.") else set()
    return Source(ast.get_docstring(tree), frozenset(imports), frozenset(named))


def module_of(target: str, known) -> str | None:
    """The module of ours that a dotted name (of a module, or of a thing in one) lies in."""
    parts = target.split(".")
    for end in range(len(parts), 0, -1):
        name = ".".join(parts[:end])
        for candidate in (name, f"{name}.__init__"):
            if candidate in known:
                return candidate
    return None


def floor(module: str) -> int:
    """The floor's number."""
    room = module.split(".")[1]
    return next(i for i, rooms in enumerate(FLOORS) if room in rooms)


MODULES = modules()


@cache
def graph() -> dict[str, set[str]]:
    """The modules of ours that each module imports."""
    return {
        name: {
            found
            for target in source(name).imports
            if (found := module_of(target, MODULES)) and found != name
        }
        for name in MODULES
    }


def test_floors_are_all_there():
    assert {name.split(".")[1] for name in MODULES} == {room for rooms in FLOORS for room in rooms}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_floor_uses_only_floors_below(name):
    wrong = {
        target
        for target in graph()[name]
        if floor(target) > floor(name) and (name, target) not in ALLOWED
    }
    assert not wrong, f"{name} imports {sorted(wrong)} from a floor above its own"


def late_imports(name: str) -> set[str]:
    """Modules of the package whose dotted names stand as texts in a module's code."""
    return {n for n in source(name).named if n in MODULES or f"{n}.__init__" in MODULES}


def test_modules_that_are_imported_late_are_known():
    """A name in a text is no way around the floors."""
    found = {
        (name, target)
        for name in MODULES
        for target in late_imports(name)
        if floor(target) > floor(name)
    }
    assert found == set(LATE)


def test_allowed_exceptions_are_still_needed():
    assert {pair for pair in ALLOWED if pair[1] not in graph().get(pair[0], ())} == set()


def test_imports_have_no_cycles():
    # A package's __init__ that names what it shows is no cycle by itself: only modules count that
    # import each other.
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        pytest.fail(f"modules import each other: {' <- '.join(error.args[1])}")


def test_floors_stand_on_their_foundations_alone():
    found = defaultdict(set)
    for name in MODULES:
        for target in source(name).imports:
            top = target.split(".")[0]
            if top != "seewhy" and top not in sys.stdlib_module_names:
                found[name.split(".")[1]].add(top)
    for room, allowed in FOUNDATIONS.items():
        assert found[room] <= allowed, f"{room} imports {sorted(found[room] - allowed)}"


def test_models_are_known_to_the_models_floor_and_those_that_load_them_alone():
    """The report knows explanations, never models."""
    reach = {
        name
        for name in MODULES
        if any(target.split(".")[0] == "transformers" for target in source(name).imports)
    }
    assert {name.split(".")[1] for name in reach} <= {"models", "testbed", "api", "cli"}


def reached(name: str) -> set[str]:
    """All modules of ours that a module imports, directly or through others."""
    found, waiting = set(), [name]
    while waiting:
        for module in graph()[waiting.pop()] - found:
            found.add(module)
            waiting.append(module)
    return found


def test_metrics_that_do_not_say_that_they_run_the_model_cannot_reach_one():
    """They stand on arrays: neither models nor methods are behind their modules."""
    from seewhy.metrics import METRICS

    assert {metric.name for metric in METRICS if "model" not in metric.needs} >= {
        *("auc", "energy", "overlap", "pointing-game")
    }
    for metric in METRICS:
        rooms = {module.split(".")[1] for module in reached(metric.__module__)}
        assert ("model" in metric.needs) == bool(rooms & {"models", "methods"}), metric.name


@pytest.mark.parametrize("name", sorted(MODULES))
def test_module_has_a_docstring_and_no_relative_or_star_import(name):
    assert source(name).docstring, f"{name} says nothing of itself"
    assert not any(target.endswith(".*") for target in source(name).imports)


BANNED = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_module_is_named_after_what_it_holds(name):
    assert not BANNED & set(name.split("."))
