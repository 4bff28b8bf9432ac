"""What the page is told at first."""

from seewhy.app.state import methods
from seewhy.methods import DEFAULT, METHODS


def test_methods_are_all_but_the_controls_the_default_first():
    told = methods()
    assert told[0]["name"] == DEFAULT
    assert {method["name"] for method in told} == set(METHODS.names()) - {"centre", "random"}
    assert all(set(method) == {"name", "title", "can_contrast", "speed"} for method in told)


def test_methods_that_need_more_passes_are_slow():
    speeds = {method["name"]: method["speed"] for method in methods()}
    assert {speeds[name] for name in ("logit-shares", "tam", "logit-lens")} == {"fast"}
    assert {speeds[name] for name in ("rise", "occlusion", "attn-lrp", "corroborated")} == {"slow"}
