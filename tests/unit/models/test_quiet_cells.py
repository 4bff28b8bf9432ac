"""Loading and explaining in a cell: told in one line, and elsewhere just what they were."""

from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from seewhy.models import quiet_explaining, quiet_loading


@dataclass(frozen=True)
class Options:
    progress: object = None


@pytest.fixture
def lines(monkeypatch):
    """The lines that were shown; in a notebook."""
    shown = []

    @contextmanager
    def line(text, more=None):
        shown.append(text)
        yield shown.append

    monkeypatch.setattr(quiet_loading, "in_notebook", lambda: True)
    monkeypatch.setattr(quiet_loading, "import_libraries", lambda: None)
    for module in (quiet_loading, quiet_explaining):
        monkeypatch.setattr(module, "progress_line", line)
    return shown


@pytest.mark.parametrize(
    ("given", "told"),
    [("org/name", "loading org/name"), ((object(), object()), "loading the model")],
)
def test_loading_says_what_is_loaded(lines, given, told):
    load = quiet_loading.quiet_in_cells(lambda model, **settings: (model, settings))
    assert load(given, dtype=1) == (given, {"dtype": 1})
    assert load(model=given) == (given, {})
    assert lines == [told, told]


def test_loading_in_a_script_is_what_it_was(lines, monkeypatch):
    monkeypatch.setattr(quiet_loading, "in_notebook", lambda: False)

    def load(model):
        """Load."""
        return model

    quiet = quiet_loading.quiet_in_cells(load)
    assert quiet("name") == "name"
    assert quiet.__doc__ == "Load."
    assert lines == []


def test_explaining_tells_its_stages(lines):
    @quiet_explaining.told_in_cells
    def explain(self, questions, options, guard, ways=()):
        options.progress("writing the answer")
        return self, questions, guard, ways

    assert explain(1, 2, Options(), 3, ways=4) == (1, 2, 3, 4)
    assert lines == ["explaining", "writing the answer"]
    own = []
    explain(1, 2, Options(own.append), 3)
    assert own == ["writing the answer"], "a caller's own progress is called, as ever"
    assert lines == ["explaining", "writing the answer", "explaining"]
