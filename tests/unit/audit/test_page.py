import csv
import json
import re

import pytest

from audit_rows import MADE, SCORES, ListedRows, answer_row, scene_rows, word_row
from seewhy.audit.page import write_page
from seewhy.core.errors import OutputError, SchemaError

WICKED = "</script><script>alert(1)</script><!-- {{style}} \u2028 \ud83d"


def payload_in(page: str) -> dict:
    pattern = r'<script type="application/json" id="payload">(.*?)</script>'
    (found,) = re.findall(pattern, page, re.DOTALL)
    return json.loads(found)


def test_write_page_writes_page_words_and_summary(tmp_path):
    rows = scene_rows(12)
    page = write_page(tmp_path, rows, scores=SCORES, made=MADE)
    assert page == tmp_path / "audit.html"
    assert {path.name for path in tmp_path.iterdir()} == {"audit.html", "audit.csv", "audit.json"}
    data = payload_in(page.read_text("utf-8"))
    assert data["finding"].startswith("'fish' is said after 'boat'")
    assert data["scores"] == SCORES
    assert set(data["files"].values()) == {"audit.csv", "audit.json"}
    with (tmp_path / "audit.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == len(list(rows.words)) == data["totals"]["words"]
    summary = json.loads((tmp_path / "audit.json").read_text())
    assert summary["finding"] == data["finding"]
    assert summary["causes"] == data["causes"]


def test_a_page_of_many_large_pictures_is_small(tmp_path):
    # 120 pictures of 160 kB each.
    answers = [answer_row(f"a{n}", thumbnail=large_picture(), width=400, height=300)
               for n in range(120)]  # fmt: skip
    words = [word_row(row.id, map=bytes(600), map_height=20, map_width=30) for row in answers]
    page = write_page(tmp_path, ListedRows(answers, words))
    assert 1e6 < page.stat().st_size < 8e6


def large_picture() -> bytes:
    import io

    import numpy as np
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def test_page_keeps_text_of_models_and_users_out_of_the_markup(tmp_path):
    answer = answer_row(WICKED, WICKED, prompt=WICKED, image=WICKED, report=WICKED)
    word = word_row(WICKED, WICKED, sentence=WICKED, category=WICKED, follows=WICKED, role=WICKED)
    page = write_page(tmp_path, ListedRows([answer], [word]), made={"data": WICKED})
    text = page.read_text("utf-8")
    assert text.count("<script") == text.count("</script") == 2
    data = payload_in(text)
    assert data["answers"][0]["text"] == WICKED
    assert data["made"]["data"] == WICKED


def test_page_admits_only_its_own_style_and_script(tmp_path):
    text = write_page(tmp_path, scene_rows(2)).read_text("utf-8")
    assert "default-src 'none'; img-src data:; style-src 'sha256-" in text
    assert "https://" not in text
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")


def test_damaged_rows_leave_no_file(tmp_path):
    rows = ListedRows([answer_row("a")], [word_row("b")])
    with pytest.raises(SchemaError, match="got a word of 'b'"):
        write_page(tmp_path, rows)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(OutputError, match="Expected to write the page of the audit to"):
        write_page(tmp_path / "none", scene_rows(2))
