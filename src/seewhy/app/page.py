"""The app's page: its document, script and style, as the server gives them out."""

from __future__ import annotations

import html as markup
from functools import cache

from seewhy.report.page import STYLES as REPORT_STYLES
from seewhy.report.page import asset, fill
from seewhy.report.page_script import page_script

STYLES = (*REPORT_STYLES, "comparison.css", "app.css", "app_tools.css", "app_message.css")
"""The style sheets, in order."""

SCRIPT = "app/page.js"

MESSAGE = """<!doctype html>
<html lang="en" class="seewhy">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>seewhy</title>{{refresh}}
<link rel="stylesheet" href="/app.css">
</head>
<body>
<main class="seewhy-message">
<h1>see<em>why</em></h1>
<p>{{message}}</p>
<p><a href="/">Try again</a></p>
</main>
</body>
</html>
"""
REFRESH = '\n<meta http-equiv="refresh" content="0; url={{address}}">'


@cache
def document() -> bytes:
    """The page: it names its script and style and holds neither."""
    return asset("app.html").encode()


@cache
def style() -> bytes:
    """The page's style sheets as one."""
    return "".join(map(asset, STYLES)).encode()


@cache
def script() -> bytes:
    """The page's modules as one script."""
    return page_script(SCRIPT).encode()


def message(text: str, *, go_on: str | None = None) -> bytes:
    """A page that says something, such as what to do to be let in.

    Args:
        text: plain text.
        go_on: an address that is opened at once.
    """
    refresh = "" if go_on is None else fill(REFRESH, address=markup.escape(go_on))
    return fill(MESSAGE, message=markup.escape(text), refresh=refresh).encode()
