"""Pictures and clips of chats: found, decoded, counted, and never fetched."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from chat_formats import PARTS, SOURCES, png_of
from painting import noise
from seewhy.chats import limits, read_messages
from seewhy.chats.chat import chat_of, read_chat
from seewhy.chats.media import MediaReader
from seewhy.chats.turns import IMAGE, VIDEO, Place
from seewhy.core.errors import ClipError, ImageError, ParameterError, PromptError
from seewhy.images import Clip, read_clip
from seewhy.models.conversation import Sized

IMAGE_OF = noise(12, 8)


@pytest.fixture
def folder(tmp_path):
    IMAGE_OF.save(tmp_path / "a b.png")
    return tmp_path


def user(*parts):
    return [{"role": "user", "content": [*parts, "What?"]}]


def parts_of(chat) -> list[Any]:
    return [*chat.turns[0].parts]


@pytest.mark.parametrize("name", SOURCES)
def test_picture_of_every_source_is_the_same(name, folder):
    place = Place(IMAGE, SOURCES[name](IMAGE_OF, folder))
    assert np.array_equal(MediaReader(folder=folder).read(place, 0), IMAGE_OF)


@pytest.mark.parametrize("name", PARTS)
def test_part_of_every_form_is_the_same_picture(name):
    ((turn,), unused) = read_messages(user(PARTS[name](IMAGE_OF)))
    assert np.array_equal(turn.parts[0], IMAGE_OF)
    assert (turn.parts[1:], unused) == (("What?",), 0)


def test_relative_path_is_looked_for_beside_the_chat_and_then_in_the_current_folder(
    folder, monkeypatch, tmp_path_factory
):
    other = tmp_path_factory.mktemp("other")
    noise(5, 5).save(other / "a b.png")
    monkeypatch.chdir(other)
    read = MediaReader(folder=folder).read
    assert read(Place(IMAGE, "a b.png"), 0).size == (12, 8)
    noise(6, 5).save(other / "c.png")
    assert read(Place(IMAGE, "c.png"), 0).size == (6, 5)
    with pytest.raises(ImageError, match=rf"{folder}/none.png.*there is no such file"):
        read(Place(IMAGE, "none.png"), 0)


ADDRESSES = [
    *("https://example.com/a.png", "http://h/a.png", "s3://bucket/a.png", "gs://b/a", "ftp://h/a"),
    *("//example.com/a.png", "blob:https://h/1", "HTTPS://H/A.PNG", "hf://datasets/a/b.png"),
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_address_is_not_fetched_but_a_given_picture_takes_its_place(address):
    part = {"type": "image_url", "image_url": {"url": address}}
    with pytest.raises(PromptError, match="Nothing is fetched from the network"):
        chat_of(user(part))
    chat = chat_of(user(part), images=IMAGE_OF)
    assert np.array_equal(chat.turns[0].parts[0], IMAGE_OF)
    assert chat.notes == (f"{address} was not fetched: the given picture 1 stands in its place.",)


def test_given_pictures_take_places_in_order():
    one, two, three = (noise(size, 8) for size in (10, 11, 12))
    address = {"type": "image_url", "image_url": "https://h/1.png"}
    held = {"type": "image", "image": two}
    chat = chat_of(user(address, held, {"type": "image"}), images=[one, three])
    assert [part.width for part in parts_of(chat)[:3]] == [10, 11, 12]


def test_more_pictures_than_places_are_refused():
    with pytest.raises(ParameterError, match="Expected 0 pictures, one for each image part"):
        chat_of(user(), images=IMAGE_OF)
    with pytest.raises(ParameterError, match="'<image>' in a text is no place: write parts"):
        chat_of([{"role": "user", "content": "<image>What?"}], images=IMAGE_OF)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("file://server/share/a.png", "names the host 'server'"),
        ("x" * 5000, "a text of 5,000 characters that is none of them"),
        ("\0", "Expected a picture file"),
        ("none.png", "there is no such file"),
        (b"no picture", "which is none of them"),
        ("iVBORw0KGgoAAAANSUhEUgAAAAAAAAAAAAAAAAAAAAAA", "damaged"),
        (7, "got int"),
    ],
)
def test_source_that_is_no_picture_is_refused(source, message):
    with pytest.raises(ImageError, match=message):
        MediaReader().read(Place(IMAGE, source), 0)


def test_bytes_have_a_limit_of_size(monkeypatch):
    monkeypatch.setattr(limits, "MAX_MEDIUM", 100)
    with pytest.raises(ImageError, match="Expected at most 0 MiB"):
        MediaReader().read(Place(IMAGE, bytes(200)), 0)


def test_pictures_of_a_chat_have_a_limit_of_number(monkeypatch):
    monkeypatch.setattr("seewhy.chats.messages.MAX_MEDIA", 2)
    with pytest.raises(PromptError, match="Expected at most 2 pictures and clips in a chat, got 3"):
        chat_of(user(*[{"type": "image", "image": IMAGE_OF}] * 3))


def test_picture_of_too_many_pixels_is_refused(monkeypatch):
    data = png_of(Image.new("RGB", (60, 50)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(ImageError, match="at most 1,000 pixels"):
        chat_of(user({"type": "image", "base64": base64.b64encode(data).decode()}))


# --- settings --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["max_pixels", "min_pixels", "resized_height", "resized_width"])
def test_setting_of_a_part_is_kept_with_its_picture(name):
    ((turn,), _) = read_messages(user({"type": "image", "image": IMAGE_OF, name: 56}))
    sized = turn.parts[0]
    assert isinstance(sized, Sized)
    assert (sized.settings, sized.medium.size) == ({name: 56}, (12, 8))


def test_detail_is_a_setting_unless_it_leaves_the_choice_to_the_model():
    def of(detail):
        part = {"type": "image_url", "image_url": {"url": IMAGE_OF, "detail": detail}}
        made: Any = read_messages(user(part))[0][0].parts[0]
        return made

    assert of("low").settings == {"detail": "low"}
    assert not isinstance(of("auto"), Sized)
    assert not isinstance(of(None), Sized)


def test_setting_of_the_request_is_one_of_the_processor_beside_those_of_parts():
    """A part's `max_pixels` resizes its picture beforehand; the request's is the processor's."""
    own = {"type": "image", "image": IMAGE_OF, "max_pixels": 10}
    request = {
        "messages": user({"type": "image", "image": IMAGE_OF}, own),
        "mm_processor_kwargs": {"max_pixels": 99, "min_pixels": 5},
    }
    chat = chat_of(request)
    assert chat.processor_options == {"max_pixels": 99, "min_pixels": 5}
    plain, sized = parts_of(chat)[:2]
    assert not isinstance(plain, Sized)
    assert sized.settings == {"max_pixels": 10}


