"""`seewhy explain` over a stand-in for the library: what it asks, prints, writes and leaves."""

import json
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import seewhy
from seewhy.cli.main import main
from seewhy.core.errors import MemoryLimitError, ModelError, ParameterError
from seewhy.images import notes_of
from seewhy.methods import DEFAULT, create
from seewhy.options import ExplainOptions

RESULT = {
    "prompt": "What?",
    "answer": "né",
    "words": [{"text": "né", "probability": 0.9, "peak": [1, 2], "context": []}],
}


class Stand:
    """Stands in for an explainer and its explanation, and notes what it was asked."""

    def __init__(self):
        self.loaded, self.asked, self.saved, self.scales = [], [], [], []
        self.error = None
        self.record = SimpleNamespace(provenance=SimpleNamespace(notes=("Two frames.",)))

    def load(self, *words, **options):
        self.loaded.append((words, options))
        print("a library's chatter")  # noqa: T201 (it must not reach stdout)
        return self

    def explain(self, image, prompt, **options):
        self.asked.append((image, prompt, options))
        if self.error:
            raise self.error
        return self

    def save(self, folder, overwrite=False, **scale):
        self.saved.append((folder, overwrite))
        self.scales.append(scale)

    def to_json(self):
        return RESULT


@pytest.fixture
def stand(monkeypatch, tmp_path):
    stand = Stand()
    monkeypatch.setattr(seewhy, "load", stand.load, raising=False)
    monkeypatch.chdir(tmp_path)
    return stand


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "ein Bild.png"
    Image.new("RGB", (8, 6), (1, 2, 3)).save(path)
    return str(path)


def test_explain_passes_on_what_was_asked(stand, picture):
    words = ["--model", "m", "--dtype", "float32", "--device-map", "cpu", "--prompt", "What?"]
    words += ["--answer", "a car", "--method", "arc", "--k", "9", "--max-new-tokens", "5"]
    assert main(["explain", picture, *words]) == 0
    assert stand.loaded == [(("m",), {"dtype": "float32", "device_map": "cpu"})]
    image, prompt, given = stand.asked[0]
    options = given.pop("options")
    assert (image.size, prompt) == ((8, 6), "What?")
    assert given == {"answer": "a car"}
    options.progress("a stage")
    assert options == replace(
        ExplainOptions(method=create("arc", k=9), max_new_tokens=5), progress=options.progress
    )


def test_explain_writes_maps_on_the_scale_that_is_named(stand, picture, tmp_path):
    for place, words in (("a", []), ("b", ["--display", "word"])):
        assert main(["explain", picture, "--out", str(tmp_path / place), *words]) == 0
    assert stand.scales == [{}, {"display": "word"}]
    with pytest.raises(SystemExit, match="2"):
        main(["explain", picture, "--display", "words"])


@pytest.mark.parametrize("words", [[], ["--diagnose"]])
def test_explain_diagnoses_only_when_asked(stand, picture, words):
    assert main(["explain", picture, *words]) == 0
    assert stand.asked[0][2]["options"].diagnose is bool(words)


def test_explain_passes_on_the_convention_of_boxes(stand, picture):
    assert main(["explain", picture, "--boxes", "relative-1000"]) == 0
    assert stand.asked[0][2]["options"].boxes == "relative-1000"


def test_explain_refuses_an_unknown_convention_of_boxes_before_the_model_is_loaded(
    stand, picture, capsys
):
    assert main(["explain", picture, "--boxes", "relativ-1000"]) == 2
    assert stand.loaded == []
    err = capsys.readouterr().err
    assert "convention of boxes, got 'relativ-1000'" in err
    assert "relative-1000" in err


def test_explain_takes_other_pictures_for_verdicts(stand, picture, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["explain", picture, "--diagnose", "--other-pictures", "a.png", "b.png"]) == 0
    found = stand.asked[0][2]["options"].other_pictures
    assert found == [str(tmp_path / "a.png"), str(tmp_path / "b.png")]


def test_explain_refuses_other_pictures_that_nothing_uses(stand, picture, capsys):
    assert main(["explain", picture, "--other-pictures", "a.png"]) == 2
    assert "other_pictures with diagnose=True" in capsys.readouterr().err


