"""Captions and questions of emoji scenes: English, variety, and what each word is about."""

import re
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

from emoji_boxes import arranged, boxed, boxes
from seewhy.core.sample import ROLES
from seewhy.testbed.captions import Utterance
from seewhy.testbed.emoji.captions import captions
from seewhy.testbed.emoji.descriptions import descriptions, fact_phrase
from seewhy.testbed.emoji.facts import FactsOfScene
from seewhy.testbed.emoji.frames import PROMPTS
from seewhy.testbed.emoji.grammar import NUMBERS, article, plural_of, text_of
from seewhy.testbed.emoji.kinds import KINDS, SIGN
from seewhy.testbed.emoji.meanings import hypernyms, plural
from seewhy.testbed.emoji.noun_phrases import noun_phrases, tokens_of
from seewhy.testbed.emoji.questions import questions

SCENES = 300


@cache
def texts() -> tuple[tuple[int, Utterance], ...]:
    found = []
    for index in range(SCENES):
        scene, picture = boxed(index, "train")
        both = captions(scene, picture) + questions(scene, picture)
        found += [(index, utterance) for utterance in both]
    return tuple(found)


def lines() -> list[str]:
    return [line for _, u in texts() for line in (u.prompt, u.text)]


def test_captions_are_the_same_every_time():
    scene, picture = boxed(3)
    assert captions(scene, picture) == captions(scene, picture)
    assert questions(scene, picture) == questions(scene, picture)
    assert captions(scene, picture) != captions(*boxed(3, "train"))


def test_captions_have_one_two_and_three_sentences():
    for index in range(100):
        for number, caption in enumerate(captions(*boxed(index)), start=1):
            assert len(re.findall(r"\.(?= \"?[A-Z]|$)", caption.text)) == number, caption.text
            assert caption.prompt in PROMPTS[number - 1]


def test_mentions_cover_every_word_and_mark():
    scenes = [boxed(index, "train")[0] for index in range(SCENES)]
    for index, u in texts():
        assert "".join(u.text[m.start : m.end] for m in u.mentions) == u.text.replace(" ", "")
        assert all(m.role in ROLES for m in u.mentions)
        assert all(i < len(scenes[index].things) for m in u.mentions for i in m.objects)


def test_mentions_of_kinds_are_about_things_of_the_kind():
    for index in range(60):
        scene, picture = boxed(index)
        for caption in captions(scene, picture):
            for m in caption.mentions:
                if m.role != "kind":
                    continue
                word = caption.text[m.start : m.end].lower()
                for i in m.objects:
                    thing = scene.things[i]
                    names = [thing.kind, plural(thing.kind), thing.word or ""]
                    names += [KINDS[thing.kind].hypernym, plural(KINDS[thing.kind].hypernym)]
                    assert any(word in name.lower().split() for name in names), caption.text


def test_mentions_of_colours_and_counts_are_true():
    for index in range(60):
        scene, picture = boxed(index)
        for caption in captions(scene, picture):
            for m in caption.mentions:
                word = caption.text[m.start : m.end].lower()
                if m.role == "colour" and word != "colour":
                    assert {scene.things[i].colour for i in m.objects} == {word}
                elif m.role == "count":
                    number = 2 if word == "both" else NUMBERS.index(word)
                    assert number == len(m.objects), caption.text
                elif m.role == "ground":
                    assert word == scene.ground.name


# English

VOWEL_SOUND = re.compile(r"(?:[aeio]|u(?!ni|se|su|-))(?!ne-|nce\b)|hour|hon")


def test_articles_fit_the_words_after_them():
    for line in lines():
        for found, word in re.findall(r"\b([Aa]n?) \"?([\w'-]+)", line):
            starts = word.lower()
            expects_an = bool(VOWEL_SOUND.match(starts)) and not starts.startswith(("one", "once"))
            assert (found.lower() == "an") == expects_an, f"{found} {word}: {line}"


def test_lines_have_a_capital_a_final_mark_and_single_spaces():
    for line in lines():
        assert line[0].isupper() or line[0] == '"' or line[:3] == "t-s", line
        assert line[-1] in ".?:", line
        assert not re.search(r"  | [,.;:]", line), line
        assert not re.search(r"\bi\b", line), line
        assert not re.search(r"[.,;:] ?[.,;:]", line), line
        assert all(s[0].isupper() or s[0] == '"' for s in re.split(r"(?<=[.?]) ", line)), line


def test_no_word_stands_twice_in_a_row():
    for line in lines():
        doubled = re.findall(r"\b(\w+) \1\b", line.lower())
        assert not doubled, line


def test_quotes_are_closed():
    for line in lines():
        assert line.count('"') % 2 == 0, line
        assert not re.search(r'" \w+"|"\w+ "', line), line


def test_nouns_agree_with_their_numbers():
    for line in lines():
        tokens = tokens_of(line)
        for noun in noun_phrases(tokens):
            if noun.number is None or noun.is_plural is None or noun.negation is not None:
                continue
            assert noun.is_plural == (tokens[noun.number].word != "one"), line