@pytest.mark.parametrize("name", ["crop", "zoom", "video_start", "rotate"])
def test_unknown_setting_of_a_part_is_refused(name):
    with pytest.raises(PromptError, match=f"got {name!r} in turn 0: if it changed what the model"):
        read_messages(user({"type": "image", "image": IMAGE_OF, name: 1}))


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image", "image": IMAGE_OF, "url": "a.png"},
        {"type": "image_url", "image_url": {"url": "a.png", "path": "b.png"}},
    ],
)
def test_part_with_two_pictures_is_refused(part):
    with pytest.raises(PromptError, match="Expected one picture in a part of turn 0, got "):
        read_messages(user(part))


def test_part_with_the_id_of_a_file_is_refused():
    with pytest.raises(PromptError, match="got the id of a file on a server"):
        read_messages(user({"type": "input_image", "file_id": "file-1"}))


# --- clips -----------------------------------------------------------------------------------

FRAMES = [noise(8, 6, seed) for seed in range(4)]


def clip_of(part) -> Clip:
    return parts_of(chat_of(user(part)))[0]


def gif() -> bytes:
    file = io.BytesIO()
    FRAMES[0].save(file, "GIF", save_all=True, append_images=FRAMES[1:], duration=500)
    return file.getvalue()


def jpegs() -> str:
    def coded(frame):
        file = io.BytesIO()
        frame.save(file, "JPEG")
        return base64.b64encode(file.getvalue()).decode()

    return "data:video/jpeg;base64," + ",".join(map(coded, FRAMES))


@pytest.mark.parametrize(
    "part",
    [
        {"type": "video", "video": FRAMES, "fps": 2},
        {"video": FRAMES, "fps": 2.0},
        {"type": "video", "video": [{"image": frame} for frame in FRAMES], "sample_fps": 2},
        {"type": "video", "video": np.stack([np.array(frame) for frame in FRAMES]), "fps": 2},
        {"type": "video", "video": read_clip(FRAMES, fps=2)},
        {"type": "video_url", "video_url": {"url": jpegs()}, "fps": 2},
        {
            "type": "video",
            "base64": base64.b64encode(gif()).decode(),
        },
        {
            "type": "video_url",
            "video_url": f"data:image/gif;base64,{base64.b64encode(gif()).decode()}",
        },
        {"type": "video", "video": gif()},
    ],
)
def test_clip_of_every_form_has_its_frames_and_times(part):
    clip = clip_of(part)
    assert [len(clip), clip.size, clip.fps] == [4, (8, 6), 2]


def test_clip_without_times_has_a_note():
    chat = chat_of(user({"type": "video", "video": FRAMES}))
    assert chat.notes == ("The chat does not say when a clip's frames were taken: one a second.",)


def test_clip_in_a_file_takes_as_many_frames_as_the_chat_says(tmp_path):
    (tmp_path / "a.gif").write_bytes(gif())
    place = Place(VIDEO, "a.gif", frames={"nframes": 2})
    assert len(MediaReader(folder=tmp_path).read(place, 0)) == 2


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"type": "video", "video": FRAMES, "nframes": 8}, "Expected 8 frames, .* got 4"),
        ({"type": "video", "video": ["https://h/1.png"]}, "frames in files, got the address"),
        ({"type": "video", "video": FRAMES, "fps": "2"}, "fps as a number above 0, got '2'"),
        ({"type": "video", "video": FRAMES, "fps": 0}, "fps as a number above 0, got 0"),
        ({"type": "video", "video": gif(), "fps": 2}, "which frames the model saw is not"),
    ],
)
def test_clip_that_cannot_be_what_the_model_saw_is_refused(part, message):
    with pytest.raises(ClipError, match=message):
        clip_of(part)


def test_frames_of_a_picture_are_refused():
    with pytest.raises(PromptError, match="settings of a picture in turn 0, got fps"):
        clip_of({"type": "image", "image": IMAGE_OF, "fps": 2})


def test_read_chat_looks_beside_its_file(folder, monkeypatch):
    chat = folder / "chat.json"
    chat.write_text('[{"role": "user", "content": [{"image": "a b.png"}, {"text": "What?"}]}]')
    (turn,) = read_chat(chat)["messages"].turns
    assert turn.parts[0].size == (12, 8)
