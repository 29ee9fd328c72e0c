"""Read a Parquet file of unknown origin. Its footer may claim anything, and a few bytes can mean
any number of long texts, so it is read in small batches whose real size counts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PanicException

from pipeline.settings.errors import BadInput
from pipeline.settings.regular_files import require_regular
from pipeline.sources.reading.input_limits import UNPACKED, Meter, check_bytes, check_table

# a batch of texts of a megabyte each still fits into memory
ROWS_AT_ONCE = 1_024


def parquet_frame(path: Path) -> pl.DataFrame:
    """The columns that are not nested. Raises `BadInput` if the file is damaged or too large."""
    require_regular(path)
    try:
        return _read(path)
    except BadInput:
        raise
    # a damaged or hostile file can raise any error; polars panics on a name that is not UTF-8
    except (Exception, PanicException) as error:
        why = " ".join(str(error).split())[:200]
        raise BadInput(
            f"{path.name}: cannot be read as Parquet ({why}). Write it again, or as CSV."
        ) from None


def _read(path: Path) -> pl.DataFrame:
    # pyarrow raises an error for a damaged file that can be caught
    import pyarrow as pa
    import pyarrow.parquet as pq

    check_bytes(path.name, path.stat().st_size)
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        about = file.metadata
        check_table(path.name, about.num_rows, about.num_columns)
        groups = [about.row_group(i) for i in range(about.num_row_groups)]
        check_bytes(f"{path.name}, unpacked,", sum(g.total_byte_size for g in groups), UNPACKED)
        _check_names(path.name, file.schema_arrow.names)
        flat = [field for field in file.schema_arrow if not pa.types.is_nested(field.type)]
        names = [field.name for field in flat]
        # a zone that is not UTF-8 raises an error here, where it can be caught
        [field.type.tz for field in flat if pa.types.is_timestamp(field.type)]
        batches, count_bytes = [], 0
        meter = Meter(path.name)
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=names):
            dense = _dense(batch)
            count_bytes += dense.nbytes
            check_bytes(f"{path.name}, unpacked,", count_bytes, UNPACKED)
            meter.check_time()
            batches.append(dense)
        empty = _dense(pa.RecordBatch.from_pylist([], schema=pa.schema(flat)))
    frame = pl.from_arrow(pa.Table.from_batches(batches or [empty]))
    assert isinstance(frame, pl.DataFrame)
    return frame


def _check_names(name: str, columns: list[str]) -> None:
    if repeated := [column for column, count in Counter(columns).items() if count > 1]:
        raise BadInput(
            f"{name}: two columns are named {', '.join(sorted(repeated))[:200]}. "
            "Rename or remove one of them."
        )


def _dense(batch: Any) -> Any:
    """The batch with each text in full, where the file stores numbers of texts."""
    import pyarrow as pa

    columns = [
        column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
