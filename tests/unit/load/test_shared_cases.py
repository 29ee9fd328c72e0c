"""The small inputs of ../shared/cases, each with the right value that its README states.

They lie next to the repository, and are not part of it.
"""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from features.clock import day_number
from features.tables import TABLES, create_tables
from pipeline.drafts.stated_facts import stored_order_facts
from pipeline.load.contacts import read_own, take_contacts
from pipeline.load.doctor import examine
from pipeline.load.ingest import ingest
from pipeline.load.known_sources import read_source
from pipeline.load.propose_mapping import propose_mapping
from pipeline.settings.config import Config, load_config
from pipeline.settings.errors import BadInput
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData
from pipeline.sources.tracking.tracking_source import with_tracking
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is not on this machine")
RATES = {"USD": 1.0, "RUB": 0.011, "JPY": 0.007}


def load(source: str, folder: Path) -> StoreData:
    """What `make ingest` would load."""
    context = SourceContext(folder, RATES)
    return with_tracking(enforce_contract(read_source(source, context)), context)


def mapped(case: str, folder: Path, *edits: tuple[str, str]) -> StoreData:
    """What the mapping loads that `make map` proposes for the files of a case."""
    for path in (CASES / case).iterdir():
        if path.suffix != ".toml":
            shutil.copyfile(path, folder / path.name)
    path = propose_mapping(folder)
    text = path.read_text()
    for before, after in edits:
        assert before in text
        text = text.replace(before, after)
    path.write_text(text)
    return load("mapped", folder)


def refused(data: StoreData) -> dict[str, list[int]]:
    """By file, the refused rows."""
    faults = pl.concat([file.quarantine() for file in data.files]).unique(["file", "row"])
    rows: dict[str, list[int]] = {}
    for file, row in faults.sort("file", "row").select("file", "row").rows():
        rows.setdefault(file, []).append(row)
    return rows


def store_of(folder: Path, *orders: str, buyer: str = "b-000652") -> Workspace:
    """A workspace with these orders, and a list of one night."""
    placed = datetime(2025, 11, 20, tzinfo=UTC)
    frame = pl.DataFrame({"order_id": orders, "buyer_id": [buyer] * len(orders)}).with_columns(
        country=pl.lit("ES"), occurred_at=pl.lit(placed), known_at=pl.lit(placed)
    )
    frame = pl.concat([TABLES["orders"].empty(), frame], how="diagonal_relaxed")
    workspace = Workspace(folder / "shop")
    with workspace.locked():
        tables = create_tables({"orders": frame}, zone="UTC")
        workspace.write_tables(tables, {"input_sha256": {}, "table_rows": {}})
    with workspace.new_run(date(2025, 12, 20), "run") as run:
        ranked = frame.select("order_id", "buyer_id").with_row_index("rank", offset=1)
        ranked.write_parquet(run / "contact_list.parquet")
        (run / "manifest.json").write_text("{}")
    return workspace


def test_an_order_that_the_platform_calls_sent_is_sent_since_that_dump() -> None:
    data = load("aliexpress", CASES / "02_sent_by_status" / "dumps")
    shipments = data.frames["shipments"]
    assert shipments.height == data.frames["orders"].height == 3
    assert shipments["known_at"].unique().to_list() == [datetime(2022, 6, 9, 6, tzinfo=UTC)]


def test_scans_whose_time_has_parts_and_no_offset() -> None:
    data = load("canonical", CASES / "03_17track_time_raw" / "raw")
    scans = data.frames["tracking"].sort("occurred_at")
    assert refused(data) == {}
    assert scans.height == 5
    # 14:23 in Recife
    assert scans.filter(status="Delivered")["occurred_at"].to_list() == [
        datetime(2026, 6, 30, 17, 23, tzinfo=UTC)
    ]


