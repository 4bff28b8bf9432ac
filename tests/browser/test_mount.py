"""Report, bench page and audit page in pages of others: modules, several mounts, a frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import as_file, files
from pathlib import Path
from threading import Thread

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from audit_rows import scene_rows
from browser.test_bench_page import PAYLOAD
from golden.records import record_of
from seewhy.audit import payload as audit_payload
from seewhy.audit.summary import summarise
from seewhy.comparison import Comparison
from seewhy.core.record import Record
from seewhy.explanation import Explanation
from seewhy.report.page import embed, frame
from seewhy.report.payload import payload

pytestmark = pytest.mark.browser

STAR, TREE = 2, 12

# Timers and listeners outside the mounts are kept, to know whether they end with their mount.
HOST = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Host</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/look.css"><link rel="stylesheet" href="/report.css">
<link rel="stylesheet" href="/verdicts.css"><link rel="stylesheet" href="/locations.css">
<link rel="stylesheet" href="/regions.css">
<link rel="stylesheet" href="/tables.css">
<link rel="stylesheet" href="/bench.css"><link rel="stylesheet" href="/audit.css">
<link rel="stylesheet" href="/comparison.css"></head>
<body><h2 id="own">The host's own</h2><button id="plain">A button</button>
<div id="first"></div><div id="second"></div>
<script type="application/json" id="data">{data}</script>
<script>
window.outside = [];
const add = EventTarget.prototype.addEventListener;
EventTarget.prototype.addEventListener = function (name, listener, options) {{
  if (this === window || this === document || this instanceof MediaQueryList) {{
    const entry = {{ name, live: true }};
    options?.signal?.addEventListener("abort", () => {{ entry.live = false; }});
    outside.push(entry);
  }}
  return add.call(this, name, listener, options);
}};
window.timers = new Set();
const [begin, end] = [setInterval, clearInterval];
window.setInterval = (...told) => {{
  const timer = begin(...told);
  timers.add(timer);
  return timer;
}};
window.clearInterval = (timer) => {{
  timers.delete(timer);
  end(timer);
}};
</script>
<script type="module">
import {{ mount }} from "/js/{kind}/mount.js";
const data = JSON.parse(document.getElementById("data").textContent);
const place = (id) => document.getElementById(id);
window.mounts = [mount(place("first"), data, {first}), mount(place("second"), data, {second})];
await Promise.all(mounts.map(({{ ready }}) => ready));
document.documentElement.dataset.ready = "";
</script></body></html>
"""

OpenHost = Callable[..., WebDriver]


class Assets(SimpleHTTPRequestHandler):
    """The page's files as they are, and `/host.html`."""

    host = ""

    def do_GET(self) -> None:
        if self.path != "/host.html":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(Assets.host.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def open_host(chromium: WebDriver) -> Iterator[OpenHost]:
    """A page that mounts a payload twice; afterwards the console must be clean."""
    with as_file(files("seewhy.report").joinpath("assets")) as assets:
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Assets, directory=str(assets)))
        Thread(target=server.serve_forever, daemon=True).start()

        def open_(
            data: object, kind: str = "report", first: str = "{}", second: str = "{}"
        ) -> WebDriver:
            Assets.host = HOST.format(data=embed(data), kind=kind, first=first, second=second)
            chromium.get("about:blank")
            chromium.get_log("browser")
            chromium.get(f"http://127.0.0.1:{server.server_port}/host.html")
            wait_until_ready(chromium)
            return chromium

        yield open_
        assert chromium.get_log("browser") == []
        chromium.get("about:blank")
        server.shutdown()
        server.server_close()


def wait_until_ready(page: WebDriver) -> None:
    ready = "return 'ready' in document.documentElement.dataset"
    WebDriverWait(page, 20, 0.02).until(lambda d: d.execute_script(ready))


def words(page: WebDriver, place: str) -> list[WebElement]:
    return page.find_elements(By.CSS_SELECTOR, f"{place} .answer [role=option]")


def pinned(page: WebDriver, place: str) -> list[str]:
    return [node.text for node in page.find_elements(By.CSS_SELECTOR, f"{place} .unit.pin-a")]


