"""Buyers get a tracking number only if it is known as one: a shop's own shipment id is none."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from features.clock import day_number
from pipeline.drafts.buyer_facts import has_carriers_form, with_known_numbers
from pipeline.drafts.stated_facts import stored_order_facts
from pipeline.load.ingest import ingest
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.sources.canonical import read_canonical
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.source_context import SourceContext
from pipeline.workspace.progress import Progress
from pipeline.workspace.table_files import tracking_numbers
from pipeline.workspace.workspace import Workspace
from tests.unit.source_folders import sound_source
from tests.unit.sources.corner_shop import MAPPING, ORDERS, write

POSTAL, OWN, CAINIAO = "RR123456785CN", "SHP-000088", "LP00441234567CN"
NAMES = {"h-1": POSTAL, "h-2": CAINIAO}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A canonical shop: a postal number, one of Cainiao, and the shop's own ids."""
    source = sound_source("canonical")
    for name in ("shipments.csv", "tracking.csv"):
        for row in source.files[name]:
            row["shipment_id"] = NAMES.get(row["shipment_id"], f"SHP-{row['shipment_id']}")
    return source.write(tmp_path / "raw")


def said(raw: Path, folder: Path) -> set[str]:
    """The shipment ids that drafts may give to buyers."""
    workspace = Workspace(folder)
    with workspace.locked():
        ingest(workspace, Config(), Progress(), source="canonical", raw=raw)
    files = workspace.table_files()
    order_ids = pl.Series("order_id", [f"o-{n}" for n in range(1, 6)])
    rows = stored_order_facts(files, order_ids, day_number(date(2018, 3, 1)))
    return set(rows["shipment_id"].drop_nulls())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", {POSTAL, CAINIAO}),
        ("tracking_numbers = true\n", {POSTAL, CAINIAO, "SHP-h-3", "SHP-h-4", "SHP-h-5"}),
        ("tracking_numbers = false\n", set()),
    ],
)
def test_a_canonical_shop_says_whether_its_ids_are_tracking_numbers(
    raw: Path, tmp_path: Path, line: str, expected: set[str]
) -> None:
    (raw / "store.toml").write_text('zone = "Asia/Shanghai"\n' + line)
    assert said(raw, tmp_path / "shop") == expected
    notes = read_canonical(SourceContext(raw)).notes
    assert any("tracking_numbers" in note for note in notes) == (not line)


def test_a_wrong_type_of_the_line_is_named(raw: Path) -> None:
    (raw / "store.toml").write_text('zone = "Asia/Shanghai"\ntracking_numbers = "yes"\n')
    with pytest.raises(BadInput, match="tracking_numbers is 'yes'; write true"):
        read_canonical(SourceContext(raw))


@pytest.mark.parametrize(
    ("number", "is_carriers"),
    [
        (POSTAL, True),
        ("EB000717618HK", True),
        ("RR123456789CN", False),  # a wrong check digit
        ("1Z5915806855587736", True),
        ("1Z5915806855587735", False),
        ("1Z999AA10123456784", True),
        (CAINIAO, True),
        ("YT2134567890123456", True),
        (OWN, False),
        ("5550000000219", False),
        ("", False),
        (None, False),
    ],
)
def test_the_forms_of_carriers(number: str | None, is_carriers: bool) -> None:
    assert has_carriers_form(number) == is_carriers


SHIPMENTS = """
[[fact]]
table = "shipments"
file = "orders*"
[fact.columns]
order_id = {column = "No", strip = "#"}
occurred_at = "Paid"
shipment_id = "COLUMN"
"""


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("Tracking Number", True),
        ("trackingNo", True),
        ("Waybill", True),
        ("Shipment id", None),
        ("Tracking company", None),
    ],
)
def test_a_mapped_column_that_is_called_a_tracking_number_has_them(
    tmp_path: Path, column: str, expected: bool | None
) -> None:
    text = f"{ORDERS.strip()},{column}\n"
    text += "#1203,03/05/2024 14:00,5,0,A,1,5,2024-05-04T10:00:00Z,,SHP-88\n"
    mapping = MAPPING + SHIPMENTS.replace("COLUMN", column)
    assert read_mapped(write(tmp_path, text, mapping)).tracking_numbers is expected
    line = '\ntracking_numbers = false\nzone = "Asia'
    data = read_mapped(write(tmp_path, text, mapping.replace('\nzone = "Asia', line, 1)))
    assert data.tracking_numbers is False


def test_an_earlier_ingest_of_the_platforms_dumps_has_tracking_numbers() -> None:
    assert tracking_numbers({"source": "aliexpress"}) is True
    assert tracking_numbers({"source": "canonical"}) is None
    assert tracking_numbers({"source": "aliexpress", "tracking_numbers": False}) is False
    rows = pl.DataFrame({"shipment_id": [OWN, None, POSTAL]})
    assert with_known_numbers(rows, True)["shipment_id"].to_list() == [OWN, None, POSTAL]
    assert with_known_numbers(rows, None)["shipment_id"].to_list() == [None, None, POSTAL]
    assert with_known_numbers(rows, False)["shipment_id"].to_list() == [None, None, None]