@pytest.mark.parametrize(
    ("case", "rows"),
    [
        (
            "04_excel_scientific_ids",
            {name: [2, 3, 4] for name in ("order_lines.csv", "orders.csv", "promises.csv")}
            | {"disputes.csv": [2]},
        ),
        ("05_excel_product_ids", {"order_lines.csv": [*range(2, 62)]}),
    ],
)
def test_ids_that_a_spreadsheet_rounded_are_refused(
    case: str, rows: dict[str, list[int]], tmp_path: Path
) -> None:
    raw = CASES / case / "raw"
    data = load("canonical", raw)
    assert refused(data) == rows
    reasons = pl.concat([file.quarantine() for file in data.files])["reason"]
    assert reasons.str.contains("which the spreadsheet has rounded").all()
    # both commands refuse files of which so many rows are faulty
    with pytest.raises(BadInput, match="rows are faulty"):
        examine(Config(), source="canonical", raw=raw)
    workspace = Workspace(tmp_path / "shop")
    with workspace.locked(), pytest.raises(BadInput, match="rows are faulty"):
        ingest(workspace, Config(), Progress(), source="canonical", raw=raw)


def test_exact_number_cells_of_a_workbook_are_ids(tmp_path: Path) -> None:
    data = mapped("05b_xlsx_numeric_ids/raw", tmp_path)
    assert refused(data) == {}
    ids = data.frames["orders"]["order_id"]
    assert ids.len() == 3
    assert ids.str.contains(r"^\d{16}$").all()


@pytest.mark.parametrize(
    "name",
    [
        "a_german_excel.csv",
        "b_us_excel.csv",
        "c_ok_bom_crlf.csv",
        "d_filled.xlsx",
        "e_id_as_number.xlsx",
    ],
)
def test_a_filled_list_is_taken_from_each_spreadsheet(name: str, tmp_path: Path) -> None:
    workspace = store_of(tmp_path, "8000000000022810", "8000000000022813")
    take_contacts(workspace, Progress(), file=CASES / "06_contacts_excel" / name, must_take=True)
    own = read_own(workspace).select("order_id", "occurred_at", "outcome").rows()
    # one of them has a day without a time
    at = datetime(2025, 12, 20, *((0, 0) if name.startswith("e_") else (9, 30)), tzinfo=UTC)
    assert own == [("8000000000022810", at, "answered")]


@pytest.mark.parametrize("name", ["header case.xlsx", "semicolon (European Excel).csv"])
def test_a_sheet_with_capitals_or_semicolons_is_taken(name: str, tmp_path: Path) -> None:
    workspace = store_of(tmp_path, "8100000000000001")
    take_contacts(workspace, Progress(), file=CASES / "sheets_from_excel" / name, must_take=True)
    own = read_own(workspace).select("order_id", "occurred_at", "outcome").rows()
    assert own == [("8100000000000001", datetime(2025, 12, 30, 10, tzinfo=UTC), "answered")]


def test_the_zone_in_a_columns_name_and_words_joined_by_underscores(tmp_path: Path) -> None:
    zone = ('zone = "UTC"', 'zone = "Asia/Shanghai"')
    proposed = mapped("09_shopify_blank_cells/raw", tmp_path, zone).frames["disputes"]
    assert proposed.sort("dispute_id").select("cause", "occurred_at").rows() == [
        ("not_received", datetime(2026, 4, 1, 10, 11, tzinfo=UTC)),
        ("not_as_described", datetime(2026, 4, 2, 10, 11, tzinfo=UTC)),
        ("other", datetime(2026, 4, 3, 10, 11, tzinfo=UTC)),
    ]
    # the mapping of an earlier version, which leaves the causes of two reasons open
    earlier = load("mapped", CASES / "09_shopify_blank_cells" / "raw").frames["disputes"]
    assert earlier.equals(proposed.select(earlier.columns), null_equal=True)


def test_an_offset_of_hours_alone_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    examine(Config(), source="canonical", raw=CASES / "11b_postgres_offset" / "raw")
    assert "every row would be loaded" in capsys.readouterr().out


def test_the_faulty_rows_are_refused_and_not_those_above() -> None:
    data = load("canonical", CASES / "12_wrong_row_refused" / "raw")
    assert refused(data) == {"reviews.csv": [3, 11], "tracking.csv": [2, 6]}
    assert {"r-4", "r-9"} <= set(data.frames["reviews"]["review_id"])


def test_no_parcel_number_is_given_that_only_the_program_made(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "shop")
    with workspace.locked():
        raw = CASES / "invented_parcel_number"
        ingest(workspace, Config(), Progress(), source="mapped", raw=raw)
    files = workspace.table_files()
    order_ids = files.read_all()["orders"]["order_id"]
    facts = stored_order_facts(files, order_ids, day_number(date(2026, 11, 27)))
    assert facts["sent_at"].count() == 8
    assert facts["shipment_id"].count() == 0


