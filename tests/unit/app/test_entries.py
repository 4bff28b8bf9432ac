"""The history: each entry is a folder that seewhy opens again, with what the page needs of it."""

import io
import json
import os
import zipfile

import pytest
from PIL import Image

import seewhy
from golden.records import small_record
from seewhy.app.entries import (
    PAYLOAD,
    SAVED,
    THUMBNAIL,
    EntryStore,
    Origin,
    read_file,
    read_view,
    zipped,
)
from seewhy.app.errors import RequestError
from seewhy.explanation import Explanation
from seewhy.report.page import html

ORIGIN = Origin(model="tiny", asked="What?", media=("m1", "m2"), settings={"method": "tam"})


@pytest.fixture
def store(tmp_path):
    return EntryStore(tmp_path / "entries", 3)


@pytest.fixture
def explanation():
    return Explanation(small_record())


def test_an_entry_tells_the_page_what_it_is(store, explanation):
    entry = store.add(explanation, ORIGIN)
    told = entry.to_json()
    assert told == {
        "id": entry.id,
        "created": entry.created,
        "model": "tiny",
        "method": explanation.method,
        "prompt": explanation.prompt,
        "answer": explanation.answer,
        "title": " ".join(explanation.answer.split()),
        "parent": None,
        "change": None,
        "can_ask": True,
        "warnings": list(explanation.warnings),
        "thumbnail": f"/api/entries/{entry.id}/thumbnail",
    }
    json.dumps(told)


def test_an_entry_is_a_folder_that_opens_again(store, explanation):
    entry = store.add(explanation, ORIGIN)
    assert seewhy.open(entry.saved).answer == explanation.answer
    assert entry.explanation().words[0].text == explanation.words[0].text
    assert json.loads(read_file(entry, PAYLOAD))["answer"]
    page = read_file(entry, f"{SAVED}/report.html").decode()
    assert page == html(explanation.record)


def test_pictures_and_a_small_one_are_written_anew(store, explanation):
    entry = store.add(explanation, ORIGIN)
    content_type, content = read_view(entry, 0)
    with Image.open(io.BytesIO(content)) as picture:
        assert (content_type, picture.size) == ("image/png", explanation.images[0].size)
    with Image.open(io.BytesIO(read_file(entry, THUMBNAIL))) as small:
        assert small.format == "JPEG"
    for view in (-1, len(explanation.views)):
        with pytest.raises(RequestError, match="Expected a picture"):
            read_view(entry, view)


def test_a_zip_of_an_entry_opens_unpacked(store, explanation, tmp_path):
    content = zipped(store.add(explanation, ORIGIN))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path / "unpacked")
    opened = seewhy.open(tmp_path / "unpacked" / "seewhy-explanation")
    assert opened.answer == explanation.answer


def test_entries_stay_in_order_and_know_their_media(store, explanation):
    numbers = [store.add(explanation, ORIGIN).id for _ in range(2)]
    assert [entry.id for entry in store.all()] == numbers
    assert store.media() == {"m1", "m2"}


def test_no_more_entries_than_allowed(store, explanation):
    for _ in range(3):
        store.add(explanation, ORIGIN)
    with pytest.raises(RequestError, match="at most 3 entries") as refused:
        store.add(explanation, ORIGIN)
    assert refused.value.status == 409


def test_an_updated_entry_keeps_its_id_its_origin_and_its_time(store, explanation, tmp_path):
    old = store.add(explanation, ORIGIN)
    new = store.update(old.id, explanation)
    assert (new.id, new.created, new.media, new.settings) == (
        *(old.id, old.created, old.media, old.settings),
    )
    assert not old.folder.exists()
    assert read_file(new, PAYLOAD)
    assert len(os.listdir(tmp_path / "entries")) == 1


def test_a_removed_entry_leaves_nothing(store, explanation, tmp_path):
    entry = store.add(explanation, ORIGIN)
    store.remove(entry.id)
    assert os.listdir(tmp_path / "entries") == []
    for act in (lambda: store.get(entry.id), lambda: store.update(entry.id, explanation)):
        with pytest.raises(RequestError, match="Expected an entry") as refused:
            act()
        assert refused.value.status == 404
    for act in (lambda: read_file(entry, PAYLOAD), lambda: read_view(entry, 0)):
        with pytest.raises(RequestError, match="Expected an entry"):
            act()


def test_an_entry_that_cannot_be_written_leaves_nothing(store, explanation, tmp_path, monkeypatch):
    def full(self, *arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("seewhy.app.entries.Path.write_text", full)
    with pytest.raises(OSError, match="No space left"):
        store.add(explanation, ORIGIN)
    assert os.listdir(tmp_path / "entries") == []
    assert store.all() == []


def test_a_long_answer_has_a_short_title(store):
    record = small_record()
    entry = store.add(Explanation(record), ORIGIN)
    assert len(entry.title) <= 80