def test_explain_samples_where_a_temperature_is_given(stand, picture):
    assert main(["explain", picture, "--temperature", "0.7", "--seed", "3"]) == 0
    options = stand.asked[0][2]["options"]
    assert options.generation == {"do_sample": True, "temperature": 0.7}
    assert options.seed == 3


def test_explain_names_the_default_method_so_that_it_may_fall_back(stand, picture):
    assert main(["explain", picture]) == 0
    assert stand.asked[0][2]["options"].method == DEFAULT
    assert main(["explain", picture, "--method", DEFAULT]) == 0
    assert stand.asked[1][2]["options"].method == create(DEFAULT)


def test_explain_draws_a_held_out_scene_without_an_image(stand):
    from seewhy.testbed.scenes import draw, scene

    assert main(["explain", "--scene", "5", "--json"]) == 0
    drawn = draw(scene(5, "heldout")).image
    image, _, given = stand.asked[0]
    assert np.array_equal(np.asarray(image), drawn)
    assert notes_of(image) == (
        "The picture is scene 5 of the split 'heldout', seed 0, of testbed.",
    )
    assert given["options"].seed == 0


def test_explain_prints_one_json_object_and_nothing_else(stand, picture, capsys):
    assert main(["explain", picture, "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == RESULT
    assert out.isascii()
    assert "a library's chatter" in err
    assert err.endswith("seewhy: Two frames.\n")
    assert stand.saved == []


def test_explain_is_silent_when_asked(stand, picture, capsys):
    assert main(["explain", picture, "--json", "--quiet"]) == 0
    assert capsys.readouterr().err == "a library's chatter\n"


def test_explain_writes_a_new_folder_each_time_by_default(stand, picture, tmp_path, capsys):
    assert main(["explain", picture]) == 0
    assert capsys.readouterr().out.endswith("report: explained/ein-Bild/report.html\n")
    (tmp_path / "explained" / "ein-Bild").mkdir(parents=True)
    assert main(["explain", picture]) == 0
    assert str(stand.saved[1][0]) == "explained/ein-Bild-2"


def test_explain_names_the_folder_after_the_chat(stand, tmp_path):
    turns = [{"role": "user", "content": "What?"}]
    (tmp_path / "my chat.json").write_text(json.dumps(turns))
    assert main(["explain", "--chat", "my chat.json"]) == 0
    assert str(stand.saved[0][0]) == "explained/my-chat"
    assert stand.asked[0][0] == []
    (turn,) = stand.asked[0][2]["messages"].turns
    assert (turn.role, turn.parts) == ("user", ("What?",))


def test_explain_names_the_folder_after_the_chat_whatever_pictures_it_has(stand, picture):
    turns = [{"role": "user", "content": [{"type": "image"}, "What?"]}]
    with open("chat.json", "w", encoding="utf-8") as file:
        json.dump(turns, file)
    with open("log.jsonl", "w", encoding="utf-8") as file:
        file.write(f"{json.dumps({'messages': turns})}\n" * 2)
    assert main(["explain", picture, "--chat", "chat.json"]) == 0
    assert main(["explain", "--scene", "4", "--chat", "chat.json"]) == 0
    log = ["--chat", "log.jsonl", "--chat-line", "2"]
    assert main(["explain", picture, *log]) == 0
    folders = [str(folder) for folder, _ in stand.saved]
    assert folders == ["explained/chat", "explained/chat", "explained/log-2"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "got No such file or directory: check the path"),
        ("{", "got no JSON"),
        ("{}", "Expected a chat, got an object with []"),
        ("3", "Expected the messages as a list of turns, got 3"),
    ],
)
def test_explain_refuses_a_chat_that_cannot_be_read(stand, tmp_path, content, message, capsys):
    if content is not None:
        (tmp_path / "chat.json").write_text(content)
    assert main(["explain", "--chat", "chat.json"]) == 2
    assert message in capsys.readouterr().err
    assert stand.loaded == []


def test_explain_opens_the_report_when_asked(stand, picture, monkeypatch):
    opened = []
    monkeypatch.setenv("BROWSER", "a-browser")
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    assert main(["explain", picture]) == 0
    assert opened == []
    assert main(["explain", picture, "--open", "--json", "--out", "there"]) == 0
    assert [url.rpartition("/there/")[2] for url in opened] == ["report.html"]


