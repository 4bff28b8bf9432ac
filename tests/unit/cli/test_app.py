"""`seewhy app`: what it checks before anything starts, and what it prints."""

import os
import re
import sys

import pytest
from transformers import AutoConfig  # noqa: F401 - a worker's thread imports it, and outlives a test

from seewhy.cli.main import main
from seewhy.testbed.pretrained import pretrained


@pytest.fixture
def served(monkeypatch, tmp_path):
    """Serving is noted, and ends at once."""
    found = []

    def serve(service, listening, access, when_ready):
        when_ready()
        found.append((service.models.names, service.limits, access, left_in(tmp_path)))

    monkeypatch.setattr("seewhy.app.serving.serve", serve)
    monkeypatch.setattr("seewhy.app.worker.Worker.close", lambda self: True)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return found


def left_in(folder):
    """Folders of apps; torch makes one of its own."""
    return [name for name in os.listdir(folder) if name.startswith("seewhy")]


@pytest.fixture
def opened(monkeypatch):
    """Addresses that a browser on a machine with a display was asked to show."""
    addresses = []
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("webbrowser.open", lambda address: addresses.append(address) or True)
    return addresses


def test_the_address_is_printed_with_its_token_and_the_browser_gets_a_ticket(
    served, opened, capsys, tmp_path
):
    assert main(["app"]) == 0
    out, err = capsys.readouterr()
    host, token = re.fullmatch(
        r"seewhy is at (http://127\.0\.0\.1:\d+/)\?token=(\S+)\n", out
    ).groups()
    assert len(token) >= 43
    (address,) = opened
    assert address.startswith(f"{host}?token=")
    assert token not in address  # other people can read a browser's command line
    assert "Ctrl-C" in err
    ((names, _, access, folders),) = served
    assert names[0] == "tiny-qwen2-vl"
    assert access.is_token(address.partition("=")[2])
    assert not access.is_token(address.partition("=")[2])
    assert len(folders) == 1
    assert not left_in(tmp_path)


def test_names_and_settings_are_passed_on(served, capsys):
    words = ["--model", "tiny-llava", "--model", "tiny-internvl", "--no-browser", "--no-token"]
    assert main(["app", *words, "--host", "localhost"]) == 0
    assert re.fullmatch(r"seewhy is at http://localhost:\d+/\n", capsys.readouterr().out)
    ((names, _, access, _),) = served
    assert names == ("tiny-llava", "tiny-internvl")
    assert access.token is None


def test_a_token_of_ones_own_is_used(served, capsys):
    assert main(["app", "--no-browser", "--token", "my-own-token-1234"]) == 0
    assert "?token=my-own-token-1234\n" in capsys.readouterr().out


def test_without_a_browser_it_says_so(served, monkeypatch, capsys):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert main(["app"]) == 0
    assert "No browser was found" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "0.0.0.0", "--no-token"], "Expected a token for a server at 0.0.0.0"),
        (["--token", "short"], "Expected a token of 16 to 256 letters"),
        (["--token", "a" * 20, "--no-token"], "not allowed with"),
        (["--port", "0"], "a whole number of at least 1"),
        (["--port", "99999"], "a port from 1 to 65535"),
        (["--model", "tiny-lava"], "tiny-llava"),
        (["--model", "/no/such/folder"], "/no/such/folder"),
        (["--model", "tiny-llava", "--model", "tiny-llava"], "each model once"),
        (["--max-memory", "much"], "an amount of memory"),
        (["--host", "no.such.host.invalid"], "an address of this machine"),
    ],
)
def test_mistakes_are_told_on_one_line_and_nothing_starts(served, capsys, tmp_path, words, said):
    try:
        status = main(["app", "--no-browser", *words])
    except SystemExit as end:
        status = end.code
    assert status == 2
    out, err = capsys.readouterr()
    assert said in err
    assert err.count("\n") == 1
    assert "http://" not in out or "?token" in out
    assert not served
    assert not left_in(tmp_path)


def test_a_folder_with_a_model_is_taken(served, capsys):
    folder = str(pretrained()["tiny-llava"])
    assert main(["app", "--no-browser", "--model", folder]) == 0
    assert served[0][0] == (folder,)


def test_without_fastapi_the_extra_is_named(served, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "fastapi", None)
    assert main(["app", "--no-browser"]) == 2
    assert "pip install 'seewhy[app]'" in capsys.readouterr().err
    assert not served


def test_errors_inside_tell_their_kind_and_with_debug_where(capsys):
    from seewhy.cli.app import _reporter

    error = KeyError("words of a user")
    _reporter(False)(error)
    assert capsys.readouterr().err == (
        "seewhy: an error inside seewhy (KeyError): --debug shows where.\n"
    )
    _reporter(True)(error)
    assert "words of a user" in capsys.readouterr().err
