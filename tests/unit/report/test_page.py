import base64
import hashlib
import html as markup
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.records import chat_record, mixed_record, record_of
from seewhy.report.page import embed, fill, frame, html, policy

WICKED = (
    ("</script>", ""), ("<script>alert(1)</script>", ""), (" <!--", ""), ("]]>", ""),
    (" \u2028\u2029", ""), (" {{style}}", ""), ('" onload="x', ""), (" &amp;", ""),
)  # fmt: skip


def payload_in(page: str) -> dict:
    (found,) = re.findall(
        r'<script type="application/json" id="payload">(.*?)</script>', page, re.S
    )
    return json.loads(found)


def test_html_keeps_model_text_out_of_the_markup():
    record = record_of(WICKED, prompt="<img src=x onerror=alert(2)>")
    page = html(record)
    assert page.count("<script") == 2
    assert page.count("</script") == 2
    assert "<img src=x" not in page
    assert "alert(1)</script>" not in page
    told = payload_in(page)
    assert told["answer"] == record.answer
    assert told["prompt"] == record.prompt


def test_html_can_be_encoded_for_any_answer():
    page = html(record_of((("half \ud83d", ""), ("\x00", "")))).encode()
    assert payload_in(page.decode())["answer"] == "half \ud83d\x00"


def test_html_fills_no_placeholder_inside_a_part():
    page = html(record_of(WICKED))
    assert "{{style}}" in page
    assert page.count("<style>") == 1


def test_html_admits_only_its_own_style_and_script():
    page = html(record_of())
    policy = markup.unescape(re.findall(r'Content-Security-Policy" content="([^"]*)"', page)[0])
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for rule, opening, closing in (
        ("style-src", "<style>", "</style>"),
        ("script-src", '<script type="module">', "</script>"),
    ):
        inside = page.split(opening)[1].split(closing)[0]
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"


@pytest.mark.parametrize("make", [record_of, mixed_record, chat_record])
def test_html_names_nothing_outside_itself(make):
    page = html(make()).replace("http://www.w3.org/2000/svg", "")  # a name, not a place
    assert not re.findall(r"""(?:src|href)=(?!["']?(?:data:|#))[^ >]*""", page)
    assert not re.findall(r"https?://|@import|url\((?!#)", page)


def test_frame_is_one_sandboxed_element():
    element = frame(record_of(WICKED), height=500)
    assert element.count("<") == 2
    assert 'sandbox="allow-scripts allow-downloads"' in element
    assert 'height="500"' in element
    document = markup.unescape(re.findall(r'srcdoc="([^"]*)"', element)[0])
    assert payload_in(document)["answer"].startswith("</script>")


@given(st.text() | st.text(alphabet="<>/!-&scriptSCRIPT\u2028\u2029\ud83d\x00"))
def test_embed_gives_back_any_text_and_never_closes_its_element(text):
    embedded = embed({"text": text})
    assert not set("<>&\u2028\u2029") & set(embedded)
    assert json.loads(embedded) == {"text": text}
    embedded.encode()  # a lone surrogate would raise


def test_embed_refuses_numbers_that_json_lacks():
    with pytest.raises(ValueError, match="not JSON compliant"):
        embed(float("nan"))


def test_fill_requires_every_part():
    with pytest.raises(KeyError, match="missing"):
        fill("{{missing}}")


def test_policy_forbids_base_urls_and_forms():
    rules = dict(rule.strip().split(" ", 1) for rule in policy("", "").split(";"))
    assert (rules["base-uri"], rules["form-action"]) == ("'none'", "'none'")