def test_explain_finds_an_existing_folder_before_the_model_is_loaded(stand, picture, capsys):
    assert main(["explain", picture, "--out", "."]) == 2
    assert stand.loaded == []
    assert "Expected" in capsys.readouterr().err


def test_explain_finds_a_closed_place_before_the_model_is_loaded(stand, picture, capsys):
    assert main(["explain", picture, "--out", f"{picture}/deep/er"]) == 2
    assert stand.loaded == []
    assert "a folder that can be written" in capsys.readouterr().err


def test_explain_reads_the_picture_before_the_model_is_loaded(stand, capsys):
    assert main(["explain", "missing.png"]) == 2
    assert stand.loaded == []
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("seewhy: Expected a picture file, got 'missing.png'")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--method", "tma"], "did you mean 'tam'"),
        (["--method", "logit-lens", "--k", "5"], "'k'"),
        (["--window", "4"], "window"),
    ],
)
def test_explain_checks_the_method_before_the_model_is_loaded(stand, words, message, capsys):
    assert main(["explain", *words]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert stand.loaded == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a.png", "--scene", "1"], "an IMAGE or --scene, got both"),
        (["--overwrite"], "Expected --out DIR with --overwrite"),
        (["--out", " "], "the name of a folder after --out"),
        (["--json", "--open"], "Expected --out DIR with --open and --json"),
    ],
)
def test_explain_refuses_words_that_do_not_go_together(stand, words, message, capsys):
    assert main(["explain", *words]) == 2
    assert message in capsys.readouterr().err
    assert stand.loaded == []


def test_main_shows_a_mendable_error_on_one_line(stand, picture, capsys):
    stand.error = ModelError("Expected\n  one thing,\n got another.")
    assert main(["explain", picture, "--quiet"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == ("seewhy: Expected one thing, got another.")
    assert stand.saved == []


def test_main_shows_the_traceback_with_debug(stand, picture):
    stand.error = ModelError("Expected this.")
    with pytest.raises(ModelError, match="Expected this"):
        main(["explain", picture, "--debug"])


def test_main_hides_no_bug(stand, picture):
    stand.error = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError, match="a bug"):
        main(["explain", picture])


def test_main_answers_an_interrupt_with_130(stand, picture, capsys):
    stand.error = KeyboardInterrupt()
    assert main(["explain", picture]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert stand.saved == []


def test_main_restores_stdout(stand, picture):
    before = sys.stdout
    stand.error = ModelError("no")
    main(["explain", picture])
    assert sys.stdout is before


def test_chat_template_is_a_file_or_none(tmp_path):
    from argparse import Namespace

    from seewhy.cli._options import load_options

    file = tmp_path / "chat.jinja"
    file.write_text("{{ messages }}")
    model = {"device_map": None, "trust_remote_code": False}
    model |= {"max_pixels": None, "min_pixels": None, "processor_option": []}
    for given, read in (("plain", "plain"), (str(file), "{{ messages }}")):
        assert load_options(Namespace(chat_template=given, **model)) == {"chat_template": read}
    with pytest.raises(ParameterError, match="Expected a file with a chat template after"):
        load_options(Namespace(chat_template=str(tmp_path / "none"), **model))


def test_explain_hands_on_the_limit_of_memory(stand, capsys):
    assert main(["explain", "--max-memory", "1.5GB", "--json"]) == 0
    assert stand.asked[0][2]["options"].max_memory == 1_500_000_000
    with pytest.raises(SystemExit, match="2"):
        main(["explain", "--max-memory", "much"])
    assert "Expected an amount of memory such as '8GB'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        MemoryLimitError("Expected it to fit,\n got out of memory."),
        RuntimeError("DefaultCPUAllocator: can't allocate\n memory"),
        MemoryError("Unable to allocate 9 GiB"),
    ],
)
def test_out_of_memory_is_one_line_and_status_2(stand, capsys, error):
    stand.error = error
    assert main(["explain", "--json", "--quiet"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    chatter, line = said.err.splitlines()
    assert chatter == "a library's chatter"
    assert line.startswith("seewhy: Expected ")