def test_verbs_agree_with_there():
    for line in lines():
        tokens = tokens_of(line)
        nouns = {noun.first: noun for noun in noun_phrases(tokens)}
        for n in range(len(tokens) - 2):
            there = tokens[n].word == "there" and tokens[n + 1].word in ("is", "are")
            noun = nouns.get(n + 2)
            if there and noun is not None and noun.is_plural is not None:
                assert noun.is_plural == (tokens[n + 1].word == "are"), line


def test_article_knows_sounds():
    sounds = {"unicorn": "a", "umbrella": "an", "hourglass": "an", "house": "a", "ear": "an"}
    assert {word: article(word) for word in sounds} == sounds


def test_plurals_are_regular_or_known():
    known = {"mouse": "mice", "die": "dice", "snowman": "snowmen", "cactus": "cacti"}
    assert {name: plural(name) for name in known} == known
    for name in KINDS:
        if plural(name) not in (name, plural_of(name)):
            assert name.split()[0] in {*known, "maple", "loaf", "box", "graduation"} or (
                plural(name) == f"{name}es"
            ), name
    odd = {
        "thing for writing": "things for writing",
        "thing to read": "things to read",
        "piece of clothing": "pieces of clothing",
        "aircraft": "aircraft",
        "accessory": "accessories",
    }
    assert {name: plural(name) for name in odd} == odd
    for name in hypernyms():  # the head of the phrase takes the "s", if any
        head = name.split(" of ")[0].split(" to ")[0].split(" for ")[0].split(" in ")[0]
        assert plural(name).startswith((head[:-1], f"{head}s")), name
        assert name in odd or " " not in name[len(head) :] or not plural(name).endswith("s")


# Variety


def frame(utterance: Utterance) -> list[str]:
    """The sentences of an utterance with their content words left out."""
    content = ("kind", "colour", "count", "size", "ground", "relation")
    parts = [
        "NP" if m.role in content else utterance.text[m.start : m.end].lower()
        for m in utterance.mentions
    ]
    found = re.sub(r"\b(an?|NP|of)( (an?|NP|of))*\b", "NP", " ".join(parts))
    found = re.sub(r"NP( , NP)*( ,)?( and NP)", "NP", found)
    return [part.strip() for part in found.split(" .") if part.strip()]


def test_captions_have_many_words_and_frames():
    words = Counter(word for line in lines() for word in re.findall(r"[\w'-]+", line.lower()))
    frames = Counter(part for _, u in texts() for part in frame(u))
    assert len(words) >= 1200
    assert len(frames) >= 300
    assert sum(number > 1 for number in frames.values()) >= 150


def test_each_kind_is_described_without_the_names_of_others():
    assert set(descriptions()) == set(KINDS) - {SIGN}
    names = {name.lower() for kind in (*KINDS, *hypernyms()) for name in (kind, plural(kind))}
    for described in descriptions().values():
        assert min(len(described.adjectives) - 1, len(described.facts)) >= 2
        for fact in described.facts:
            text = text_of(fact_phrase(fact, (0,)))
            assert not any(re.search(rf"(?<![\w-]){name}(?![\w-])", text) for name in names), text


# What is said and what is not


def test_two_of_one_kind_are_told_apart_by_their_colours():
    scene = arranged(("car", "red", 80, 80), ("car", "blue", 320, 320))
    for caption in captions(scene, boxes(scene)):
        assert not re.search(r"\bthe car\b", caption.text)
        assert "two cars" not in caption.text


def test_colours_of_things_without_one_are_never_said():
    scene = arranged(("cat", None, 80, 80), ("dog", None, 320, 320))
    said = captions(scene, boxes(scene)) + questions(scene, boxes(scene))
    assert not any(m.role == "colour" for u in said for m in u.mentions)


def test_things_that_are_mostly_hidden_are_not_named():
    scene = arranged(("cat", None, 200, 200), ("house", None, 210, 205), ("dog", None, 60, 60))
    said = captions(scene, boxes(scene)) + questions(scene, boxes(scene))
    assert not any(0 in m.objects for u in said for m in u.mentions)
    assert not any(re.search(r"\bno cats?\b", u.text) for u in said)


def test_a_kind_with_a_hidden_thing_is_not_counted():
    scene = arranged(("cat", None, 200, 200), ("house", None, 210, 205), ("cat", None, 60, 60))
    said = questions(scene, boxes(scene))
    assert not any(re.search(r"\bcats\b", u.prompt) for u in said)


def test_grounds_without_a_name_are_never_said():
    scene, picture = boxed(2)
    scene = replace(scene, ground=replace(scene.ground, name=None))
    said = captions(scene, picture)
    assert not any(m.role == "ground" for u in said for m in u.mentions)


@pytest.mark.parametrize(
    ("how", "expected"),
    [("left", True), ("right", False), ("above", False), ("below", False), ("far", True)],
)
def test_relation_verdicts_of_two_things_side_by_side(how, expected):
    scene = arranged(("cat", None, 60, 200), ("dog", None, 340, 200))
    assert FactsOfScene(scene, boxes(scene)).relation_verdict(how, 0, 1) is expected


def test_relation_verdict_is_open_on_the_diagonal():
    scene = arranged(("cat", None, 60, 60), ("dog", None, 340, 340))
    assert FactsOfScene(scene, boxes(scene)).relation_verdict("left", 0, 1) is None
