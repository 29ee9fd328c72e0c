"""The files of the list: the same rows in every format, and hostile text is neutral in all."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from openpyxl import load_workbook
from rich.console import Console

from pipeline.history.past_lists import PastLists, past_lists, past_lists_text
from pipeline.night.contact_list import list_lines, say_summary, write_list, write_readme
from pipeline.output.contact_list_columns import (
    KEY_COLUMNS,
    MEANING,
    SOON,
    TODAY,
    explained,
    list_look,
)
from pipeline.output.safe_text import neutral
from pipeline.workspace import progress
from pipeline.workspace.progress import say
from tests.unit.nights import NIGHT, latest

HOSTILE = {
    "=cmd|' /C calc'!A0": "'=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|'x'!A0": "'@SUM(1+1)*cmd|'x'!A0",
    "+1+1": "'+1+1",
    "-2+3": "'-2+3",
    "<script>alert(1)</script>": "<script>alert(1)</script>",
    "evil\u202etxt.exe\u202c": "eviltxt.exe",
    "a\x00b\x1b[31mred\x9b2J": "ab[31mred2J",
    "x" * 10_000: "x" * 10_000,
    "../../etc/passwd": "../../etc/passwd",
    '"quoted", and\na line': '"quoted", and\na line',
    "http://evil.example/=1": "http://evil.example/=1",
}


def hostile_list(finished: Path) -> pl.DataFrame:
    """The night's list with hostile text in every column whose text comes from outside."""
    first = pl.read_parquet(latest(finished) / "contact_list.parquet").head(1)
    names = ("order_id", "buyer_id", "product_title", "draft_message", "first_words")
    rows = [first.with_columns(pl.lit(text).alias(name) for name in names) for text in HOSTILE]
    return pl.concat(rows).with_columns(
        rank=pl.int_range(1, len(HOSTILE) + 1).cast(first.schema["rank"])
    )


@pytest.mark.parametrize(
    "column", ["order_id", "buyer_id", "product_title", "draft_message", "first_words"]
)
def test_hostile_text_is_neutral_in_csv_and_workbook(
    finished: Path, tmp_path: Path, column: str
) -> None:
    write_list(tmp_path, hostile_list(finished), NIGHT)
    with (tmp_path / "contact_list.csv").open(encoding="utf-8", newline="") as file:
        read = [row[column] for row in csv.DictReader(file)]
    assert read == list(HOSTILE.values())
    # a second reader of the same file
    assert pl.read_csv(tmp_path / "contact_list.csv", infer_schema=False)[column].to_list() == read
    book = load_workbook(tmp_path / "contact_list.xlsx")
    sheet = book["contacts"]
    position = [cell.value for cell in sheet[1]].index(column)
    cells = [row[position] for row in sheet.iter_rows(min_row=2)]
    assert [cell.value for cell in cells] == list(HOSTILE.values())
    assert {cell.data_type for cell in cells} == {"s"}
    assert [cell.hyperlink for cell in cells] == [None] * len(cells)
    book.close()
    # programs get the text unchanged
    assert pl.read_parquet(tmp_path / "contact_list.parquet")[column].to_list() == list(HOSTILE)


def test_only_https_addresses_in_the_link_columns_are_links(finished: Path, tmp_path: Path) -> None:
    """What is in any other column, or is no address, stays text."""
    addresses = ["https://t.17track.net/en#nums=RX1", "=HYPERLINK(1)", "javascript:alert(1)", None]
    first = pl.read_parquet(latest(finished) / "contact_list.parquet").head(1)
    rows = pl.concat([first] * len(addresses)).with_columns(
        parcel_url=pl.Series(addresses), first_words=pl.Series(addresses)
    )
    write_list(tmp_path, rows, NIGHT)
    book = load_workbook(tmp_path / "contact_list.xlsx")
    sheet = book["contacts"]
    names = [cell.value for cell in sheet[1]]
    cells = {
        name: [row[names.index(name)] for row in sheet.iter_rows(min_row=2)]
        for name in ("parcel_url", "first_words")
    }
    links = [cell.hyperlink and cell.hyperlink.target for cell in cells["parcel_url"]]
    # the part after # is kept apart in the file
    assert links[0] in (addresses[0], addresses[0].split("#")[0])
    assert links[1:] == [None, None, None]
    assert [cell.hyperlink for cell in cells["first_words"]] == [None] * len(addresses)
    values = [addresses[0], "'=HYPERLINK(1)", "javascript:alert(1)", None]
    for column in cells.values():
        assert [cell.value for cell in column] == values
        assert {cell.data_type for cell in column[:3]} == {"s"}
    book.close()


