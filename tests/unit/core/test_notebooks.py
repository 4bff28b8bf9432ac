"""Where the code runs, told without importing anything."""

import sys
from types import SimpleNamespace

import pytest

from seewhy.core.notebooks import in_ipython_terminal, in_notebook


@pytest.fixture
def shell(monkeypatch):
    """Puts a shell into IPython's place."""

    def put(shell: object) -> None:
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))

    return put


def test_a_script_is_no_notebook(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not in_notebook()
    assert not in_ipython_terminal()


def test_a_kernel_is_a_notebook_and_a_terminal_is_none(shell):
    shell(SimpleNamespace(kernel=object()))
    assert in_notebook()
    terminal = type("TerminalInteractiveShell", (), {})()
    shell(terminal)
    assert not in_notebook()
    assert in_ipython_terminal()
    shell(None)
    assert not in_notebook()


@pytest.mark.parametrize("runs", [True, False])
def test_marimo_is_a_notebook_where_it_runs_one(monkeypatch, runs):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    marimo = SimpleNamespace(running_in_notebook=lambda: runs)
    monkeypatch.setitem(sys.modules, "marimo", marimo)
    assert in_notebook() is runs