def test_a_completed_order_of_a_shop_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = mapped("woo_completed_closes", tmp_path).frames
    assert frames["shipments"].height == 23
    assert set(frames["order_events"]["event"]) == {"paid"}
    capsys.readouterr()
    # a mapping that takes it for the order's closing is reported
    config = Config(usd_per={"USD": 1.0, "EUR": 1.1})
    examine(config, source="mapped", raw=CASES / "woo_completed_closes")
    assert "after the closing of their order" in capsys.readouterr().out.replace("\n", " ")


def test_the_newer_of_two_overlapping_exports_wins() -> None:
    data = load("mapped", CASES / "overlapping_exports")
    assert refused(data) == {}
    steps = data.frames["disputes"].filter(step="opened")
    assert steps.height == steps["order_id"].n_unique() == 6
    # sent only in the newer export
    assert "1203" in data.frames["shipments"]["order_id"].to_list()


def test_the_proposed_promise_works_when_its_marks_are_removed(tmp_path: Path) -> None:
    shutil.copy(CASES / "promise_snippet_drops_format" / "orders-2026-11-17.csv", tmp_path)
    propose_mapping(tmp_path)
    path = tmp_path / "mapping.toml"
    before, lines = path.read_text().split("# [[fact]]")
    lines, rest = lines.split("\n\n", 1)
    path.write_text(f"{before}[[fact]]{lines.replace(chr(10) + '# ', chr(10))}\n\n{rest}")
    data = load("mapped", tmp_path)
    assert refused(data) == {}
    # of 28 orders, 3 are cancelled or failed
    assert data.frames["promises"].height == data.frames["orders"].height == 25


def test_totals_of_orders_with_tax_on_top_and_with_tax_in_the_prices(tmp_path: Path) -> None:
    right = pl.read_csv(CASES / "shopify_tax_included" / "orders_export_1.csv").select(
        order_id=pl.col("Name").str.strip_prefix("#"),
        right=(pl.col("Subtotal") + pl.col("Shipping")).round(2),
    )
    for data in (
        mapped("shopify_tax_included", tmp_path),
        # the mapping of an earlier version, which subtracts the tax of every order
        load("mapped", CASES / "shopify_tax_included"),
    ):
        totals = data.frames["orders"].select("order_id", pl.col("total_usd").round(2))
        assert totals.height == 26
        both = totals.join(right, on="order_id", how="left")
        assert both["total_usd"].to_list() == both["right"].to_list()
        # the other 14 orders have lines that this export lacks
        assert len(refused(data)["orders_export_1.csv"]) == 14


def test_refunds_with_a_minus_are_amounts() -> None:
    data = load("mapped", CASES / "negative_amounts")
    assert refused(data) == {}
    amounts = data.frames["disputes"].filter(step="opened")["amount_usd"]
    assert sorted(amounts) == [20.6, 31.39, 66.6, 68.9, 73.9, 82.84]
    assert sum("have a minus" in note for note in data.notes) == 1


def test_a_mistyped_setting_is_named(tmp_path: Path) -> None:
    text = (CASES / "damaged_workspace" / "config_booster_not_table.toml").read_text()
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(BadInput, match="booster") as raised:
        load_config(tmp_path)
    assert raised.value.exit_code == 10


def test_a_workbook_with_one_huge_row_number_is_refused_at_once(tmp_path: Path) -> None:
    book = CASES / "huge_row" / "hugerow2.xlsx"
    workspace = store_of(tmp_path, "8100000000000001")
    with pytest.raises(BadInput, match="999,999,999"):
        take_contacts(workspace, Progress(), file=book, must_take=True)
    shutil.copyfile(book, tmp_path / book.name)
    (tmp_path / "mapping.toml").write_text(
        '[store]\nzone = "UTC"\n[[fact]]\ntable = "orders"\nfile = "*.xlsx"\n[fact.columns]\n'
        'order_id = "order_id"\noccurred_at = "contacted_at"\n'
    )
    with pytest.raises(BadInput, match="999,999,999"):
        examine(Config(), source="mapped", raw=tmp_path)
