"""Output that is closed, full or left by its reader: one line or none, never a traceback."""

from __future__ import annotations

import io
import sys

import pytest

from seewhy.cli import main as main_module
from seewhy.cli._streams import Output, Progress, ReaderGone, guarded_streams
from seewhy.cli.main import main
from seewhy.core.errors import OutputError


class Failing(io.StringIO):
    """A stream that fails when it is written or flushed."""

    def __init__(self, error: Exception, *, late: bool = False) -> None:
        super().__init__()
        self.error, self.late = error, late

    def write(self, text: str) -> int:
        if not self.late:
            raise self.error
        return len(text)

    def flush(self) -> None:
        raise self.error


FULL = OSError(28, "No space left on device")
COMMANDS = [
    ["version"], ["methods"], ["models", "--json"], ["metrics"], ["datasets"], ["suites"],
    ["cite", "arc"], ["bench", "--print-config"],
]  # fmt: skip


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_tells_a_full_disk_in_one_line(words, late, monkeypatch, capsys):
    monkeypatch.setattr(main_module, "give_up_stdout", lambda: None)
    monkeypatch.setattr(sys, "stdout", Failing(FULL, late=late))
    assert main(words) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "standard output, got No space left on device" in err


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_ends_quietly_where_the_reader_has_left(words, monkeypatch, capsys):
    monkeypatch.setattr(main_module, "give_up_stdout", lambda: None)
    monkeypatch.setattr(sys, "stdout", Failing(BrokenPipeError(32, "Broken pipe")))
    assert main(words) == 0
    assert capsys.readouterr().err == ""


def test_closed_output_is_told_and_closed_errors_are_not(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["version"]) == 2
    assert "got it is closed" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["version"]) == 2
    monkeypatch.setattr(sys, "stderr", Failing(FULL))
    assert main(["cite", "no-such-method"]) == 2


def test_help_that_cannot_be_written_is_told(monkeypatch, capsys):
    monkeypatch.setattr(main_module, "give_up_stdout", lambda: None)
    monkeypatch.setattr(sys, "stdout", Failing(FULL, late=True))
    with pytest.raises(SystemExit, match="2"):
        main(["--help"])
    assert "No space left on device" in capsys.readouterr().err


def test_errors_of_the_system_are_one_line(monkeypatch, capsys):
    def fail(_):
        raise OSError(5, "Input/output error", "some/file")

    monkeypatch.setattr("seewhy.cli.listings.version", fail)
    assert main(["version"]) == 2
    assert capsys.readouterr().err.startswith("seewhy: Expected files and folders that can be used")
    with pytest.raises(OSError, match="Input/output error"):
        main(["version", "--debug"])


def test_guarded_streams_are_put_back():
    before = sys.stdout, sys.stderr
    with guarded_streams():
        assert isinstance(sys.stdout, Output)
        assert isinstance(sys.stderr, Progress)
    assert (sys.stdout, sys.stderr) == before


def test_output_tells_what_went_wrong():
    with pytest.raises(ReaderGone, match="^$"):
        Output(Failing(BrokenPipeError())).write("a")
    with pytest.raises(OutputError, match="got No space left"):
        Output(Failing(FULL)).write("a")
    assert Progress(Failing(FULL)).write("abc") == 3
    assert Output(io.StringIO()).isatty() is False
