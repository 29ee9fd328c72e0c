"""What is read in bulk is what the careful way reads: CSV text, times, ids and the row contract."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.tables import TABLES
from pipeline.settings.errors import BadInput
from pipeline.sources import csv_text
from pipeline.sources.csv_text import text_table
from pipeline.sources.instants import _in_any_form, instant
from pipeline.sources.reading import regular_csv
from pipeline.sources.reading.rounded_ids import is_error, is_rounded, may_be_wrong
from pipeline.sources.row_contract import is_clean, schema

PIECES = ["a", "é", "7", ",", ",", '"', '""', '","', "\n", "\r\n", " ", ";", "\x00"]
CELLS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
# cells as a program writes them, with their quotes where these are needed
WRITTEN = st.sampled_from(["", "a", "é7", '"a,b"', '"a\nb"', '"say ""so"""', '""', '""""', " x"])
ROWS = st.lists(st.tuples(WRITTEN, WRITTEN, WRITTEN).map(",".join), max_size=6).map("\n".join)


@settings(max_examples=150, deadline=None)
@given(st.one_of(CELLS, ROWS), st.sampled_from([3, 8 << 20]))
def test_a_text_is_read_in_bulk_as_it_is_read_row_by_row(body: str, block: int) -> None:
    text = f"p,q,r\n{body}"
    with patch.object(csv_text, "_read_plain", lambda *_: None):
        try:
            careful = text_table("orders.csv", text)
        except BadInput:
            careful = None
    if careful is None:
        with pytest.raises(BadInput, match=r"orders\.csv"):
            text_table("orders.csv", text)
        return
    with patch.object(regular_csv, "BLOCK", block):
        table, faults = text_table("orders.csv", text)
    assert faults == careful[1]
    assert table.equals(careful[0])
    assert table.schema == careful[0].schema


def test_regular_quotes_are_not_read_row_by_row(tmp_path: Path) -> None:
    path = tmp_path / "scans.csv"
    path.write_text('id,city\n1,"Shenzhen, CN"\n2,"the ""north"" gate\nof it"\n')
    with patch.object(csv_text, "_read_rows", side_effect=AssertionError):
        table, faults = csv_text.read_text_table(path)
    assert table["city"].to_list() == ["Shenzhen, CN", 'the "north" gate\nof it']
    assert not faults


MOMENTS = st.builds(
    lambda seconds, layout: (datetime(1994, 12, 1) + timedelta(seconds=seconds)).strftime(layout),
    st.integers(0, 3_400_000_000),
    st.sampled_from(
        ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
    ),
)
NEAR = st.sampled_from(
    [
        "2024-03-10 02:30:00",
        "2024-11-03T01:30:00",
        "2024-02-30T10:00:00Z",
        "2024-01- 1T10:00:00Z",
        "2024-01-01T10:00:60Z",
        "2024-01-01T24:00:00Z",
        " 2024-01-01T10:00:00Z",
        "2024-01-01T10:00:00+0800",
        "45000.5",
        "1700000000",
        "soon",
        None,
    ]
)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.one_of(MOMENTS, NEAR), min_size=1, max_size=20),
    st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York"]),
    st.booleans(),
    st.booleans(),
)
def test_a_time_in_a_common_form_is_what_the_careful_way_reads(
    texts: list[str | None], zone: str, has_offsets: bool, has_epochs: bool
) -> None:
    frame = pl.DataFrame({"at": texts}, schema={"at": pl.String})
    asked = {"has_offsets": has_offsets, "has_epochs": has_epochs}
    quick = frame.select(instant(pl.col("at"), zone, **asked))
    careful = frame.select(_in_any_form(pl.col("at"), zone, **asked, has_serials=True).alias("at"))
    assert quick.schema == careful.schema
    assert quick.equals(careful)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.builds(
                "".join,
                st.tuples(
                    st.sampled_from(["", " ", "+", "-"]),
                    st.integers(0, 10**17).map(str),
                    st.sampled_from(["", "0", "000", ".5", ",0", ".00"]),
                    st.sampled_from(["", "E+15", "e9", "E15", "E+2 "]),
                ),
            ),
            st.sampled_from(["#N/A", " #REF!", "#######", "5.02951E+15", "o-1", "5e3f", None]),
        ),
        max_size=4,
    )
)
def test_the_quick_test_lets_no_wrong_id_pass(texts: list[str | None]) -> None:
    ids = pl.Series(texts, dtype=pl.String)
    if (is_rounded(ids) | is_error(ids)).any():
        assert may_be_wrong(ids)


AT = datetime(2026, 5, 3, tzinfo=UTC)
GOOD = {pl.String(): "x", pl.Float64(): 2.0, TABLES["orders"].schema["known_at"]: AT}


# the first use of pandera imports PySpark where it is installed, which warns about pandas
@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_frame_is_clean_if_pandera_accepts_it(data: st.DataObject) -> None:
    table = TABLES[data.draw(st.sampled_from(sorted(TABLES)))]
    rows = {
        column.name: [column.choices[0] if column.choices else GOOD[column.dtype]] * 2
        for column in table.columns
    }
    changed = data.draw(st.sampled_from(table.columns))
    value = {
        pl.Float64(): st.sampled_from([None, -1.0, 0.0, 0.5, float("nan"), float("inf")]),
        pl.String(): st.sampled_from([None, "", "x", *changed.choices]),
    }.get(changed.dtype, st.none())
    rows[changed.name] = [rows[changed.name][0], data.draw(value)]
    frame = pl.DataFrame(rows, schema=table.schema)
    import pandera.errors

    try:
        schema(table).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors:
        assert not is_clean(table, frame)
    else:
        assert is_clean(table, frame)
    assert not is_clean(table, frame.drop(changed.name))
