"""The truths of answers about emoji scenes."""

from emoji_boxes import arranged, boxed, boxes
from seewhy.datasets._emoji_truths import Annotator
from seewhy.testbed.emoji.captions import captions


def test_annotator_of_the_reference_supports_what_it_says():
    for index in range(20):
        scene, picture = boxed(index)
        for caption in captions(scene, picture):
            truths = Annotator(scene, picture, caption)(caption.text)
            assert [(t.start, t.end) for t in truths] == [
                (m.start, m.end) for m in caption.mentions
            ]
            assert all(t.supported is not False for t in truths)
            assert all(t.category for t in truths if t.role == "kind" and t.supported)


def test_annotator_of_another_answer_tells_the_invented():
    scene = arranged(("cat", "grey", 60, 60), ("pair of socks", "green", 300, 300))
    picture = boxes(scene)
    annotate = Annotator(scene, picture, captions(scene, picture)[0])
    truths = {
        text: truth
        for truth in annotate("A red lion and a pair of green socks in the picture.")
        for text in [
            "A red lion and a pair of green socks in the picture."[truth.start : truth.end]
        ]
    }
    assert (truths["lion"].supported, truths["lion"].category) == (False, "lion")
    assert (truths["socks"].supported, truths["socks"].regions) == (True, (1,))
    assert truths["green"].supported
    assert truths["socks"].tags["size"] == "middle"
    assert truths["red"].supported is None
    assert (truths["picture"].role, truths["."].role, truths["and"].role) == (
        "noun",
        "mark",
        "function",
    )
