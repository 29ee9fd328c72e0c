"""Webhook bodies of 17TRACK and AfterShip as documented (platform-rules 5.3), and a sheet.

`spoiled` damages the bodies at random.
"""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import polars as pl

from features.tables import INSTANT
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData
from pipeline.sources.tracking.tracking_source import with_tracking
from tests.unit.sources.aliexpress_dumps import ENCODINGS, STRANGE, paths_in, value_at

SEVENTEEN = {
    "event": "TRACKING_UPDATED",
    "data": {
        "number": "h-1",
        "carrier": 3011,
        "tag": "",
        "track_info": {
            "latest_status": {"status": "InTransit", "sub_status": "InTransit_CustomsReleased"},
            "tracking": {
                "providers": [
                    {
                        "provider": {"key": 3011, "name": "China Post"},
                        "events": [
                            {
                                "time_iso": "2018-01-20T08:00:00+08:00",
                                "time_utc": "2018-01-20T00:00:00Z",
                                "description": "Released",
                                "stage": None,
                                "sub_status": "InTransit_CustomsReleased",
                            },
                            {
                                "time_utc": "2018-01-19T00:00:00Z",
                                "description": "?",
                                "stage": "Departure",
                                "sub_status": "",
                            },
                            {
                                "time_utc": "2018-01-18T00:00:00Z",
                                "description": "?",
                                "sub_status": "InTransit_Teleported",
                            },
                        ],
                    }
                ]
            },
        },
    },
}
AFTERSHIP = {
    "event": "tracking_update",
    "event_id": "x",
    "is_tracking_first_tag": True,
    "ts": 1516500000,
    "msg": {
        "tracking_number": "H-2",
        "slug": "cainiao",
        "tag": "InTransit",
        "subtag": "InTransit_005",
        "checkpoints": [
            {
                "slug": "cainiao",
                "message": "Покинуть склад",
                "tag": "InTransit",
                "subtag": "InTransit_007",
                "checkpoint_time": "2018-01-18T12:57:26+08:00",
                "country_iso3": None,
            },
            {
                "slug": "cainiao",
                "message": "refused",
                "tag": "Exception",
                "subtag": "Exception_003",
                "checkpoint_time": "2018-01-20T12:57:26+08:00",
            },
        ],
    },
}
SHEET = (
    "Tracking Number,Package status,Latest event time,Latest event info\n"
    "h-3,Delivered,2018-01-21 10:00:00,Signed\nh-4,In Transit,2018-01-21 10:00:00,on its way\n"
    "h-5,Delivered,,\nZZ-9,Delivered,2018-01-21 10:00:00,Signed\n"
    ",Delivered,2018-01-21 10:00:00,Signed\n"
)


def store(count: int = 10) -> StoreData:
    """`count` orders `o-0`, `o-1`, ... with parcels `h-0`, `h-1`, ... and no scans."""
    placed = pl.Series("occurred_at", [datetime(2018, 1, 1, tzinfo=UTC)] * count, dtype=INSTANT)
    orders = pl.DataFrame({"order_id": [f"o-{n}" for n in range(count)]}).with_columns(placed)
    parcels = orders.select("order_id", shipment_id=pl.col("order_id").str.replace("o", "h"))
    return StoreData({"orders": orders, "shipments": parcels}, "UTC", False, [])


def spoiled(rng: Random) -> bytes:
    """A body with up to four wrong values, in some encoding; one in four is cut off."""
    body: Any = copy.deepcopy(rng.choice([SEVENTEEN, AFTERSHIP]))
    for _ in range(rng.randint(0, 4)):
        paths = [path for path in paths_in(body) if path]
        *parents, last = rng.choice(paths) if paths else ("x",)
        node = value_at(body, parents)
        if isinstance(node, list) or last not in node or rng.random() < 0.6:
            node[last] = copy.deepcopy(rng.choice(STRANGE))
        else:
            del node[last]
    data = json.dumps(body, ensure_ascii=False).encode(rng.choice(ENCODINGS))
    return data[: rng.randint(0, len(data))] if rng.random() < 0.25 else data


def account(folder: Path) -> int:
    """Assert that each row in `folder/tracking` is a scan, a repetition of one, or in quarantine.

    Returns the number of rows.
    """
    data = with_tracking(store(), SourceContext(folder))
    files = data.files[-1]
    faults = files.quarantine().height
    assert data.frames["tracking"].height <= files.count_rows - faults
    assert (data.frames["tracking"].height > 0) == (files.count_rows > faults)
    return files.count_rows
