"""Boxes and points in texts: every way to write them, and texts that only look like it."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seewhy.core.boxes import BARE, MARKED, find_markup

BOX, POINT = "box", "point"

# Text, then for each box or point: its kind, syntax, own characters, numbers, and its phrase.
WRITTEN = [
    (
        "<|object_ref_start|>the cup<|object_ref_end|><|box_start|>(12,34),(56,78)<|box_end|>",
        (BOX, "qwen-tokens", "<|box_start|>(12,34),(56,78)<|box_end|>", (12, 34, 56, 78),
         "the cup"),
    ),
    (
        "<|object_ref_start|> dogs <|object_ref_end|><|box_start|>(1, 2), (3, 4)<|box_end|>"
        "<|box_start|>(5,6),(7,8)<|box_end|>",
        (BOX, "qwen-tokens", "<|box_start|>(1, 2), (3, 4)<|box_end|>", (1, 2, 3, 4), "dogs"),
        (BOX, "qwen-tokens", "<|box_start|>(5,6),(7,8)<|box_end|>", (5, 6, 7, 8), "dogs"),
    ),
    (
        "It is <|box_start|>(12,34)<|box_end|>.",
        (POINT, "qwen-tokens", "<|box_start|>(12,34)<|box_end|>", (12, 34), None),
    ),
    (
        "A red cup<|box_start|>[12, 34, 56, 78]<|box_end|>",
        (BOX, "qwen-tokens", "<|box_start|>[12, 34, 56, 78]<|box_end|>", (12, 34, 56, 78),
         "A red cup"),
    ),
    (
        "<ref>two dogs</ref><box>[[10, 20, 30, 40], [50, 60, 70, 80]]</box>",
        (BOX, "box-tags", "[10, 20, 30, 40]", (10, 20, 30, 40), "two dogs"),
        (BOX, "box-tags", "[50, 60, 70, 80]", (50, 60, 70, 80), "two dogs"),
    ),
    (
        "<ref>the hat</ref><box>[[10,20,30,40]]</box> on <ref>him</ref><box>[[1,2,3,4]]</box>",
        (BOX, "box-tags", "<box>[[10,20,30,40]]</box>", (10, 20, 30, 40), "the hat"),
        (BOX, "box-tags", "<box>[[1,2,3,4]]</box>", (1, 2, 3, 4), "him"),
    ),
    (
        "<p>a snowman</p><box>(5,6),(7,8)</box>",
        (BOX, "box-tags", "<box>(5,6),(7,8)</box>", (5, 6, 7, 8), "a snowman"),
    ),
    (
        '{"bbox_2d": [341, 258, 397, 360], "label": "cake"}',
        (BOX, "json", '"bbox_2d": [341, 258, 397, 360]', (341, 258, 397, 360), "cake"),
    ),
    (
        '```json\n[\n\t{"bbox_2d": [1, 2, 3, 4], "label": "a"},\n'
        '\t{"label": "b", "bbox_2d": [5.5, 6, 7, 8]}\n]\n```',
        (BOX, "json", '"bbox_2d": [1, 2, 3, 4]', (1, 2, 3, 4), "a"),
        (BOX, "json", '"bbox_2d": [5.5, 6, 7, 8]', (5.5, 6, 7, 8), "b"),
    ),
    (
        "[{'point_2d': [12, 34], 'text': 'the door'}]",
        (POINT, "json", "'point_2d': [12, 34]", (12, 34), "the door"),
    ),
    (
        '{"bbox_2d": [[1, 2, 3, 4], [5, 6, 7, 8]], "object": "birds", "score": [1, 2]}',
        (BOX, "json", "[1, 2, 3, 4]", (1, 2, 3, 4), "birds"),
        (BOX, "json", "[5, 6, 7, 8]", (5, 6, 7, 8), "birds"),
    ),
    (
        '{"bbox_2d": [[1, 2, 3, 4]], "text_content": "EXIT"}',
        (BOX, "json", '"bbox_2d": [[1, 2, 3, 4]]', (1, 2, 3, 4), "EXIT"),
    ),
    (
        '{"scene": "a", "parts": [{"name": "arm", "bbox_2d": [1,2,3,4]}], "label": "all"}',
        (BOX, "json", '"bbox_2d": [1,2,3,4]', (1, 2, 3, 4), "arm"),
    ),
    (
        '{"bbox_2d": [1,2,3,4], "parts": [{"label": "arm"}], "label": "man {left}"}',
        (BOX, "json", '"bbox_2d": [1,2,3,4]', (1, 2, 3, 4), "man {left}"),
    ),
    ('{"bbox_2d": [1, 2, 3, 4]}', (BOX, "json", '"bbox_2d": [1, 2, 3, 4]', (1, 2, 3, 4), None)),
    (
        '[{"box_2d": [171, 75, 245, 308], "label": "view recipe element"}]',
        (BOX, "json-box_2d", '"box_2d": [171, 75, 245, 308]', (171, 75, 245, 308),
         "view recipe element"),
    ),
    (
        '{"bbox": [1, 2, 3, 4], "category": "car"}',
        (BOX, "json-other", '"bbox": [1, 2, 3, 4]', (1, 2, 3, 4), "car"),
    ),
    (
        "<loc0100><loc0200><loc0300><loc0400> red cup ; <loc0001><loc0002><loc0003><loc1023> dog",
        (BOX, "loc", "<loc0100><loc0200><loc0300><loc0400>", (100, 200, 300, 400), "red cup"),
        (BOX, "loc", "<loc0001><loc0002><loc0003><loc1023>", (1, 2, 3, 1023), "dog"),
    ),
    (
        "<loc0100><loc0200><loc0300><loc0400><seg001><seg127> cat",
        (BOX, "loc", "<loc0100><loc0200><loc0300><loc0400><seg001><seg127>",
         (100, 200, 300, 400), "cat"),
    ),
    (
        "<text><loc_10><loc_20><loc_30><loc_499>Title of it</text>",
        (BOX, "doctags", "<loc_10><loc_20><loc_30><loc_499>", (10, 20, 30, 499), "Title of it"),
    ),
    (
        '<point x="10.5" y="20" alt="cups">the cups</point>',
        (POINT, "point-tags", '<point x="10.5" y="20" alt="cups">the cups</point>', (10.5, 20),
         "the cups"),
    ),
    (
        '<points x1="1" y1="2" x2="3" y2="4.5" alt="dogs"/>',
        (POINT, "point-tags", 'x1="1" y1="2"', (1, 2), "dogs"),
        (POINT, "point-tags", 'x2="3" y2="4.5"', (3, 4.5), "dogs"),
    ),
    (
        "The dog <|begin_of_box|>[[12,34,56,78]]<|end_of_box|>",
        (BOX, "glm-tokens", "<|begin_of_box|>[[12,34,56,78]]<|end_of_box|>", (12, 34, 56, 78),
         "The dog"),
    ),
    (
        "<|begin_of_box|>[12, 34, 56, 78]<|end_of_box|>",
        (BOX, "glm-tokens", "<|begin_of_box|>[12, 34, 56, 78]<|end_of_box|>", (12, 34, 56, 78),
         None),
    ),
    (
        "<|begin_of_box|><12,34,56,78>, <1,2,3,4><|end_of_box|>",
        (BOX, "glm-tokens", "<12,34,56,78>", (12, 34, 56, 78), None),
        (BOX, "glm-tokens", "<1,2,3,4>", (1, 2, 3, 4), None),
    ),
    (
        "<|begin_of_box|>[[12,34]]<|end_of_box|>",
        (POINT, "glm-tokens", "<|begin_of_box|>[[12,34]]<|end_of_box|>", (12, 34), None),
    ),
    (
        '<|begin_of_box|>[{"label": "car-1", "bbox_2d": [1,2,3,4]}]<|end_of_box|>',
        (BOX, "json", '"bbox_2d": [1,2,3,4]', (1, 2, 3, 4), "car-1"),
    ),
]  # fmt: skip

# The same for syntaxes without tags: the syntax that is looked for first.
WRITTEN_BARE = [
    ("pairs", "the dog(12,34),(56,78)", (BOX, "(12,34),(56,78)", (12, 34, 56, 78), "the dog")),
    ("pairs", "(1, 2), (3, 4)", (BOX, "(1, 2), (3, 4)", (1, 2, 3, 4), None)),
    (
        "fractions",
        "The man in a red hat is at [0.12, 0.34, 0.56, 0.78].",
        (BOX, "[0.12, 0.34, 0.56, 0.78]", (0.12, 0.34, 0.56, 0.78), "a red hat"),
    ),
    ("fractions", "[0.0, 0.5, 1.0, 0.98]", (BOX, "[0.0, 0.5, 1.0, 0.98]", (0, 0.5, 1, 0.98), None)),
    ("fractions", "[0,.125,1,0.75]", (BOX, "[0,.125,1,0.75]", (0, 0.125, 1, 0.75), None)),
    ("brackets", "Cup: [12, 34, 56, 78]", (BOX, "[12, 34, 56, 78]", (12, 34, 56, 78), "Cup")),
]

# Near misses: no syntax, tagged or not, may see a box in these.
ORDINARY = [
    "",
    "The cup is at (12, 34) on the map.",
    "See (1,2),(3,4),(5,6) for the outline.",
    "The points (1,2) and (3,4) lie apart.",
    "f(1,2),(3,4,5)",
    "Versions 1.2.3.4 and [1, 2, 3]; citations [1], [2, 3], [4]-[7].",
    "At 12:30 it cost $1,299.00 (see [12:30, 13:45]).",
    "Probabilities: [0.1, 0.2, 0.3] and [0.1, 0.2, 0.3, 0.25, 0.15].",
    "Scores [0.9, 0.8, 0.1, 0.2] are no corners.",
    "[1, 0, 0, 1] is the identity; [0, 0, 1, 1] too.",
    "Use arr[0.5, 0.1, 0.6, 0.7]",
    "rgb(12,34,56) and rgba(12, 34, 56, 0.5)",
    "<box>of chocolates</box> is HTML of somebody",
    "<|begin_of_box|>42<|end_of_box|>",
    "<|begin_of_box|>(3, 4)<|end_of_box|>",
    "<|begin_of_box|>1, 2, 3, 4<|end_of_box|>",
    "<|begin_of_box|>[[1,2,3],[4,5,6]]<|end_of_box|>",
    "<|box_end|>(1,2),(3,4,5)",
    "<loc0001><loc0002><loc0003> a",
    "<loc001><loc002><loc003><loc004> a",
    "<loc_1><loc_2><loc_3>x",
    '{"bbox_2d": [1, 2, 3], "label": "three"}',
    '{"point_2d": [1, 2, 3]}',
    '{"bbox_2d": "none", "label": "x"}',
    '{"bbox_2d": ["1", "2", "3", "4"]}',
    '{"point": [1, 2]}',
    '{"values": [1, 2, 3, 4]}',
    "bbox_2d: 1, 2, 3, 4",
    "The <point> of it, and <points> of others.",
    '<point name="a">x</point>',
    '<point x="left" y="top">x</point>',
    '<point x="1">x</point>',
    "5 < 6 <points",
]


def told(text, markup):
    own = text[markup.start : markup.end]
    phrase = None if markup.phrase is None else text[slice(*markup.phrase)]
    return markup.kind, markup.syntax, own, markup.values, phrase


@pytest.mark.parametrize(("text", "wanted"), [(t, w) for t, *w in WRITTEN])
def test_find_markup_reads_every_way_to_write_a_place(text, wanted):
    found = find_markup(text)
    assert [told(text, markup) for markup in found] == wanted
    assert all(markup.is_complete for markup in found)


@pytest.mark.parametrize(("text", "wanted"), [(t, w) for t, *w in WRITTEN])
def test_find_markup_reads_the_same_inside_prose_and_with_bare_syntaxes(text, wanted):
    around = f"Well: \n{text} — and so on (12, 34), [1, 2, 3]."
    kept = ("pairs", "fractions")  # the brackets between InternVL's tags are a bare syntax too
    found = [told(around, markup) for markup in find_markup(around, kept)]
    assert [one[:4] for one in found] == [one[:4] for one in wanted]


@pytest.mark.parametrize(("text", "wanted"), [(t, w) for t, *w in WRITTEN])
def test_find_markup_gives_each_numbers_own_characters(text, wanted):
    for markup in find_markup(text):
        for number in markup.numbers:
            assert float(text[number.start : number.end]) == number.value
            assert markup.start <= number.start < number.end <= markup.end


@pytest.mark.parametrize(("syntax", "text", "wanted"), WRITTEN_BARE)
def test_find_markup_reads_bare_syntaxes_only_on_request(syntax, text, wanted):
    (found,) = find_markup(text, (syntax,))
    kind, own, values, phrase = wanted
    assert told(text, found) == (kind, syntax, own, values, phrase)
    assert find_markup(text) == ()
    others = tuple(name for name in BARE if name not in (syntax, "brackets"))
    assert find_markup(text, others) == ()


@pytest.mark.parametrize("text", ORDINARY)
def test_find_markup_sees_nothing_in_ordinary_text(text):
    assert find_markup(text, ("pairs", "fractions")) == ()


@pytest.mark.parametrize(
    ("text", "syntax", "values"),
    [
        ('[{"bbox_2d": [1, 2, 3', "json", (1, 2, 3)),
        ('[{"bbox_2d": [1, 2, 3, 4', "json", (1, 2, 3, 4)),
        ('{"bbox_2d": [', "json", ()),
        ('{"bbox_2d": [1.', "json", (1,)),
        ("<|box_start|>(12,34),(5", "qwen-tokens", (12, 34, 5)),
        ("<|box_start|>", "qwen-tokens", ()),
        ("<ref>a</ref><box>[[10, 2", "box-tags", (10, 2)),
        ("<loc0001><loc0002><loc00", "loc", (1, 2)),
        ("<|begin_of_box|>[[12,3", "glm-tokens", (12, 3)),
        ('<point x="1', "point-tags", ()),
    ],
)
def test_find_markup_says_where_the_text_ends_inside_a_place(text, syntax, values):
    (found,) = find_markup(text)
    assert (found.syntax, found.values, found.is_complete) == (syntax, values, False)
    assert found.end == len(text)


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ('[{"bbox_2d": [1, 2, 3, 4], "label": "a"}, {"bbox_2d": [5, 6', [True, False]),
        ('{"bbox_2d": [[1, 2, 3, 4], [5, 6', [True, False]),
        ('[{"bbox_2d": [1, 2, 3, 4], "lab', [True]),
        ("<ref>a</ref><box>[[1,2,3,4],[5,6", [True, False]),
        ("<box>[[1,2,3,4]", [True]),
        ("<|box_start|>(1,2),(3,4)", [True]),
        ("<loc0001><loc0002><loc0003><loc0004> a ; <loc0005>", [True, False]),
        ('<points x1="1" y1="2" x2="3', [True]),
    ],
)
def test_find_markup_keeps_whole_places_of_a_text_that_was_cut_off(text, complete):
    assert [markup.is_complete for markup in find_markup(text)] == complete


@pytest.mark.parametrize(
    ("text", "picture", "seconds"),
    [
        ('{"image_index": 1, "bbox_2d": [1,2,3,4]}', 1, None),
        ('{"bbox_2d": [1,2,3,4], "image_id": 0}', 0, None),
        ('{"bbox_2d": [1,2,3,4], "image": "a.png"}', None, None),
        ('{"time": 2.5, "bbox_2d": [1,2,3,4], "label": "a"}', None, 2.5),
    ],
)
def test_find_markup_reads_the_picture_and_the_time_that_json_names(text, picture, seconds):
    (found,) = find_markup(text)
    assert (found.picture, found.seconds) == (picture, seconds)


@pytest.mark.parametrize(
    "text",
    [
        '{"bbox_2d": [' + "1" * 20_000,
        '"bbox_2d": [' + "1," * 20_000 + "x",
        "<ref>" * 3000 + "<box>" * 3000,
        "<ref>a</ref>" + "<box>[[1,2,3,4]]</box>" * 200 + "x<box>[[1,2,3,4]]</box>",
        "(1,2)," * 5000,
        "<point " + 'x1="1" y1="2" ' * 3000,
        "[0.1, " * 5000,
        "{" * 20_000 + '"bbox_2d": [1,2,3,4]',
        "a " * 20_000 + "[0.1, 0.2, 0.3, 0.4]",
    ],
    ids=range(9),
)
def test_find_markup_ends_on_hostile_text(text):
    # Patterns with two ways to read the same text would not end within hours.
    assert len(find_markup(text, BARE)) <= 3000


FRAGMENTS = (
    "<|box_start|>", "<|box_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<ref>", "</ref>",
    "<box>", "</box>", "<|begin_of_box|>", "<|end_of_box|>", "<loc0123>", "<loc_12>", "<seg001>",
    '"bbox_2d":', '"point_2d":', '"box_2d":', '"label":', '"image_index":', '"cup"', "{", "}", "[",
    "]", "(", ")", ",", " ", "\n", "12", "0.34", ".5", "-7", "9" * 400, "cup", "<point", ' x="1"',
    ' y="2"', ' alt="a"', ">", "</point>", ";", "é", "\u0661\u0662", "杯", "\x00",
)  # fmt: skip


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join))
@settings(max_examples=300)
def test_find_markup_gives_whole_places_of_any_text(text):
    found = find_markup(text, BARE)
    for markup in found:
        assert 0 <= markup.start < markup.end <= len(text)
        assert len(markup.numbers) <= 4
        assert all(math.isfinite(value) for value in markup.values)
        places = [(number.start, number.end) for number in markup.numbers]
        assert all(markup.start <= a < b <= markup.end for a, b in places)
        if markup.is_complete:
            assert len(markup.numbers) == (4 if markup.kind == "box" else 2)
        if markup.phrase is not None:
            assert text[slice(*markup.phrase)].strip()
    assert list(found) == sorted(found, key=lambda markup: (markup.start, markup.end))


def test_find_markup_orders_places_by_the_text():
    text = '[0.1, 0.2, 0.3, 0.4] {"bbox_2d": [1,2,3,4]} <box>[[5,6,7,8]]</box>'
    found = find_markup(text, ("fractions",))
    assert [markup.syntax for markup in found] == ["fractions", "json", "box-tags"]


def test_every_marked_syntax_is_written_in_the_table():
    assert {one[1] for _, *wanted in WRITTEN for one in wanted} == set(MARKED)
    assert {syntax for syntax, *_ in WRITTEN_BARE} == set(BARE)
