"""The page's payload of small records, number by number."""

import json
from pathlib import Path

import pytest

from golden.location_records import small_box_record
from golden.records import small_record, small_views_record
from golden.verdict_records import small_diagnosed_record
from seewhy.report.colourmaps import NAMES
from seewhy.report.payload import payload


@pytest.mark.parametrize(
    ("make", "golden"),
    [
        (small_record, "payload.json"),
        (small_views_record, "payload_views.json"),
        (small_diagnosed_record, "payload_verdicts.json"),
        (small_box_record, "payload_locations.json"),
    ],
)
def test_payload_is_the_golden_one(make, golden):
    data: dict = dict(payload(make()))
    # Encoded pixels differ between releases of Pillow's codecs; the colour tables have tests.
    data["pictures"] = [{**p, "source": p["source"].split(",")[0]} for p in data["pictures"]]
    data["colours"] = list(data["colours"])
    assert data["colours"] == list(NAMES)
    assert data == json.loads(Path(__file__).with_name(golden).read_text("utf-8"))
