"""The page's payload of a small record, number by number."""

import json
from pathlib import Path

from golden.records import small_record
from seewhy.report.colourmaps import NAMES
from seewhy.report.payload import payload

GOLDEN = Path(__file__).with_name("payload.json")


def test_payload_is_the_golden_one():
    told: dict = dict(payload(small_record()))
    # Encoded pixels differ between releases of Pillow's codecs; the colour tables have tests.
    told["picture"] = {**told["picture"], "source": told["picture"]["source"].split(",")[0]}
    told["colours"] = list(told["colours"])
    assert told["colours"] == list(NAMES)
    assert told == json.loads(GOLDEN.read_text("utf-8"))
