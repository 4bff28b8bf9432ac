"""How long a page needs to answer a person: pointing, choosing, keys, controls, resizing, opening.

    python benchmarks/page_latency.py            # all pages, about two minutes
    python benchmarks/page_latency.py report     # one of report, audit, bench

The report has a picture of 12 megapixels, 1,000 tokens of prompt and answer of which 200 are words
of the answer, and maps of 32 x 24 cells. Each action is done as a person does it, by input events
of the browser (CDP), several times. From Chromium's own trace come, for each action, the longest
task of the page's main thread (by the clock, and by the processor), and the longest
interaction: from the input until the frame that shows its effect (event timing; movements, resizing
and opening have none). On a busy machine the clock counts the work of others too: then the time on
the processor is the page's own. Results go to `results/page_latency.json` and `.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

RESULTS = Path(__file__).parent / "results"
LIMIT_MS = 100
"""Longest time from an input to the frame that shows its effect."""
WORDS, PROMPT_WORDS = 200, 800
PICTURE = (4000, 3000)
"""Width and height of the picture in pixels."""
GRID = (24, 32)
"""Rows and columns of the maps."""

CATEGORIES = "devtools.timeline,disabled-by-default-devtools.timeline,blink.user_timing"
SETTLE_S = 0.6
"""Seconds after each action, in which its frames are drawn."""

Prepared = Callable[[], Callable[[], None]]
"""Finds the place of an action, without doing it; the result does it."""

Event = dict[str, Any]
"""An event of Chromium's trace."""


@dataclass(frozen=True)
class Measured:
    """One action on one page, all times in milliseconds.

    Attributes:
        page, action: what was done, and where.
        count: how often it was done.
        interaction: the longest time from an input to the frame with its effect; None where event
            timing leaves it out.
        task: the longest task of the main thread, by the clock.
        task_cpu: the longest task of the main thread, by the processor.
    """

    page: str
    action: str
    count: int
    interaction: float | None
    task: float
    task_cpu: float


