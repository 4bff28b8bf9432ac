"""What axe finds on the page that a browser shows: faults that keep people from using it.

axe (https://github.com/dequelabs/axe-core) is installed by `make`, outside the package.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

VERSION = "4.14.1"
SCRIPT = Path(__file__).parents[2] / f".venv/axe-core-{VERSION}/node_modules/axe-core/axe.min.js"

RUN = """
const [rules, report] = arguments;
const options = rules ? { runOnly: { type: "rule", values: rules } } : {};
axe.run(document, { ...options, resultTypes: ["violations"], elementRef: false }).then(
  (found) => report(found.violations),
  (error) => report([{ id: "axe", impact: null, help: String(error), nodes: [] }]),
);
"""

UNFOLD = "for (const one of document.querySelectorAll('details')) one.open = true"


def violations(driver: WebDriver, *, rules: Sequence[str] | None = None) -> list[str]:
    """What axe finds on the page as it is shown: one text for each element that is at fault.

    Args:
        driver: a browser with a page open; its window's size and colours are left as they are.
        rules: names of axe's rules; all of them by default, the advice of good practice too.

    Returns:
        Texts such as `color-contrast (serious): Elements must ...: #answer > span: <span ...`;
        none where there is no fault.
    """
    if not driver.execute_script("return 'axe' in window"):
        # Not through a script element: a page's own rules of security would refuse that.
        driver.execute_script(_source())
    found = driver.execute_async_script(RUN, None if rules is None else list(rules))
    return [text for violation in found for text in _texts(violation)]


def unfold(driver: WebDriver) -> None:
    """Open everything that is folded, so that axe and the eye see it."""
    driver.execute_script(UNFOLD)


def _source() -> str:
    if not SCRIPT.is_file():
        pytest.fail(f"Expected {SCRIPT}, got none: `make test` installs it.")
    return SCRIPT.read_text("utf-8")


def _texts(violation: dict[str, Any]) -> list[str]:
    head = f"{violation['id']} ({violation['impact']}): {violation['help']}"
    nodes = [
        f"{head}: {' > '.join(map(str, node['target']))}: {node['html'][:160]}: "
        f"{' '.join(str(node.get('failureSummary', '')).split())[:300]}"
        for node in violation["nodes"]
    ]
    return nodes or [head]
