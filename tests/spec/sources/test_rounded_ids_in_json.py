"""Ids in JSON files: no spreadsheet wrote them, but another program may have rounded them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from pipeline.sources.aliexpress.aliexpress_source import read_aliexpress
from pipeline.sources.canonical import read_canonical
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.reading.rounded_ids import ROUNDED, ROUNDED_IN_JSON, is_rounded_in_json
from pipeline.sources.source_context import SourceContext
from pipeline.sources.tracking.tracking_source import NO_ORDER, with_tracking
from tests.spec.sources.refused_cells import refused
from tests.unit.source_folders import sound_source
from tests.unit.sources import aliexpress_answers as answers
from tests.unit.sources.tracking_bodies import SEVENTEEN

ROUNDED_TEXTS = ["5.02951E+15", "5,02951E+15", "5.0295E15", "5E+15", "5e15", "1.23457E+11"]

# the ids of a column of JSON values, and whether each was rounded
ANSWERS = {
    "numbers printed with an exponent": (ROUNDED_TEXTS, [True] * 6),
    "exact ids that end in zeros": (
        ["5029500000010000", "5029500000020000", "5029500000130000", "8194715118000000"],
        [False] * 4,
    ),
    "above 2^53, where an even number may be exact": (
        ["90071992547409920", "90071992547409940", "90071992547410000", "90071992547420000"],
        [False] * 4,
    ),
    "zeros after the 17 digits that a floating-point number keeps": (
        ["8100000000000012300", "8100000000000045600"],
        [True] * 2,
    ),
    "one of these among exact ids": (["8100000000000012300", "8100000000000045617"], [False] * 2),
    "a whole number with a decimal point": (
        ["9007199254740995.0", "5029500000000017.0", "5029500000000017.00", "12.0"],
        [True, False, False, False],
    ),
    "the empty cell and short numbers": ([None, "1000000", "2000000", ""], [False] * 4),
}


@pytest.mark.parametrize(("texts", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_which_ids_in_json_were_rounded(texts: list[str | None], expected: list[bool]) -> None:
    assert is_rounded_in_json(pl.Series(texts, dtype=pl.String)).to_list() == expected


@pytest.mark.parametrize("id_", [answers.ORDER, answers.LINE, answers.PRODUCT, "LP00612345678901"])
def test_answers_of_the_platform_and_tracking_numbers_in_them(
    tmp_path: Path, id_: int | str
) -> None:
    text = json.dumps([answers.order_list(), answers.order_detail()])
    assert str(id_) in text
    raw = tmp_path / "raw"
    raw.mkdir()
    quoted = f'"{id_}"' if isinstance(id_, str) else str(id_)
    (raw / "orders-2024-11-05.json").write_text(
        text.replace(quoted, "8.19472E+15"), encoding="utf-8"
    )
    data = enforce_contract(read_aliexpress(SourceContext(raw)))
    assert ROUNDED_IN_JSON in {reason for _, reason in refused(data)}
    for frame in data.frames.values():
        for column in (name for name in frame.columns if name.endswith("_id")):
            assert not frame[column].cast(pl.String).str.contains("E+", literal=True).any()


LONG = (8194715118450000, 8194715118460000, 8194715118470000, 8194715118480000)


def loaded_orders(raw: Path, ids: tuple[int | str, ...]) -> tuple[set[str], set[tuple[str, str]]]:
    """The orders of a dump of these, and (column, reason) of what is refused."""
    raw.mkdir(exist_ok=True)
    text = json.dumps([answers.order_list(order_id=id_) for id_ in ids])
    (raw / "orders-2024-11-05.json").write_text(text, encoding="utf-8")
    data = enforce_contract(read_aliexpress(SourceContext(raw)))
    return set(data.frames["orders"]["order_id"]), refused(data)


@pytest.mark.parametrize("kind", [int, str])
def test_numbers_and_texts_of_a_dump_that_end_in_zeros_are_kept(tmp_path: Path, kind: type) -> None:
    """No spreadsheet writes JSON, and its numbers are exact."""
    orders, faults = loaded_orders(tmp_path / "raw", tuple(map(kind, LONG)))
    assert orders == {str(id_) for id_ in LONG}
    assert not faults


def test_numbers_that_a_program_without_long_integers_has_rounded(tmp_path: Path) -> None:
    orders, faults = loaded_orders(tmp_path / "raw", (8100000000000012300, 8100000000000045600))
    assert not orders
    assert ("order_id", ROUNDED_IN_JSON) in faults


def test_the_sheets_among_dumps_are_those_of_a_spreadsheet(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    sheet_ids = [8194715118451000 + 10 * number for number in range(4)]
    rows = "".join(
        f"{id_},WAIT_BUYER_ACCEPT_GOODS,2024-10-01 08:00,US $5.00\n" for id_ in sheet_ids
    )
    (raw / "sheet-2024-11-05.csv").write_text(
        f"Order No.,Order Status,Order Time,Order Amount\n{rows}", encoding="utf-8"
    )
    orders, faults = loaded_orders(raw, LONG)
    assert orders == {str(id_) for id_ in LONG}
    assert ("order_id", ROUNDED) in faults


def tracking_faults(tmp_path: Path, name: str, text: str) -> set[tuple[str, str]]:
    raw = sound_source("canonical").write(tmp_path / "raw")
    (raw / "tracking").mkdir()
    (raw / "tracking" / name).write_text(text, encoding="utf-8")
    context = SourceContext(raw)
    return refused(with_tracking(enforce_contract(read_canonical(context)), context))


def test_bodies_of_tracking_providers(tmp_path: Path) -> None:
    def body(number: str) -> str:
        return json.dumps(SEVENTEEN).replace('"h-1"', number)

    faults = tracking_faults(tmp_path, "a.json", body("4.20331E+21"))
    assert ("number", ROUNDED_IN_JSON) in faults
    shutil.rmtree(tmp_path / "raw")
    exact = "[" + ",".join(body(f'"4203310000{n}0000"') for n in (11, 12, 13, 14)) + "]"
    reasons = {reason for _, reason in tracking_faults(tmp_path, "a.json", exact)}
    assert reasons == {NO_ORDER}