class Browser:
    """Chromium with its trace on, driven by input events."""

    def __init__(self, folder: str) -> None:
        from selenium import webdriver

        from browser.conftest import FLAGS, found

        options = webdriver.ChromeOptions()
        options.binary_location = found("chromium", "chromium-browser", "google-chrome")
        for flag in (*FLAGS, f"--user-data-dir={folder}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
        options.add_experimental_option(
            "perfLoggingPrefs",
            {"enableNetwork": False, "enablePage": False, "traceCategories": CATEGORIES},
        )
        service = webdriver.ChromeService(found("chromedriver"))
        self.driver = webdriver.Chrome(options=options, service=service)
        self.driver.set_script_timeout(60)
        self.resize(1280, 900)

    def resize(self, width: int, height: int) -> None:
        """Give the page another size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def open(self, page: Path) -> list[Event]:
        """Open a page, wait until it is drawn, and return the trace until then."""
        self.driver.get("about:blank")
        self.driver.get(page.as_uri())
        end = time.monotonic() + 120
        ready = "return 'ready' in document.documentElement.dataset"
        while not self.driver.execute_script(ready):
            if time.monotonic() > end:
                raise TimeoutError(f"Expected {page} to be drawn within two minutes.")
            time.sleep(0.05)
        time.sleep(2)
        return self.events()

    def mark(self, name: str) -> None:
        """Put a mark into the trace."""
        self.driver.execute_script("performance.mark(arguments[0])", f"seewhy {name}")

    def place(self, selector: str, at: int = 0) -> tuple[float, float]:
        """The middle of an element in the window, after bringing it into sight."""
        script = """
          const node = document.querySelectorAll(arguments[0])[arguments[1]];
          const box = node.getBoundingClientRect();
          if (box.top < 0 || box.bottom > innerHeight) node.scrollIntoView({ block: "center" });
          const { left, top, width, height } = node.getClientRects()[0];
          return [left + width / 2, top + height / 2];
        """
        x, y = self.driver.execute_script(script, selector, at)
        return x, y

    def move(self, x: float, y: float) -> None:
        """Point at a place."""
        self._mouse("mouseMoved", x, y)

    def click(self, x: float, y: float) -> None:
        """Press and release the mouse at a place."""
        self._mouse("mouseMoved", x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self._mouse(kind, x, y, button="left", clickCount=1)

    def key(self, name: str) -> None:
        """Press and release a key."""
        codes = {"ArrowRight": 39, "ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37}
        code = codes.get(name, ord(name.upper()[0]))
        given = {"key": name, "windowsVirtualKeyCode": code}
        text = {"text": name} if len(name) == 1 else {}
        self.driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyDown", **given, **text})
        self.driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyUp", **given})

    def events(self) -> list[Event]:
        """The trace's events since the last call."""
        messages = (json.loads(entry["message"]) for entry in self.driver.get_log("performance"))
        collected = (message["message"] for message in messages)
        return [m["params"] for m in collected if m.get("method") == "Tracing.dataCollected"]

    def _mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self.driver.execute_cdp_cmd(
            "Input.dispatchMouseEvent",
            {"type": kind, "x": x, "y": y, "pointerType": "mouse", **more},
        )


def measured(page: str, done: Sequence[tuple[str, int]], events: Sequence[Event]) -> list[Measured]:
    """The times of each action, between the marks around it."""
    marks = {event["name"]: event["ts"] for event in events if event["name"].startswith("seewhy ")}
    counts = Counter(
        (event["pid"], event["tid"]) for event in events if event["name"] == "EventDispatch"
    )
    main = counts.most_common(1)[0][0]
    found: dict[str, list[tuple[float, float, float]]] = {}
    for name, number in done:
        start, end = (marks[f"seewhy {edge} {page} {name} {number}"] for edge in ("from", "to"))
        within = [event for event in events if start <= event.get("ts", 0) <= end]
        tasks = [e for e in within if e["name"] == "RunTask" and (e["pid"], e["tid"]) == main]
        inputs = [
            event["args"]["data"]["duration"]
            for event in within
            if event["name"] == "EventTiming" and "duration" in event["args"].get("data", {})
        ]
        found.setdefault(name, []).append(
            (
                max(inputs, default=0.0),
                max((task["dur"] / 1000 for task in tasks), default=0.0),
                max((task.get("tdur", 0) / 1000 for task in tasks), default=0.0),
            )
        )
    return [_summary(page, name, times) for name, times in found.items()]


def _summary(page: str, name: str, times: Sequence[tuple[float, float, float]]) -> Measured:
    inputs, tasks, processor = (round(max(column), 1) for column in zip(*times, strict=True))
    return Measured(page, name, len(times), inputs or None, tasks, processor)


# --- the pages ------------------------------------------------------------------------------------


def report_page(folder: Path) -> Path:
    """A report of the size above."""
    import numpy as np
    from PIL import Image

    from golden.records import record_of
    from seewhy.report.page import html

    text = "the quick brown fox jumps over one lazy dog and sees a star above the house near a tree"
    vocabulary = text.split()
    named = {"star": "star", "house": "house", "tree": "tree"}
    words = [vocabulary[index % len(vocabulary)] for index in range(PROMPT_WORDS)]
    noise = np.random.default_rng(0).integers(0, 255, (150, 200, 3), dtype=np.uint8)
    record = record_of(
        tuple((f" {word}", named.get(word, "")) for word in words[:WORDS]),
        image=Image.fromarray(noise).resize(PICTURE, Image.Resampling.BICUBIC),
        prompt=" ".join(words),
        grid=GRID,
        explained=True,
        scales=(1.0,),
    )
    page = folder / "report.html"
    page.write_text(html(record), "utf-8")
    return page


def audit_page(folder: Path) -> Path:
    """An audit of 4,000 answers."""
    from audit_rows import MADE, SCORES, scene_rows
    from seewhy.audit.page import write_page

    return write_page(folder, scene_rows(4000), scores=SCORES, made=MADE)


def bench_page(folder: Path) -> Path:
    """The committed results: every method by every metric on three models."""
    from pages import build

    return build(RESULTS / "paper", folder, gallery="no")


def pointing(browser: Browser, selector: str, *numbers: int) -> list[Prepared]:
    """Point at elements, one after the other."""
    return [lambda at=at: partial(browser.move, *browser.place(selector, at)) for at in numbers]


def clicking(browser: Browser, selector: str, *numbers: int) -> list[Prepared]:
    """Click at elements, one after the other."""
    return [lambda at=at: partial(browser.click, *browser.place(selector, at)) for at in numbers]


def looks(browser: Browser) -> Iterator[tuple[str, list[Prepared]]]:
    """What every page has: another width, and light or dark."""
    widths = (900, 390, 1280)
    yield "resize", [lambda width=width: partial(browser.resize, width, 900) for width in widths]
    yield "light or dark", clicking(browser, "#theme", 0, 0)


def report_actions(browser: Browser) -> Iterator[tuple[str, list[Prepared]]]:
    """What a person does on a report."""
    word = "#answer .unit"
    yield "point at a word", pointing(browser, word, 3, 50, 14, 120, 199)
    yield "pin, compare, unpin", clicking(browser, word, 50, 14, 14, 50)
    keys = ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp")
    yield "arrow keys", [lambda key=key: partial(browser.key, key) for key in keys]
    yield (
        "point at the picture",
        [lambda d=d: _within_picture(browser, d) for d in (-90, 0, 40, 80)],
    )
    for name in ("mode", "display", "colours"):
        yield name, clicking(browser, f"#{name} button", 1, 2, 0)
    yield "words or tokens", clicking(browser, "#segmentation button", 1, 0)
    yield "point at a word of the prompt", pointing(browser, "#prompt .unit", 3, 40, 700)
    yield from looks(browser)


def _within_picture(browser: Browser, offset: int) -> Callable[[], None]:
    x, y = browser.place(".picture-frame")
    return partial(browser.move, x + offset, y + offset)


def audit_actions(browser: Browser) -> Iterator[tuple[str, list[Prepared]]]:
    """What a person does on an audit."""
    yield "filter by source", clicking(browser, ".source-name", 0, 0)
    yield "another table", clicking(browser, "#tables button", 1, 0)
    yield from looks(browser)


def bench_actions(browser: Browser) -> Iterator[tuple[str, list[Prepared]]]:
    """What a person does on a bench page."""
    yield "sort", clicking(browser, "#table thead button", 1, 2, 3)
    yield "hide a metric, show it", clicking(browser, "#metrics button", 0, 0)
    yield "another model", clicking(browser, "#views button", 1, 2, 0)
    yield "open a reason", clicking(browser, "#reasons summary", 0, 0)
    yield from looks(browser)


PAGES: dict[str, tuple[Callable[[Path], Path], Callable[[Browser], Iterator[Any]]]] = {
    "report": (report_page, report_actions),
    "audit": (audit_page, audit_actions),
    "bench": (bench_page, bench_actions),
}


def run(name: str, browser: Browser, folder: Path) -> list[Measured]:
    """Make a page, open it, do everything, and read the trace."""
    make, actions_of = PAGES[name]
    page = make(folder)
    print(f"{name}: {page.stat().st_size / 1e6:.1f} MB", file=sys.stderr)
    events = browser.open(page)
    done: list[tuple[str, int]] = []
    for action, all_times in actions_of(browser):
        for number, prepare in enumerate(all_times):
            act = prepare()
            browser.mark(f"from {name} {action} {number}")
            act()
            time.sleep(SETTLE_S)
            browser.mark(f"to {name} {action} {number}")
            done.append((action, number))
        events += browser.events()
    time.sleep(1)
    return measured(name, done, events + browser.events())


def markdown(listed: Sequence[Measured], made: dict[str, Any]) -> str:
    """The results as a table."""
    lines = [
        "# How long a page needs to answer",
        "",
        f"`python benchmarks/page_latency.py`, {made['date']}, {made['browser']}, "
        f"{made['processors']} processors, load {made['load']} (other work ran beside it).",
        "Milliseconds; of each action the longest of all its repetitions. Aim: under "
        f"{LIMIT_MS} ms. The load counts in the two columns by the clock, not in the last one.",
        "",
        "| page | action | times | input to frame | longest task | of it, processor |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for one in listed:
        interaction = "" if one.interaction is None else f"{one.interaction:.0f}"
        lines.append(
            f"| {one.page} | {one.action} | {one.count} | {interaction} | {one.task:.0f} | "
            f"{one.task_cpu:.0f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure the pages that are named, or all, and write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("pages", nargs="*", help="default: all")
    names = parser.parse_args().pages or list(PAGES)
    if unknown := [name for name in names if name not in PAGES]:
        parser.error(f"Expected pages among {', '.join(PAGES)}, got {unknown[0]!r}")
    listed: list[Measured] = []
    with tempfile.TemporaryDirectory() as profile, tempfile.TemporaryDirectory() as folder:
        browser = Browser(profile)
        version = browser.driver.capabilities["browserVersion"]
        for name in names:
            listed += run(name, browser, Path(folder))
        browser.driver.quit()
    made = {
        "date": datetime.now(UTC).date().isoformat(),
        "browser": f"Chromium {version}, headless, without a GPU",
        "processors": os.cpu_count(),
        "load": round(os.getloadavg()[1], 1),
    }
    text = markdown(listed, made)
    print(text)
    if set(names) == set(PAGES):
        RESULTS.joinpath("page_latency.md").write_text(text, "utf-8")
        data = {"made": made, "limit_ms": LIMIT_MS, "actions": [asdict(one) for one in listed]}
        RESULTS.joinpath("page_latency.json").write_text(json.dumps(data, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
