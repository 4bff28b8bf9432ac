"""The command line from end to end, over a tiny model of random weights, offline."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import seewhy
import tiny_models
from seewhy.cli.main import main

WORDS = {"text", "start", "end", "tokens", "probability", "peak", "box", "context"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(tiny_models.save(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture
def picture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "picture.png"
    Image.radial_gradient("L").resize((64, 40)).save(path)
    return str(path)


def command(*words):
    return [sys.executable, "-m", "seewhy.cli.main", *words]


def environment():
    return {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


def test_explain_json_is_one_object_on_stdout(model, picture):
    done = subprocess.run(
        command("explain", picture, "--model", model, "--answer", "A red star.", "--json"),
        capture_output=True,
        text=True,
        env=environment(),
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) == {
        *("prompt", "answer", "thinking", "words", "boxes", "points", "method", "model"),
        *("warnings", "notes"),
    }
    assert (found["answer"], found["method"]) == ("A red star.", "logit-shares")
    assert [word["text"] for word in found["words"]] == ["A", "red", "star", "."]
    for index, word in enumerate(found["words"]):
        assert set(word) >= WORDS
        assert found["answer"][word["start"] : word["end"]] == word["text"]
        assert 0 <= word["probability"] <= 1
        assert all(0 <= earlier < index and weight >= 0 for earlier, weight in word["context"])
        if word["peak"] is not None:
            x, y = word["peak"]
            left, top, right, bottom = word["box"]
            assert 0 <= left <= x <= right <= 64
            assert 0 <= top <= y <= bottom <= 40
    assert "Traceback" not in done.stderr


def test_explain_writes_a_folder_that_opens_again(model, picture, capsys):
    words = ["explain", picture, "--model", model, "--answer", "A red star.", "--out", "there"]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "A red star." in shown
    assert shown.endswith("report: there/report.html\n")
    assert Path("there/report.html").is_file()
    assert seewhy.open("there").answer == "A red star."

    assert main(words) == 2
    assert "which exists" in capsys.readouterr().err
    assert main([*words, "--overwrite", "--method", "logit-lens"]) == 0
    assert seewhy.open("there").method == "logit-lens"


def test_explain_lets_the_model_speak(model, picture, capsys):
    words = ["explain", picture, "--model", model, "--max-new-tokens", "4", "--json", "--quiet"]
    assert main(words) == 0
    once = json.loads(capsys.readouterr().out)
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out) == once


def test_explain_without_an_image_explains_a_drawn_scene_with_the_shipped_model(picture, capsys):
    assert main(["explain", "--scene", "3", "--out", "demo", "--quiet"]) == 0
    assert capsys.readouterr().out.endswith("report: demo/report.html\n")
    found = seewhy.open("demo")
    assert found.model == "tiny-qwen2-vl"
    assert len(found) >= 4
    assert found.record.provenance.notes[0].startswith("The picture is scene 3 of the split")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--prompt", "  ", "--answer", "A star."], "prompt"),
        (["--prompt", "Where <|image_pad|> is", "--answer", "A star."], "<|image_pad|>"),
        (["--answer", ""], "answer"),
        (["--answer", "A star.", "--method", "msea", "--scales", "1,1.001"], "1.001"),
        (["--answer", "A star.", "--temperature", "0.5"], "with a given answer"),
    ],
)
def test_explain_answers_bad_input_with_one_line(model, picture, words, message, capsys):
    assert main(["explain", picture, "--model", model, "--out", "there", "--quiet", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("seewhy: Expected ")
    assert message in err
    assert sorted(os.listdir()) == ["picture.png"]


@pytest.mark.parametrize("kind", ["unknown", "text-only"])
def test_explain_refuses_models_it_cannot_explain(kind, picture, tmp_path, capsys):
    model = "no/such-model"
    if kind == "text-only":
        model = str(tiny_models.save_text_only(tmp_path / "text"))
    assert main(["explain", picture, "--model", model, "--quiet"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("seewhy: Expected ")
    assert not Path("explained").exists()


def test_explain_can_be_interrupted_and_leaves_nothing(model, picture):
    words = ["explain", picture, "--model", model, "--out", "there", "--max-new-tokens", "5000"]
    with subprocess.Popen(
        command(*words),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
        # A shell that runs the tests in the background lets its children ignore interrupts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        for line in process.stderr or ():
            if "writing the answer" in line:
                process.send_signal(signal.SIGINT)
                break
        out, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert (out, err.splitlines()[-1][:7]) == ("", "seewhy:")
    assert "Traceback" not in err
    assert sorted(os.listdir()) == ["picture.png"]
