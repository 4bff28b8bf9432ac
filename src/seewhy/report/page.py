"""One self-contained page that opens offline.

Text of a model or a user is data: the page holds it as JSON, with every character that could end
the block escaped, and its script inserts it into the document as text only. The page's policy
allows one style and one script, by their hashes, and nothing from elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import html as markup
import json
import re
from functools import cache
from importlib.resources import files

from seewhy.core.display import DISPLAY, Display, expect_display
from seewhy.core.record import Record
from seewhy.report.page_script import page_script
from seewhy.report.payload import payload

# Inside a JSON string these are the same characters, but none can end a script element, open a
# comment or break a line of script.
_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


STYLES = ("look.css", "report.css", "verdicts.css", "locations.css", "regions.css")
"""The report's style sheets, in order."""


def html(record: Record, display: Display = DISPLAY) -> str:
    """Return the report as one HTML document without external references.

    Args:
        record: what to show.
        display: the scale of its maps at first (`seewhy.core.display`).

    Raises:
        UnknownNameError: if there is no such scale.

    Example:
        Write it beside a picture: `Path("report.html").write_text(html(record), "utf-8")`.
    """
    texts = {
        "title": _escape(_title(record)),
        "warnings": _escape(" ".join(record.warnings)),
        "answer": _escape(record.answer),
    }
    return assembled(
        "report", STYLES, {**payload(record), "display": expect_display(display)}, **texts
    )


def assembled(name: str, styles: tuple[str, ...], data: object, **texts: str) -> str:
    """A page as one HTML document without external references.

    Args:
        name: of the template and of the script's folder, such as `"report"`.
        styles: its style sheets, in order.
        data: JSON-ready, without NaN; the script inserts it into the document as text only.
        **texts: further parts of the template, escaped.

    Raises:
        ValueError: if a number is NaN or infinite.
    """
    style, script = "".join(map(asset, styles)), page_script(f"{name}/page.js")
    return fill(
        asset(f"{name}.html"),
        policy=policy(style, script),
        style=style,
        script=script,
        payload=embed(data),
        **texts,
    )


def frame(record: Record, height: int = 760, display: Display = DISPLAY) -> str:
    """Return the report in an iframe, for a notebook's cell.

    Args:
        record: what to show.
        height: in CSS pixels.
        display: the scale of its maps at first.
    """
    return framed_document(html(record, display), "seewhy report", height)


def framed_document(document: str, title: str, height: int = 760) -> str:
    """Return a page in an iframe, for a notebook's cell.

    Args:
        document: the page.
        title: of the frame, for screen readers.
        height: in CSS pixels.
    """
    document = markup.escape(document, quote=True)
    return (
        f'<iframe srcdoc="{document}" sandbox="allow-scripts allow-downloads" title="{title}" '
        f'width="100%" height="{int(height)}" style="border: 0"></iframe>'
    )


def policy(style: str, script: str) -> str:
    """The page's policy: this one style and this one script, and nothing from elsewhere."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; "
        f"script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )


def embed(data: object) -> str:
    """Write data as JSON that is safe inside a script element.

    Raises:
        ValueError: if a number is NaN or infinite.

    Example:
        >>> embed({"text": "</script>"})
        '{"text":"\\\\u003c/script\\\\u003e"}'
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # UTF-8 cannot encode a lone surrogate; in JSON it can be escaped.
    text = re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text)
    return text.translate(_ESCAPES)


def fill(template: str, **parts: str) -> str:
    """Put parts into a template's `{{name}}` places, in one pass: parts are not filled again.

    Raises:
        KeyError: if the template names a part that is not given.

    Example:
        >>> fill("<p>{{a}}</p>", a="{{b}}", b="unused")
        '<p>{{b}}</p>'
    """
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


@cache
def asset(name: str) -> str:
    """Text of one of the page's files."""
    return files("seewhy.report").joinpath("assets", name).read_text("utf-8")


def _escape(text: str) -> str:
    """Text for the markup; a lone surrogate, which UTF-8 cannot encode, becomes a question mark."""
    return markup.escape(text.encode("utf-8", "replace").decode())


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _title(record: Record) -> str:
    answer = " ".join(record.answer.split())
    return f"{answer[:80]}{'…' if len(answer) > 80 else ''} · seewhy"
