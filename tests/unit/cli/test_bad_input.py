"""Bad input: a faulty row goes to quarantine and the rest proceeds; a file that is bad as a whole
is refused."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.load.ingest import ingest
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

COUNT = 60
ORDERS, ITEMS = "olist_orders_dataset.csv", "olist_order_items_dataset.csv"
REVIEWS, PAYMENTS = "olist_order_reviews_dataset.csv", "olist_order_payments_dataset.csv"
# which files become rows of which table, one for one
TABLE_OF = {
    "canonical": {
        f"{name}.csv": name
        for name in (
            "orders",
            "order_lines",
            "promises",
            "products",
            "shipments",
            "tracking",
            "disputes",
        )
    },
    "olist": {ORDERS: "orders", ITEMS: "order_lines", REVIEWS: "reviews"},
}

BOUGHT, DELIVERED = "order_purchase_timestamp", "order_delivered_customer_date"
# source, file, what the fifth row says instead, the column at fault, words of the reason
FAULTS = [
    ("olist", ORDERS, {BOUGHT: "2018-02-30 10:00:00"}, BOUGHT, "not a date"),
    ("olist", ORDERS, {BOUGHT: "yesterday"}, BOUGHT, "not a date"),
    ("olist", ORDERS, {BOUGHT: ""}, BOUGHT, "empty"),
    ("olist", ORDERS, {BOUGHT: "0018-01-02 10:00:00"}, BOUGHT, "not a date"),
    (
        "olist",
        ORDERS,
        {DELIVERED: "2017-01-01 00:00:00"},
        DELIVERED,
        "delivered before it was purchased",
    ),
    ("olist", ORDERS, {"order_id": "caf\udce9"}, "order_id", "not UTF-8"),
    ("olist", ORDERS, {"order_id": "o\x004"}, "order_id", "NUL"),
    ("olist", ORDERS, {"order_id": '"o-4'}, "order_id", "quote"),
    ("olist", ORDERS, {"customer_id": "nobody"}, "customer_id", "unknown customer"),
    ("olist", ITEMS, {"price": "-1.00"}, "price", "below 0"),
    ("olist", ITEMS, {"price": "R$ 20"}, "price", "not a number"),
    ("olist", ITEMS, {"price": "nan"}, "price", "not a number"),
    ("olist", ITEMS, {"order_id": "nobody"}, "order_id", "unknown order"),
    ("olist", ITEMS, {"product_id": "nothing"}, "product_id", "unknown product"),
    ("olist", ITEMS, {"freight_value": "1,50"}, "freight_value", "8 cells where the header has 7"),
    ("olist", REVIEWS, {"review_score": "6"}, "review_score", "above 5"),
    (
        "olist",
        REVIEWS,
        {"review_answer_timestamp": "2017-01-01"},
        "review_answer_timestamp",
        "before the order",
    ),
    (
        "olist",
        "olist_products_dataset.csv",
        {"product_weight_g": "-3"},
        "product_weight_g",
        "below 0",
    ),
    (
        "canonical",
        "orders.csv",
        {"occurred_at": "2018-02-30 10:00:00"},
        "occurred_at",
        "not a date",
    ),
    (
        "canonical",
        "orders.csv",
        {"occurred_at": "9018-01-02T10:00:00Z"},
        "occurred_at",
        "not a date",
    ),
    ("canonical", "orders.csv", {"total_usd": "-21.50"}, "total_usd", "below 0"),
    ("canonical", "orders.csv", {"total_usd": "inf"}, "total_usd", "not a number"),
    ("canonical", "orders.csv", {"order_id": ""}, "order_id", "empty"),
    ("canonical", "orders.csv", {"country": "S\udce3o"}, "country", "not UTF-8"),
    ("canonical", "order_lines.csv", {"unit_price_usd": "-1"}, "unit_price_usd", "below 0"),
    ("canonical", "order_lines.csv", {"quantity": "0"}, "quantity", "below 1"),
    ("canonical", "order_lines.csv", {"order_id": "nobody"}, "order_id", "unknown order"),
    ("canonical", "order_lines.csv", {"product_id": "nothing"}, "product_id", "unknown product"),
    (
        "canonical",
        "orders.csv",
        {"total_usd": "22.50"},
        "total_usd",
        "more than its lines add up to",
    ),
    ("canonical", "orders.csv", {"shipping_usd": "30"}, "shipping_usd", "more than the total"),
    (
        "canonical",
        "promises.csv",
        {"promised_at": "2017-01-01"},
        "promised_at",
        "promised for a time before its order",
    ),
    (
        "canonical",
        "disputes.csv",
        {"step": "ruled"},
        "dispute_id",
        "its dispute has no step 'opened'",
    ),
    (
        "canonical",
        "promises.csv",
        {"kind": "gift"},
        "kind",
        "unknown value; allowed: dispatch, delivery",
    ),
    (
        "canonical",
        "tracking.csv",
        {"occurred_at": "2017-01-01"},
        "occurred_at",
        "before its order was placed",
    ),
    ("canonical", "tracking.csv", {"status": "Gone"}, "status", "unknown value"),
    (
        "canonical",
        "shipments.csv",
        {"carrier": "a,b"},
        "occurred_at",
        "5 cells where the header has 4",
    ),
]


def load(workspace: Path, kind: str, raw: Path) -> None:
    workspace.mkdir(exist_ok=True)
    place = Workspace(workspace)
    with place.locked():
        ingest(place, load_config(workspace), Progress(), source=kind, raw=raw)


def quarantined(workspace: Path, file: str) -> list[dict[str, str]]:
    path = workspace / "quarantine" / file
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def assert_no_row_is_lost(workspace: Path, source) -> None:
    tables = Workspace(workspace).read_tables()
    for file, table in TABLE_OF[source.kind].items():
        rows = {row["row"] for row in quarantined(workspace, file)}
        assert tables[table].height + len(rows) == len(source.files[file]), file


def digest(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
    }


@pytest.mark.parametrize("kind", TABLE_OF)
def test_sound_source_is_loaded_whole(make_source: Callable, tmp_path: Path, kind: str) -> None:
    source = make_source(kind)
    load(tmp_path / "w", kind, source.write(tmp_path / "raw"))
    assert list((tmp_path / "w/quarantine").iterdir()) == []
    assert_no_row_is_lost(tmp_path / "w", source)


@pytest.mark.parametrize(("kind", "file", "change", "column", "reason"), FAULTS)
def test_faulty_row_goes_to_quarantine_and_the_rest_is_loaded(
    make_source: Callable,
    tmp_path: Path,
    kind: str,
    file: str,
    change: dict,
    column: str,
    reason: str,
) -> None:
    source = make_source(kind)
    source.files[file][4].update(change)
    load(tmp_path / "w", kind, source.write(tmp_path / "raw"))
    rows = quarantined(tmp_path / "w", file)
    assert {(row["file"], row["row"]) for row in rows} == {(file, "6")}
    assert column in {row["column"] for row in rows if reason in row["reason"]}
    for row in rows:
        assert (json.loads(row["record"])[row["column"]] or "").replace("\x00", "") == row[
            "value"
        ].removeprefix("'")
    assert Workspace(tmp_path / "w").read_tables()["orders"].height >= COUNT - 1
    assert_no_row_is_lost(tmp_path / "w", source)


@pytest.mark.parametrize(
    ("kind", "file", "key"),
    [
        ("olist", ORDERS, "order_id"),
        ("olist", ITEMS, "order_id, order_item_id"),
        ("olist", PAYMENTS, "order_id, payment_sequential"),
        ("canonical", "orders.csv", "order_id"),
        ("canonical", "order_lines.csv", "order_id, line_id"),
        ("canonical", "products.csv", "product_id"),
        ("canonical", "disputes.csv", "step_id"),
    ],
)
def test_of_a_duplicate_key_the_first_row_is_kept(
    make_source: Callable, tmp_path: Path, kind: str, file: str, key: str
) -> None:
    source = make_source(kind)
    source.files[file].append(dict(source.files[file][4]))
    load(tmp_path / "w", kind, source.write(tmp_path / "raw"))
    (row,) = quarantined(tmp_path / "w", file)
    assert (row["row"], row["reason"]) == (
        "62",
        f"duplicate key ({key}); the first good row is kept",
    )
    assert_no_row_is_lost(tmp_path / "w", source)


@pytest.mark.parametrize(
    ("kind", "file", "column"),
    [("olist", ORDERS, BOUGHT), ("canonical", "orders.csv", "total_usd")],
)
def test_of_a_duplicate_key_a_good_row_replaces_a_faulty_first_one(
    make_source: Callable, tmp_path: Path, kind: str, file: str, column: str
) -> None:
    source = make_source(kind)
    source.files[file].append(dict(source.files[file][4]))
    source.files[file][4][column] = "?"
    load(tmp_path / "w", kind, source.write(tmp_path / "raw"))
    assert [row["row"] for row in quarantined(tmp_path / "w", file)] == ["6"]
    assert Workspace(tmp_path / "w").read_tables()["order_lines"].height == COUNT


@pytest.mark.parametrize(("kind", "file"), [("olist", ORDERS), ("canonical", "orders.csv")])
def test_rows_of_a_quarantined_order_follow_it_without_counting(
    make_source: Callable, tmp_path: Path, kind: str, file: str
) -> None:
    source = make_source(kind)
    lines = ITEMS if kind == "olist" else "order_lines.csv"
    # of the canonical format, the lines of an order add up to its total
    part = {} if kind == "olist" else {"unit_price_usd": "4.00", "shipping_usd": "0.30"}
    source.files[lines] = [
        {**row, list(row)[1]: n, **part} for row in source.files[lines][:7] for n in "12345"
    ]
    source.files[file][4][BOUGHT if kind == "olist" else "occurred_at"] = "?"
    # 5 of the 35 lines, 14 %, belong to the order
    load(tmp_path / "w", kind, source.write(tmp_path / "raw"))
    rows = quarantined(tmp_path / "w", lines)
    assert {(row["column"], row["reason"]) for row in rows} == {
        ("order_id", "its order is in quarantine")
    }
    assert [row["row"] for row in rows] == ["22", "23", "24", "25", "26"]


@pytest.mark.parametrize(
    ("kind", "file", "change"),
    [
        ("olist", ORDERS, {BOUGHT: "?"}),
        ("olist", ITEMS, {"price": "-1"}),
        ("canonical", "orders.csv", {"total_usd": "-1"}),
        ("canonical", "tracking.csv", {"order_id": "nobody"}),
    ],
)
def test_over_five_percent_of_faulty_rows_refuse_and_keep_the_tables(
    make_source: Callable, tmp_path: Path, kind: str, file: str, change: dict
) -> None:
    load(tmp_path / "w", kind, make_source(kind).write(tmp_path / "raw"))
    before = digest(tmp_path / "w/tables")
    source = make_source(kind)
    for row in source.files[file][10:13]:
        row.update(change)
    load(tmp_path / "at-limit", kind, source.write(tmp_path / "raw"))
    source.files[file][13].update(change)
    with pytest.raises(BadInput) as refused:
        load(tmp_path / "w", kind, source.write(tmp_path / "raw"))
    assert refused.value.exit_code == 10
    for words in (
        file,
        "row 12",
        repr(next(iter(change.values()))),
        "6.7%",
        "5%",
        "former tables stay",
    ):
        assert words in str(refused.value)
    assert digest(tmp_path / "w/tables") == before
    assert [row["row"] for row in quarantined(tmp_path / "w", file)] == ["12", "13", "14", "15"]


HOSTILE = [
    "=cmd|' /C calc'!A0",
    "@SUM(1)",
    "+1+cmd",
    "-2+3",
    "\t=1+1",
    "../x",
    "o\x00=1",
    "\u202egnp.exe",
    "\x1b[2J",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    ("kind", "file", "column"),
    [
        ("olist", ITEMS, "order_id"),
        ("olist", ITEMS, "price"),
        ("canonical", "order_lines.csv", "product_id"),
        ("canonical", "products.csv", "weight_g"),
    ],
)
def test_hostile_text_is_harmless_in_quarantine(
    make_source: Callable, tmp_path: Path, kind: str, file: str, column: str, text: str
) -> None:
    source = make_source(kind)
    source.files[file][4][column] = text
    load(tmp_path / "w", kind, source.write(tmp_path / "raw"))
    rows = quarantined(tmp_path / "w", file)
    assert {row["row"] for row in rows} == {"6"}
    for cell in (cell for row in rows for cell in row.values()):
        assert not re.match(r"[=+\-@\t\r]", cell)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", cell)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw", "w"]


@pytest.mark.parametrize(
    ("kind", "file", "column"),
    [
        ("olist", ORDERS, BOUGHT),
        ("olist", ITEMS, "price"),
        ("olist", "olist_sellers_dataset.csv", "seller_state"),
        ("canonical", "orders.csv", "total_usd"),
        ("canonical", "promises.csv", "promised_at"),
        ("canonical", "disputes.csv", "cause"),
    ],
)
def test_missing_column_or_file_refuses_and_keeps_the_tables(
    make_source: Callable, tmp_path: Path, kind: str, file: str, column: str
) -> None:
    source = make_source(kind)
    load(tmp_path / "w", kind, source.write(tmp_path / "raw"))
    before = digest(tmp_path / "w/tables")
    spoilt = source.write(tmp_path / "spoilt")
    header = (spoilt / file).read_text()
    (spoilt / file).write_text(header.replace(column, "colour", 1))
    with pytest.raises(BadInput, match=f"{file}: column {column} is missing. Found: .*colour"):
        load(tmp_path / "w", kind, spoilt)
    (spoilt / file).write_bytes(header.encode("utf-16"))
    with pytest.raises(BadInput, match=f"{file}: is UTF-16"):
        load(tmp_path / "w", kind, spoilt)
    (spoilt / file).unlink()
    if file == "disputes.csv":
        load(tmp_path / "w", kind, spoilt)
        assert Workspace(tmp_path / "w").read_tables()["disputes"].is_empty()
        return
    with pytest.raises(BadInput, match=f"{file}: no such file"):
        load(tmp_path / "w", kind, spoilt)
    assert digest(tmp_path / "w/tables") == before


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "zone =",
        "zone = 3",
        'zone = ""',
        'zone = "Mars/Base"',
        'zone = "../../etc"',
        'zone = "Factory"',
        "\udcff",
    ],
)
def test_store_file_without_a_good_zone_refuses(
    make_source: Callable, tmp_path: Path, text: str | None
) -> None:
    raw = make_source("canonical").write(tmp_path / "raw")
    (raw / "store.toml").unlink()
    if text is not None:
        (raw / "store.toml").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(BadInput, match=r"store\.toml: .*zone = \"Asia/Shanghai\""):
        load(tmp_path / "w", "canonical", raw)


def test_source_without_the_exchange_rate_it_needs_refuses(
    make_source: Callable, tmp_path: Path
) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w/config.toml").write_text("usd_per = {USD = 1.0}\n")
    with pytest.raises(BadInput, match=r"config\.toml: usd_per has no BRL"):
        load(tmp_path / "w", "olist", make_source("olist").write(tmp_path / "raw"))


def test_command_line_says_bad_input_without_traceback(
    make_source: Callable, run_step: Callable, tmp_path: Path
) -> None:
    source, options = (
        make_source("olist"),
        ("--workspace", tmp_path / "w", "--source", "olist", "--raw"),
    )
    for row in source.files[ORDERS][4:9]:
        row[BOUGHT] = "never"
    told = run_step("ingest", *options, source.write(tmp_path / "raw"))
    assert (told.returncode, "Traceback" in told.stderr) == (10, False)
    assert re.search(rf"{ORDERS}: 8\.3% .* row 6, {BOUGHT} = 'never': not a date", told.stderr)
    told = run_step("ingest", *options, tmp_path / "nowhere")
    assert (told.returncode, "Traceback" in told.stderr) == (10, False)
    (tmp_path / "w/config.toml").write_text("capacity_a_night = 3\n")
    told = run_step("ingest", *options, tmp_path / "raw")
    assert (told.returncode, "Traceback" in told.stderr) == (10, False)
    assert re.search(r"config\.toml: capacity_a_night: .*got 3", told.stderr)