def test_hostile_text_is_neutral_on_the_terminal(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(
        progress,
        "_console",
        Console(file=shown, force_terminal=True, soft_wrap=True, highlight=False),
    )
    lines = list_lines(hostile_list(finished), count=len(HOSTILE))
    for line in lines:
        say(line)
    output = shown.getvalue()
    assert not set(output) & set("\x00\x1b\x9b\u202e\u202c")
    assert all(len(line) < 400 and "\n" not in line for line in lines)
    assert "[31mred" in output
    assert "<script>" in output


def test_a_text_too_long_for_a_cell_is_cut(finished: Path, tmp_path: Path) -> None:
    listed = hostile_list(finished).head(1).with_columns(draft_message=pl.lit("y" * 100_000))
    write_list(tmp_path, listed, NIGHT)
    book = load_workbook(tmp_path / "contact_list.xlsx")
    sheet = book["contacts"]
    position = [cell.value for cell in sheet[1]].index("draft_message")
    assert sheet[2][position].value == "y" * 32_000 + "..."
    book.close()


def test_the_workbook_is_formatted(finished: Path) -> None:
    listed = pl.read_parquet(latest(finished) / "contact_list.parquet").drop(KEY_COLUMNS)
    book = load_workbook(latest(finished) / "contact_list.xlsx")
    sheet, columns = book["contacts"], book["columns"]
    head = {cell.value: position for position, cell in enumerate(sheet[1])}
    assert list(head) == listed.columns
    assert (sheet.freeze_panes, sheet.auto_filter.ref is not None) == ("A2", True)
    row = sheet[2]
    assert row[head["expected_value_usd"]].number_format == "#,##0.00"
    assert row[head["probability"]].number_format == "0.0%"
    assert row[head["contact_by"]].number_format == "yyyy-mm-dd"
    assert row[head["contact_by"]].value == datetime.combine(
        listed["contact_by"][0], datetime.min.time()
    )
    assert row[head["probability"]].value == pytest.approx(listed["probability"][0])
    assert [cell.value for cell in columns["A"]][1:] == listed.columns
    assert all(cell.value for cell in columns["B"])
    assert "answered" in sheet.data_validations.dataValidation[0].formula1
    book.close()


def test_every_column_is_explained(finished: Path) -> None:
    listed = pl.read_parquet(latest(finished) / "contact_list.parquet").drop(KEY_COLUMNS)
    assert set(listed.columns) <= set(MEANING)
    assert explained(listed)["what it says"].str.len_chars().min() > 5


def test_rows_are_coloured_by_how_soon_they_are_due() -> None:
    days = [date(2025, 7, 9), date(2025, 7, 10), date(2025, 7, 12), date(2025, 7, 13), None]
    assert list_look(pl.DataFrame({"contact_by": days}), NIGHT).fills == [
        TODAY,
        TODAY,
        SOON,
        None,
        None,
    ]


def test_csv_parquet_and_workbook_hold_the_same(finished: Path) -> None:
    run = latest(finished)
    listed, text = (
        pl.read_parquet(run / "contact_list.parquet"),
        pl.read_csv(run / "contact_list.csv"),
    )
    # the keys that translate the reasons are for programs, in the Parquet file alone
    assert [*text.columns, *KEY_COLUMNS] == [
        *(name for name in listed.columns if name not in KEY_COLUMNS),
        *KEY_COLUMNS,
    ]
    listed = listed.drop(KEY_COLUMNS)
    assert (
        text["order_id"].to_list()
        == listed.select(neutral(pl.col("order_id"))).to_series().to_list()
    )
    assert text["contact_by"].to_list() == [str(day) for day in listed["contact_by"]]
    assert (listed["as_of"] == NIGHT).all()
    assert listed["draft_message"].str.len_chars().min() > 40


LABELLED = pl.DataFrame(
    {
        "order_id": [str(n) for n in range(3000)],
        "label": [1] * 120 + [0] * 2880,
        # 90 orders, 24 of them disputed
        "is_listed": [True] * 24 + [False] * 96 + [True] * 66 + [False] * 2814,
    }
)
PAST = PastLists(date(2025, 5, 1), date(2025, 5, 9), 9, 90, 24, 3000, 120, 130.0, LABELLED)


def test_the_readme_explains_the_list_and_its_past_accuracy(finished: Path, tmp_path: Path) -> None:
    listed = pl.read_parquet(latest(finished) / "contact_list.parquet")
    text = (latest(finished) / "README.txt").read_text()
    assert f"Contact list of the night of {NIGHT}" in text
    assert "available when the outcomes of the first list are" in " ".join(text.split())
    assert "WARNING" not in text
    write_readme(tmp_path, listed, 235, NIGHT, PAST, ["facts are old"])
    text = " ".join((tmp_path / "README.txt").read_text().split())
    assert text.startswith("WARNING: facts are old")
    assert (
        "of 90 listed rows with a known outcome, on 9 nights (2025-05-01 to 2025-05-09), "
        "24 (26.7%) were disputed" in text
    )
    assert "4.0%; the lists reached 6.7 times that share" in text
    assert all(len(line) <= 120 for line in (tmp_path / "README.txt").read_text().splitlines())


def test_a_list_that_nothing_came_of_has_no_precision() -> None:
    assert "available when the outcomes" in past_lists_text(None)
    assert "available when the outcomes" in past_lists_text(
        PastLists(NIGHT, NIGHT, 1, 0, 0, 0, 0, 0.0)
    )


def test_the_summary_fits_on_a_screen(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    say_summary(latest(finished))
    lines = capsys.readouterr().out.splitlines()
    assert 5 <= len(lines) <= 30
    assert any("orders to act on" in line for line in lines)
    assert past_lists.__doc__
