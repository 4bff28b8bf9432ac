"""What a cell shows: a picture and text always, the live page where it can be."""

import base64
import io
import json
import sys
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from IPython.core.formatters import DisplayFormatter
from PIL import Image

from golden.records import pictures_record, record_of
from seewhy.comparison import Comparison
from seewhy.explanation import Explanation
from seewhy.notebook import cell_output as module
from seewhy.notebook.cell_output import VIEW

SANITISED = {"image/png", "image/jpeg", "text/plain", "text/latex", "application/json"}
"""What nbconvert lets through as it is; HTML loses `img`, or shows its source."""

PREFERRED = (VIEW, "application/javascript", "text/html", "text/markdown", "image/svg+xml",
             "text/latex", "image/png", "image/jpeg", "text/plain")  # fmt: skip
"""The order in which front ends choose."""


@pytest.fixture(params=["explanation", "comparison"])
def shown(request):
    """Something that a cell shows, and its answer."""
    one = Explanation(record_of())
    if request.param == "explanation":
        return one
    return Comparison.of([one, Explanation(record_of(seed=3))], labels=["first", "second"])


def picture_in(data) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(data["image/png"])))


def test_picture_and_text_come_first_and_the_widget_last(shown):
    data, metadata = shown._repr_mimebundle_()
    assert list(data) == ["image/png", "text/plain", VIEW]
    assert shown.answer in data["text/plain"]
    assert shown.answer in metadata["image/png"]["alt"]
    width, height = picture_in(data).size
    assert metadata["image/png"]["width"] / metadata["image/png"]["height"] == pytest.approx(
        width / height, rel=0.02
    )


def test_ipython_shows_the_same_and_no_html(shown):
    data, _ = DisplayFormatter().format(shown)
    assert set(data) == {"image/png", "text/plain", VIEW}


def test_without_anywidget_there_are_picture_and_text(shown, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    data, _ = DisplayFormatter().format(shown)
    assert list(data) == ["image/png", "text/plain"]


def test_what_a_sanitiser_leaves_is_the_picture_with_the_sentence(shown):
    """As nbconvert, forges and untrusted notebooks choose: markup, scripts and widgets are gone."""
    data, _ = shown._repr_mimebundle_()
    left = {kind: value for kind, value in data.items() if kind in SANITISED}
    best = next(kind for kind in PREFERRED if kind in left)
    assert best == "image/png"
    assert picture_in(left).width > 1000
    assert "<" not in left["text/plain"]


def test_nothing_large_is_in_the_notebook_file(shown):
    data, metadata = shown._repr_mimebundle_()
    assert len(json.dumps([data, metadata])) < 200_000
    live = shown.widget()
    state = {name: value for name, value in live.get_state().items() if value}
    assert len(json.dumps(state, default=str)) < 10_000, "front ends may save this too"


def test_a_widget_that_fails_leaves_the_picture(monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("no comm")

    monkeypatch.setattr("seewhy.notebook.explanations.report_widget", fail)
    with pytest.warns(UserWarning, match="RuntimeError: no comm"):
        data, _ = Explanation(record_of())._repr_mimebundle_()
    assert list(data) == ["image/png", "text/plain"]


class Shell:
    """A kernel's shell: events, and a publisher of outputs."""

    def __init__(self) -> None:
        self.kernel = object()
        self.events = self
        self.display_pub = self
        self.published: list = []
        self.waiting: list = []

    def register(self, event, call):
        assert event == "post_run_cell"
        self.waiting.append(call)

    def unregister(self, event, call):
        self.waiting.remove(call)

    def publish(self, data, metadata):
        self.published.append(data)

    def end_cell(self):
        for call in list(self.waiting):
            call(None)


@pytest.fixture
def kernel(monkeypatch):
    shell = Shell()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    return shell


def test_in_a_kernel_the_live_page_is_an_output_of_its_own_after_the_cell(kernel):
    explanation = Explanation(record_of())
    data, _ = explanation._repr_mimebundle_()
    assert list(data) == ["image/png", "text/plain"], "a reopened notebook must show the picture"
    assert kernel.published == []
    kernel.end_cell()
    assert [list(one) for one in kernel.published] == [["text/plain", VIEW]]
    assert "Run this cell" in kernel.published[0]["text/plain"]
    kernel.end_cell()
    assert len(kernel.published) == 1, "once for each time that it is shown"
    explanation._repr_mimebundle_()
    kernel.end_cell()
    models = {one[VIEW]["model_id"] for one in kernel.published}
    assert len(kernel.published) == 2
    assert len(models) == 1, "a cell that runs again needs no second widget"


def test_captured_output_holds_everything(kernel):
    kernel.display_pub = type("CapturingDisplayPublisher", (), {})()
    data, _ = Explanation(record_of())._repr_mimebundle_()
    assert list(data) == ["image/png", "text/plain", VIEW]


def test_a_terminal_is_told_text_only(monkeypatch):
    terminal = type("TerminalInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: terminal))
    data, _ = Explanation(record_of())._repr_mimebundle_()
    assert list(data) == ["text/plain"]


class Elements(HTMLParser):
    """The elements of some HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict]] = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_marimo_gets_the_widget_or_one_image(monkeypatch):
    wicked = (("<b>", ""), (' "onerror=x', "star"))
    explanation = Explanation(record_of(wicked))
    assert explanation._display_() is explanation._display_()
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "marimo", SimpleNamespace(Html=str))
    elements = Elements()
    elements.feed(explanation._display_())
    ((tag, attributes),) = elements.found
    assert tag == "img"
    assert set(attributes) == {"src", "alt", "width", "height"}
    assert attributes["src"].startswith("data:image/png;base64,")
    assert attributes["alt"].startswith('<b> "onerror=x')


def test_several_pictures_are_shown_too():
    data, _ = Explanation(pictures_record())._repr_mimebundle_()
    assert picture_in(data).format == "PNG"


def test_frame_holds_the_whole_page(shown):
    frame = shown.frame(height=300)
    assert frame._repr_html_().startswith("<iframe srcdoc=")
    assert 'height="300"' in frame._repr_html_()
    assert len(repr(frame)) < 100
