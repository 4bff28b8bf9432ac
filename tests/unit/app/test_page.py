"""The page's files: nothing that the policy forbids, and no user's text as markup."""

import re

from seewhy.app import page


def test_the_document_names_its_script_and_style_and_holds_neither():
    document = page.document().decode()
    assert re.search(r'<script[^>]* src="/?app\.js"', document)
    assert re.search(r'<link[^>]* href="/?app\.css"', document)
    assert not re.search(r"<script(?![^>]*\ssrc=)", document)
    assert "<style" not in document
    assert not re.search(r'\s(style|on\w+)="', document)


def test_nothing_is_fetched_from_elsewhere():
    text = b"".join((page.document(), page.style(), page.script())).decode()
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//|url\(\s*["']?(?:https?:)?//""", text)
    assert "@import" not in page.style().decode()


def test_the_script_is_one_file_without_imports():
    script = page.script().decode()
    assert len(script) > 10_000
    assert not re.search(r"^import ", script, re.MULTILINE)


def test_a_message_is_text_and_leads_to_the_page():
    shown = page.message('<b>"hi"</b>').decode()
    assert "&lt;b&gt;&quot;hi&quot;&lt;/b&gt;" in shown
    assert "refresh" not in shown
    assert 'content="0; url=/?a=&quot;"' in page.message("x", go_on='/?a="').decode()
