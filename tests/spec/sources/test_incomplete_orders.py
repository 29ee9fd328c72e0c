"""An order whose total is the sum of its lines is refused if one of them is in quarantine, because
the sum of the others is too low."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.sources.aliexpress.aliexpress_source import read_aliexpress
from pipeline.sources.checked_file import INCOMPLETE
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.olist.olist_source import read_olist
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import Checked, StoreData
from tests.spec.sources.drawn_files import load
from tests.unit.source_folders import sound_source
from tests.unit.sources import aliexpress_answers as answers
from tests.unit.sources.aliexpress_dumps import TAKEN, write

BRL = {"BRL": 0.31}

LINES = """
[[fact]]
table = "order_lines"
file = "FILE.csv"
[fact.columns]
order_id = "Order"
product_id = "SKU"
quantity = "Qty"
unit_price = "Price"
"""
ORDERS = """
[[fact]]
table = "orders"
file = "orders.csv"
per = "Order"
[fact.columns]
order_id = "Order"
occurred_at = "Placed"
"""
ONE_FILE = ORDERS + LINES.replace("FILE", "orders")
TWO_FILES = ORDERS.replace('per = "Order"\n', "") + LINES.replace("FILE", "items")
ROWS = """
Order | Placed     | SKU | Qty | Price
1     | 2026-05-01 | A   | 1   | 10
1     | 2026-05-01 | B   | 2   | 20
1     | 2026-05-01 | C   | 1   | 5
2     | 2026-05-01 | A   | 1   | 10
"""
PLACED = """
Order | Placed
1     | 2026-05-01
2     | 2026-05-01
"""
ITEMS = """
Order | SKU | Qty | Price
1     | A   | 1   | 10
1     | B   | 2   | 20
1     | C   | 1   | 5
2     | A   | 1   | 10
"""
# what happens to the cells `B | 2 | 20` of the second line
SPOILED = {
    "a line without a price": "B   | 2   |   ",
    "a line of no pieces": "B   | 0   | 20",
    "a negative price": "B   | 2   | -2",
    "a line without a product": "    | 2   | 20",
    "a price that is no number": "B   | 2   | 1.2.3",
    "a rounded product": "5.02951E+15 | 2 | 20",
}


def totals(data: StoreData) -> dict[str, float]:
    return dict(data.frames["orders"].select("order_id", "total_usd").rows())


def reasons(data: StoreData) -> set[str]:
    return {reason for file in data.files for reason in file.quarantine()["reason"]}


def test_the_total_of_sound_lines(tmp_path: Path) -> None:
    for mapping, files in (
        (ONE_FILE, {"orders": ROWS}),
        (TWO_FILES, {"orders": PLACED, "items": ITEMS}),
    ):
        assert totals(load(tmp_path, mapping, **files)) == {"1": 55.0, "2": 10.0}


@pytest.mark.parametrize("cells", SPOILED.values(), ids=SPOILED)
@pytest.mark.parametrize("is_one_file", [True, False], ids=["one file", "two files"])
def test_an_order_with_a_refused_line(tmp_path: Path, cells: str, is_one_file: bool) -> None:
    right = "B   | 2   | 20"
    assert right in ROWS
    assert right in ITEMS
    data = (
        load(tmp_path, ONE_FILE, orders=ROWS.replace(right, cells))
        if is_one_file
        else load(tmp_path, TWO_FILES, orders=PLACED, items=ITEMS.replace(right, cells))
    )
    assert totals(data) == {"2": 10.0}
    assert set(data.frames["order_lines"]["order_id"]) == {"2"}
    assert INCOMPLETE in reasons(data)
    # the fault is that of one row: the others only follow from it
    assert sum(round(file.fault_share * file.count_rows) for file in data.files) == 1


def test_a_cut_row_of_the_lines(tmp_path: Path) -> None:
    cut = ITEMS.replace("1     | B   | 2   | 20", "1     | B")
    assert totals(load(tmp_path, TWO_FILES, orders=PLACED, items=cut)) == {"2": 10.0}


def test_a_line_without_its_order_may_belong_to_the_orders_around_it(tmp_path: Path) -> None:
    three = PLACED + "3     | 2026-05-01\n"
    items = ITEMS + "3 | A | 1 | 10\n"
    lost = items.replace("1     | C ", "      | C ")
    assert totals(load(tmp_path, TWO_FILES, orders=three, items=lost)) == {"3": 10.0}


OWN_TOTALS = ORDERS + 'total = "Sum"\n'
ROWS_WITH_TOTAL = """
Order | Placed     | Sum | SKU | Qty | Price
1     | 2026-05-01 | 55  | A   | 1   | 10
1     | 2026-05-01 | 55  | B   | 2   | 20
1     | 2026-05-01 | 55  | C   | 1   | 5
2     | 2026-05-01 | 11  | A   | 1   | 10
"""
PLACED_WITH_TOTAL = """
Order | Placed     | Sum
1     | 2026-05-01 | 55
2     | 2026-05-01 | 11
"""


@pytest.mark.parametrize("cells", [*SPOILED.values(), "B"], ids=[*SPOILED, "a cut row"])
@pytest.mark.parametrize("is_one_file", [True, False], ids=["one file", "two files"])
def test_an_order_with_a_total_of_its_own_keeps_it(
    tmp_path: Path, cells: str, is_one_file: bool
) -> None:
    """The sound lines add up to less than its total, which is no fault then; order 2 has one."""
    right = "B   | 2   | 20"
    if is_one_file:
        mapping, rows = OWN_TOTALS + LINES.replace("FILE", "orders"), ROWS_WITH_TOTAL
        data = load(tmp_path, mapping, orders=rows.replace(right, cells))
    else:
        mapping = OWN_TOTALS.replace('per = "Order"\n', "") + LINES.replace("FILE", "items")
        items = ITEMS.replace(right, cells)
        data = load(tmp_path, mapping, orders=PLACED_WITH_TOTAL, items=items)
    assert totals(data) == {"1": 55.0}
    assert INCOMPLETE not in reasons(data)
    assert {(file.name, row) for file, row in too_high(data)} == {
        ("orders.csv", 5 - 2 * (not is_one_file))
    }


def too_high(data: StoreData) -> list[tuple[Checked, int]]:
    """The rows refused because their total is above their lines."""
    return [
        (file, row["row"])
        for file in data.files
        for row in file.quarantine().to_dicts()
        if "more than its lines" in row["reason"]
    ]


def without(line: dict[str, Any]) -> None:
    del line["product_unit_price"], line["total_product_amount"]


def no_number(line: dict[str, Any]) -> None:
    line["product_unit_price"]["amount"] = "x"


def no_pieces(line: dict[str, Any]) -> None:
    line["product_count"] = 0


def no_product(line: dict[str, Any]) -> None:
    del line["product_id"]


def no_line(line: dict[str, Any]) -> None:
    del line["child_id"]


def no_ids(line: dict[str, Any]) -> None:
    del line["child_id"], line["product_id"]


def nothing_known(line: dict[str, Any]) -> None:
    line.clear()
    line["x"] = 1


def dump(change: Callable[[dict[str, Any]], None], *, has_total: bool) -> dict[str, Any]:
    """An order of two lines, one of them changed."""
    answer = answers.order_list()
    (order,) = answer[WRAPPER]["result"]["target_list"]["order_dto"]
    lines = order["product_list"]["order_product_dto"]
    lines.append({**copy.deepcopy(lines[0]), "child_id": answers.LINE + 10_000})
    change(lines[1])
    if not has_total:
        del order["pay_amount"]
    return answer


WRAPPER = "aliexpress_solution_order_get_response"


@pytest.mark.parametrize(
    "change",
    [without, no_number, no_pieces, no_product, no_line, no_ids, nothing_known],
    ids=lambda c: c.__name__,
)
def test_dumps(tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    raw = write(tmp_path / "raw", TAKEN, orders=dump(change, has_total=False))
    data = enforce_contract(read_aliexpress(SourceContext(raw)))
    assert totals(data) == {}
    assert INCOMPLETE in reasons(data)
    own = write(tmp_path / "own", TAKEN, orders=dump(change, has_total=True))
    data = enforce_contract(read_aliexpress(SourceContext(own)))
    assert totals(data) == {str(answers.ORDER): 58.01}
    # a later dump has the line without the fault
    write(raw, "2024-11-06T0200", orders=dump(lambda _: None, has_total=False))
    data = enforce_contract(read_aliexpress(SourceContext(raw)))
    assert totals(data) == {str(answers.ORDER): 122.02}


def test_olist_files(tmp_path: Path) -> None:
    source = sound_source("olist")
    first = source.files["olist_order_items_dataset.csv"][0]
    source.files["olist_order_items_dataset.csv"].append({**first, "order_item_id": "9"})
    right = enforce_contract(read_olist(SourceContext(source.write(tmp_path / "raw"), BRL)))
    assert first["order_id"] in totals(right)
    source.files["olist_order_items_dataset.csv"][-1]["price"] = "x"
    data = enforce_contract(read_olist(SourceContext(source.write(tmp_path / "spoiled"), BRL)))
    assert first["order_id"] not in totals(data)
    assert INCOMPLETE in reasons(data)
    # the same line twice is one line
    source.files["olist_order_items_dataset.csv"][-1] = first
    data = enforce_contract(read_olist(SourceContext(source.write(tmp_path / "twice"), BRL)))
    assert first["order_id"] in totals(data)
