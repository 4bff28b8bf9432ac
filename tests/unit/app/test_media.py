"""A sitting's pictures: kept as pixels, encoded anew, and never named by a client."""

import io

import numpy as np
import pytest
from PIL import Image

from seewhy.app.errors import RequestError
from seewhy.app.media import PNG_PIXELS, MediaStore, image_type, label, total_bytes
from seewhy.images import Clip, notes_of, with_note

RED = Image.new("RGB", (40, 30), (200, 10, 10))


@pytest.fixture
def store(tmp_path):
    return MediaStore(tmp_path / "media", 3)


def test_a_picture_comes_back_exactly_with_its_notes(store):
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    stored = store.add(with_note(Image.fromarray(noise), "Laid on white."), "a.png", ())
    back = store.get(stored.id).read()
    assert np.array_equal(np.asarray(back), noise)
    assert notes_of(back) == ("Laid on white.",)
    assert stored.to_json() == {
        "id": stored.id,
        "kind": "picture",
        "name": "a.png",
        "width": 40,
        "height": 30,
        "url": f"/api/pictures/{stored.id}",
    }


def test_a_clip_comes_back_with_its_times(store):
    frames = tuple(Image.new("RGB", (8, 6), (v, 0, 0)) for v in (0, 100, 200))
    stored = store.add(Clip(frames, (0.0, 0.5, 1.0), ("Of 9 frames.",)), "clip.gif", ())
    back = stored.read()
    assert (stored.kind, len(back), back.seconds, back.notes) == (
        *("clip", 3, (0.0, 0.5, 1.0)),
        ("Of 9 frames.",),
    )
    assert stored.first_frame().getpixel((0, 0)) == (0, 0, 0)
    assert back.frames[2].getpixel((0, 0)) == (200, 0, 0)


def test_what_is_shown_is_encoded_anew_and_once(store):
    stored = store.add(RED, "x", ())
    content_type, content = store.encoded(stored)
    assert content_type == "image/png"
    with Image.open(io.BytesIO(content)) as shown:
        assert (shown.format, shown.size, shown.info) == ("PNG", (40, 30), {})
    assert store.encoded(stored) == (content_type, content)


def test_large_pictures_are_shown_as_jpeg():
    assert image_type(PNG_PIXELS) == "image/png"
    assert image_type(PNG_PIXELS + 1) == "image/jpeg"


def test_the_oldest_that_no_entry_needs_go(store):
    needed = store.add(RED, "needed", ())
    others = [store.add(RED, str(number), {needed.id}) for number in range(5)]
    assert store.get(needed.id) is needed
    for gone in others[:2]:
        with pytest.raises(RequestError, match="Expected a picture of this sitting"):
            store.get(gone.id)
        assert not gone.file.exists()
    assert [store.get(kept.id).name for kept in others[2:]] == ["2", "3", "4"]


@pytest.mark.parametrize("number", ["", "x", "../x", "../../etc/passwd", "\0"])
def test_no_id_is_a_path(store, number):
    with pytest.raises(RequestError, match="Expected a picture") as refused:
        store.get(number)
    assert refused.value.status == 404


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("cat.png", "cat.png"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("..", ".."),
        ("a\nb\x1b[31m\u202e.png", "ab[31m.png"),
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ("x" * 500, "x" * 120),
        ("   ", "picture"),
        ("寿司.jpg", "寿司.jpg"),
    ],
)
def test_a_name_is_a_short_text_and_opens_nothing(store, name, shown):
    assert label(name) == shown
    assert store.add(RED, name, ()).file.stem != shown


def test_total_bytes_counts_what_is_there(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert total_bytes([tmp_path / "a", tmp_path / "gone"]) == 5
