"""The audit page's payload of a few rows made by hand, number by number."""

import json
from pathlib import Path

from audit_rows import ListedRows, answer_row, word_row
from seewhy.audit.payload import payload
from seewhy.audit.schema import FAILED
from seewhy.audit.summary import summarise

GOLDEN = Path(__file__).with_name("audit_payload.json")


def small_rows() -> ListedRows:
    """Four answers that say a fish after a boat, one of them rightly, four that say what is there,
    and two rows that fail."""
    text = "A boat with a blue fish."
    boat = {"word": 1, "start": 2, "end": 6, "support": 0.97, "source": "picture",
            "supported": True, "probability": 0.99, "visual_share": 0.8, "category": "boat",
            "group": "object", "pointing": True, "iou": 0.61}  # fmt: skip
    blue = {"word": 4, "start": 14, "end": 18, "role": "colour", "support": 0.06, "follows": "boat",
            "follows_part": "answer", "supported": False, "because": '{"noun": 5}'}  # fmt: skip
    fish = {"word": 5, "start": 19, "end": 23, "follows": "boat", "follows_part": "answer",
            "because": '{"noun": null}', "map": bytes(range(6)), "map_height": 2, "map_width": 3,
            "peak": (12.345, 6.0), "visual_share": 0.041, "category": "fish"}  # fmt: skip
    answers, words = [], []
    for n in range(4):
        id_ = f"s{n}"
        seen = {
            "width": 30,
            "height": 20,
            "grid": '{"rows": [0, 10, 20], "columns": [3, 11, 19, 27]}',
        }
        answers.append(answer_row(id_, text, report=f"reports/{n}", seconds=1, **seen))
        words += [
            word_row(id_, "boat", **boat),
            word_row(id_, "blue", **blue),
            word_row(id_, "fish", **fish, support=0.02 + n / 100, supported=n == 3),
        ]
    for n in range(4, 8):
        answers.append(answer_row(f"s{n}", "A cup.", generated=False, prompt="Name it."))
        cup = {"word": 1, "start": 2, "end": 5, "support": 1.0, "source": "picture"}
        words += [word_row(f"s{n}", "cup", **cup), word_row(f"s{n}", "cup", **{**cup, "word": 2})]
    for n in (8, 9):
        reason = {"reason": "The picture cannot be read.", "detail": f"s{n}.jpg is missing"}
        answers.append(answer_row(f"s{n}", "", status=FAILED, **reason))
    return ListedRows(answers, words)


def golden_data() -> dict:
    rows = small_rows()
    made = {"data": "by hand", "model": "none"}
    scores = {"CHAIR_i": 0.375}
    data: dict = dict(payload(summarise(rows), rows.answers, scores=scores, made=made))
    data["colours"] = list(data["colours"])  # the colour tables have tests
    return data


def test_payload_is_the_golden_one():
    assert golden_data() == json.loads(GOLDEN.read_text("utf-8"))