def told(record: Record | None = None) -> object:
    return payload(record or record_of())


def test_two_mounts_on_one_page_do_not_touch_each_other(open_host):
    page = open_host(told())
    texts = [word.text for word in record_of().words]
    for place in ("#first", "#second"):
        assert [node.text for node in words(page, place)] == texts
    words(page, "#second")[STAR].click()
    words(page, "#first")[TREE].click()
    assert (pinned(page, "#first"), pinned(page, "#second")) == (["tree"], ["star"])
    ids = page.execute_script("return [...document.querySelectorAll('[id]')].map(({id}) => id)")
    assert len(ids) == len(set(ids))


def test_mount_keeps_to_itself_by_default(open_host):
    page = open_host(told())
    words(page, "#first")[STAR].click()
    assert page.execute_script("return location.hash") == ""
    page.execute_script("localStorage.clear()")
    page.find_element(By.CSS_SELECTOR, "#first .theme").click()
    assert page.execute_script("return localStorage.length") == 0
    themes = "return [...document.querySelectorAll('.seewhy')].map(({dataset}) => dataset.theme)"
    assert page.execute_script(themes) in (["dark", None], ["light", None])
    assert page.execute_script("return document.documentElement.dataset.theme") is None


def test_mount_answers_keys_where_the_focus_is_inside_it(open_host):
    page = open_host(told())
    shown = (
        "return [...document.querySelectorAll('.answer')].map((one) => one.dataset.segmentation)"
    )
    page.find_element(By.ID, "plain").click()
    ActionChains(page).send_keys("t").perform()
    assert page.execute_script(shown) == ["words", "words"]
    words(page, "#second")[STAR].click()
    ActionChains(page).send_keys("t").perform()
    assert page.execute_script(shown) == ["words", "tokens"]


def test_mount_leaves_the_styles_of_its_page_alone(open_host):
    page = open_host(told())
    style = (
        "const s = getComputedStyle(arguments[0]); return [s.fontFamily, s.borderRadius, s.color]"
    )
    own, button = page.find_element(By.ID, "own"), page.find_element(By.ID, "plain")
    before = [page.execute_script(style, node) for node in (own, button)]
    page.execute_script("for (const one of document.querySelectorAll('link')) one.remove()")
    assert [page.execute_script(style, node) for node in (own, button)] == before


def test_mount_takes_a_theme(open_host):
    page = open_host(told(), first="{theme: 'dark'}", second="{theme: 'light'}")
    ground = "return getComputedStyle(document.querySelector(arguments[0])).backgroundColor"
    colours = [page.execute_script(ground, f"#{place} > div") for place in ("first", "second")]
    assert colours == ["rgb(20, 21, 23)", "rgb(251, 250, 246)"]


def test_unmount_removes_the_report_its_listeners_and_its_timers(open_host):
    page = open_host(told(), first="{deepLinks: true, keyboard: 'page'}")
    page.find_element(By.CSS_SELECTOR, "#first .play").click()
    assert page.execute_script("return timers.size") == 1
    listeners = "return outside.filter(({live}) => live).map(({name}) => name).sort()"
    of_second = ["pointercancel", "pointerup"]
    assert page.execute_script(listeners) == sorted([*of_second * 2, "hashchange", "keydown"])
    page.execute_script("mounts[0].unmount()")
    assert page.execute_script(listeners) == of_second
    assert page.execute_script("return timers.size") == 0
    assert page.execute_script("return document.getElementById('first').childNodes.length") == 0
    page.execute_script("location.hash = 'word=3'")
    page.find_element(By.ID, "plain").click()
    ActionChains(page).send_keys("t").perform()
    words(page, "#second")[STAR].click()
    assert pinned(page, "#second") == ["star"]
    page.execute_script("mounts[1].unmount()")
    assert page.execute_script(listeners) == []


def test_unmount_before_the_report_is_drawn_is_allowed(open_host):
    page = open_host(told())
    page.execute_script("""
        const data = JSON.parse(document.getElementById("data").textContent);
        return import("/js/report/mount.js").then(({ mount }) => {
          const early = mount(document.getElementById("first"), data);
          early.unmount();
          return early.ready;
        });
    """)
    assert len(page.find_elements(By.CSS_SELECTOR, "#first > div")) == 1


