"""What an explanation adds to a notebook file: `python benchmarks/notebook_size.py`.

Writes results/notebook_size.json, in bytes: the static picture, the output as it is
stored, the state of the live widget where a front end saves it, what the live page gets as
messages, and the whole page in a frame.
"""

from __future__ import annotations

import json
from pathlib import Path

import seewhy
from seewhy.notebook.explanations import explanation_output
from seewhy.notebook.page_code import packed, page_code
from seewhy.report.page import STYLES, asset
from seewhy.report.payload import payload
from seewhy.testbed.scenes import draw, scene


def main() -> None:
    """Measure drawn scene 0, explained and diagnosed by the shipped model."""
    explanation = seewhy.load().explain(draw(scene(0, "heldout")).image, diagnose=True)
    data, metadata = explanation_output(explanation)
    state = explanation.widget().get_state()
    code = page_code("report", "".join(map(asset, STYLES)))
    page = json.dumps(payload(explanation.record), ensure_ascii=False)
    sizes = {
        "picture": len(data["image/png"]) * 3 // 4,
        "output": len(json.dumps([data, metadata])),
        "widget_state": len(json.dumps({k: v for k, v in state.items() if v}, default=str)),
        "code_as_messages": sum(map(len, code.packed)),
        "payload_as_messages": len(packed(page)),
        "frame": len(explanation.frame()._repr_html_()),
    }
    out = Path(__file__).parent / "results" / "notebook_size.json"
    out.write_text(json.dumps(sizes, indent=2) + "\n", "utf-8")
    print(out.read_text("utf-8"))


if __name__ == "__main__":
    main()
