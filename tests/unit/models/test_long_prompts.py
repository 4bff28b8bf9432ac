"""Long prompts: each step looks at each token a bounded number of times."""

from __future__ import annotations

import torch

from families import shared
from golden.records import record_of
from painting import noise
from seewhy.models.chat_template import expand
from seewhy.models.inputs import prompt_tokens, visual_positions
from seewhy.report import payload_units as module
from seewhy.report.payload import payload


class Counted(list):
    """A list that counts how often an entry is looked at."""

    looks = 0

    def __getitem__(self, key):
        Counted.looks += 1
        return super().__getitem__(key)


def looks(call) -> int:
    Counted.looks = 0
    call()
    return Counted.looks


def test_tokens_of_many_texts_are_found_in_a_linear_number_of_steps():
    def steps(texts: int) -> int:
        """Texts of ten letters, each letter a token."""
        offsets = Counted((at, at + 1) for at in range(11 * texts))
        spans = [(11 * n, 11 * n + 10) for n in range(texts)]
        leads = [11 * n for n in range(texts)]
        found = []
        count = looks(lambda: found.extend(prompt_tokens(offsets, spans, leads)))
        assert found[0] == [at for at in range(11 * texts) if at % 11 < 10]
        assert found[1] == [(at, at + 1) for at in found[0]]
        return count

    assert 0 < steps(1000) <= 11 * steps(100)


def test_image_tokens_are_looked_for_in_their_placeholder_alone():
    family = shared("qwen2-vl").family
    visual = family.process_image(noise(60, 40))
    ids = torch.full((visual.visual + 4000,), 5)
    ids[:2], ids[10 : 10 + visual.visual] = family.image_token_id, family.image_token_id
    offsets = Counted((at, at + 1) for at in range(len(ids)))
    found = []

    def find():
        found.append(visual_positions(family, ids, offsets, (10, 10 + visual.visual), visual))

    assert looks(find) < 3 * visual.visual + 50
    assert found[0].tolist() == list(range(10, 10 + visual.visual))


def test_expand_moves_many_texts():
    family = shared("qwen2-vl").family
    visual = family.process_image(noise(60, 40))
    piece, count = "a<|image_pad|>", 500
    starts = [len(piece) * n for n in range(count)]
    words = [(start, start + 1) for start in starts]
    text, moved, pictures = expand(family, piece * count, words, [visual] * count)
    assert {text[a:b] for a, b in moved} == {"a"}
    assert len(pictures) == count
    assert text == ("a" + visual.placeholder) * count


def test_page_of_a_long_text_holds_a_bounded_number_of_pairs(monkeypatch):
    record = record_of(tuple((f" w{n}", "star") for n in range(60)), explained=True)
    full = payload(record)
    assert max(len(unit["context"]) for unit in full["words"]["answer"]) > 20
    monkeypatch.setattr(module, "CONTEXT_ALL", 100)
    monkeypatch.setattr(module, "CONTEXT_LEAST", 3)
    short = payload(record)["words"]["answer"]
    assert max(len(unit["context"]) for unit in short) == 3
    for unit, whole in zip(short, full["words"]["answer"], strict=True):
        assert unit["context"] == whole["context"][: len(unit["context"])]
