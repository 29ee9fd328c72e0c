"""Any mix of unreadable and contract-breaking rows, in any table: the right rows are refused.

The oracle below knows which rows it spoiled and which rows refer to them; it shares no code with
the contract.
"""

from __future__ import annotations

import copy
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from features.tables import TABLES
from pipeline.sources.canonical import read_canonical
from pipeline.sources.csv_text import ROW
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.source_context import SourceContext

Row = dict[str, str]
# (table, position of the row in it, kind of fault, a number that chooses the column)
Spoil = tuple[str, int, str, int]
ORDERS = 5
UNREADABLE = ("one cell too many", "no time", "no number", "not UTF-8", "a rounded id")
BROKEN = ("empty", "known before it happened", "below the minimum", "unknown word")
MISPLACED = ("before the order", "unknown order")
# a fault of these kinds is looked for before and after rows with the same key are
COPIED = "copied"


def day(number: int) -> str:
    return f"2026-05-{number:02} 10:00:00"


def sound_rows() -> dict[str, list[Row]]:
    """A store without faults: one row per order and table, and two steps per dispute."""
    tables: dict[str, list[Row]] = {name: [] for name in TABLES}
    for i in range(ORDERS):
        times = {"occurred_at": day(5 + i), "known_at": ""}
        order, placed = {"order_id": f"o-{i}"}, {"occurred_at": day(2), "known_at": ""}
        tables["orders"].append(
            {
                **order,
                "buyer_id": f"b-{i}",
                "store_id": "s",
                "country": "US",
                "lane": "",
                "currency": "USD",
                "total_usd": "20",
                "shipping_usd": "0",
                "total_source": "20",
                "count_installments": "1",
                **placed,
            }
        )
        line = {"product_id": f"p-{i}", "supplier_id": "u", "quantity": "1"}
        price = {"unit_price_usd": "20", "shipping_usd": "0"}
        tables["order_lines"].append({**order, "line_id": "1", **line, **price, **placed})
        product = {"product_id": f"p-{i}", "category": "c", "title": "t"}
        measures = {"weight_g": "1", "count_photos": "1"}
        tables["products"].append({**product, **measures, **placed})
        promise = {"kind": "delivery", "promised_at": day(30)}
        tables["promises"].append({"promise_id": f"pr-{i}", **order, **promise, **times})
        tables["order_events"].append({"event_id": f"e-{i}", **order, "event": "paid", **times})
        tables["shipments"].append({"shipment_id": f"s-{i}", **order, "carrier": "c", **times})
        scan = {"shipment_id": f"s-{i}", **order, "status": "Delivered", "sub_status": ""}
        tables["tracking"].append({"scan_id": f"t-{i}", **scan, **times})
        for step, later in (("opened", 0), ("refunded", 1)):
            words = {"cause": "other", "reason": "", "actor": "buyer", "liable": "seller"}
            key = {"step_id": f"{step}-{i}", "dispute_id": f"d-{i}", **order, "step": step}
            when = {"occurred_at": day(10 + i + later), "known_at": ""}
            tables["disputes"].append({**key, **words, "amount_usd": "1", **when})
        message = {**order, "sender": "buyer", "topic": ""}
        tables["messages"].append({"message_id": f"m-{i}", **message, **times})
        contact = {**order, "stage": "", "outcome": ""}
        tables["contacts"].append({"contact_id": f"c-{i}", **contact, **times})
        tables["reviews"].append({"review_id": f"r-{i}", **order, "score": "5", **times})
    return tables


def columns_for(table: str, kind: str) -> list[str]:
    """The columns of a table that a fault of this kind may be in."""
    columns = TABLES[table].columns
    if kind == "empty":
        return [c.name for c in columns if c.is_required and c.name != "known_at"]
    if kind == "unknown word":
        return [c.name for c in columns if c.choices]
    if kind == "a rounded id":
        return [c.name for c in columns if c.name.endswith("_id")]
    if kind in ("no number", "below the minimum"):
        # the amount of a dispute may have a minus
        numbers = [c.name for c in columns if "Float" in str(c.dtype)]
        refund = kind == "below the minimum" and table == "disputes"
        return [] if refund else numbers
    if kind == "no time":
        return [c.name for c in columns if "time" in str(c.dtype).lower()]
    has_order = table not in ("orders", "products")
    return ["occurred_at"] if has_order or kind not in MISPLACED else []


def spoiled(row: Row, kind: str, column: str) -> Row:
    changes = {
        "one cell too many": {"extra": "x"},
        "no time": {column: "soon"},
        "no number": {column: "many"},
        "not UTF-8": {column: "\udce9"},
        "a rounded id": {column: "5.02951E+15"},
        "empty": {column: ""},
        "known before it happened": {"known_at": "2026-01-01"},
        "below the minimum": {column: "-5"},
        "unknown word": {column: "robot"},
        "before the order": {"occurred_at": "2026-05-01"},
        "unknown order": {"order_id": "nowhere"},
    }
    return {**row, **changes[kind]}


