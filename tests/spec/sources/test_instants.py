"""How times in files may be written. Each line is the text in a cell and the instant in UTC; times
without an offset are local to New York."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline.sources.instants import instant
from pipeline.sources.mapped.cells import moment
from pipeline.sources.mapped.mapping import Cell

ZONE = "America/New_York"


def parsed(texts: list[str]) -> list[str | None]:
    frame = pl.DataFrame({"at": texts})
    at = instant(pl.col("at"), ZONE, has_offsets=True)
    return frame.select(at.dt.strftime("%Y-%m-%d %H:%M:%S"))["at"].to_list()


READ = """
2026-05-02 10:00:00              | 2026-05-02 14:00:00
2026-05-02T10:00                 | 2026-05-02 14:00:00
2026-05-02                       | 2026-05-02 04:00:00
2026-05-02 10:00:00Z             | 2026-05-02 10:00:00
2026-05-02 10:00:00+08:00        | 2026-05-02 02:00:00
2026-05-02 10:00:00+0800         | 2026-05-02 02:00:00
2026-05-02 10:00:00+00           | 2026-05-02 10:00:00
2026-05-02 10:00:00.123456+00    | 2026-05-02 10:00:00
2026-05-02 10:00:00-05           | 2026-05-02 15:00:00
2026-05-02 10:00:00 +08          | 2026-05-02 02:00:00
2026-05-02T10:00+08              | 2026-05-02 02:00:00
2026-05-02 10:00:00+0530         | 2026-05-02 04:30:00
2026-05-02 10:00:00+5:30         | 2026-05-02 04:30:00
2026-05-02T10:00:00z             | 2026-05-02 10:00:00
2026-05-02 10:00:00 UTC          | 2026-05-02 10:00:00
2026-05-02 10:00 gmt             | 2026-05-02 10:00:00
2026-05-02 10:00:00 +0000 UTC    | 2026-05-02 10:00:00
2026-05-02 10:00:00 GMT+2        | 2026-05-02 08:00:00
2026-05-02 10:00 UTC-03:30       | 2026-05-02 13:30:00
2026/05/02 10:00 UTC             | 2026-05-02 10:00:00
2025/12/30 10:00                 | 2025-12-30 15:00:00
2025/12/30                       | 2025-12-30 05:00:00
2025/1/5 9:05                    | 2025-01-05 14:05:00
2025/12/30 10:00:00+08:00        | 2025-12-30 02:00:00
2025.12.30 10:00                 | 2025-12-30 15:00:00
46021                            | 2025-12-30 05:00:00
46021.4166666667                 | 2025-12-30 15:00:00
46021,4166666667                 | 2025-12-30 15:00:00
46021.9999999                    | 2025-12-31 05:00:00
"""
NOT_READ = """
30/12/2025 10:00
12/30/2025
2026-05-02 10:00:00+
2026-05-02 10:00:00+0
2026-05-02 10:00:00 EST
2026-05-02 10:00:00 GMT+30
2026-05-02 UTC
20/25/12 10:00
4602
460210
34699
99999
2026-13-02+00
tomorrow
"""


@pytest.mark.parametrize("line", READ.strip().splitlines())
def test_a_time_that_is_read(line: str) -> None:
    text, at = (part.strip() for part in line.split("|"))
    assert parsed([text]) == [at]
    # a mapping reads the same without a format
    cell = pl.DataFrame({"at": [text]}).select(moment(Cell(column=("at",)), ZONE))
    assert cell.to_series().dt.strftime("%Y-%m-%d %H:%M:%S").to_list() == [at]


@pytest.mark.parametrize("text", NOT_READ.strip().splitlines())
def test_a_text_that_is_no_time_or_has_two_meanings(text: str) -> None:
    assert parsed([text]) == [None]


def test_a_date_alone_ends_like_an_offset_but_has_none() -> None:
    assert parsed(["2026-05-02"]) == ["2026-05-02 04:00:00"]


@pytest.mark.parametrize("form", ["%d/%m/%Y %H:%M%z", "%d/%m/%Y %H:%M%:z"])
def test_an_offset_of_hours_alone_with_a_format(form: str) -> None:
    cell = Cell(column=("at",), format=(form,))
    texts = ["02/05/2026 10:00+00", "02/05/2026 10:00+0800", "02/05/2026 10:00+08:00"]
    at = pl.DataFrame({"at": texts}).select(moment(cell, ZONE)).to_series()
    assert at.dt.strftime("%d %H:%M").to_list() == ["02 10:00", "02 02:00", "02 02:00"]


def test_a_number_of_days_is_not_a_number_of_seconds() -> None:
    cell = Cell(column=("at",), format=("epoch",))
    at = pl.DataFrame({"at": ["46021"]}).select(moment(cell, ZONE)).to_series()
    assert at.to_list() == [None]
