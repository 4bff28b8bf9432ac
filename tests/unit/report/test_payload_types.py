from typing import Annotated, Any, NotRequired, TypedDict

import pytest

from seewhy.report.payload_types import ASSETS, PAYLOADS, declarations


class Inner(TypedDict):
    """What is inside.

    And more.
    """

    pair: Annotated[list[str | float], (str, float)] | None


class Outer(TypedDict):
    """What is around it."""

    inner: list[Inner]
    sizes: list[list[int] | None]
    known: dict[str, Inner | None]
    other: NotRequired[bool | Any]


def test_declarations_name_parts_before_the_whole():
    text = declarations(Outer)
    assert text.split("\n\n", 1)[1] == (
        "/** What is inside. */\n"
        "export interface Inner {\n"
        "  pair: [string, number] | null;\n"
        "}\n\n"
        "/** What is around it. */\n"
        "export interface Outer {\n"
        "  inner: Inner[];\n"
        "  sizes: (number[] | null)[];\n"
        "  known: Record<string, Inner | null>;\n"
        "  other?: boolean | unknown;\n"
        "}\n"
    )


@pytest.mark.parametrize(("name", "payload"), PAYLOADS.items(), ids=PAYLOADS)
def test_declarations_are_those_of_the_payload(name, payload):
    assert (ASSETS / name).read_text("utf-8") == declarations(payload), (
        "run python -m seewhy.report.payload_types"
    )