def expected_rows(
    sound: dict[str, list[Row]], own: dict[str, set[int]], copies: dict[str, set[int]]
) -> dict[str, set[int]]:
    """By table, the positions of the rows that must be refused. `own`: rows with a fault; `copies`:
    rows that repeat the row above."""
    bad_orders = {sound["orders"][i]["order_id"] for i in own["orders"]}
    bad_products = {sound["products"][i]["product_id"] for i in own["products"]}
    refused = {}
    for table, rows in sound.items():
        refused[table] = {
            i
            for i, row in enumerate(rows)
            if i in own[table]
            or (table != "products" and row.get("order_id") in bad_orders)
            or (table == "order_lines" and row["product_id"] in bad_products)
        }
        # of two rows with the same key, the second is refused if the first is good
        refused[table] |= {i for i in copies[table] if i - 1 not in refused[table]}
    steps = sound["disputes"]
    opened = {
        row["dispute_id"]
        for i, row in enumerate(steps)
        if row["step"] == "opened" and i not in refused["disputes"]
    }
    refused["disputes"] |= {i for i, row in enumerate(steps) if row["dispute_id"] not in opened}
    return refused


KINDS = (*UNREADABLE, *BROKEN, *MISPLACED, COPIED)
spoils = st.lists(
    st.tuples(
        st.sampled_from(sorted(TABLES)),
        st.integers(0, 2 * ORDERS - 1),
        st.sampled_from(KINDS),
        st.integers(0, 20),
    ),
    max_size=25,
)


def make(spoils_: list[Spoil]) -> tuple[dict[str, list[Row]], dict[str, set[int]]]:
    """The rows to write, and the positions of those that must be refused."""
    sound = sound_rows()
    for table, position, kind, _ in sorted(spoils_, reverse=True):
        # a copy right below its row; rows below move down, so the last is copied first
        if kind == COPIED and table not in ("orders", "order_lines", "products"):
            rows = sound[table]
            index = position % len(rows)
            if rows.count(rows[index]) == 1:
                rows.insert(index + 1, dict(rows[index]))
    copies = {
        table: {i for i, row in enumerate(rows) if i and row == rows[i - 1]}
        for table, rows in sound.items()
    }
    written, own = copy.deepcopy(sound), {table: set[int]() for table in TABLES}
    for table, position, kind, choice in spoils_:
        columns = [] if kind == COPIED else columns_for(table, kind)
        position %= len(written[table])
        if columns and position not in own[table]:
            column = columns[choice % len(columns)]
            written[table][position] = spoiled(written[table][position], kind, column)
            own[table].add(position)
    return written, expected_rows(sound, own, copies)


def write(folder: Path, tables: dict[str, list[Row]]) -> None:
    (folder / "store.toml").write_text('zone = "UTC"\n', encoding="utf-8")
    for table, rows in tables.items():
        # a fault may fill an optional column that the other rows leave empty
        header = list(dict.fromkeys(name for row in rows for name in row if name != "extra"))
        cells = ([*(row.get(name, "") for name in header), *_extra(row)] for row in rows)
        lines = [",".join(header), *map(",".join, cells)]
        text = "\n".join(lines) + "\n"
        (folder / f"{table}.csv").write_bytes(text.encode(errors="surrogateescape"))


def _extra(row: Row) -> list[str]:
    return [row["extra"]] if "extra" in row else []


@given(spoils=spoils)
@settings(max_examples=40, deadline=None)
def test_exactly_the_right_rows_are_refused(spoils: list[Spoil]) -> None:
    tables, refused = make(spoils)
    with TemporaryDirectory() as name:
        write(Path(name), tables)
        data = enforce_contract(read_canonical(SourceContext(Path(name))))
        quarantine = {file.name: {*file.quarantine()["row"]} for file in data.files}
    for table, rows in tables.items():
        # the first row of a file has the names
        expected = {position + 2 for position in refused[table]}
        assert quarantine[f"{table}.csv"] == expected, table
        kept = {*data.frames[table][ROW]}
        assert kept == set(range(2, len(rows) + 2)) - expected, table


def test_a_good_row_is_kept_when_the_row_above_with_the_same_key_is_refused() -> None:
    tables, refused = make([("reviews", 1, COPIED, 0), ("reviews", 1, "unknown order", 0)])
    assert refused["reviews"] == {1}
    assert tables["reviews"][2]["review_id"] == tables["reviews"][1]["review_id"]
