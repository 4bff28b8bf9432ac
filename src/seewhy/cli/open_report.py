"""`seewhy open`: a saved explanation in the browser."""

from __future__ import annotations

import os
import sys
import webbrowser
from argparse import Namespace
from contextlib import suppress
from pathlib import Path

from seewhy.cli._command import add_command
from seewhy.core.errors import OutputError, SchemaError
from seewhy.core.paths import expanded

PAGE, COMPARISON = "report.html", "comparison.html"
NO_BROWSER = "No browser was found on this machine: open the file above in one."
NO_BROWSER_FOR_APP = "No browser was found on this machine: open the address above in one."


def add_to(commands) -> None:
    """Add `seewhy open` and its options."""
    parser = add_command(
        commands,
        "open",
        "show a saved explanation in the browser",
        "seewhy.cli.open_report:open_report",
    )
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        help="a folder that `seewhy explain` or `seewhy compare` wrote, or a save(...)",
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="print the path of the report and open nothing"
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing to stderr")


def open_report(arguments: Namespace) -> int:
    """Check a saved explanation, write its report if it is missing, and show it."""
    import seewhy

    folder = expanded(arguments.folder)
    if not folder.is_dir():
        raise SchemaError(
            f"Expected a folder with a saved explanation, got {folder}, which is none: give the "
            "folder that `seewhy explain` wrote."
        )
    page = _comparison_in(folder)
    if page is None:
        explanation = seewhy.open(folder)
        page = folder / PAGE
        if not page.is_file():
            _write(page, explanation.html())
    # Printed without rich: a path must be easy to copy, on one line and without colour.
    print(f"{'report' if page.name == PAGE else 'comparison'}: {page}")
    if not arguments.no_browser:
        show_in_browser(page, quiet=arguments.quiet)
    return 0


def _comparison_in(folder: Path) -> Path | None:
    """The page of a saved comparison; None for a folder that holds something else.

    Raises:
        SchemaError: if the page is missing or damaged.
    """
    from seewhy.report.safe_folder import MANIFEST, read_checked, read_manifest

    if not (folder / MANIFEST).is_file():
        return None
    manifest = read_manifest(folder)
    if not str(manifest.get("schema")).startswith("comparison "):
        return None
    read_checked(folder, COMPARISON, manifest)
    return folder / COMPARISON


def show_in_browser(page: Path, *, quiet: bool = False) -> None:
    """Open a page in the user's browser; print a note to stderr if there is none."""
    if not open_address(page.resolve().as_uri()) and not quiet:
        print(f"seewhy: {NO_BROWSER}", file=sys.stderr)


def open_address(address: str) -> bool:
    """Open an address in the user's browser; False if there is none."""
    return _has_browser() and webbrowser.open(address)


def _has_browser() -> bool:
    """Whether a window can be opened: without a display, Python would start a text browser."""
    if sys.platform in ("darwin", "win32"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def _write(page: Path, html: str) -> None:
    """Write the report completely or not at all."""
    part = page.with_name(f".{PAGE}.{os.getpid()}")
    try:
        part.write_text(html, "utf-8")
        part.replace(page)
    except OSError as error:
        raise OutputError(
            f"Expected to write {page}, got {error.strerror or error}: copy the folder to a "
            "writable place, and open it there."
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()
