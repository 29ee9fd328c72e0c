"""Parquet files of unknown origin: no traceback, no end of the process, no value that changed."""

from __future__ import annotations

import random
import struct
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.settings.errors import BadInput
from pipeline.sources.reading import parquet_file
from pipeline.sources.reading.input_limits import InputLimits
from pipeline.sources.sheets import NO_TEXT, NUL, read_any_table

FOOTER = struct.pack("<I", 5_000) + b"PAR1"


def write(folder: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), folder / "orders.parquet")
    return folder / "orders.parquet"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        random.Random(1).randbytes(5_000),
        b"PAR1" + random.Random(1).randbytes(5_000) + FOOTER,
        b"PAR1" + b"x" * 100 + struct.pack("<I", 0x7FFFFFFF) + b"PAR1",
    ],
    ids=["empty", "random", "random with the marks", "a footer of 2 GB"],
)
def test_a_file_that_is_not_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "orders.parquet").write_bytes(content)
    with pytest.raises(BadInput, match=r"orders\.parquet"):
        read_any_table(tmp_path / "orders.parquet")


def test_changed_bytes_give_a_message_or_the_text_of_what_is_there(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        order_id=["1", "2"],
        at=pa.array([0, 1], pa.timestamp("us", "Asia/Shanghai")),
        kind=pa.array(["a", "b"]).dictionary_encode(),
        bytes=[b"a", b"b"],
    )
    whole, draw = path.read_bytes(), random.Random(31)
    refused = 0
    for _ in range(150):
        changed = bytearray(whole)
        changed[draw.randrange(len(whole))] = draw.randrange(256)
        path.write_bytes(changed)
        try:
            read_any_table(path)
        except BadInput:
            refused += 1
    assert refused > 50


def test_few_bytes_that_mean_much_text_end_with_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text of 10 kB that 40,000 rows share: 400 MB, in a file of some kilobytes."""
    monkeypatch.setattr(parquet_file, "UNPACKED", InputLimits(bytes=100_000_000))
    numbers = pa.array([0] * 40_000, pa.int32())
    path = write(tmp_path, title=pa.DictionaryArray.from_arrays(numbers, pa.array(["x" * 10_000])))
    assert path.stat().st_size < 20_000
    with pytest.raises(BadInput, match=r"orders\.parquet, unpacked,: is larger than 100 MB"):
        read_any_table(path)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["id", "id"])
    pq.write_table(table, path)
    with pytest.raises(BadInput, match="two columns are named id"):
        read_any_table(path)


@pytest.mark.parametrize(
    ("value", "text", "reason"),
    [
        (pa.array([b"\xff\x00"]), None, NO_TEXT),
        (pa.array([b"abc"]), "abc", ""),
        (pa.array(["a\x00b"]), "a\x00b", NUL),
        (pa.array([2**62], pa.timestamp("us")), None, NO_TEXT),
        (pa.array([-(2**62)], pa.timestamp("ms", "UTC")), None, NO_TEXT),
        (pa.array([2**30], pa.date32()), None, NO_TEXT),
        (pa.array([timedelta(days=1)]), "PT86400.0S", ""),
        (pa.array([2**64 - 1], pa.uint64()), "18446744073709551615", ""),
        (pa.array([5029510000001234]), "5029510000001234", ""),
        (pa.array([None], pa.null()), None, ""),
        (pa.array(["a"]).dictionary_encode(), "a", ""),
        (pa.array([True]), "true", ""),
    ],
)
def test_each_kind_of_value_is_its_text_or_a_fault(
    tmp_path: Path, value: pa.Array, text: str | None, reason: str
) -> None:
    table, faults = read_any_table(write(tmp_path, value=value))
    assert table["value"].to_list() == [text]
    assert faults == ([(2, "value", reason)] if reason else [])


def test_a_long_file_is_read_whole(tmp_path: Path) -> None:
    rows = 3 * parquet_file.ROWS_AT_ONCE + 1
    table, _ = read_any_table(
        write(tmp_path, id=list(range(rows)), items=[[1]] * rows, **{"a.b": ["x"] * rows})
    )
    assert table["id"].cast(pl.Int64).to_list() == list(range(rows))
    assert table.columns[1:] == ["id", "a.b"]


def test_a_file_without_rows_has_its_columns(tmp_path: Path) -> None:
    table, faults = read_any_table(write(tmp_path, id=pa.array([], pa.string())))
    assert (table.columns[1:], table.height, faults) == (["id"], 0, [])
