import re
from importlib.resources import files
from pathlib import Path

import pytest

from seewhy.report.page_script import join_modules, page_script

ASSETS = Path(str(files("seewhy.report"))) / "assets" / "js"

FIRST = (
    'import { two, Three } from "./parts/second.js";\n\nexport const one = two() + new Three().x;\n'
)
SECOND = (
    'import { base } from "../base.js";\n'
    "export function two() {\n  return base;\n}\n"
    "const hidden = 3;\n"
    "export class Three { x = hidden; }\n"
)
MODULES = {"first.js": FIRST, "parts/second.js": SECOND, "base.js": "export const base = 2;\n"}


def join(entry: str = "first.js", **changed: str) -> str:
    return join_modules(entry, {**MODULES, **changed}.__getitem__)


def test_join_modules_puts_each_after_what_it_needs():
    assert join() == (
        "const $base = (() => {\n"
        "const base = 2;\n"
        "return { base };\n"
        "})();\n"
        "const $parts_second = (() => {\n"
        "const { base } = $base;\n"
        "function two() {\n  return base;\n}\n"
        "const hidden = 3;\n"
        "class Three { x = hidden; }\n"
        "return { two, Three };\n"
        "})();\n"
        "const $first = (() => {\n"
        "const { two, Three } = $parts_second;\n"
        "const one = two() + new Three().x;\n"
        "return { one };\n"
        "})();"
    )


def test_join_modules_reads_an_import_of_several_lines():
    text = 'import {\n  two,\n  Three,\n} from "./parts/second.js";\nexport const one = two();\n'
    assert "const { two, Three } = $parts_second;\nconst one = two();" in join(**{"first.js": text})


def test_join_modules_takes_a_module_that_two_need_once():
    modules = {
        "a.js": 'import { b } from "./b.js";\nimport { c } from "./c.js";',
        "b.js": 'import { c } from "./c.js";\nexport const b = c;',
        "c.js": "export const c = 1;",
    }
    assert join_modules("a.js", modules.__getitem__).count("const c = 1;") == 1


def test_join_modules_leaves_out_comments_on_separate_lines():
    text = (
        "// What it is.\n\n/** @import {A} from './types.d.ts' */\n/**\n * @param {number} a\n */\n"
        'export const base = /** @type {A} */ ("// no comment"); // said\n'
        "const url = `\n  /* text` + 1;\n"
    )
    assert join_modules("base.js", {"base.js": text}.__getitem__) == (
        "const $base = (() => {\n"
        'const base = /** @type {A} */ ("// no comment"); // said\n'
        "const url = `\n  /* text` + 1;\n"
        "return { base };\n})();"
    )


@pytest.mark.parametrize(
    "line",
    [
        'import one from "./base.js";',
        'import * as all from "./base.js";',
        'import { base as other } from "./base.js";',
        "import { base } from './base.js';",
        'import { base } from "base.js";',
        'import "./base.js";',
        "import {",
        "export default 1;",
        "export { base };",
        "export let base = 2;",
        'export * from "./base.js";',
        '  import { base } from "./base.js";',
    ],
)
def test_join_modules_refuses_other_forms(line):
    with pytest.raises(ValueError, match=r"^Expected `import .* in base\.js, got "):
        join(**{"base.js": f"export const base = 2;\n{line}\n"})


@pytest.mark.parametrize(
    "text",
    ['const x = import("./x.js");', "import.meta;", "await x;", '"</SCRIPT>"', "a <!--b"],
)
def test_join_modules_refuses_what_an_inline_script_cannot_hold(text):
    with pytest.raises(ValueError, match=r"^Expected no .* in base\.js, got it"):
        join(**{"base.js": text})


def test_join_modules_refuses_a_name_that_is_not_exported():
    with pytest.raises(ValueError, match=r"what base\.js exports \(other\), got base"):
        join(**{"base.js": "export const other = 1;"})


def test_join_modules_refuses_cyclic_imports():
    circle = 'import { one } from "./first.js";\nexport const base = one;'
    with pytest.raises(
        ValueError, match=r"^Expected modules that need each other in one direction"
    ):
        join(**{"base.js": circle})


@pytest.mark.parametrize("entry", ["report/page.js", "bench/page.js"])
def test_page_script_has_no_import_or_export_left(entry):
    script = page_script(entry)
    assert not [line for line in script.split("\n") if line.startswith(("import", "export"))]
    assert script is page_script(entry)


@pytest.mark.parametrize("room", ["app", "comparison", "report", "shared"])
def test_page_that_can_stand_in_a_shadow_root_asks_no_document(room):
    """There `document` knows the host only: `shared/focus.js` looks inside."""
    asks = re.compile(
        r"\bdocument\.(?:activeElement|elementFromPoint|querySelector|getElementById)"
    )
    found = [
        (path.name, match)
        for path in sorted((ASSETS / room).rglob("*.js"))
        if path.name not in ("focus.js", "page.js")
        for match in asks.findall(path.read_text("utf-8"))
    ]
    assert not found
