"""What `main` does about the streams and the end of a command, in processes of their own."""

import os
import subprocess
import sys


def start(*words, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "seewhy.cli.main", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def test_main_keeps_quiet_where_the_reader_has_left():
    with start("version") as process:
        assert process.stdout
        process.stdout.close()
        assert process.stderr
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_main_prints_names_that_the_terminal_cannot_encode():
    with start("explain", "\udcff né.png", "--quiet", PYTHONIOENCODING="ascii") as process:
        out, err = process.communicate(timeout=300)
    assert (process.returncode, out) == (2, "")
    assert "there is no such file" in err
    assert "Traceback" not in err


def test_run_is_what_the_installed_command_starts():
    from importlib.metadata import entry_points

    from seewhy.cli.main import run

    (command,) = entry_points(group="console_scripts", name="seewhy")
    assert command.load() is run