def test_two_audit_pages_do_not_touch_each_other(open_host):
    rows = scene_rows(30)
    page = open_host(audit_payload.payload(summarise(rows), rows.answers), "audit")
    lemmas = "return [...document.querySelectorAll(arguments[0])].map(e => e.dataset.lemma)"
    before = page.execute_script(lemmas, "#second .worst > li")
    page.find_element(By.CSS_SELECTOR, "#first .hero button").click()
    assert set(page.execute_script(lemmas, "#first .worst > li")) == {"fish"}
    assert page.execute_script(lemmas, "#second .worst > li") == before
    assert page.execute_script("return location.hash") == "", "the address is the host's"
    ids = page.execute_script("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(set(ids)) == len(ids)
    page.execute_script("for (const one of mounts) one.unmount()")
    assert page.find_elements(By.CSS_SELECTOR, ".seewhy-audit") == []
    assert page.execute_script("return outside.filter(one => one.live).length") == 0


def test_two_bench_pages_can_be_mounted(open_host):
    page = open_host(PAYLOAD, "bench")
    page.find_element(By.CSS_SELECTOR, "#second .metric-choices button").click()
    heads = [
        len(page.find_elements(By.CSS_SELECTOR, f"{place} .figures thead button"))
        for place in ("#first", "#second")
    ]
    assert heads == [2, 1]
    page.execute_script("for (const { unmount } of mounts) unmount()")
    assert page.find_elements(By.CSS_SELECTOR, ".seewhy-bench") == []
    assert page.execute_script("return outside") == []


def test_two_comparisons_do_not_touch_each_other(open_host):
    compared = Comparison.of([Explanation(record_of(seed=seed)) for seed in (0, 1)])
    page = open_host(compared.payload, "comparison", "{topBar: false}", "{deepLinks: true}")
    chosen = "return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)"
    pressed = ".answer button[aria-pressed=true]"
    before = page.execute_script(chosen, f"#second {pressed}")
    page.execute_script("mounts[0].choose(arguments[0])", TREE)
    assert page.execute_script(chosen, f"#first {pressed}") == ["tree"]
    assert page.execute_script(chosen, f"#second {pressed}") == before
    # Without its bar it is a part of the page: no heading of the first level, no landmark.
    for part in (".topbar", "h1", "main", "footer"):
        assert page.find_elements(By.CSS_SELECTOR, f"#first {part}") == []
        assert len(page.find_elements(By.CSS_SELECTOR, f"#second {part}")) == 1
    ids = page.execute_script("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(set(ids)) == len(ids)
    page.find_element(By.ID, "plain").send_keys(Keys.ARROW_RIGHT)
    assert page.execute_script(chosen, f"#first {pressed}") == ["tree"]
    assert page.execute_script("return location.hash") == ""
    page.execute_script("for (const one of mounts) one.unmount()")
    assert page.find_elements(By.CSS_SELECTOR, ".seewhy-comparison") == []
    assert page.execute_script("return outside.filter(one => one.live).length") == 0


def test_report_works_in_a_sandboxed_frame(chromium: WebDriver, tmp_path: Path):
    path = tmp_path / "notebook.html"
    head = '<!doctype html><meta charset="utf-8"><title>Cell</title><link rel="icon" href="data:,">'
    path.write_text(f"{head}{frame(record_of())}", "utf-8")
    chromium.get("about:blank")
    chromium.get_log("browser")
    chromium.get(path.as_uri())
    chromium.switch_to.frame(chromium.find_element(By.TAG_NAME, "iframe"))
    wait_until_ready(chromium)
    assert [node.text for node in words(chromium, "body")] == [w.text for w in record_of().words]
    words(chromium, "body")[STAR].click()
    assert pinned(chromium, "body") == ["star"]
    chromium.find_element(By.CSS_SELECTOR, ".theme").click()
    chromium.switch_to.default_content()
    assert chromium.get_log("browser") == []
